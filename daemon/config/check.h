/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to config/: what can be said only about the whole. Settings that are missing or contradict each other, and
 * everything that can work but probably should not (docs/semantics.md, section 7).
 */

#include "config/reader.h"

/** check_settings() - @main: the first file, for what has no place of its own */
void check_settings(struct reader *rd, struct source main);
void check_people(struct reader *rd, struct source main);
void check_tasks(struct reader *rd, struct source main);

/** check_instances() - occurrences: equal keys, folders they share, years without calendar, steps never reached */
void check_instances(struct reader *rd, struct source main);
