/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which files of a folder are settled: closed by their writer, and no event and the same size and mtime for a while
 * (docs/semantics.md, section 6, point 4). Time is monotonic; the wall clock is only asked whether a file was already
 * at rest before we first looked.
 */

#include "scan/folder.h"
#include "scan/look.h"

#define READ_AHEAD_MOST                                                                            \
        (1u << 20) /* bytes of a file that is worth being looked into before it has settled */

struct settle {
        usec_t time;  /* how long unchanged; evidence.settle */
        usec_t quiet; /* how long, until it may be looked into meanwhile */
        usec_t writer_limit; /* a writer that said nothing for so long is no writer any more (truncate(2) never closes) */
        usec_t now;      /* CLOCK_MONOTONIC */
        usec_t now_real; /* CLOCK_REALTIME */
};

/* Clocks of file servers are wrong, but hardly by more than this. */
#define REMOTE_CLOCK_ERROR USEC_PER_HOUR

/**
 * settle_apply() - ENTRY_SETTLED and ENTRY_QUIET on the entries that are, and the folder's memory of it renewed
 *
 * settle_at is when the next files settle if nothing happens to them: the next one and those that settle soon after it,
 * so that a folder into which many are written is turned to for many at a time; USEC_INFINITY: none waits.
 * On failure nothing has changed. Return: 0 or -ENOMEM.
 */
int settle_apply(struct folder *folder, struct listing *listing, const struct settle *settle);
/** settle_all() - what the decider knew by this fingerprint was settled, and is as it was. Return: 0 or -ENOMEM. */
int settle_all(struct folder *folder, struct listing *listing);

/** settle_is_over() - its time is, and no event was about it since; folder_hints_by_name() first */
bool settle_is_over(const struct folder *folder, const struct pending *p,
                    const struct settle *settle);
/**
 * settle_confirm() - some of the pending files, as they are now: those are settled that are as they were, if all are
 * @now: their entries; settled ones get their flags
 *
 * Brings the fingerprint and settle_at up to date. Return: 1, 0 (one has changed; nothing is done), -ENOMEM.
 */
int settle_confirm(struct folder *folder, struct listing *now, const struct settle *settle);
/** settle_note_read() - the file that was listed with @hash was looked into from @at on, in the state @changed */
void settle_note_read(struct folder *folder, uint64_t hash, usec_t at, usec_t changed);
