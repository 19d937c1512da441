/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/care.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/zone.h"
#include "service/clock-watch.h"
#include "service/events.h"
#include "service/manager.h"
#include "service/trouble.h"

#define LEDGER_VALUE "ledger_broken" /* first row that does not fit; 0: none */
#define ZONE_FILE_MAX (1 << 20)      /* bytes; the largest there is has some thousand */

/* On a full disk it can not be told. */
static int on_alarm(void *userdata, const char *text) {
        struct manager *m = userdata;
        json_t *j = json_loads(text, 0, NULL);
        struct trouble trouble;
        int r = trouble_from_json(j, &trouble);

        if (r == 0)
                r = tell_trouble(&m->tell, &trouble);
        json_decref(j);
        return r;
}

static void report(struct manager *m, const char *cause, const struct trouble *trouble,
                   usec_t since, usec_t patience) {
        _cleanup_free_ char *text = trouble_dump(trouble);

        if (!text || alarms_report(&m->care.alarms, cause, text, since, patience) < 0)
                log_oom();
}

/* A cause that there is one of for each root. */
static void report_at(struct manager *m, const char *what, const struct evidence_root *root,
                      const struct trouble *trouble, usec_t since, usec_t patience) {
        _cleanup_free_ char *cause = NULL;

        if (asprintf(&cause, "%s %s", what, root->path) < 0)
                log_oom();
        else
                report(m, cause, trouble, since, patience);
}

/* @text: "/srv/evidence/1.2: Permission denied" */
static void report_unreadable(struct manager *m, const struct evidence_root *root,
                              enum trouble_kind kind, size_t n, const char *text, usec_t since) {
        const char *colon = strrchr(text, ':');
        size_t len = colon ? (size_t)(colon - text) : strlen(text);
        _cleanup_free_ char *path = strndup(text, len);

        if (!path) {
                log_oom();
                return;
        }
        report_at(m, trouble_kind_to_string(kind), root,
                  &(struct trouble){.kind = kind,
                                    .n = n,
                                    .path = path,
                                    .detail = colon ? colon + strspn(colon, ": ") : NULL},
                  since, CARE_ROOT_PATIENCE_USEC);
}

static void report_root(struct manager *m, const struct evidence_root *root) {
        bool hung = strcmp(root->state, "hung") == 0; /* its text says once more since when */

        if (strcmp(root->state, "ok") != 0)
                report_at(m, "root", root,
                          &(struct trouble){.kind = TROUBLE_ROOT,
                                            .path = root->path,
                                            .state = root->state,
                                            .since = root->since,
                                            .detail = hung ? NULL : root->text},
                          root->since, CARE_ROOT_PATIENCE_USEC);
        if (root->limit)
                report_at(m, "limit", root,
                          &(struct trouble){
                                  .kind = TROUBLE_LIMIT, .path = root->path, .detail = root->limit},
                          root->limit_since, 0);
        if (root->n_unreadable > 0)
                report_unreadable(m, root, TROUBLE_FOLDERS, root->n_unreadable, root->unreadable,
                                  root->unreadable_since);
        if (root->n_unreadable_files > 0)
                report_unreadable(m, root, TROUBLE_FILES, root->n_unreadable_files,
                                  root->unreadable_file, root->unreadable_file_since);
}

static void report_roots(struct manager *m) {
        struct evidence_root roots[64];
        size_t n = evidence_roots(m->evidence, roots, ELEMENTSOF(roots));

        for (size_t i = 0; i < n; i++)
                report_root(m, &roots[i]);
}

static void report_mail(struct manager *m) {
        usec_t since = outbox_failing_since(m->outbox);

        if (since != 0)
                report(m, "mail", &(struct trouble){.kind = TROUBLE_MAIL, .since = since}, since,
                       CARE_MAIL_PATIENCE_USEC);
}

static void report_own(struct manager *m, usec_t now) {
        static const struct {
                const char *cause;
                bool (*look)(struct manager *m, struct trouble *ret);
        } troubles[] = {
                {"space", care_space_trouble},
                {"ledger", care_ledger_trouble},
                {"backup", care_backup_trouble},
                {"time zone", care_zone_trouble},
        };
        struct trouble trouble;

        for (size_t i = 0; i < ELEMENTSOF(troubles); i++)
                if (troubles[i].look(m, &trouble))
                        report(m, troubles[i].cause, &trouble, now, 0);
}

/* ---- the night's work ---- */

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

/* Return: 0 or -errno. */
static int read_zone(const struct care *care, uint8_t ret[SHA256_SIZE]) {
        _cleanup_free_ char *data = NULL;
        size_t size;
        int r = read_file(care->zone_path, ZONE_FILE_MAX, &data, &size);

        return r < 0 ? r : sha256_of(data, size, ret);
}

/* A new package brings new files; only what stands in ours counts. One that is being replaced is looked at again tomorrow. */
static void look_at_zone(struct manager *m) {
        struct care *care = &m->care;
        uint8_t found[SHA256_SIZE];
        bool changed;

        if (!care->zone_known || read_zone(care, found) < 0)
                return;
        changed = memcmp(found, care->zone, SHA256_SIZE) != 0;
        if (changed && !care->zone_changed)
                log_event(LOG_WARNING, EVENT_ZONE_RULES, NULL,
                          "The rules of the time zone changed (%s); that needs a restart, until "
                          "then the old ones count",
                          care->zone_path);
        care->zone_changed = changed;
}

static usec_t look_after_night(struct manager *m, usec_t now) {
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
        m->care.backup = r;
        if (r < 0)
                log_event(LOG_ERR, EVENT_BACKUP_FAILED, NULL,
                          "Failed to copy the database: %s (%s); the next try is tomorrow",
                          strerror(-r), store_error(m->store));
        m->care.check = (struct ledger_check){};
        m->care.checking = true;
        look_at_zone(m);
        return zone_instant(today + 1, CARE_BACKUP_SECOND);
}

/* Kept, since a restart must not make it sound again. */
static void remember_ledger(struct manager *m, int64_t broken) {
        int r;

        if (broken == m->care.broken)
                return;
        m->care.broken = broken;
        r = store_begin(m->store);
        if (r == 0)
                r = store_set_i64(m->store, LEDGER_VALUE, broken);
        if (r == 0)
                r = store_commit(m->store);
        if (r < 0) {
                store_rollback(m->store);
                log_error_errno(r, "Failed to keep what the ledger's check found: %m");
        }
}

/* Return: is there more to check? */
static bool check_ledger(struct manager *m) {
        struct care *care = &m->care;
        int r;

        if (!care->checking)
                return false;
        /* A single pass ends before there is a next part. */
        r = store_ledger_check(m->store, &care->check,
                               m->options.once ? SIZE_MAX : CARE_CHECK_ROWS);
        if (r > 0)
                return true;
        care->checking = false;
        if (r == -EUCLEAN)
                log_event(LOG_ERR, EVENT_LEDGER_BROKEN, NULL,
                          "The ledger does not verify: row %jd is the first that does not fit",
                          (intmax_t)care->check.seq);
        else if (r < 0)
                log_error_errno(r, "Failed to check the ledger (%s): %m; the next try is tomorrow",
                                store_error(m->store));
        if (r == 0 || r == -EUCLEAN)
                remember_ledger(m, r == 0 ? 0 : care->check.seq);
        return false;
}

/* ---- the sign of life ---- */

struct waiting {
        const struct outbox *outbox;
        usec_t now, last_open;
        size_t n;
};

/* The last moment at which the window was open: what waits for it to open again is no older for that. */
static usec_t last_open(struct manager *m, usec_t now) {
        const struct calendar *cal = m->model->calendar;
        int end = calendar_settings(cal)->window_end;
        date_t day = calendar_workday_on_or_before(cal, zone_civil(now).date);

        if (send_instant_in_window(cal, now) == now)
                return now;
        if (day != DATE_NONE && zone_instant(day, end) > now)
                day = calendar_workday_on_or_before(cal, day - 1);
        return day == DATE_NONE ? 0 : zone_instant(day, end);
}

static int on_waiting(void *userdata, const struct outbox_entry *entry) {
        struct waiting *w = userdata;
        bool waits = entry->state == OUTBOX_QUEUED || entry->state == OUTBOX_HANDED ||
                     entry->state == OUTBOX_DOUBT;
        bool may_leave = outbox_leaves_at(w->outbox, entry) == entry->next_try;
        usec_t since = usec_add(entry->message.created, CARE_WAITING_USEC);

        if (waits && entry->next_try != USEC_INFINITY && /* a person holds it */
            since < (may_leave ? w->now : w->last_open))
                w->n++;
        return 0;
}

static bool is_healthy(struct manager *m, usec_t now) {
        _cleanup_(json_decrefp) json_t *reasons = json_array();
        struct waiting waiting = {.outbox = m->outbox, .now = now, .last_open = last_open(m, now)};

        /* Its own failing is no reason not to try it again. */
        if (!reasons || manager_is_held(m))
                return false;
        care_reasons(m, reasons);
        return json_array_size(reasons) <= (m->care.heartbeat.trouble ? 1 : 0) &&
               store_outbox_list(m->store, &(struct outbox_filter){}, on_waiting, &waiting) == 0 &&
               waiting.n == 0;
}

static usec_t look_after_heartbeat(struct manager *m, usec_t now) {
        struct heartbeat *hb = &m->care.heartbeat;
        usec_t next;

        if (!heartbeat_wanted(hb, m, now, &next))
                return next;
        if (is_healthy(m, now)) {
                heartbeat_start(hb, m);
                return USEC_INFINITY;
        }
        log_notice("No heartbeat: not all is well (evidencectl status); looking again in an hour");
        heartbeat_put_off(hb, now);
        return hb->next_try;
}

/* ---- the clock ---- */

static void on_step(void *userdata, usec_t from, usec_t to) {
        struct manager *m = userdata;
        usec_t jump = to > from ? to - from : from - to;
        char before[INSTANT_BUFFER], after[INSTANT_BUFFER];

        manager_turn(m); /* after a suspend, too: it arms every timer anew */
        if (jump == 0)
                return;
        zone_format(from + m->clock.offset, before);
        zone_format(to + m->clock.offset, after);
        log_event(LOG_NOTICE, EVENT_CLOCK_STEPPED, NULL,
                  "The clock was set from %s to %s, planning anew", before, after);
        if (jump > CARE_STEP_USEC)
                tell_trouble(&m->tell, &(struct trouble){.kind = TROUBLE_CLOCK,
                                                         .since = from + m->clock.offset,
                                                         .until = to + m->clock.offset});
}

/* ---- public ---- */

int care_init(struct manager *m) {
        const char *folder = getenv("TZDIR");
        struct care *care = &m->care;
        int r = clock_watch_new(m->event, NULL, on_step, m, &care->clock);

        if (r < 0)
                return log_error_errno(r, "Failed to watch the clock: %m");
        if (asprintf(&care->zone_path, "%s/%s", folder && *folder ? folder : "/usr/share/zoneinfo",
                     m->model->organization.time_zone) < 0) {
                care->zone_path = NULL;
                return log_oom();
        }
        care->zone_known = read_zone(care, care->zone) == 0;
        return 0;
}

void care_done(struct manager *m) {
        struct care *care = &m->care;

        care->clock = clock_watch_free(care->clock);
        heartbeat_done(&care->heartbeat);
        alarms_done(&care->alarms);
        free(care->zone_path);
        care->zone_path = NULL;
}

static usec_t earlier(usec_t a, usec_t b) { return a < b ? a : b; }

usec_t care_look(struct manager *m) {
        usec_t now = manager_now(m), next;

        if (!m->care.begun)
                (void)store_get_i64(m->store, LEDGER_VALUE, &m->care.broken); /* none: it is 0 */
        m->care.begun = true;
        next = look_after_night(m, now);
        if (check_ledger(m))
                next = now;
        alarms_begin(&m->care.alarms);
        report_roots(m);
        report_mail(m);
        report_own(m, now);
        next = earlier(next, alarms_end(&m->care.alarms, now, on_alarm, m));
        return earlier(next, look_after_heartbeat(m, now));
}
