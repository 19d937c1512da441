/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MAX_HINTS 65536u /* names with news in one folder between two looks */

/* Where @name is among the children, or belongs. */
static size_t child_place(const struct folder *folder, const char *name, bool *ret_found) {
        size_t low = 0, high = folder->n_children;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(folder->children[middle]->name, name);

                if (order == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = false;
        return low;
}

/* The array doubles: its size is the next power of two. */
static int insert_child(struct folder *parent, size_t at, struct folder *child) {
        size_t n = parent->n_children;

        if ((n & (n - 1)) == 0) {
                struct folder **children =
                        reallocarray(parent->children, n > 0 ? 2 * n : 1, sizeof(*children));

                if (!children)
                        return -ENOMEM;
                parent->children = children;
        }
        memmove(parent->children + at + 1, parent->children + at,
                (n - at) * sizeof(*parent->children));
        parent->children[at] = child;
        parent->n_children++;
        return 0;
}

int folder_new(struct folder *parent, const char *name, struct folder **ret) {
        bool found = false;
        size_t at = parent ? child_place(parent, name, &found) : 0;
        struct folder *folder;

        if (found)
                return -EEXIST;
        folder = calloc(1, sizeof(*folder));
        if (!folder)
                return -ENOMEM;
        folder->name = strdup(name);
        folder->parent = parent;
        folder->wd = -1;
        folder->look_at = folder->look_by = folder->settle_at = folder->due = USEC_INFINITY;
        folder->heap_slot = SIZE_MAX;
        if (!folder->name || (parent && insert_child(parent, at, folder) < 0)) {
                folder_free(folder);
                return -ENOMEM;
        }
        *ret = folder;
        return 0;
}

static void free_one(struct folder *folder) {
        free(folder->name);
        free(folder->children);
        free(folder->settled);
        free(folder->pending);
        free(folder->pending_names);
        free(folder->hints);
        free(folder);
}

/* Without recursion: a tree can be as deep as a path is long. */
struct folder *folder_free(struct folder *folder) {
        struct folder *f = folder;

        while (f) {
                struct folder *up = f->parent;

                if (f->n_children > 0) {
                        f = f->children[--f->n_children];
                        continue;
                }
                free_one(f);
                if (f == folder)
                        break;
                f = up;
        }
        return NULL;
}

void folder_detach(struct folder *folder) {
        struct folder *parent = folder->parent;
        bool found;
        size_t at;

        if (!parent)
                return;
        at = child_place(parent, folder->name, &found);
        if (!found)
                return;
        parent->n_children--;
        memmove(parent->children + at, parent->children + at + 1,
                (parent->n_children - at) * sizeof(*parent->children));
}

struct folder *folder_child(const struct folder *folder, const char *name) {
        bool found;
        size_t at = child_place(folder, name, &found);

        return found ? folder->children[at] : NULL;
}

/* The next name of @path, which moves on. Return: 0, -EINVAL ("", "." and ".." are none), -ENOMEM. */
static int next_name(const char **path, char **ret) {
        size_t len = strcspn(*path, "/");
        char *name;

        if (len == 0 || (len == 1 && (*path)[0] == '.') ||
            (len == 2 && strncmp(*path, "..", 2) == 0))
                return -EINVAL;
        name = strndup(*path, len);
        if (!name)
                return -ENOMEM;
        *path += len;
        if (**path == '/')
                (*path)++;
        *ret = name;
        return 0;
}

struct folder *folder_find(struct folder *root, const char *path, struct folder **ret_nearest) {
        struct folder *folder = root;

        if (ret_nearest)
                *ret_nearest = root;
        while (*path) {
                _cleanup_free_ char *name = NULL;

                if (next_name(&path, &name) < 0)
                        return NULL;
                folder = folder_child(folder, name);
                if (!folder)
                        return NULL;
                if (ret_nearest)
                        *ret_nearest = folder;
        }
        return folder;
}

int folder_make(struct folder *root, const char *path, struct folder **ret) {
        struct folder *folder = root;

        while (*path) {
                _cleanup_free_ char *name = NULL;
                struct folder *child;
                int r = next_name(&path, &name);

                if (r < 0)
                        return r;
                child = folder_child(folder, name);
                if (!child) {
                        r = folder_new(folder, name, &child);
                        if (r < 0)
                                return r;
                }
                folder = child;
        }
        *ret = folder;
        return 0;
}

int folder_path(const struct folder *folder, struct strbuf *path) {
        size_t len = 0;
        char *end;

        strbuf_reset(path);
        for (const struct folder *f = folder; f->parent; f = f->parent)
                len += strlen(f->name) + (f->parent->parent != NULL);
        for (size_t i = 0; i < len; i++)
                strbuf_addc(path, '/');
        if (strbuf_error(path) < 0)
                return -ENOMEM;
        if (len == 0)
                return 0;
        end = path->data + len;
        for (const struct folder *f = folder; f->parent; f = f->parent) {
                end -= strlen(f->name);
                memcpy(end, f->name, strlen(f->name));
                end -= f->parent->parent != NULL;
        }
        return 0;
}

struct folder *folder_next(struct folder *folder, const struct folder *top) {
        if (folder->n_children > 0)
                return folder->children[0];
        for (; folder != top; folder = folder->parent) {
                struct folder *parent = folder->parent;
                bool found;
                size_t at = child_place(parent, folder->name, &found);

                if (at + 1 < parent->n_children)
                        return parent->children[at + 1];
        }
        return NULL;
}

static int compare_hints(const void *a, const void *b) {
        const struct hint *x = a, *y = b;

        if (x->name_hash != y->name_hash)
                return x->name_hash < y->name_hash ? -1 : 1;
        return x->at < y->at ? -1 : x->at > y->at;
}

static void replace_hint(struct hint *hint, const struct hint *later) {
        bool modified = hint->modified || later->modified;

        *hint = *later;
        hint->modified = modified;
}

void folder_hints_by_name(struct folder *folder) {
        size_t n = 0;

        if (folder->n_hints > 1)
                qsort(folder->hints, folder->n_hints, sizeof(*folder->hints), compare_hints);
        for (size_t i = 0; i < folder->n_hints; i++) {
                if (n > 0 && folder->hints[n - 1].name_hash == folder->hints[i].name_hash)
                        replace_hint(&folder->hints[n - 1], &folder->hints[i]);
                else
                        folder->hints[n++] = folder->hints[i];
        }
        folder->n_hints = n;
}

static void make_room(struct folder *folder, usec_t at) {
        size_t cap = folder->cap_hints > 0 ? 2 * folder->cap_hints : 4;
        struct hint *grown;

        if (folder->n_hints >= 64)
                folder_hints_by_name(folder);
        if (folder->n_hints < folder->cap_hints / 2)
                return;
        if (cap > MAX_HINTS) {
                folder->blurred = at; /* sorting them again and again would not help */
                return;
        }
        grown = reallocarray(folder->hints, cap, sizeof(*grown));
        if (grown) {
                folder->hints = grown;
                folder->cap_hints = cap;
        }
}

void folder_hint(struct folder *folder, const struct hint *hint) {
        /* The events of one file mostly come one behind the other. */
        if (folder->n_hints > 0 &&
            folder->hints[folder->n_hints - 1].name_hash == hint->name_hash) {
                replace_hint(&folder->hints[folder->n_hints - 1], hint);
                return;
        }
        if (folder->n_hints == folder->cap_hints && folder->blurred == 0) /* else it did not help */
                make_room(folder, hint->at);
        if (folder->n_hints == folder->cap_hints)
                folder->blurred = hint->at;
        else
                folder->hints[folder->n_hints++] = *hint;
}

void folder_forget_writers(struct folder *folder) {
        for (size_t i = 0; i < folder->n_hints; i++)
                if (folder->hints[i].writing) {
                        folder->hints[i].writing = false;
                        folder->hints[i].at = clock_monotonic();
                }
        for (size_t i = 0; i < folder->n_pending; i++) {
                folder->pending[i].read_at = 0;
                if (folder->pending[i].since == USEC_INFINITY)
                        folder->pending[i].since = clock_monotonic();
        }
}
