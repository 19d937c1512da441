/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lines for the journal about what a pass over the evidence found. They are held back until it is written down: what is not has
 * not happened. Of many files of one instance there is one line; each of them is in the ledger.
 */

#include "base/array.h"
#include "service/track.h"

struct pass_line {
        const struct instance *instance; /* borrowed: no reload comes between a pass and its end */
        enum notice_kind kind;
        char *path;    /* owned; of the first file; NULL: about no file */
        size_t n_more; /* files */
};

struct pass_lines ARRAY(struct pass_line);

void pass_lines_add(struct pass_lines *lines, const struct instance *instance,
                    enum notice_kind kind, const char *path);
void pass_lines_log(struct pass_lines *lines);  /* it is written down */
void pass_lines_drop(struct pass_lines *lines); /* it is not */
