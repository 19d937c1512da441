/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "service/evidence-internal.h"

enum {
        FLAG_REGULAR = 1,
        FLAG_SETTLED = 2,
        FLAG_LINK_IN = 4,
        FLAG_LINK_OUT = 8,
        FLAG_UNREADABLE = 16
};

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

int evidence_index(struct evidence *e) {
        const struct instance_set *set = e->config.tracks->instances;
        int r;

        e->dirs = strmap_new();
        e->remembered = strmap_new();
        e->missing = strmap_new();
        e->contents = strmap_new();
        e->task_folders = calloc(e->config.model->n_tasks + 1, sizeof(*e->task_folders));
        e->task_absent = calloc(e->config.model->n_tasks + 1, sizeof(*e->task_absent));
        e->task_first = calloc(e->config.model->n_tasks + 2, sizeof(*e->task_first));
        e->task_dirty = calloc(e->config.model->n_tasks + 1, sizeof(*e->task_dirty));
        e->task_waiting = calloc(e->config.model->n_tasks + 1, sizeof(*e->task_waiting));
        e->unexplained_at = calloc(set->n + 1, sizeof(*e->unexplained_at));
        if (!e->task_waiting || !e->unexplained_at || !e->dirs || !e->remembered ||
            !e->task_folders || !e->task_dirty || !e->missing || !e->contents || !e->task_absent ||
            !e->task_first)
                return -ENOMEM;
        index_tasks(e);
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
                r = array_push(&folder->covering, list->items[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_index(const void *a, const void *b) {
        size_t x = *(const size_t *)a, y = *(const size_t *)b;

        return x < y ? -1 : x > y;
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
                      compare_index);
        return r;
}

/* One of an instance's task that no entry before it has: tasks are visited once. */
static const struct task *next_task(const struct evidence *e, const struct folder *folder,
                                    size_t *cursor) {
        const struct instance *items = e->config.tracks->instances->items;
        const struct task *task;

        if (*cursor >= folder->covering.n)
                return NULL;
        task = items[folder->covering.items[*cursor]].task;
        while (*cursor < folder->covering.n && items[folder->covering.items[*cursor]].task == task)
                ++*cursor;
        return task;
}

void evidence_touch_task(struct evidence *e, const struct task *task) {
        e->task_dirty[task->index] = e->any_dirty = true;
        evidence_schedule(e);
}

void folder_touch(struct evidence *e, const struct folder *folder) {
        const struct task *task;
        size_t cursor = 0;

        while ((task = next_task(e, folder, &cursor)))
                evidence_touch_task(e, task);
}

void folder_wait(struct evidence *e, const struct folder *folder, int change) {
        const struct task *task;
        size_t cursor = 0;

        while ((task = next_task(e, folder, &cursor)))
                e->task_waiting[task->index] += (size_t)change;
}

/* ---- files ---- */

void evfile_free(struct evidence *e, struct evfile *f) {
        evfile_unqueue(e, f);
        other_drop(e, f);
        f->matched = false;
        evfile_account(e, f);
        content_drop(e, f);
        match_name_done(&f->name);
        free(f->path);
        free(f);
}

static struct evfile *evfile_new(const struct evidence *e, size_t root, const char *path) {
        struct evfile *f = calloc(1, sizeof(*f));

        if (!f)
                return NULL;
        f->path = strdup(path);
        f->file.path = f->path;
        f->file.root = root;
        f->file.offset = e->config.clock->offset;
        f->instance = f->elsewhere = SIZE_MAX;
        f->told = f->verdict = VERDICT_COUNTED;
        return f;
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool matches_any(const struct instance *instance, const struct match_name *name) {
        for (size_t r = 0; r < instance->n_requirements; r++) {
                if (instance->requirements[r].n_patterns == 0 && name->plain)
                        return true;
                for (size_t p = 0; p < instance->requirements[r].n_patterns; p++)
                        if (pattern_match(instance->requirements[r].patterns[p], name))
                                return true;
        }
        return false;
}

/* What follows from the name alone. */
static int evfile_classify(struct evidence *e, struct evfile *f, const struct folder *folder) {
        const char *name = base_name(f->path);
        int r = f->name.plain ? 0 : match_name_init(&f->name, name);

        if (r < 0)
                return r;
        f->ignored = name_rules_ignored(e->rules, &f->name);
        f->explanation = !f->ignored && name_rules_explanation(e->rules, &f->name);
        f->matched = false;
        f->elsewhere = SIZE_MAX;
        for (size_t i = 0; !f->matched && !f->ignored && i < folder->covering.n; i++)
                f->matched = matches_any(
                        &e->config.tracks->instances->items[folder->covering.items[i]], &f->name);
        return 0;
}

struct stored_file evfile_row(const struct evidence *e, const struct evfile *f) {
        const struct instance_set *set = e->config.tracks->instances;

        struct stored_file row = {
                .id = f->id,
                .root = e->roots[f->file.root].path,
                .path = f->path,
                .size = f->file.size,
                .inode = f->file.inode,
                .mtime = f->file.mtime,
                .received_at = f->file.received_at,
                .as_dated = f->file.as_dated,
                .inspected = f->file.inspected,
                .whole = f->file.whole,
                .signed_pdf = f->file.signed_pdf,
                .type = f->file.type,
                .gone_since = f->gone_since,
                .instance = f->instance == SIZE_MAX ? NULL : set->items[f->instance].key,
                .requirement = (uint32_t)f->requirement,
                .assigned_at = f->assigned_at,
                .verdict = f->told,
        };

        memcpy(row.sha256, f->file.sha256, SHA256_SIZE);
        return row;
}

static int on_stored_file(void *userdata, const struct stored_file *row) {
        struct evidence *e = userdata;
        struct evfile *f = NULL;
        size_t root = 0;
        int r;

        while (root < e->n_roots && strcmp(e->roots[root].path, row->root) != 0)
                root++;
        if (root == e->n_roots)
                return store_delete_file(e->config.store,
                                         row->id); /* its root is no longer configured */
        f = evfile_new(e, root, row->path);
        if (!f || !f->path)
                return -ENOMEM;
        f->id = row->id;
        f->file = (struct file){.path = f->path,
                                .root = root,
                                .offset = e->config.clock->offset,
                                .regular = true,
                                .settled = row->received_at != 0,
                                .inspected = row->inspected,
                                .size = row->size,
                                .inode = row->inode,
                                .mtime = row->mtime,
                                .received_at = row->received_at,
                                .as_dated = row->as_dated,
                                .type = row->type,
                                .whole = row->whole,
                                .signed_pdf = row->signed_pdf};
        memcpy(f->file.sha256, row->sha256, SHA256_SIZE);
        f->told = row->verdict;
        f->gone_since = row->gone_since;
        f->presence = EVFILE_REMEMBERED;
        if (row->instance) {
                const struct instance *i =
                        instance_set_find(e->config.tracks->instances, row->instance);

                if (i && row->requirement < i->n_requirements) {
                        f->instance = i->index;
                        f->requirement = row->requirement;
                        f->assigned_at = row->assigned_at;
                }
        }
        r = match_name_init(&f->name, base_name(f->path));
        return r < 0 ? r : absent_add(e, f);
}

int evidence_remember(struct evidence *e) {
        int r = store_begin(
                e->config.store); /* files of roots that are no longer configured are dropped */

        if (r == 0)
                r = store_load_files(e->config.store, on_stored_file, e);
        if (r == 0)
                r = store_commit(e->config.store);
        if (r < 0)
                store_rollback(e->config.store);
        return r;
}

static bool same_content(const struct file *f, uint64_t size, usec_t mtime, uint64_t inode) {
        return f->size == size && f->mtime == mtime && f->inode == inode;
}

/* A file that is no longer where it was: kept while it holds a slot, forgotten otherwise. */
static void evfile_leaves(struct evidence *e, struct evfile *f, enum evfile_presence presence) {
        evfile_unqueue(e, f);
        other_drop(e, f);
        f->folder = NULL;
        f->presence = presence;
        evfile_account(e, f);
        if (presence == EVFILE_MISSING && f->gone_since == 0)
                f->gone_since = evidence_now(e);
        if (f->id == 0 && f->instance == SIZE_MAX) {
                evfile_free(e, f);
                return;
        }
        if (absent_add(e, f) < 0)
                log_oom();
}

/* ---- folders ---- */

static void folder_free(struct evidence *e, struct folder *folder, enum evfile_presence presence) {
        const struct task *task;
        size_t cursor = 0;

        folder_touch(e, folder);
        while ((task = next_task(e, folder, &cursor))) {
                struct folder_list *list = &e->task_folders[task->index];

                for (size_t k = 0; k < list->n; k++)
                        if (list->items[k] == folder) {
                                list->items[k] = list->items[--list->n];
                                break;
                        }
        }
        for (size_t i = 0; i < folder->files.n; i++)
                evfile_leaves(e, folder->files.items[i], presence);
        array_done(&folder->files);
        array_done(&folder->covering);
        free(folder->path);
        free(folder);
}

/* NULL and errno 0 for a folder where nobody looks. */
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
        folder->root = root->index;
        folder->path = strdup(path);
        if (!folder->path || folder_cover(e, folder) < 0 || folder->covering.n == 0 ||
            strmap_put(root->folders, path, folder) < 0) {
                array_done(&folder->covering);
                free(folder->path);
                free(folder);
                return NULL;
        }
        while ((task = next_task(e, folder, &cursor)))
                if (array_push(&e->task_folders[task->index], folder) < 0)
                        log_oom();
        return folder;
}

struct listed {
        char *name; /* owned */
        struct file file;
        unsigned flags;
};

static int listed_read(const json_t *files, size_t i, struct listed *ret) {
        const json_t *v[5];

        for (size_t k = 0; k < 5; k++)
                v[k] = json_array_get(files, i + k);
        if (!json_is_integer(v[1]) || !json_is_integer(v[2]) || !json_is_integer(v[3]) ||
            !json_is_integer(v[4]))
                return -EBADMSG;
        ret->name = frame_name_decode(v[0]);
        if (!ret->name || !*ret->name || strchr(ret->name, '/')) {
                free(ret->name);
                return -EBADMSG;
        }
        ret->flags = (unsigned)json_integer_value(v[4]);
        ret->file = (struct file){.size = (uint64_t)json_integer_value(v[1]),
                                  .mtime = json_integer_value(v[2]),
                                  .inode = (uint64_t)json_integer_value(v[3])};
        return 0;
}

static void evfile_see(struct root *root, struct evfile *f, const struct listed *seen) {
        /* Moving a file or opening it does not unsettle what it says: the same bytes, as far as its size and date tell. */
        bool known = f->file.received_at != 0 && f->file.size == seen->file.size &&
                     f->file.mtime == seen->file.mtime;
        bool settled = known || (seen->flags & FLAG_SETTLED);

        f->presence = EVFILE_PRESENT;
        f->gone_since = 0;
        f->file.size = seen->file.size;
        f->file.mtime = seen->file.mtime;
        f->file.inode = seen->file.inode;
        f->link_out = seen->flags & FLAG_LINK_OUT;
        f->file.regular = (seen->flags & FLAG_REGULAR) && !f->link_out;
        f->file.unreadable = seen->flags & FLAG_UNREADABLE;
        f->file.settled = settled;
        if (settled && f->file.received_at == 0) {
                usec_t now = evidence_now(root->evidence);
                usec_t dated = f->file.mtime + f->file.offset;

                f->file.as_dated = !root->ever_walked;
                f->file.received_at = f->file.as_dated && dated < now ? dated : now;
                f->fresh_seen = root->ever_walked;
        }
        if (f->matched && settled && f->file.regular && !f->file.inspected && f->file.size > 0)
                evfile_queue_inspection(root, f);
        other_seen(root->evidence, f);
        evfile_account(root->evidence, f);
}

static int folder_add(struct root *root, struct folder *folder, const char *path,
                      const struct listed *seen) {
        struct evidence *e = root->evidence;
        struct evfile *f = absent_take(e, root->index, path, &seen->file);
        int r;

        if (!f) {
                f = evfile_new(e, root->index, path);
                if (!f || !f->path)
                        return -ENOMEM;
        }
        f->folder = folder;
        r = evfile_classify(e, f, folder);
        if (r == 0 && !other_is_welcome(e, f)) {
                evfile_free(e, f);
                return 0;
        }
        if (r == 0)
                r = array_push(&folder->files, f);
        if (r < 0) {
                evfile_free(e, f);
                return r;
        }
        evfile_see(root, f, seen);
        return 0;
}

/* One line of a listing against what was there: unchanged, changed (the old version leaves), or new. */
static int folder_take(struct root *root, struct folder *folder, struct strmap *before,
                       const struct listed *seen) {
        struct evidence *e = root->evidence;
        _cleanup_free_ char *path = NULL;
        struct evfile *old;

        if (asprintf(&path, "%s%s%s", folder->path, *folder->path ? "/" : "", seen->name) < 0)
                return -ENOMEM;
        old = strmap_remove(before, path);
        if (old && same_content(&old->file, seen->file.size, seen->file.mtime, seen->file.inode)) {
                int r = array_push(&folder->files, old);

                if (r == 0)
                        evfile_see(root, old, seen);
                return r;
        }
        if (old)
                evfile_leaves(e, old, EVFILE_MISSING);
        return folder_add(root, folder, path, seen);
}

DEFINE_CLEANUP(struct strmap *, strmap_free)

int folder_apply(struct root *root, const char *path, const json_t *files) {
        struct evidence *e = root->evidence;
        struct folder *folder = folder_get(root, path);
        _cleanup_(strmap_free_p) struct strmap *before = NULL;
        size_t n = json_array_size(files), cursor = 0;
        struct evfile *left;
        int r = 0;

        if (!folder)
                return 0; /* nobody looks there */
        if (n % 5 != 0 || n / 5 > FOLDER_MAX_FILES)
                return -EBADMSG;
        before = strmap_new();
        if (!before)
                return -ENOMEM;
        for (size_t i = 0; i < folder->files.n && r == 0; i++)
                r = strmap_put(before, folder->files.items[i]->path, folder->files.items[i]);
        if (r < 0)
                return r;
        folder->files.n = 0;
        for (size_t i = 0; i < n && r == 0; i += 5) {
                struct listed seen = {};

                r = listed_read(files, i, &seen);
                if (r == 0)
                        r = folder_take(root, folder, before, &seen);
                free(seen.name);
        }
        while ((left = strmap_next(before, &cursor, NULL)))
                evfile_leaves(e, left, EVFILE_MISSING);
        folder_touch(e, folder);
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

                if (f->file.root != root->index || f->presence != EVFILE_REMEMBERED)
                        continue;
                if (absent_turn_missing(e, f) < 0)
                        log_oom();
                if (f->instance != SIZE_MAX)
                        evidence_touch_task(e,
                                            e->config.tracks->instances->items[f->instance].task);
        }
        for (size_t t = 0; t < e->config.model->n_tasks; t++)
                evidence_touch_task(e, &e->config.model->tasks[t]);
}
