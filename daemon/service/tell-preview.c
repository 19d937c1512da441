/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "core/report.h"
#include "service/tell-internal.h"

/* Mails that nobody is owed: previews and tests. */

static usec_t now_of(const struct tell *t) { return clock_now(t->clock); }

void preview_done(struct preview *p) {
        digest_done(&p->digest);
        composed_done(&p->composed);
}

/* The firing of @rung, or of the next step when NULL, and the step behind it. @ret_due: it leaves now */
static int find_firing(struct tell *t, const struct track *track, const struct rung *rung,
                       usec_t now, struct reminder *ret, bool *ret_due) {
        const struct task *task = track->instance->task;
        _cleanup_free_ struct ladder_row *rows = NULL;
        size_t n;

        if (!track->instance->has_deadline || !task->policy)
                return -ENOENT;
        rows = calloc(task->policy->n_rungs + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        n = ladder_explain(t->model, track->instance, &track->history, now, rows);
        for (size_t i = 0; i < n; i++) {
                bool wanted =
                        rung ? rows[i].firing.rung == rung
                             : rows[i].status == LADDER_DUE || rows[i].status == LADDER_COMING;

                if (wanted) {
                        *ret_due = rows[i].status == LADDER_DUE;
                        ret->rung = rows[i].firing.rung;
                        ret->fired = rows[i].firing.instant;
                        if (i + 1 < n)
                                ret->next = (struct next_step){
                                        .exists = true,
                                        .offset = rows[i + 1].firing.rung->offset,
                                        .at = rows[i + 1].firing.instant,
                                        .step = rows[i + 1].firing.rung->step};
                        return 0;
                }
        }
        return -ENOENT;
}

/* The other reminders that leave then, if nothing is filed. @due: those that are due now; else what fires at @now */
static int add_company(struct tell *t, const struct track *track, bool due, usec_t now,
                       struct notice_list *ret) {
        int r = 0;

        for (size_t i = 0; i < t->tracks->n && r == 0; i++) {
                const struct track *other = &t->tracks->items[i];
                struct reminder reminder = {};

                if (other == track)
                        continue;
                r = reminder_of(t->model, other->instance, &other->history, now, &reminder);
                if (r == 0 && reminder.rung && (due || reminder.fired == now))
                        r = array_push(ret, notice_from_reminder(t->model, &reminder, now));
                free((void *)reminder.superseded);
        }
        return r;
}

/* The mail of a flush that @track is in, with it taken out of the list. */
static int take_digest(struct digest_list *list, const struct track *track, struct digest *ret) {
        for (size_t i = 0; i < list->n; i++)
                for (size_t k = 0; k < list->items[i].items.n; k++)
                        if (list->items[i].items.items[k].instance == track->instance) {
                                *ret = list->items[i];
                                list->items[i] = (struct digest){};
                                return 0;
                        }
        return -ENOENT;
}

/* The bytes, with what is known of each instance's files; the digest borrows nothing of that afterwards. */
static int compose_preview(struct tell *t, struct digest *d, struct composed *ret) {
        struct compose_context context = {.model = t->model, .templates = t->templates};
        _cleanup_free_ char *message_id = tell_message_id(t->model, d->at);
        _cleanup_free_ struct tell_files *files = calloc(d->items.n + 1, sizeof(*files));
        int r = message_id && files ? 0 : -ENOMEM;

        for (size_t i = 0; i < d->items.n && r == 0; i++) {
                struct notice *n = &d->items.items[i];

                r = tell_files(t, &t->tracks->items[n->instance->index], true, &files[i]);
                tell_files_name(&files[i], n);
        }
        context.message_id = message_id;
        if (r == 0)
                r = compose_message(&context, d, ret);
        for (size_t i = 0; files && i < d->items.n; i++) {
                tell_files_name(&(struct tell_files){}, &d->items.items[i]);
                tell_files_done(&files[i]);
        }
        return r;
}

int tell_preview(struct tell *t, const struct track *track, const struct rung *rung,
                 struct preview *ret) {
        _cleanup_(digest_list_done) struct digest_list digests = {};
        struct notice_list notices = {};
        struct reminder reminder = {.instance = track->instance, .history = &track->history};
        struct preview preview = {};
        bool due = false;
        usec_t now;
        int r;

        r = find_firing(t, track, rung, now_of(t), &reminder, &due);
        if (r < 0)
                return r;
        now = reminder.fired > now_of(t) ? reminder.fired : now_of(t);
        reminder.deadline = instance_deadline(t->model->calendar, track->instance, &track->history);
        r = array_push(&notices, notice_from_reminder(t->model, &reminder, now));
        /* A step that is over stands alone. */
        if (r == 0 && (due || reminder.fired == now))
                r = add_company(t, track, due, now, &notices);
        if (r == 0)
                r = digests_build(t->model, notices.items, notices.n, now, &digests);
        if (r == 0)
                r = take_digest(&digests, track, &preview.digest);
        if (r == 0)
                r = compose_preview(t, &preview.digest, &preview.composed);
        array_done(&notices);
        if (r == 0)
                *ret = preview;
        else
                preview_done(&preview);
        return r;
}

int tell_test(struct tell *t, const struct address *to, char **ret_message_id) {
        _cleanup_(digest_done) struct digest d = {
                .kind = NOTICE_TEST, .language = t->model->organization.language, .at = now_of(t)};
        int r = array_push(&d.to, to);

        if (r == 0)
                r = array_push(&d.items, (struct notice){.kind = NOTICE_TEST});
        if (r == 0)
                r = store_begin(t->store);
        if (r < 0)
                return r;
        r = tell_write_digest(t, NULL, &d, ret_message_id);
        if (r == 0)
                r = store_commit(t->store);
        if (r < 0)
                store_rollback(t->store);
        return r;
}
