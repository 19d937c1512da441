/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/text.h"
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

bool care_space_trouble(struct manager *m, struct trouble *ret) {
        struct statvfs fs;
        uint64_t free_bytes;

        *ret = (struct trouble){.kind = TROUBLE_FULL, .path = m->options.state};
        if (store_is_full(m->store))
                return true;
        if (statvfs(m->options.state, &fs) < 0)
                return false; /* the store will say what is wrong */
        free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
        ret->kind = TROUBLE_SPACE;
        ret->n = free_bytes >> 10;
        return free_bytes < CARE_SPACE_BYTES;
}

bool care_ledger_trouble(struct manager *m, struct trouble *ret) {
        *ret = (struct trouble){.kind = TROUBLE_LEDGER, .n = (uint64_t)m->care.broken};
        return m->care.broken != 0;
}

bool care_backup_trouble(struct manager *m, struct trouble *ret) {
        *ret = (struct trouble){.kind = TROUBLE_BACKUP, .detail = strerror(-m->care.backup)};
        return m->care.backup < 0;
}

bool care_zone_trouble(struct manager *m, struct trouble *ret) {
        *ret = (struct trouble){.kind = TROUBLE_ZONE, .path = m->care.zone_path};
        return m->care.zone_changed;
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
                        add(reasons,
                            text("%zu folder%s can not be read, among them %s", r->n_unreadable,
                                 plural(r->n_unreadable, "", "s"), r->unreadable));
                if (r->n_unreadable_files > 0)
                        add(reasons, text("%zu %s can no longer be read, among them %s",
                                          r->n_unreadable_files,
                                          plural(r->n_unreadable_files, "file that counts",
                                                 "files that count"),
                                          r->unreadable_file));
        }
}

static void add_mail(struct manager *m, json_t *reasons) {
        struct outbox_server servers[MAX_SERVERS];
        size_t n = outbox_servers(m->outbox, servers, ELEMENTSOF(servers));
        struct manager_counts counts;
        uintmax_t parked;

        for (size_t i = 0; i < n; i++)
                if (strcmp(servers[i].state, "down") == 0)
                        add(reasons, text("mail server %s: %s", servers[i].url,
                                          servers[i].text ? servers[i].text : "down"));
        manager_count(m, &counts);
        parked = counts.outbox.by_state[OUTBOX_PARKED];
        if (parked > 0)
                add(reasons, text("%ju mail%s could not be delivered (evidencectl queue)", parked,
                                  plural(parked, "", "s")));
}

static void add_own(struct manager *m, json_t *reasons) {
        bool (*const looks[])(struct manager *, struct trouble *) = {
                care_space_trouble, care_ledger_trouble, care_backup_trouble, care_zone_trouble};
        struct trouble trouble;

        for (size_t i = 0; i < ELEMENTSOF(looks); i++)
                if (looks[i](m, &trouble))
                        add(reasons, compose_trouble(m->templates, LANGUAGE_EN, &trouble));
}

void care_reasons(struct manager *m, json_t *reasons) {
        add_roots(m, reasons);
        add_mail(m, reasons);
        if (evidence_held(m->evidence) > 0)
                add(reasons, text("%zu instances would reopen at once (evidencectl confirm)",
                                  evidence_held(m->evidence)));
        if (publish_error(m))
                add(reasons, strdup(publish_error(m)));
        add_own(m, reasons);
        if (m->care.heartbeat.trouble)
                add(reasons,
                    text("The heartbeat could not be sent: %s", m->care.heartbeat.trouble));
}
