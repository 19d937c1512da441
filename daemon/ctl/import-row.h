/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to import: a checked row, and its text in libconfig's syntax.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "core/deadline.h"
#include "core/model.h"

struct import_need {
        const char *pattern;
        uint32_t count;
        bool stated; /* the count stands beside the pattern */
};

/* All borrowed from the reader's arena. */
struct import_row {
        const char *id, *area, *title, *dir; /* dir "": none */
        points_t points;
        struct string_list units, co_units;
        struct due *dues; /* in order of date */
        size_t n_dues;
        enum due_word word;
        struct import_need *needs;
        size_t n_needs;
        bool tracked;
};

/** import_write() - the text of a tasks.d file; @name: where the rows came from */
void import_write(const struct import_row *rows, size_t n, const char *name, struct strbuf *out);
