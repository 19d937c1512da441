/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows of the ledger, read page by page and shown as a table: for log, show and export. */

#include <stdint.h>

#include <jansson.h>

#include "ctl/arguments.h"

/**
 * read_ledger() - the rows that the options of @in ask for, the last @limit of them (0: all), oldest first
 * @ret: new reference to an array; untouched unless 0
 *
 * Return: 0, or the exit status after the reason was printed.
 */
int read_ledger(const struct invocation *in, uint64_t limit, json_t **ret);
/** print_ledger() - Return: 0 or EXIT_FAILURE (said) */
int print_ledger(const json_t *rows);
