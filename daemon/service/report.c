/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/report.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void report_marks_done(struct report_marks *marks) {
        for (size_t i = 0; i < marks->n; i++)
                free(marks->items[i].name);
        array_done(marks);
}

void report_files_done(struct report_files *files) {
        for (size_t i = 0; i < files->n; i++)
                tell_files_done(&files->items[i]);
        array_done(files);
}

static char *mark_name(const struct report *report, const struct unit *unit) {
        char *name = NULL;
        int r = asprintf(&name, "report-page:%s:%s", report->id, unit ? unit->id : "");

        return r < 0 ? NULL : name;
}

static char *at_name(const struct report *report) {
        char *name = NULL;

        return asprintf(&name, "report-at:%s", report->id) < 0 ? NULL : name;
}

static int mark_add(struct report_marks *marks, char *name, int64_t value) {
        int r = name ? array_push(marks, (struct report_mark){name, value}) : -ENOMEM;

        if (r < 0)
                free(name);
        return r;
}

static int64_t mark_get(struct tell *t, char *name) {
        int64_t value = 0;

        if (name)
                store_get_i64(t->store, name, &value);
        free(name);
        return value;
}

int report_marks_write(struct store *store, const struct report_marks *marks) {
        int r = 0;

        for (size_t i = 0; i < marks->n && r == 0; i++)
                r = store_set_i64(store, marks->items[i].name, marks->items[i].value);
        return r;
}

static const struct unit *page_unit(const struct tell *t, const struct report *report,
                                    size_t page) {
        return report->per_unit ? &t->model->units[page] : NULL;
}

static const struct history **histories_of(const struct tell *t) {
        const struct history **list = calloc(t->tracks->n + 1, sizeof(*list));

        for (size_t i = 0; list && i < t->tracks->n; i++)
                list[i] = &t->tracks->items[i].history;
        return list;
}

/* When the report was last looked at. Before the first time: right before the service began to tell anybody anything. */
static usec_t last_look(struct tell *t, const struct report *report, usec_t now) {
        usec_t last = mark_get(t, at_name(report));
        int64_t released = 0;

        if (last !=
            0) /* a clock that was set back must not silence reports until it has caught up */
                return last < now ? last : now;
        return store_get_i64(t->store, "released_at", &released) == 0 && released < now
                       ? released - 1
                       : now - 1;
}

/* Held back by mail.daily_limit: what it says stands in the page of the next day. Return: 1 not held back, 0, or -ENOMEM. */
static int may_get_page(struct tell *t, struct limit *limit, const struct report *report,
                        const struct unit *unit) {
        _cleanup_(recipients_done) struct recipients to = RECIPIENTS_INIT;
        int r = recipients_resolve(t->model, report->to.items, report->to.n, unit, NULL, &to);

        return r < 0 ? r : limit_take(limit, t->model, &to);
}

/* Of an instance that still lacks something: in the page of its unit. */
static bool files_matter(const struct tell *t, const struct track *track, usec_t now) {
        enum state state =
                instance_state(t->model->calendar, track->instance, &track->history, now);

        return state_is_open(state) || state == STATE_EXPLAINED || state == STATE_SNOOZED;
}

/**
 * gather_files() - what lies in the folders of open instances and counts nowhere: with a folder for all quarters, what counts
 *                  for the first is no news of the second
 * @prints: of the pages: without one its files are not looked at; the others become those of their files, too
 * @ret:    room for all tracks; borrowed from @ret_files
 */
static int gather_files(struct tell *t, usec_t now, uint64_t *prints, struct tell_files *ret,
                        struct report_files *ret_files) {
        for (size_t i = 0; i < t->tracks->n; i++) {
                const struct track *track = &t->tracks->items[i];
                uint64_t *print = &prints[track->instance->unit->index];
                struct tell_files files = {};
                int r;

                if (*print == 0 || !files_matter(t, track, now))
                        continue;
                r = tell_files(t, track, false, &files);
                if (r == 0)
                        r = array_push(ret_files, files);
                if (r < 0) {
                        tell_files_done(&files);
                        return r;
                }
                *print += files.print;
                ret[i] = files;
        }
        return 0;
}

static void add_files(const struct tell_files *files, struct notice *notices, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (notices[i].instance)
                        tell_files_name(&files[notices[i].instance->index], &notices[i]);
}

static int gather_one(struct tell *t, const struct report *report, usec_t now,
                      const struct recipients *reminded, struct limit *limit,
                      struct notice_list *ret, struct report_files *ret_files,
                      struct report_marks *ret_marks) {
        size_t n = report_n_pages(t->model, report), before = ret->n;
        _cleanup_free_ const struct history **histories = histories_of(t);
        _cleanup_free_ uint64_t *prints = calloc(n + 1, sizeof(*prints));
        _cleanup_free_ struct tell_files *files = calloc(t->tracks->n + 1, sizeof(*files));
        _cleanup_free_ bool *wanted = calloc(n + 1, sizeof(*wanted));
        int r;

        if (!histories || !prints || !files || !wanted)
                return -ENOMEM;
        r = report_fingerprints(t->model, t->tracks->instances, histories, report, reminded, now,
                                prints);
        if (r == 0 && report->per_unit)
                r = gather_files(t, now, prints, files, ret_files);
        for (size_t i = 0; i < n && r == 0; i++) {
                const struct unit *unit = page_unit(t, report, i);

                wanted[i] = report_is_wanted(report, prints[i],
                                             (uint64_t)mark_get(t, mark_name(report, unit)));
                if (wanted[i] && unit) {
                        r = may_get_page(t, limit, report, unit);
                        wanted[i] = r == 1;
                        r = r < 0 ? r : 0;
                }
                if (wanted[i] && r == 0)
                        r = mark_add(ret_marks, mark_name(report, unit), (int64_t)prints[i]);
        }
        if (r == 0)
                r = report_notices(t->model, t->tracks->instances, histories, report, wanted, now,
                                   ret);
        add_files(files, ret->items + before, ret->n - before);
        return r;
}

/* When it leaves next, or now: one that was missed is caught up, unless the next one comes before that. */
static usec_t leaves_next(struct tell *t, const struct report *report, usec_t now) {
        usec_t at = report_next(t->model, report, last_look(t, report, now) + 1), next;

        if (at > now)
                return at;
        at = tell_leaves_late(t, at, now);
        next = report_next(t->model, report, now + 1);
        return next < at ? next : at;
}

int reports_gather(struct tell *t, usec_t now, const struct digest_list *reminders,
                   struct limit *limit, struct notice_list *ret, struct report_files *ret_files,
                   struct report_marks *ret_marks) {
        _cleanup_(recipients_done) struct recipients reminded = RECIPIENTS_INIT;
        int r = report_reminded(reminders, &reminded);

        for (size_t i = 0; i < t->model->n_reports && r == 0; i++) {
                const struct report *report = &t->model->reports[i];

                if (leaves_next(t, report, now) > now)
                        continue;
                r = report->per_unit ? limit_begin(limit, t, now, reminders) : 0;
                if (r == 0)
                        r = gather_one(t, report, now, &reminded, limit, ret, ret_files, ret_marks);
                if (r == 0)
                        r = mark_add(ret_marks, at_name(report), now);
        }
        return r;
}

usec_t reports_next(struct tell *t, usec_t now) {
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < t->model->n_reports; i++) {
                usec_t at = leaves_next(t, &t->model->reports[i], now);

                next = at < next ? at : next;
        }
        return next;
}
