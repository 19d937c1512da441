/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "service/evidence-internal.h"

/* Questions about the evidence, and the one thing that people can say to it. */

bool evidence_roots_walked(const struct evidence *e) {
        for (size_t i = 0; i < e->n_roots; i++)
                if (strcmp(e->roots[i].state, "scanning") == 0 ||
                    (e->roots[i].ok && !e->roots[i].walked))
                        return false;
        return true;
}

bool evidence_is_quiet(const struct evidence *e) {
        return e->n_pending == 0 && !e->any_dirty && evidence_roots_walked(e);
}

size_t evidence_held(const struct evidence *e) { return e->n_held; }

int evidence_confirm(struct evidence *e) {
        size_t n = e->n_held;

        for (size_t i = 0; i < e->n_roots; i++) {
                struct root *root = &e->roots[i];

                if (strcmp(root->state, "different") != 0)
                        continue;
                free(root->identity);
                root->identity = NULL;
                peer_restart(root->peer, "its new file system was confirmed");
        }
        e->confirmed = true;
        e->any_dirty = true;
        evidence_schedule(e);
        return (int)n;
}

void evidence_notes_done(struct evidence_notes *notes) {
        for (size_t i = 0; i < notes->n; i++) {
                free((char *)notes->items[i].path);
                free((char *)notes->items[i].sha256);
                free((char *)notes->items[i].detail);
        }
        array_done(notes);
}

static int note_add(struct evidence *e, const struct track *track, const struct evfile *f,
                    struct evidence_notes *ret) {
        char hex[SHA256_HEX];
        const char *key = NULL;
        struct file_note note = {.size = f->file.size,
                                 .at = f->file.received_at,
                                 .verdict = f->verdict,
                                 .unreadable = f->closed};
        int r;

        if (f->instance == track->instance->index) {
                note.verdict = VERDICT_COUNTED;
                note.requirement = track->instance->requirements[f->requirement].name;
        } else if (f->instance != NOWHERE) {
                key = e->config.tracks->instances->items[f->instance].key;
                note.verdict = VERDICT_SURPLUS;
        } else if (f->link_out) {
                note.verdict = VERDICT_NOT_REGULAR;
        } else if (f->ignored) {
                note.verdict = VERDICT_IGNORED;
        } else if (f->explanation && f->verdict == VERDICT_NAME) {
                note.verdict = judge_explanation(&f->file);
                if (note.verdict == VERDICT_COUNTED)
                        note.verdict = VERDICT_EXPLANATION;
        } else if (f->elsewhere != NOWHERE) {
                key = e->config.tracks->instances->items[f->elsewhere].key;
                note.folder = e->config.tracks->instances->items[f->elsewhere].dir;
        }
        note.detail = key ? strdup(key) : evfile_why(e, f, note.verdict, track->instance->task);
        note.path = text_sanitize(f->file.path, strlen(f->file.path));
        note.sha256 =
                f->file.inspected ? strdup(hex_encode(f->file.sha256, SHA256_SIZE, hex)) : NULL;
        r = note.path ? array_push(ret, note) : -ENOMEM;
        if (r < 0) {
                free((char *)note.path);
                free((char *)note.sha256);
                free((char *)note.detail);
        }
        return r;
}

static int note_folder(struct evidence *e, const struct track *track, const struct folder *folder,
                       bool counted, bool ignored, struct evidence_notes *ret) {
        for (size_t i = 0; i < folder->files.n; i++) {
                const struct evfile *f = folder->files.items[i];
                int r;

                if ((f->instance == track->instance->index) != counted || (f->ignored && !ignored))
                        continue;
                r = note_add(e, track, f, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}

int evidence_files(struct evidence *e, const struct track *track, bool ignored,
                   struct evidence_notes *ret) {
        const struct folder_list *folders = &e->task_folders[track->instance->task->index];
        int r = 0;

        for (int counted = 1; counted >= 0; counted--)
                for (size_t i = 0; i < folders->n && r == 0; i++)
                        if (folder_covers(folders->items[i], track->instance->index))
                                r = note_folder(e, track, folders->items[i], counted, ignored, ret);
        return r;
}

char *evidence_counted(const struct evidence *e, const struct track *track, const char *sha256,
                       const char *path) {
        struct evfile wanted = {.file = {.inspected = true}};
        const struct evfile *o = NULL;
        char *found = NULL;

        errno = 0;
        if (hex_decode(sha256, wanted.file.sha256, SHA256_SIZE) < 0)
                return NULL;
        while ((o = content_next(e, &wanted, o))) {
                char *clean;

                if (o->instance != track->instance->index)
                        continue;
                clean = text_sanitize(o->file.path, strlen(o->file.path));
                if (!clean || strcmp(clean, path) == 0) {
                        free(found);
                        return clean;
                }
                free(found);
                found = clean;
        }
        errno = 0;
        return found;
}

size_t evidence_roots(const struct evidence *e, struct evidence_root *ret, size_t max) {
        size_t n = e->n_roots < max ? e->n_roots : max;

        for (size_t i = 0; i < n; i++) {
                const struct unreadable_list *u = &e->roots[i].unreadable,
                                             *files = &e->roots[i].unreadable_files;

                ret[i] = (struct evidence_root){.path = e->roots[i].path,
                                                .state = e->roots[i].state,
                                                .text = e->roots[i].text,
                                                .since = e->roots[i].since,
                                                .folders = e->roots[i].n_folders,
                                                .files = e->roots[i].n_files,
                                                .limit = e->roots[i].limit,
                                                .limit_since = e->roots[i].limit_since};
                ret[i].n_unreadable = u->n;
                if (u->n > 0) {
                        ret[i].unreadable = u->items[0].text;
                        ret[i].unreadable_since = u->items[0].since;
                }
                ret[i].n_unreadable_files = files->n;
                if (files->n > 0) {
                        ret[i].unreadable_file = files->items[0].text;
                        ret[i].unreadable_file_since = files->items[0].since;
                }
        }
        return n;
}
