/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `show` and `explain` both print about one deadline: its head, its ladder, words for verdicts and statuses. */

#include <jansson.h>

/** print_instance() - title, points, dates, state, folder: a line each */
void print_instance(const json_t *instance);
/** print_decisions() - what people decided and is in force: a line each */
void print_decisions(const json_t *decisions);
/** print_steps() - the ladder as a table. Return: 0 or EXIT_FAILURE (said). */
int print_steps(const json_t *steps);

/** Why a file does not count, in plain words that say what to do; static. */
const char *verdict_words(const char *verdict);
/** What became of a step, in plain words; static. */
const char *step_words(const char *status);
/** What the state means, in a sentence; static. */
const char *state_words(const char *state);
/** How the present episode began ("reopened"), in a sentence; static. */
const char *cause_words(const char *cause);
