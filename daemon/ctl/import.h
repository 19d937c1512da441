/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A task list as people keep it in a spreadsheet, to the text of a tasks.d file. The first row that is not empty has the
 * headings (Vietnamese or English, in any order), each row below it is a task. Every problem is reported, none is guessed
 * away; the text passes the configuration's check where its areas and units are configured.
 *
 *         id, area, title, points, unit (several: each owes its own), co_units, due (several), word, dir, patterns (each a
 *         requirement of its own, "*.pdf ×3" with its count), count (one for all patterns, or one each)
 *
 * Several values of a cell stand between ';' or line breaks. A row without unit, deadline and evidence is a surveyed task.
 */

#include <stdbool.h>

#include "base/strbuf.h"
#include "ctl/csv.h"

/** @row: as the spreadsheet counts, 0: of the whole file; @error: false for what is worth knowing only */
typedef void (*import_problem_fn)(void *userdata, unsigned row, bool error, const char *text);

/**
 * import_tasks() - @name: of the file, for the comment at the head of the text
 * @out: the text is added here, when there was no error
 *
 * Return: 0, -EINVAL after problems were reported, -ENOMEM.
 */
int import_tasks(const struct csv *csv, const char *name, import_problem_fn on_problem,
                 void *userdata, struct strbuf *out);
