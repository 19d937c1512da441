/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "service/evidence-internal.h"

/*
 * Files that are not where they were, or not seen yet since the start: found again by path, or by what a rename keeps, and
 * listed for each task whose slots they hold. All of it is constant time, since after a restart every file begins here.
 */

static char *path_key(const struct evidence *e, size_t root, const char *path) {
        char *key = NULL;

        return asprintf(&key, "%s\n%s", e->roots[root].path, path) < 0 ? NULL : key;
}

/* What a file keeps when it is renamed or moved. */
static char *content_key(size_t root, const struct file *f) {
        char *key = NULL;

        return asprintf(&key, "%zu %ju %ju %jd", root, (uintmax_t)f->inode, (uintmax_t)f->size,
                        (intmax_t)f->mtime) < 0
                       ? NULL
                       : key;
}

static struct evfile_list *slots_of(struct evidence *e, const struct evfile *f) {
        return &e->task_absent[e->config.tracks->instances->items[f->instance].task->index];
}

static int map_put(struct strmap *map, char *key, struct evfile *f) {
        int r = key ? strmap_put(map, key, f) : -ENOMEM;

        free(key);
        return r;
}

/* Only when the entry is ours: another version of the file may have taken it over. */
static void map_remove(struct strmap *map, char *key, const struct evfile *f) {
        if (key && strmap_get(map, key) == f)
                strmap_remove(map, key);
        free(key);
}

static int map_in(struct evidence *e, struct evfile *f) {
        if (f->presence == EVFILE_MISSING)
                return map_put(e->missing, content_key(f->file.root, &f->file), f);
        /* Two versions of one path: the one that is there is the newer. */
        if (f->gone_since != 0) {
                _cleanup_free_ char *key = path_key(e, f->file.root, f->file.path);

                if (!key)
                        return -ENOMEM;
                if (strmap_get(e->remembered, key))
                        return 0;
        }
        return map_put(e->remembered, path_key(e, f->file.root, f->file.path), f);
}

static void map_out(struct evidence *e, struct evfile *f) {
        if (f->presence == EVFILE_MISSING)
                map_remove(e->missing, content_key(f->file.root, &f->file), f);
        else
                map_remove(e->remembered, path_key(e, f->file.root, f->file.path), f);
}

static usec_t end_of(const struct evidence *e, const struct evfile *f) {
        return usec_add(f->gone_since, e->config.model->evidence.gone_after);
}

static void note_due(struct evidence *e, const struct evfile *f) {
        if (f->presence == EVFILE_MISSING && end_of(e, f) < e->absent_due)
                e->absent_due = end_of(e, f);
}

int absent_add(struct evidence *e, struct evfile *f) {
        int r = array_push(&e->absent, f);

        if (r < 0)
                return r;
        f->absent_at = (uint32_t)(e->absent.n - 1);
        note_due(e, f);
        if (f->instance != NOWHERE) {
                struct evfile_list *slots = slots_of(e, f);

                r = array_push(slots, f);
                f->slot_at = (uint32_t)(slots->n - 1);
        }
        return r < 0 ? r : map_in(e, f);
}

void absent_release_slot(struct evidence *e, struct evfile *f) {
        struct evfile_list *slots;

        if (f->instance == NOWHERE)
                return;
        slots = slots_of(e, f);
        slots->items[f->slot_at] = slots->items[--slots->n];
        slots->items[f->slot_at]->slot_at = f->slot_at;
        f->instance = NOWHERE;
}

void absent_remove(struct evidence *e, struct evfile *f) {
        uint32_t instance = f->instance;

        map_out(e, f);
        absent_release_slot(e, f);
        f->instance = instance; /* it goes on holding it where it is going */
        e->absent.items[f->absent_at] = e->absent.items[--e->absent.n];
        e->absent.items[f->absent_at]->absent_at = f->absent_at;
}

int absent_turn_missing(struct evidence *e, struct evfile *f) {
        map_out(e, f);
        f->presence = EVFILE_MISSING;
        if (f->gone_since == 0)
                f->gone_since = evidence_now(e);
        note_due(e, f);
        return map_in(e, f);
}

struct evfile *absent_take(struct evidence *e, size_t root, const char *path,
                           const struct file *seen, bool matched, char **ret_was) {
        _cleanup_free_ char *by_path = path_key(e, root, path),
                            *by_content = content_key(root, seen);
        struct evfile *f = by_path ? strmap_get(e->remembered, by_path) : NULL;
        char *copy;

        /* A copy restored from elsewhere has another inode: same size and time at the same path are the same file. */
        if (f && f->file.size == seen->size && f->file.mtime == seen->mtime) {
                f->moved = f->file.inode != seen->inode || f->gone_saved;
                absent_remove(e, f);
                return f;
        }
        f = by_content ? strmap_get(e->missing, by_content) : NULL;
        /* Put aside under a name that can not count, as Word does: its slot waits for what takes its place. */
        if (f && f->instance != NOWHERE && !matched)
                return NULL;
        copy = f ? strdup(path) : NULL;
        if (!copy)
                return NULL;
        absent_remove(e, f);
        *ret_was = (char *)f->file.path;
        f->file.path = copy;
        f->moved = true;
        return f;
}

/* ---- moved to where its instance does not look ---- */

int stray_note(struct evidence *e, struct evfile *f, char *was) {
        _cleanup_free_ char *path = was;
        struct stray stray = {.file = f, .instance = f->instance, .was = path};
        int r;

        if (f->instance == NOWHERE || folder_covers(f->folder, f->instance))
                return 0;
        evidence_touch_task(e, e->config.tracks->instances->items[f->instance].task);
        for (size_t i = 0; i < e->strays.n; i++)
                if (e->strays.items[i].file == f && e->strays.items[i].instance == f->instance)
                        return 0; /* moved on: where it counted is what people know */
        r = array_push(&e->strays, stray);
        if (r == 0)
                path = NULL;
        return r;
}

static struct stray stray_remove(struct evidence *e, size_t i) {
        struct stray stray = e->strays.items[i];

        e->strays.items[i] = e->strays.items[--e->strays.n];
        return stray;
}

void strays_forget(struct evidence *e, const struct evfile *f) {
        for (size_t i = e->strays.n; i-- > 0;)
                if (!f || e->strays.items[i].file == f)
                        free(stray_remove(e, i).was);
        if (!f)
                array_done(&e->strays);
}

/* Away again, it holds its slot as any other; back again, it never left. */
static bool has_left(const struct stray *s) {
        return s->file->instance != s->instance || (s->file->presence == EVFILE_PRESENT &&
                                                    !folder_covers(s->file->folder, s->instance));
}

int stray_take(struct evidence *e, const struct task *task, struct loss *ret) {
        const struct instance *items = e->config.tracks->instances->items;

        for (size_t i = 0; i < e->strays.n;) {
                struct stray s;

                if (items[e->strays.items[i].instance].task != task) {
                        i++;
                        continue;
                }
                s = stray_remove(e, i);
                if (has_left(&s)) {
                        *ret = (struct loss){s.file, s.instance, s.was};
                        return 1;
                }
                free(s.was);
        }
        return 0;
}

/* ---- gone for good ---- */

bool absent_is_gone(const struct evidence *e, const struct evfile *f, usec_t now) {
        return f->presence == EVFILE_MISSING && e->roots[f->file.root].ok && now >= end_of(e, f);
}

/* What a share loses does not expire at one instant: when the first is gone for good, all that is missing is looked at. */
void absent_gather(struct evidence *e, usec_t now) {
        bool due = false;

        if (now < e->absent_due)
                return;
        for (size_t i = 0; i < e->absent.n && !due; i++)
                due = e->absent.items[i]->instance != NOWHERE &&
                      absent_is_gone(e, e->absent.items[i], now);
        for (size_t t = 0; due && t < e->config.model->n_tasks; t++)
                e->task_all[t] = e->task_all[t] || e->task_absent[t].n > 0;
}

/* Files that hold no slot are kept as long as the others: a move may come in two halves. */
int absent_sweep(struct evidence *e, usec_t now) {
        usec_t next = USEC_INFINITY;

        if (now < e->absent_due)
                return 0;
        for (size_t i = 0; i < e->absent.n;) {
                struct evfile *f = e->absent.items[i];

                if (f->presence != EVFILE_MISSING || f->instance != NOWHERE || now < end_of(e, f)) {
                        if (f->presence == EVFILE_MISSING && end_of(e, f) > now)
                                next = end_of(e, f) < next ? end_of(e, f) : next;
                        i++;
                        continue;
                }
                if (f->id) {
                        int r = store_delete_file(e->config.store, f->id);

                        if (r < 0)
                                return r;
                }
                absent_remove(e, f);
                evfile_free(e, f);
        }
        e->absent_due = next;
        return 0;
}
