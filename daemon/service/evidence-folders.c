/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "core/lookup.h"
#include "service/evidence-internal.h"

/* Folders as the scanner lists them: who looks where, and what a listing changes. */

#define FOLDER_MAX_FILES 1000000

/* ---- which instances look where ---- */

static int dir_add(struct evidence *e, const struct instance *instance) {
        /* A folder made on a Mac is written in NFD: nobody sees the difference. */
        _cleanup_free_ char *dir = text_nfc(strcmp(instance->dir, ".") == 0 ? "" : instance->dir);
        struct index_list *list = dir ? strmap_get(e->dirs, dir) : NULL;

        if (!dir)
                return -ENOMEM;
        if (!list) {
                int r;

                list = calloc(1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                r = strmap_put(e->dirs, dir, list);
                if (r < 0) {
                        free(list);
                        return r;
                }
        }
        return array_push(list, instance->index);
}

/* Instances of one task stand together in the set, tasks in the order of the model. */
static void index_tasks(struct evidence *e) {
        const struct instance_set *set = e->config.tracks->instances;
        size_t i = 0;

        for (size_t t = 0; t < e->config.model->n_tasks; t++) {
                e->task_first[t] = i;
                while (i < set->n && set->items[i].task->index == t)
                        i++;
        }
        e->task_first[e->config.model->n_tasks] = i;
        assert(i == set->n);
}

static void index_needs(struct evidence *e) {
        const struct instance_set *set = e->config.tracks->instances;

        for (size_t i = 0; i < set->n; i++)
                e->first_need[i + 1] = e->first_need[i] + set->items[i].n_requirements;
}

/* What is known of each task: at first nothing, so that all is to be judged. */
static int make_tasks(struct evidence *e) {
        size_t n_tasks = e->config.model->n_tasks, n = e->config.tracks->instances->n;

        e->task_folders = calloc(n_tasks + 1, sizeof(*e->task_folders));
        e->task_absent = calloc(n_tasks + 1, sizeof(*e->task_absent));
        e->task_first = calloc(n_tasks + 2, sizeof(*e->task_first));
        e->task_all = calloc(n_tasks + 1, sizeof(*e->task_all));
        e->task_changed = calloc(n_tasks + 1, sizeof(*e->task_changed));
        e->first_need = calloc(n + 1, sizeof(*e->first_need));
        e->filled_at = calloc(n + 1, sizeof(*e->filled_at));
        e->explained_at = calloc(n + 1, sizeof(*e->explained_at));
        e->deadlines = calloc(n + 1, sizeof(*e->deadlines));
        e->unexplained_at = calloc(n + 1, sizeof(*e->unexplained_at));
        if (!e->task_folders || !e->task_absent || !e->task_first || !e->task_all ||
            !e->task_changed || !e->first_need || !e->filled_at || !e->explained_at ||
            !e->deadlines || !e->unexplained_at)
                return -ENOMEM;
        index_tasks(e);
        index_needs(e);
        memset(e->task_all, true, n_tasks * sizeof(*e->task_all));
        e->filled = calloc(e->first_need[n] + 1, sizeof(*e->filled));
        return e->filled ? 0 : -ENOMEM;
}

int evidence_index(struct evidence *e) {
        const struct instance_set *set = e->config.tracks->instances;
        int r;

        if (getrandom(&e->seed, sizeof(e->seed), GRND_NONBLOCK) < 0)
                e->seed = (uintptr_t)e ^ HASH_SEED;

        e->absent_due = USEC_INFINITY;
        e->dirs = strmap_new();
        e->remembered = strmap_new();
        e->missing = strmap_new();
        if (!e->dirs || !e->remembered || !e->missing)
                return -ENOMEM;
        r = make_tasks(e);
        if (r < 0)
                return r;
        r = name_rules_new(e->config.model, &e->rules);
        if (r < 0)
                return r;
        for (size_t i = 0; i < set->n; i++) {
                r = set->items[i].dir ? dir_add(e, &set->items[i]) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int cover_prefix(struct evidence *e, struct folder *folder, const char *prefix, bool exact) {
        const struct index_list *list = strmap_get(e->dirs, prefix);

        for (size_t i = 0; list && i < list->n; i++) {
                int r;

                if (!exact && !e->config.tracks->instances->items[list->items[i]].task->recursive)
                        continue;
                r = array_push(&folder->covering,
                               (struct cover){.instance = (uint32_t)list->items[i]});
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_cover(const void *a, const void *b) {
        uint32_t x = ((const struct cover *)a)->instance, y = ((const struct cover *)b)->instance;

        return x < y ? -1 : x > y;
}

static void number_needs(const struct evidence *e, struct folder *folder) {
        for (size_t i = 0; i < folder->covering.n; i++) {
                struct cover *c = &folder->covering.items[i];

                c->need = folder->n_needs;
                folder->n_needs +=
                        (uint32_t)e->config.tracks->instances->items[c->instance].n_requirements;
        }
}

/* Instances whose dir is the folder's path or one above it, in their order: those of one task are together. */
static int folder_cover(struct evidence *e, struct folder *folder) {
        _cleanup_free_ char *prefix = text_nfc(folder->path);
        int r;

        if (!prefix) /* a name in another encoding: no dir is written like that */
                prefix = strdup(folder->path);
        if (!prefix)
                return -ENOMEM;
        r = cover_prefix(e, folder, prefix, true);
        while (r == 0 && *prefix) {
                char *slash = strrchr(prefix, '/');

                *(slash ? slash : prefix) = '\0';
                r = cover_prefix(e, folder, prefix, false);
        }
        if (folder->covering.n > 1)
                qsort(folder->covering.items, folder->covering.n, sizeof(*folder->covering.items),
                      compare_cover);
        number_needs(e, folder);
        return r;
}

size_t folder_covering(const struct folder *folder, size_t first) {
        size_t low = 0, high = folder->covering.n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (folder->covering.items[middle].instance < first)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool folder_covers(const struct folder *folder, size_t instance) {
        size_t at = folder_covering(folder, instance);

        return at < folder->covering.n && folder->covering.items[at].instance == instance;
}

const struct task *folder_next_task(const struct evidence *e, const struct folder *folder,
                                    size_t *cursor) {
        const struct instance *items = e->config.tracks->instances->items;
        const struct task *task;

        if (*cursor >= folder->covering.n)
                return NULL;
        task = items[folder->covering.items[*cursor].instance].task;
        *cursor = folder_covering(folder, e->task_first[task->index + 1]);
        return task;
}

void evidence_touch_task(struct evidence *e, const struct task *task) {
        e->task_all[task->index] = e->any_dirty = true;
        evidence_schedule(e);
}

void folder_touch(struct evidence *e, const struct folder *folder) {
        const struct task *task;
        size_t cursor = 0;

        while ((task = folder_next_task(e, folder, &cursor)))
                evidence_touch_task(e, task);
}

/* ---- folders ---- */

static void folder_free(struct evidence *e, struct folder *folder, enum evfile_presence presence) {
        const struct task *task;
        size_t cursor = 0;

        while ((task = folder_next_task(e, folder, &cursor))) {
                struct folder_list *list = &e->task_folders[task->index];

                for (size_t k = 0; k < list->n; k++)
                        if (list->items[k] == folder) {
                                list->items[k] = list->items[--list->n];
                                break;
                        }
        }
        for (size_t i = 0; i < folder->files.n; i++)
                evfile_leave(e, folder->files.items[i], presence);
        array_done(&folder->files);
        array_done(&folder->covering);
        free(folder->path);
        free(folder);
}

/* NULL for a folder where nobody looks. */
static struct folder *folder_get(struct root *root, const char *path) {
        struct evidence *e = root->evidence;
        struct folder *folder = strmap_get(root->folders, path);
        const struct task *task;
        size_t cursor = 0;

        if (folder)
                return folder;
        folder = calloc(1, sizeof(*folder));
        if (!folder)
                return NULL;
        folder->root = (uint32_t)root->index;
        folder->path = strdup(path);
        if (!folder->path || folder_cover(e, folder) < 0 || folder->covering.n == 0 ||
            strmap_put(root->folders, path, folder) < 0) {
                array_done(&folder->covering);
                free(folder->path);
                free(folder);
                return NULL;
        }
        while ((task = folder_next_task(e, folder, &cursor)))
                if (array_push(&e->task_folders[task->index], folder) < 0)
                        log_oom();
        return folder;
}

/* ---- listings ---- */

struct listed {
        char *name; /* owned */
        struct file file;
        uint8_t flags;
};

static int listed_read(const json_t *files, size_t i, struct listed *ret) {
        const json_t *v[5];

        for (size_t k = 0; k < 5; k++)
                v[k] = json_array_get(files, i + k);
        if (!json_is_integer(v[1]) || !json_is_integer(v[2]) || !json_is_integer(v[3]) ||
            !json_is_integer(v[4]))
                return -EBADMSG;
        ret->name = frame_name_decode(v[0]);
        if (!ret->name || !*ret->name || strchr(ret->name, '/'))
                return -EBADMSG;
        ret->flags = (uint8_t)json_integer_value(v[4]);
        ret->file = (struct file){.size = (uint64_t)json_integer_value(v[1]),
                                  .mtime = json_integer_value(v[2]),
                                  .inode = (uint64_t)json_integer_value(v[3])};
        return 0;
}

/* One listing against what was there. */
struct update {
        struct root *root;
        struct folder *folder;
        struct evfile_list before; /* NULL: seen again */
        struct lookup by_name;     /* of before */
        struct index_list arrived; /* lines that are not about one of those */
        usec_t now;
};

static void update_done(struct update *u) {
        array_done(&u->before);
        array_done(&u->arrived);
        lookup_done(&u->by_name);
}

/* Behind the folder's path, which all of them begin with, stand their names. */
static int index_before(struct update *u) {
        size_t skip = *u->folder->path ? strlen(u->folder->path) + 1 : 0;
        uint64_t seed = u->root->evidence->seed;
        int r = 0;

        u->before.items = u->folder->files.items;
        u->before.n = u->before.cap = u->folder->files.n;
        u->folder->files.items = NULL;
        u->folder->files.n = u->folder->files.cap = 0;
        for (size_t i = 0; i < u->before.n && r == 0; i++)
                r = lookup_add(&u->by_name, hash_string(seed, u->before.items[i]->file.path + skip),
                               (uint32_t)i);
        return r;
}

static struct evfile *take_before(struct update *u, const char *name) {
        size_t skip = *u->folder->path ? strlen(u->folder->path) + 1 : 0;
        uint64_t hash = hash_string(u->root->evidence->seed, name);
        size_t cursor = 0;
        uint32_t i;

        while ((i = lookup_next(&u->by_name, hash, &cursor)) != LOOKUP_NONE) {
                struct evfile *f = u->before.items[i];

                if (!f || strcmp(f->file.path + skip, name) != 0)
                        continue;
                u->before.items[i] = NULL;
                return f;
        }
        return NULL;
}

static int add_file(struct update *u, const struct listed *seen) {
        struct evidence *e = u->root->evidence;
        _cleanup_free_ char *path = NULL;
        struct evfile *f, *before;
        char *was = NULL;
        int r;

        if (asprintf(&path, "%s%s%s", u->folder->path, *u->folder->path ? "/" : "", seen->name) < 0)
                return -ENOMEM;
        f = evfile_new(e, u->root->index, path);
        if (!f)
                return -ENOMEM;
        f->folder = u->folder;
        r = evfile_classify(e, f);
        before =
                r == 0 ? absent_take(e, u->root->index, path, &seen->file, f->matched, &was) : NULL;
        if (before) {
                evfile_destroy(f);
                f = before;
                f->folder = u->folder;
                r = evfile_classify(e, f);
        }
        if (was && stray_note(e, f, was) < 0)
                log_oom(); /* who reads that it is open again is not told why */
        if (r == 0 && !other_is_welcome(e, f)) {
                evfile_free(e, f);
                return 0;
        }
        if (r == 0)
                r = array_push(&u->folder->files, f);
        if (r < 0) {
                evfile_free(e, f);
                return r;
        }
        evfile_see(u->root, f, &seen->file, seen->flags, u->now);
        return 0;
}

/* One line: what was there and is unchanged stays; where it changed, the old version leaves and the new one arrives. */
static int take_line(struct update *u, size_t line, const struct listed *seen) {
        struct evfile *old = take_before(u, seen->name);
        int r;

        if (old && (old->file.size != seen->file.size || old->file.mtime != seen->file.mtime ||
                    old->file.inode != seen->file.inode)) {
                evfile_leave(u->root->evidence, old, EVFILE_MISSING);
                old = NULL;
        }
        if (!old)
                return array_push(&u->arrived, line);
        r = array_push(&u->folder->files, old);
        if (r == 0)
                evfile_see(u->root, old, &seen->file, seen->flags, u->now);
        return r;
}

static int take_lines(struct update *u, const json_t *files) {
        int r = 0;

        for (size_t i = 0; i < json_array_size(files) && r == 0; i += 5) {
                struct listed seen = {};

                r = listed_read(files, i, &seen);
                if (r == 0)
                        r = take_line(u, i, &seen);
                free(seen.name);
        }
        return r;
}

static int add_files(struct update *u, const json_t *files) {
        int r = 0;

        for (size_t i = 0; i < u->arrived.n && r == 0; i++) {
                struct listed seen = {};

                r = listed_read(files, u->arrived.items[i], &seen);
                if (r == 0)
                        r = add_file(u, &seen);
                free(seen.name);
        }
        return r;
}

int folder_apply(struct root *root, const char *path, const json_t *files) {
        _cleanup_(update_done) struct update u = {.root = root,
                                                  .folder = folder_get(root, path),
                                                  .now = evidence_now(root->evidence)};
        size_t n = json_array_size(files);
        int r;

        if (!u.folder)
                return 0; /* nobody looks there */
        if (n % 5 != 0 || n / 5 > FOLDER_MAX_FILES)
                return -EBADMSG;
        r = index_before(&u);
        if (r == 0)
                r = take_lines(&u, files);
        /* Who leaves goes first: one that was renamed is known when it arrives. */
        for (size_t i = 0; i < u.before.n; i++)
                if (u.before.items[i])
                        evfile_leave(root->evidence, u.before.items[i], EVFILE_MISSING);
        return r < 0 ? r : add_files(&u, files);
}

/* The files of a folder by name, while it is not changed. */
static struct evfile *file_named(const struct folder *folder, const struct lookup *by_name,
                                 uint64_t seed, const char *name) {
        uint64_t hash = hash_string(seed, name);
        size_t cursor = 0;
        uint32_t i;

        while ((i = lookup_next(by_name, hash, &cursor)) != LOOKUP_NONE)
                if (strcmp(path_name(folder->files.items[i]->file.path), name) == 0)
                        return folder->files.items[i];
        return NULL;
}

int folder_settled(struct root *root, const char *path, const json_t *files) {
        struct folder *folder = strmap_get(root->folders, path);
        _cleanup_(lookup_done) struct lookup by_name = LOOKUP_INIT;
        uint64_t seed = root->evidence->seed;
        usec_t now = evidence_now(root->evidence);
        int r = folder ? lookup_reserve(&by_name, folder->files.n) : 0;

        for (size_t i = 0; folder && i < folder->files.n && r == 0; i++)
                r = lookup_add(&by_name,
                               hash_string(seed, path_name(folder->files.items[i]->file.path)),
                               (uint32_t)i);
        for (size_t i = 0; folder && i + 1 < json_array_size(files) && r == 0; i += 2) {
                _cleanup_free_ char *name = frame_name_decode(json_array_get(files, i));
                struct evfile *f = name ? file_named(folder, &by_name, seed, name) : NULL;

                if (!name)
                        return -EBADMSG;
                if (f)
                        evfile_see(root, f, &f->file,
                                   (uint8_t)json_integer_value(json_array_get(files, i + 1)), now);
        }
        return r;
}

static bool is_below(const char *path, const char *top) {
        size_t n = strlen(top);

        return n == 0 || (strncmp(path, top, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

static void folders_drop(struct root *root, const char *top, enum evfile_presence presence) {
        struct folder_list below = {};
        struct folder *folder;
        const char *path = NULL;
        size_t cursor = 0;

        while ((folder = strmap_next(root->folders, &cursor, &path)))
                if (is_below(path, top) && array_push(&below, folder) < 0)
                        log_oom();
        for (size_t i = 0; i < below.n; i++) {
                strmap_remove(root->folders, below.items[i]->path);
                folder_free(root->evidence, below.items[i], presence);
        }
        array_done(&below);
}

void folder_gone(struct root *root, const char *path) { folders_drop(root, path, EVFILE_MISSING); }

void root_forget(struct root *root) {
        root_drop_inspections(root);
        folders_drop(root, "", EVFILE_REMEMBERED);
}

void root_reconcile(struct root *root) {
        struct evidence *e = root->evidence;

        for (size_t i = 0; i < e->absent.n; i++) {
                struct evfile *f = e->absent.items[i];

                if (f->file.root == root->index && f->presence == EVFILE_REMEMBERED &&
                    absent_turn_missing(e, f) < 0)
                        log_oom();
        }
        for (size_t t = 0; t < e->config.model->n_tasks; t++)
                evidence_touch_task(e, &e->config.model->tasks[t]);
}
