/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "service/evidence-internal.h"

/* Files one by one: what their names say, what the store knows of them, and what happens when they come, change and go. */

enum {
        FLAG_REGULAR = 1,
        FLAG_SETTLED = 2,
        FLAG_LINK_IN = 4,
        FLAG_LINK_OUT = 8,
        FLAG_UNREADABLE = 16,
        FLAG_QUIET = 32,
        FLAG_READ = 64,
        FLAGS_UNSEEN = 0xff, /* not seen yet where it lies now */
};

#define BITS 64

static bool asks_much(const struct folder *folder) { return folder->n_needs > BITS; }

bool evfile_asked(const struct evfile *f, size_t need) {
        uint64_t bits = asks_much(f->folder) ? f->asked.more[need / BITS] : f->asked.bits;

        return bits >> need % BITS & 1;
}

static void forget_asked(struct evfile *f) {
        if (f->folder && asks_much(f->folder))
                free(f->asked.more);
        f->asked.bits = 0;
}

void evfile_destroy(struct evfile *f) {
        forget_asked(f);
        free((char *)f->file.path);
        free(f);
}

void evfile_free(struct evidence *e, struct evfile *f) {
        evfile_unqueue(e, f);
        evfile_judged(e, f);
        other_drop(e, f);
        f->matched = false;
        evfile_account(e, f);
        content_drop(e, f);
        strays_forget(e, f);
        evfile_destroy(f);
}

struct evfile *evfile_new(const struct evidence *e, size_t root, const char *path) {
        struct evfile *f = calloc(1, sizeof(*f));

        if (!f)
                return NULL;
        f->file = (struct file){
                .path = strdup(path), .root = (uint32_t)root, .offset = e->config.clock->offset};
        f->instance = f->elsewhere = NOWHERE;
        f->changed_at = f->queue_at = f->lonely_at = NOWHERE;
        f->flags = FLAGS_UNSEEN;
        f->told = f->verdict = VERDICT_COUNTED;
        if (!f->file.path) {
                free(f);
                return NULL;
        }
        return f;
}

/* ---- what follows from the name alone ---- */

static int note_asked(const struct evidence *e, struct evfile *f, const struct match_name *name) {
        const struct folder *folder = f->folder;
        uint64_t *bits = &f->asked.bits;

        *bits = 0;
        if (asks_much(folder)) {
                bits = calloc(folder->n_needs / BITS + 1, sizeof(*bits));
                if (!bits)
                        return -ENOMEM;
                f->asked.more = bits;
        }
        for (size_t i = 0; !f->ignored && i < folder->covering.n; i++) {
                const struct cover *c = &folder->covering.items[i];
                const struct instance *in = &e->config.tracks->instances->items[c->instance];

                for (size_t r = 0; r < in->n_requirements; r++) {
                        size_t need = c->need + r;

                        if (!requirement_takes(&in->requirements[r], name))
                                continue;
                        bits[need / BITS] |= UINT64_C(1) << need % BITS;
                        f->matched = true;
                }
        }
        return 0;
}

int evfile_classify(struct evidence *e, struct evfile *f) {
        _cleanup_(match_name_done) struct match_name name = {};
        int r = match_name_init(&name, path_name(f->file.path));

        if (r < 0)
                return r;
        f->bad_name = !name.plain;
        f->ignored = name_rules_ignored(e->rules, &name);
        f->explanation = !f->ignored && name_rules_explanation(e->rules, &name);
        f->matched = false;
        f->elsewhere = NOWHERE;
        return note_asked(e, f, &name);
}

/* ---- what the store knows ---- */

struct stored_file evfile_row(const struct evidence *e, const struct evfile *f) {
        const struct instance_set *set = e->config.tracks->instances;

        struct stored_file row = {
                .id = f->id,
                .root = e->roots[f->file.root].path,
                .path = f->file.path,
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
                .instance = f->instance == NOWHERE ? NULL : set->items[f->instance].key,
                .requirement = f->requirement,
                .assigned_at = f->assigned_at,
                .verdict = f->told,
        };

        memcpy(row.sha256, f->file.sha256, SHA256_SIZE);
        return row;
}

static void take_row(struct evidence *e, struct evfile *f, const struct stored_file *row) {
        const struct instance *i =
                row->instance ? instance_set_find(e->config.tracks->instances, row->instance)
                              : NULL;

        f->id = row->id;
        f->file.settled = row->received_at != 0;
        f->file.regular = true;
        f->file.size = row->size;
        f->file.inode = row->inode;
        f->file.mtime = row->mtime;
        f->file.received_at = row->received_at;
        f->file.as_dated = row->as_dated;
        f->file.inspected = row->inspected;
        f->file.whole = row->whole;
        f->file.signed_pdf = row->signed_pdf;
        f->file.type = row->type;
        memcpy(f->file.sha256, row->sha256, SHA256_SIZE);
        f->told = row->verdict;
        f->gone_since = row->gone_since;
        f->gone_saved = row->gone_since != 0;
        f->presence = EVFILE_REMEMBERED;
        if (i && row->requirement < i->n_requirements) {
                f->instance = (uint32_t)i->index;
                f->requirement = row->requirement;
                f->assigned_at = row->assigned_at;
        }
}

static int on_stored_file(void *userdata, const struct stored_file *row) {
        struct evidence *e = userdata;
        struct evfile *f;
        size_t root = 0;
        int r;

        while (root < e->n_roots && strcmp(e->roots[root].path, row->root) != 0)
                root++;
        if (root == e->n_roots)
                return store_delete_file(e->config.store,
                                         row->id); /* its root is no longer configured */
        f = evfile_new(e, root, row->path);
        if (!f)
                return -ENOMEM;
        take_row(e, f, row);
        r = absent_add(e, f);
        return r < 0 || f->instance == NOWHERE ? r : content_put(e, f);
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

/* ---- coming, changing, going ---- */

void evfile_judged(struct evidence *e, struct evfile *f) {
        if (f->changed_at != NOWHERE)
                e->changed.items[f->changed_at] = NULL;
        f->changed_at = NOWHERE;
}

bool evfile_is_nobodys(const struct evfile *f) {
        return !f->matched && !f->bad_name && !f->explanation && f->id == 0;
}

void evfile_changed(struct evidence *e, struct evfile *f) {
        if (f->instance != NOWHERE || f->explanation) {
                folder_touch(e, f->folder); /* what stood is to be weighed anew */
                return;
        }
        if (evfile_is_nobodys(f)) {
                f->verdict = !f->file.regular ? VERDICT_NOT_REGULAR
                             : f->ignored     ? VERDICT_IGNORED
                                              : VERDICT_NAME;
                return;
        }
        if (f->changed_at == NOWHERE) {
                if (array_push(&e->changed, f) < 0) {
                        folder_touch(e, f->folder);
                        return;
                }
                f->changed_at = (uint32_t)(e->changed.n - 1);
        }
        e->any_dirty = true;
        evidence_schedule(e);
}

static void note_received(const struct root *root, struct evfile *f, usec_t now) {
        usec_t dated = f->file.mtime + f->file.offset;

        if (!f->file.settled || f->file.received_at != 0)
                return;
        f->file.as_dated = !root->ever_walked;
        f->file.received_at = f->file.as_dated && dated < now ? dated : now;
        f->fresh_seen = root->ever_walked;
}

/* What is in it is asked for once it has settled; while it waits for that, ahead, when there is nothing else to ask. */
static void want_inspected(struct root *root, struct evfile *f, uint8_t flags) {
        if (!f->matched || !f->file.regular || f->file.inspected || f->file.unreadable ||
            f->file.size == 0)
                return;
        if (f->file.settled)
                evfile_queue_inspection(root, f);
        else if (flags & FLAG_QUIET)
                evfile_read_ahead(root, f);
}

void evfile_see(struct root *root, struct evfile *f, const struct file *seen, uint8_t flags,
                usec_t now) {
        /* Moving a file or opening it does not unsettle what it says: the same bytes, as far as its size and date tell. */
        bool known = f->file.received_at != 0 && f->file.size == seen->size &&
                     f->file.mtime == seen->mtime;
        bool settled = known || (flags & FLAG_SETTLED);
        uint8_t lasting = flags & (uint8_t)~FLAG_READ;
        bool news = f->flags != lasting || f->file.settled != settled;

        if (settled && !f->file.settled && !(flags & FLAG_READ))
                f->file.inspected = false; /* what was read ahead does not stand */
        f->presence = EVFILE_PRESENT;
        f->flags = lasting;
        f->gone_since = 0;
        f->file.size = seen->size;
        f->file.mtime = seen->mtime;
        f->file.inode = seen->inode;
        f->link_out = flags & FLAG_LINK_OUT;
        f->file.regular = (flags & FLAG_REGULAR) && !f->link_out;
        f->file.unreadable = flags & FLAG_UNREADABLE;
        f->file.settled = settled;
        note_received(root, f, now);
        want_inspected(root, f, flags);
        evfile_account(root->evidence, f);
        evfile_note_unreadable(root->evidence, f);
        if (!news)
                return;
        other_seen(root->evidence, f);
        evfile_changed(root->evidence, f);
}

void evfile_leave(struct evidence *e, struct evfile *f, enum evfile_presence presence) {
        if (f->instance != NOWHERE || f->explanation)
                folder_touch(e, f->folder);
        evfile_unqueue(e, f);
        evfile_judged(e, f);
        other_drop(e, f);
        forget_asked(f);
        f->folder = NULL;
        f->flags = FLAGS_UNSEEN;
        f->presence = presence;
        evfile_account(e, f);
        evfile_note_unreadable(e, f);
        if (presence == EVFILE_MISSING && f->gone_since == 0)
                f->gone_since = evidence_now(e);
        /* What was received keeps that when it only moves. */
        if (f->id == 0 && f->file.received_at == 0) {
                evfile_free(e, f);
                return;
        }
        if (absent_add(e, f) < 0)
                log_oom();
}
