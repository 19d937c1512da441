/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * {year} {month} {quarter} {label} {unit} {task} in titles, folders and patterns. Pure.
 * Rule: docs/semantics.md, section 6.
 */

#include "base/arena.h"
#include "core/model.h"

/**
 * placeholders_expand() - {year} {month} {quarter} {label} {unit} {task} of an occurrence
 * @unit, @due: NULL where there is none
 *
 * Braces that hold anything but a single word ("{pdf,xlsx}") are copied as they are.
 * Return: string in the arena (or @text itself), NULL for an unknown placeholder or one without a value (label on an
 * unlabelled date).
 */
const char *placeholders_expand(struct arena *arena, const char *text, const struct task *task,
                                const struct unit *unit, const struct due *due);
/** placeholders_expand_pattern() - the same for a pattern: what is put in stands for itself ("*" in a label is a star) */
const char *placeholders_expand_pattern(struct arena *arena, const char *text,
                                        const struct task *task, const struct unit *unit,
                                        const struct due *due);
