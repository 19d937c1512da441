/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From what is due to messages in the outbox: asks the planner, gathers the notices that wait, makes them into digests, has
 * them composed, and writes all of it in one transaction. Hands nothing out (service/outbox.h).
 */

#include "base/clock.h"
#include "message/compose.h"
#include "service/evidence.h"
#include "service/track.h"

struct tell {
        const struct clock *clock;
        const struct model *model;
        const struct templates *templates;
        struct tracks *tracks;
        struct evidence *evidence;
        struct store *store;
};

/* What a notice says beyond its kind; what is not set is left out. Borrowed. */
struct tell_words {
        const struct file_note *file;
        const char *text;
        const struct trouble *trouble;
        usec_t old_deadline;
};

/** tell_notice() - a notice to wait for its flush; inside the caller's transaction. @unit: where @track is NULL; either may be */
int tell_notice(struct tell *tell, enum notice_kind kind, const struct track *track,
                const struct unit *unit, const struct tell_words *words);
/** The same in a transaction of its own, for troubles: failing is logged, since it must not stop what found the trouble. What is
 *  told goes into the journal as well, in English. */
int tell_trouble(struct tell *tell, const struct trouble *trouble);

/** What a configuration change means to people: notices for moved, added and dropped instances; inside the
 *  caller's transaction. */
int tell_changes(struct tell *tell, const struct track_changes *changes);

/** Tasks that nobody is responsible for, unless the configuration says that it is known: once each; own transaction. */
int tell_unassigned(struct tell *tell);

/**
 * tell_flush() - all that is due now goes into the outbox
 * @ret_n: messages made
 *
 * Return: 0 or -errno; on failure nothing was recorded and all of it is due still.
 */
int tell_flush(struct tell *tell, size_t *ret_n);

/** The next instant at which a flush would find something; USEC_INFINITY. */
usec_t tell_next(struct tell *tell);

/** tell_preview() - the mail that @track would be in, with all that leaves with it: @rung NULL is the next step. Return: 0, -ENOENT (no step), -errno. */
struct preview {
        struct digest digest;
        struct composed composed;
};
int tell_preview(struct tell *tell, const struct track *track, const struct rung *rung,
                 struct preview *ret);
void preview_done(struct preview *preview);
/** tell_digests() - what would go now, without recording anything (release --show) */
int tell_digests(struct tell *tell, struct digest_list *ret);

/** A message with nothing but a test in it, straight into the outbox. @ret_message_id: owned. */
int tell_test(struct tell *tell, const struct address *to, char **ret_message_id);
