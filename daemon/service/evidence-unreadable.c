/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "service/evidence-internal.h"

/* What can not be read, for those who mend permissions. */

void unreadable_add(struct root *root, struct unreadable_list *list, const char *path,
                    const char *reason) {
        struct unreadable u = {.path = strdup(path), .since = evidence_now(root->evidence)};

        if (list->n >= MAX_UNREADABLE || !u.path ||
            asprintf(&u.text, "%s%s%s: %s", root->path, *path ? "/" : "", path, reason) < 0 ||
            array_push(list, u) < 0) {
                free(u.path);
                free(u.text);
        }
}

void unreadable_forget(struct unreadable_list *list, const char *path) {
        for (size_t i = 0; i < list->n; i++)
                if (strcmp(list->items[i].path, path) == 0) {
                        free(list->items[i].path);
                        free(list->items[i].text);
                        list->items[i] = list->items[--list->n];
                        return;
                }
}

void unreadable_done(struct unreadable_list *list) {
        while (list->n > 0)
                unreadable_forget(list, list->items[0].path);
        array_done(list);
}

/* Of a listing's flag only this much is known. */
void evfile_note_unreadable(struct evidence *e, struct evfile *f) {
        struct root *root = &e->roots[f->file.root];
        bool closed = f->presence == EVFILE_PRESENT && f->file.unreadable && f->instance != NOWHERE;

        if (closed == f->closed)
                return;
        f->closed = closed;
        if (closed) {
                /* Of a whole share the first is enough for the journal: status and the mail tell how many. */
                if (root->unreadable_files.n == 0)
                        log_warning("'%s/%s' can no longer be read; it and others like it count as "
                                    "long as they are the same",
                                    root->path, f->file.path);
                unreadable_add(root, &root->unreadable_files, f->file.path, strerror(EACCES));
        } else {
                unreadable_forget(&root->unreadable_files, f->file.path);
        }
        evidence_schedule(e);
}
