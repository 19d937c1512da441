/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "service/care.h"
#include "service/json.h"
#include "service/manager.h"
#include "service/publish.h"

#define MAX_ROOTS 64
#define MAX_SERVERS 16

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text(const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? NULL : s;
}

char *care_space_trouble(struct manager *m) {
        struct statvfs fs;
        uint64_t free_bytes;

        if (store_is_full(m->store))
                return text("The disk is full: what happens can not be written down in %s, and "
                            "nothing is sent",
                            m->options.state);
        if (statvfs(m->options.state, &fs) < 0)
                return NULL; /* the store will say what is wrong */
        free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
        if (free_bytes >= CARE_SPACE_BYTES)
                return NULL;
        return text("The disk is nearly full: %ju KiB are left for %s; nothing is sent once it is "
                    "full",
                    (uintmax_t)(free_bytes >> 10), m->options.state);
}

char *care_ledger_trouble(const struct manager *m) {
        return m->care.broken ? text("The ledger does not verify: row %jd is the first that does "
                                     "not fit (evidencectl log --verify)",
                                     (intmax_t)m->care.broken)
                              : NULL;
}

char *care_backup_trouble(const struct manager *m) {
        return m->care.backup < 0 ? text("The nightly copy of the database failed: %s",
                                         strerror(-m->care.backup))
                                  : NULL;
}

char *care_zone_trouble(const struct manager *m) {
        return m->care.zone_changed
                       ? text("The rules of the time zone changed (%s): the service counts by the "
                              "old ones until it is restarted",
                              m->care.zone_path)
                       : NULL;
}

static void add(json_t *reasons, char *owned) {
        _cleanup_free_ char *s = owned;

        if (s)
                json_array_append_new(reasons, json_text(s));
}

static void add_roots(struct manager *m, json_t *reasons) {
        struct evidence_root roots[MAX_ROOTS];
        size_t n = evidence_roots(m->evidence, roots, ELEMENTSOF(roots));

        for (size_t i = 0; i < n; i++) {
                const struct evidence_root *r = &roots[i];

                if (strcmp(r->state, "ok") != 0 && strcmp(r->state, "scanning") != 0)
                        add(reasons, text("evidence root %s is %s%s%s", r->path, r->state,
                                          r->text ? ": " : "", r->text ? r->text : ""));
                if (r->limit)
                        add(reasons, strdup(r->limit));
                if (r->n_unreadable > 0)
                        add(reasons, text("%zu folders can not be read, among them %s",
                                          r->n_unreadable, r->unreadable));
        }
}

static void add_mail(struct manager *m, json_t *reasons) {
        struct outbox_server servers[MAX_SERVERS];
        size_t n = outbox_servers(m->outbox, servers, ELEMENTSOF(servers));
        struct manager_counts counts;

        for (size_t i = 0; i < n; i++)
                if (strcmp(servers[i].state, "down") == 0)
                        add(reasons, text("mail server %s: %s", servers[i].url,
                                          servers[i].text ? servers[i].text : "down"));
        manager_count(m, &counts);
        if (counts.outbox.by_state[OUTBOX_PARKED] > 0)
                add(reasons, text("%ju mails could not be delivered (evidencectl queue)",
                                  (uintmax_t)counts.outbox.by_state[OUTBOX_PARKED]));
}

void care_reasons(struct manager *m, json_t *reasons) {
        add_roots(m, reasons);
        add_mail(m, reasons);
        if (evidence_held(m->evidence) > 0)
                add(reasons, text("%zu instances would reopen at once (evidencectl confirm)",
                                  evidence_held(m->evidence)));
        if (publish_error(m))
                add(reasons, strdup(publish_error(m)));
        add(reasons, care_space_trouble(m));
        add(reasons, care_ledger_trouble(m));
        add(reasons, care_backup_trouble(m));
        add(reasons, care_zone_trouble(m));
        if (m->care.heartbeat.trouble)
                add(reasons,
                    text("The heartbeat could not be sent: %s", m->care.heartbeat.trouble));
}
