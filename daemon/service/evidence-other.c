/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "service/evidence-internal.h"

/*
 * Files in the folders of instances that no requirement there asks for. Some of them were meant for another criterion and
 * lie in the wrong folder: that is how points are lost, so it is said. They are looked for once, when they have settled and
 * all else is judged (a slot that is about to be filled is not missing).
 */

#define LOOK_USEC (20 * USEC_PER_MSEC) /* in one pass */
#define MIN_LETTERS 3 /* a pattern with fewer, "*.pdf", says nothing about where a file belongs */

bool other_is_welcome(struct evidence *e, struct evfile *f) {
        if (f->matched || f->explanation || f->bad_name || f->id != 0)
                return true;
        if (e->n_others >= MAX_OTHERS)
                return false;
        if (++e->n_others == MAX_OTHERS)
                log_notice("%d files match no requirement of their folders; further ones are not "
                           "listed, nor looked for among other criteria",
                           MAX_OTHERS);
        f->other = true;
        return true;
}

void other_drop(struct evidence *e, struct evfile *f) {
        if (f->other)
                e->n_others--;
        if (f->lonely_at != NOWHERE)
                e->lonely.items[f->lonely_at] = NULL;
        f->other = false;
        f->lonely_at = NOWHERE;
}

void other_seen(struct evidence *e, struct evfile *f) {
        if (f->matched || f->ignored || f->explanation || f->lonely_at != NOWHERE || f->bad_name ||
            f->elsewhere != NOWHERE || !f->file.settled || !f->file.regular || f->file.size == 0)
                return;
        if (array_push(&e->lonely, f) < 0) {
                log_oom();
                return;
        }
        f->lonely_at = (uint32_t)(e->lonely.n - 1);
        e->any_dirty = true; /* looked for by a pass */
        evidence_schedule(e);
}

/* Does it name something, beside the kind of file? */
static bool pattern_tells(const char *text) {
        const char *dot = strrchr(text, '.');
        size_t letters = 0;

        for (; *text && text != dot; text++)
                letters += isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80;
        return letters >= MIN_LETTERS;
}

static bool tells(const struct requirement *r) {
        for (size_t i = 0; i < r->need->match.n; i++)
                if (!pattern_tells(r->need->match.items[i]))
                        return false;
        return r->need->match.n > 0;
}

static bool lacks(const struct evidence *e, const struct instance *in,
                  const struct match_name *name) {
        const struct track *t = evidence_track(e, in);

        for (size_t r = 0; r < in->n_requirements; r++) {
                const struct requirement *q = &in->requirements[r];

                if (t->have[r] < q->need->count && tells(q) && requirement_takes(q, name))
                        return true;
        }
        return false;
}

static bool looks_here(const struct evidence *e, const struct folder *folder,
                       const struct task *task) {
        size_t at = folder_covering(folder, e->task_first[task->index]);

        return at < folder->covering.n &&
               folder->covering.items[at].instance < e->task_first[task->index + 1];
}

/* The instance it was meant for: the first that lacks it, of the only other task where one does. NOWHERE: none. */
static uint32_t meant_for(const struct evidence *e, const struct folder *folder,
                          const struct match_name *name) {
        const struct instance_set *set = e->config.tracks->instances;
        size_t found = NOWHERE;

        for (size_t i = 0; i < set->n; i++) {
                const struct instance *in = &set->items[i];

                if (found != NOWHERE && set->items[found].task == in->task)
                        continue;
                if (!in->task->tracked || !lacks(e, in, name) || looks_here(e, folder, in->task))
                        continue;
                if (found != NOWHERE)
                        return NOWHERE;
                found = i;
        }
        return (uint32_t)found;
}

static int look_for(struct evidence *e, struct evfile *f) {
        const struct instance *items = e->config.tracks->instances->items;
        _cleanup_(match_name_done) struct match_name name = {};
        int r = match_name_init(&name, path_name(f->file.path));

        if (r < 0)
                return r;
        f->elsewhere = meant_for(e, f->folder, &name);
        if (f->elsewhere == NOWHERE || f->told == VERDICT_NAME)
                return 0; /* or told before a restart */
        f->verdict = VERDICT_NAME;
        return file_refused(e, f, &items[f->folder->covering.items[0].instance],
                            &items[f->elsewhere]);
}

int others_look(struct evidence *e) {
        usec_t end = clock_monotonic() + LOOK_USEC;

        while (e->next_lonely < e->lonely.n) {
                struct evfile *f = e->lonely.items[e->next_lonely++];
                int r = 0;

                if (f) {
                        f->lonely_at = NOWHERE;
                        r = look_for(e, f);
                }
                if (r < 0)
                        return r;
                if (clock_monotonic() >= end)
                        return e->next_lonely == e->lonely.n;
        }
        e->next_lonely = e->lonely.n = 0;
        return 1;
}
