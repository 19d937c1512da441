/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by tell.c (flushes), tell-notices.c, tell-preview.c and report.c. */

#include "service/tell.h"

struct flush;

/* Files of an instance that do not count, for a mail. */
struct tell_files {
        struct evidence_notes notes; /* owned; the first of them */
        size_t n_more;               /* beyond these */
        uint64_t print;              /* of all: other when one came, went or is judged otherwise */
};
/** tell_files() - @elsewhere: with those that count for another instance. Return: 0 or -ENOMEM. */
int tell_files(struct tell *t, const struct track *track, bool elsewhere, struct tell_files *ret);
void tell_files_done(struct tell_files *files);
/** tell_files_name() - into @notice, which borrows them */
void tell_files_name(const struct tell_files *files, struct notice *notice);

char *tell_message_id(const struct model *model,
                      usec_t now); /* owned; NULL: out of memory or of randomness */
/**
 * tell_leaves_late() - when what was to leave at @due leaves, should the service have been down then
 *
 * As reminders do: promptly at its own time; else caught up, at once only between send_at and the end of the window.
 */
usec_t tell_leaves_late(const struct tell *t, usec_t due, usec_t now);
/** The same for a notice that waited, by the rule of its kind. */
usec_t tell_notice_leaves(const struct tell *t, enum notice_kind kind, usec_t due, usec_t now);
/** One mail into the outbox, inside the caller's transaction. @flush: NULL for a mail without reminders. */
int tell_write_digest(struct tell *t, struct flush *flush, const struct digest *d,
                      char **ret_message_id);
