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
                _cleanup_free_ char *key = path_key(e, f->file.root, f->path);

                if (!key)
                        return -ENOMEM;
                if (strmap_get(e->remembered, key))
                        return 0;
        }
        return map_put(e->remembered, path_key(e, f->file.root, f->path), f);
}

static void map_out(struct evidence *e, struct evfile *f) {
        if (f->presence == EVFILE_MISSING)
                map_remove(e->missing, content_key(f->file.root, &f->file), f);
        else
                map_remove(e->remembered, path_key(e, f->file.root, f->path), f);
}

int absent_add(struct evidence *e, struct evfile *f) {
        int r = array_push(&e->absent, f);

        if (r < 0)
                return r;
        f->absent_at = e->absent.n - 1;
        if (f->instance != SIZE_MAX) {
                struct evfile_list *slots = slots_of(e, f);

                r = array_push(slots, f);
                f->slot_at = slots->n - 1;
        }
        return r < 0 ? r : map_in(e, f);
}

void absent_release_slot(struct evidence *e, struct evfile *f) {
        struct evfile_list *slots;

        if (f->instance == SIZE_MAX)
                return;
        slots = slots_of(e, f);
        slots->items[f->slot_at] = slots->items[--slots->n];
        slots->items[f->slot_at]->slot_at = f->slot_at;
        f->instance = SIZE_MAX;
}

void absent_remove(struct evidence *e, struct evfile *f) {
        size_t instance = f->instance;

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
        return map_in(e, f);
}

struct evfile *absent_take(struct evidence *e, size_t root, const char *path,
                           const struct file *seen) {
        _cleanup_free_ char *by_path = path_key(e, root, path),
                            *by_content = content_key(root, seen);
        struct evfile *f = by_path ? strmap_get(e->remembered, by_path) : NULL;
        char *copy;

        /* A copy restored from elsewhere has another inode: same size and time at the same path are the same file. */
        if (f && f->file.size == seen->size && f->file.mtime == seen->mtime) {
                f->moved = f->file.inode != seen->inode;
                absent_remove(e, f);
                return f;
        }
        f = by_content ? strmap_get(e->missing, by_content) : NULL;
        copy = f ? strdup(path) : NULL;
        if (!copy)
                return NULL;
        absent_remove(e, f);
        free(f->path);
        f->file.path = f->path = copy;
        match_name_done(&f->name);
        f->moved = true;
        return f;
}
