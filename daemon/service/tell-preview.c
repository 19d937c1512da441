/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/cleanup.h"
#include "service/tell-internal.h"

/* Mails that nobody is owed: previews and tests. */

static usec_t now_of(const struct tell *t) { return clock_now(t->clock); }

void preview_done(struct preview *p) {
        digest_done(&p->digest);
        composed_done(&p->composed);
}

/* The firing of @rung, or of the next step when NULL, and the step behind it. */
static int find_firing(struct tell *t, const struct track *track, const struct rung *rung,
                       usec_t now, struct reminder *ret) {
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

int tell_preview(struct tell *t, const struct track *track, const struct rung *rung,
                 struct preview *ret) {
        usec_t now;
        _cleanup_(digest_list_done) struct digest_list digests = {};
        _cleanup_(evidence_notes_done) struct evidence_notes notes = {};
        _cleanup_free_ char *message_id = NULL;
        struct compose_context context = {.model = t->model, .templates = t->templates};
        struct reminder reminder = {.instance = track->instance, .history = &track->history};
        struct preview preview = {};
        struct notice n;
        int r;

        r = find_firing(t, track, rung, now_of(t), &reminder);
        if (r < 0)
                return r;
        now = reminder.fired > now_of(t) ? reminder.fired : now_of(t);
        reminder.deadline = instance_deadline(t->model->calendar, track->instance, &track->history);
        n = notice_from_reminder(t->model, &reminder, now);
        r = evidence_files(t->evidence, track, &notes);
        if (r < 0)
                return r;
        n.files = notes.items;
        n.n_files = notes.n > TELL_MAX_NOTES ? TELL_MAX_NOTES : notes.n;
        r = digests_build(t->model, &n, 1, now, &digests);
        if (r < 0)
                return r;
        if (digests.n != 1)
                return -ENOENT;
        message_id = tell_message_id(t->model, now);
        if (!message_id)
                return -ENOMEM;
        context.message_id = message_id;
        r = compose_message(&context, &digests.items[0], &preview.composed);
        if (r < 0)
                return r;
        preview.digest = digests.items[0];
        preview.digest.items.items->files = NULL; /* borrowed from here */
        preview.digest.items.items->n_files = 0;
        digests.n = 0;
        array_done(&digests);
        *ret = preview;
        return 0;
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
