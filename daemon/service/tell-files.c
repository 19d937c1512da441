/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "base/cleanup.h"
#include "core/lookup.h"
#include "service/tell-internal.h"

/* What mails say of files that lie there and do not count. A folder may hold a hundred thousand of them: few are kept. */

#define MAX_NOTES 20

static bool is_told(const struct file_note *note, bool elsewhere) {
        return note->verdict != VERDICT_COUNTED &&
               (elsewhere || note->verdict != VERDICT_SURPLUS || !note->detail);
}

/* A sum, since files have no order; what is still being written is no news until it is judged. */
static uint64_t print_of(const char *key, const struct file_note *note) {
        if (note->verdict == VERDICT_UNSETTLED)
                return 0;
        return hash_number(hash_string(hash_string(HASH_SEED, key), note->path),
                           (uint64_t)note->verdict);
}

int tell_files(struct tell *t, const struct track *track, bool elsewhere, struct tell_files *ret) {
        _cleanup_(evidence_notes_done) struct evidence_notes all = {};
        struct tell_files files = {};
        int r = evidence_files(t->evidence, track, false, &all);

        for (size_t i = 0; i < all.n && r == 0; i++) {
                struct file_note *note = &all.items[i];

                if (!is_told(note, elsewhere))
                        continue;
                files.print += print_of(track->instance->key, note);
                if (files.notes.n == MAX_NOTES) {
                        files.n_more++;
                        continue;
                }
                r = array_push(&files.notes, *note);
                if (r == 0) /* what it owns went along */
                        note->path = note->sha256 = note->detail = NULL;
        }
        if (r < 0) {
                tell_files_done(&files);
                return r;
        }
        *ret = files;
        return 0;
}

void tell_files_done(struct tell_files *files) { evidence_notes_done(&files->notes); }

void tell_files_name(const struct tell_files *files, struct notice *notice) {
        notice->files = files->notes.items;
        notice->n_files = files->notes.n;
        notice->n_more_files = files->n_more;
}
