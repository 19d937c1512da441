/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which files of a folder are settled: closed by their writer, and no event and the same size and mtime for a while
 * (docs/semantics.md, section 6, point 4). Time is monotonic; the wall clock is only asked whether a file was already
 * at rest before we first looked.
 */

#include "scan/folder.h"
#include "scan/look.h"

struct settle {
        usec_t time; /* how long unchanged; evidence.settle */
        usec_t writer_limit; /* a writer that said nothing for so long is no writer any more (truncate(2) never closes) */
        usec_t now;      /* CLOCK_MONOTONIC */
        usec_t now_real; /* CLOCK_REALTIME */
};

/* Clocks of file servers are wrong, but hardly by more than this. */
#define REMOTE_CLOCK_ERROR USEC_PER_HOUR

/**
 * settle_apply() - ENTRY_SETTLED on the entries that are, and the folder's memory of it renewed
 * @ret_due: when the next files settle if nothing happens to them: the next one and those that settle soon after it,
 *           so that a folder into which many are written is looked at for many at a time; USEC_INFINITY: none waits
 *
 * On failure nothing has changed. Return: 0 or -ENOMEM.
 */
int settle_apply(struct folder *folder, struct listing *listing, const struct settle *settle,
                 usec_t *ret_due);
/** settle_all() - what the decider knew by this fingerprint was settled, and is as it was. Return: 0 or -ENOMEM. */
int settle_all(struct folder *folder, struct listing *listing);
