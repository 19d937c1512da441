/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What people write into the cells of a task list: headings in Vietnamese or English, dates, points, words. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/deadline.h"
#include "core/model.h"

enum import_column {
        IMPORT_ID,
        IMPORT_AREA,
        IMPORT_TITLE,
        IMPORT_POINTS,
        IMPORT_UNIT,
        IMPORT_CO_UNITS,
        IMPORT_DUE,
        IMPORT_WORD,
        IMPORT_DIR,
        IMPORT_PATTERNS,
        IMPORT_COUNT,
        _IMPORT_COLUMN_MAX
};

/** The heading that we would write ourselves; static. */
const char *import_column_to_string(enum import_column column);
/** import_column_from_heading() - without regard to case, diacritics, blanks. Return: 0, -ENOENT (unknown), -ENOMEM. */
int import_column_from_heading(const char *heading, enum import_column *ret);

/** import_points() - "2", "0.5", "0,5"; at most two decimals. Return: 0 or -EINVAL. */
int import_points(const char *text, points_t *ret);
/** import_count() - 1 to 10000, also "×3", "x3". Return: 0 or -EINVAL. */
int import_count(const char *text, uint32_t *ret);
/** import_due_word() - by, before, chậm nhất ngày, đến hết ngày, trước ngày, ... Return: 0 or -EINVAL. */
int import_due_word(const char *text, enum due_word *ret);
/**
 * import_due() - "2018-11-30", "30/11/2018" (the day first), with a time of day and a label: "30/11/2018 16:30 (quý III)"
 * Return: 0, -EINVAL (form), -ERANGE (no such day).
 */
int import_due(struct arena *arena, const char *text, struct due *ret);

/** import_clean() - NFC, control characters and runs of blanks one blank, none at the ends; NULL for no UTF-8 */
const char *import_clean(struct arena *arena, const char *text);
/** import_split() - the parts between ';' and line breaks, cleaned, without the empty ones. Return: 0 or -ENOMEM. */
int import_split(struct arena *arena, const char *text, struct string_list *ret);
