/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/care.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/zone.h"
#include "service/events.h"
#include "service/manager.h"

static void on_alarm(void *userdata, const char *text) {
        struct manager *m = userdata;

        log_event(LOG_WARNING, EVENT_TROUBLE, NULL, "%s", text);
        tell_trouble(&m->tell, text);
}

static void report(struct manager *m, const char *cause, const char *text, usec_t since,
                   usec_t patience) {
        if (alarms_report(&m->alarms, cause, text, since, patience) < 0)
                log_oom();
}

static void report_state(struct manager *m, const struct evidence_root *root) {
        _cleanup_free_ char *cause = NULL, *text = NULL;
        char since[INSTANT_BUFFER];

        if (strcmp(root->state, "ok") != 0 && asprintf(&cause, "root %s", root->path) >= 0 &&
            asprintf(&text, "Evidence root %s: %s since %s%s%s", root->path, root->state,
                     zone_format(root->since, since), root->text ? ": " : "",
                     root->text ? root->text : "") >= 0)
                report(m, cause, text, root->since, CARE_ROOT_PATIENCE_USEC);
}

static void report_parts(struct manager *m, const struct evidence_root *root) {
        _cleanup_free_ char *limit = NULL, *folders = NULL, *text = NULL;

        if (root->limit && asprintf(&limit, "limit %s", root->path) >= 0)
                report(m, limit, root->limit, root->limit_since, 0);
        if (root->n_unreadable > 0 && asprintf(&folders, "folders %s", root->path) >= 0 &&
            asprintf(&text, "%zu folder%s can not be read, among them %s", root->n_unreadable,
                     root->n_unreadable > 1 ? "s" : "", root->unreadable) >= 0)
                report(m, folders, text, root->unreadable_since, CARE_ROOT_PATIENCE_USEC);
}

static void report_roots(struct manager *m) {
        struct evidence_root roots[64];
        size_t n = evidence_roots(m->evidence, roots, ELEMENTSOF(roots));

        for (size_t i = 0; i < n; i++) {
                report_state(m, &roots[i]);
                report_parts(m, &roots[i]);
        }
}

static void report_mail(struct manager *m) {
        usec_t since = outbox_failing_since(m->outbox);
        _cleanup_free_ char *text = NULL;
        char from[INSTANT_BUFFER];

        if (since == 0)
                return;
        if (asprintf(&text, "No mail could be sent since %s (evidencectl status)",
                     zone_format(since, from)) < 0 ||
            alarms_report(&m->alarms, "mail", text, since, CARE_MAIL_PATIENCE_USEC) < 0)
                log_oom();
}

static int begin_night(struct manager *m, usec_t now, date_t today) {
        uint64_t n = 0;
        int r = store_begin(m->store);

        if (r == 0)
                r = store_outbox_forget(m->store, now - CARE_KEEP_MAIL_USEC, &n);
        if (r == 0)
                r = store_set_i64(m->store, "backup_day", today);
        if (r == 0)
                r = store_commit(m->store);
        if (r < 0)
                store_rollback(m->store);
        return r;
}

static usec_t look_after_backup(struct manager *m, usec_t now) {
        date_t today = zone_civil(now).date;
        int64_t last = 0;
        int r;

        if (now < zone_instant(today, CARE_BACKUP_SECOND))
                return zone_instant(today, CARE_BACKUP_SECOND);
        if (store_get_i64(m->store, "backup_day", &last) == 0 && last >= today)
                return zone_instant(today + 1, CARE_BACKUP_SECOND);
        r = begin_night(m, now, today);
        if (r == 0)
                r = store_backup(m->store, today);
        if (r < 0)
                log_event(LOG_ERR, EVENT_BACKUP_FAILED, NULL,
                          "Failed to copy the database: %s (%s); the next try is tomorrow",
                          strerror(-r), store_error(m->store));
        return zone_instant(today + 1, CARE_BACKUP_SECOND);
}

usec_t care_look(struct manager *m) {
        usec_t now = manager_now(m), backup = look_after_backup(m, now), alarm;

        alarms_begin(&m->alarms);
        report_roots(m);
        report_mail(m);
        alarm = alarms_end(&m->alarms, now, on_alarm, m);
        return alarm < backup ? alarm : backup;
}
