/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "service/evidence-internal.h"

/* Asking the scanner what a file contains: some at a time, the others wait in line. A file that is queued has a folder. */

#define INSPECT_TIMEOUT_USEC (60 * USEC_PER_SEC)

void evfile_account(struct evidence *e, struct evfile *f) {
        bool pending = f->matched && f->presence == EVFILE_PRESENT && f->file.regular &&
                       (!f->file.settled || f->queued);

        if (pending == f->pending)
                return;
        f->pending = pending;
        e->n_pending += pending ? 1 : (size_t)-1;
        if (e->n_pending > 0)
                return;
        e->any_dirty = e->any_dirty || e->lonely.n > 0; /* their turn has come */
        evidence_schedule(e);
}

static void line_up(struct root *root, struct inspect_line *line, struct evfile *f) {
        if (array_push(&line->files, f) < 0) {
                log_oom();
                return;
        }
        f->queue_at = (uint32_t)(line->files.n - 1);
        f->queued = true;
        evfile_account(root->evidence, f);
}

/* Return: it stood there, and was not asked for yet. */
static bool line_leave(struct inspect_line *line, const struct evfile *f) {
        if (f->queue_at < line->next || f->queue_at >= line->files.n ||
            line->files.items[f->queue_at] != f)
                return false;
        line->files.items[f->queue_at] = NULL;
        return true;
}

void evfile_queue_inspection(struct root *root, struct evfile *f) {
        /* One that was to be read ahead waits for its turn no longer; an answer under way is as good as another. */
        bool waits = f->queued && f->ahead && line_leave(&root->read_ahead, f);

        f->ahead = false;
        if ((!f->queued || waits) && !f->file.inspected)
                line_up(root, &root->to_inspect, f);
}

void evfile_read_ahead(struct root *root, struct evfile *f) {
        if (f->queued || f->file.inspected)
                return;
        f->ahead = true;
        line_up(root, &root->read_ahead, f);
}

/* It is answered, or not asked for any more. */
static void inspection_over(struct evidence *e, struct evfile *f) {
        f->queued = false;
        evfile_account(e, f);
        if (e->changed.n == 0)
                return;
        e->any_dirty = true; /* others may have waited for it */
        evidence_schedule(e);
}

void evfile_unqueue(struct evidence *e, struct evfile *f) {
        struct root *root = &e->roots[f->file.root];

        if (!f->queued)
                return;
        for (size_t i = 0; i < ELEMENTSOF(root->running); i++)
                if (root->running[i].file == f)
                        root->running[i].file = NULL;
        line_leave(f->ahead ? &root->read_ahead : &root->to_inspect, f);
        inspection_over(e, f);
}

static struct inspection *inspection_of(struct root *root, uint64_t id) {
        return &root->running[id % MAX_RUNNING];
}

static int inspect_one(struct root *root, struct evfile *f) {
        struct evidence *e = root->evidence;
        uint64_t id = root->last_inspection + 1;
        json_t *name = frame_name(f->file.path), *m;
        int r;

        m = json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:I}", "verb", "inspect", "id",
                      (json_int_t)id, "path", name, "size", (json_int_t)f->file.size, "mtime",
                      (json_int_t)f->file.mtime, "max_bytes",
                      (json_int_t)e->config.model->evidence.max_size, "timeout",
                      (json_int_t)INSPECT_TIMEOUT_USEC);
        if (!m)
                return -ENOMEM;
        r = peer_send(root->peer, m, NULL, 0);
        json_decref(m);
        if (r < 0)
                return r;
        root->last_inspection = id;
        *inspection_of(root, id) = (struct inspection){.id = id, .file = f};
        peer_expect(root->peer, 1);
        return 0;
}

static struct evfile *line_first(struct inspect_line *line) {
        for (; line->next < line->files.n; line->next++)
                if (line->files.items[line->next])
                        return line->files.items[line->next];
        line->next = line->files.n = 0;
        return NULL;
}

/* Answers come in the order of the questions: when the place of the next one is taken, enough are under way. */
void inspect_more(struct root *root) {
        while (inspection_of(root, root->last_inspection + 1)->id == 0) {
                struct inspect_line *line = &root->to_inspect;
                struct evfile *f = line_first(line);

                if (!f) {
                        line = &root->read_ahead;
                        f = line_first(line);
                }
                if (!f || inspect_one(root, f) < 0)
                        return; /* the scanner is away: it is asked when it is back */
                line->next++;
        }
}

usec_t inspections_under_way(const struct root *root) {
        const struct inspect_line *line = &root->to_inspect;
        usec_t first = USEC_INFINITY;
        size_t i = line->next;

        while (i < line->files.n && !line->files.items[i])
                i++;
        if (i < line->files.n)
                first = line->files.items[i]->file.received_at;
        for (i = 0; i < MAX_RUNNING; i++) {
                const struct evfile *f = root->running[i].file;

                /* One that was asked for ahead may have settled since, in any order. */
                if (f && f->file.settled && f->file.received_at < first)
                        first = f->file.received_at;
        }
        return first == USEC_INFINITY || root->ever_walked ? first : 0;
}

static void take_inspection(struct evfile *f, const json_t *m) {
        const char *status = "", *type = "", *sha = "";
        int whole = 0, is_signed = 0;
        enum file_type kind;

        json_unpack((json_t *)m, "{s?s, s?s, s?s, s?b, s?b}", "status", &status, "type", &type,
                    "sha256", &sha, "whole", &whole, "signed", &is_signed);
        if (strcmp(status, "ok") == 0 && file_type_from_string(type, &kind) == 0 &&
            hex_decode(sha, f->file.sha256, SHA256_SIZE) == 0) {
                f->file.inspected = true;
                f->file.type = kind;
                f->file.whole = whole;
                f->file.signed_pdf = is_signed;
        } else if (strcmp(status, "too-large") == 0) {
                f->file.too_large = true;
        } else if (strcmp(status, "changed") == 0 || strcmp(status, "gone") == 0) {
                f->file.settled = false; /* a listing that says what it is now follows */
        } else {
                f->file.unreadable = true;
        }
}

static void line_drop(struct evidence *e, struct inspect_line *line) {
        for (size_t i = line->next; i < line->files.n; i++)
                if (line->files.items[i])
                        inspection_over(e, line->files.items[i]);
        line->next = line->files.n = 0;
}

void root_drop_inspections(struct root *root) {
        for (size_t i = 0; i < ELEMENTSOF(root->running); i++) {
                if (root->running[i].id && peer_state(root->peer) == PEER_UP)
                        peer_expect(root->peer, -1);
                if (root->running[i].file)
                        inspection_over(root->evidence, root->running[i].file);
                root->running[i] = (struct inspection){};
        }
        line_drop(root->evidence, &root->to_inspect);
        line_drop(root->evidence, &root->read_ahead);
}

void inspection_answered(struct root *root, const json_t *m, uint64_t id) {
        struct inspection *slot = inspection_of(root, id);
        struct evfile *f = slot->file;

        if (id == 0 || slot->id != id)
                return;
        *slot = (struct inspection){};
        peer_expect(root->peer, -1);
        if (!f)
                return;
        take_inspection(f, m);
        inspection_over(root->evidence, f);
        evfile_changed(root->evidence, f);
}
