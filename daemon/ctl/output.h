/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What people and scripts see: tables (libsmartcols), JSON, sentences. Everything that came from elsewhere (a name, a
 * server's words) is printed without control characters. Colours only on a terminal, and not with NO_COLOR.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "ctl/arguments.h"

/** output_init() - the locale: what we print is UTF-8 */
void output_init(void);
/** output_done() - flush stdout. Return: 0, or EXIT_FAILURE after saying that it could not be written. */
int output_done(void);

/** complain() - "evidencectl: …" on stderr, as one clean line */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** no_memory() - says so. Return: EXIT_FAILURE. */
int no_memory(void);

/** clean_text() - text_sanitize() of a string. Owned; NULL for NULL, or when out of memory. */
char *clean_text(const char *s);
/** print_block() - several lines, each clean */
void print_block(const char *text);

/** The text under @key of a JSON object; "" when there is none. Borrowed. */
const char *text_of(const json_t *object, const char *key);
/** The whole number under @key; 0 when there is none. */
long long int_of(const json_t *object, const char *key);
/** The strings of the array under @key with @separator between them, clean. Owned; NULL when out of memory. */
char *joined(const json_t *object, const char *key, const char *separator);
/** Points as people write them: "2", "0.5"; @buf of 32 bytes, returned. */
const char *format_points(const json_t *number, char buf[32]);
/** An instant as people read it: "2018-11-12 07:30"; a date stays; null is "-". @buf of 32 bytes, returned. */
const char *format_when(const json_t *when, char buf[32]);

/** print_json() - pretty, one value. Return: 0 or EXIT_FAILURE (said). */
int print_json(const json_t *value);
/** print_json_line() - one value on one line */
int print_json_line(const json_t *value);

/** option_number() - the whole number of an option, @fallback when it is not given. Return: 0, or EX_USAGE (said). */
int option_number(const struct invocation *in, const char *name, uint64_t fallback, uint64_t *ret);

bool stdout_is_terminal(void);
/** The escape sequence that makes text @name ("bold", "red", …), "" where there are no colours. */
const char *colour(const char *name);
#define PLAIN colour("reset")
/** The colour's name of a state ("overdue": red); NULL: none. */
const char *state_colour(const char *state);

enum { COLUMN_RIGHT = 1, COLUMN_CUT = 2, COLUMN_WRAP = 4 };
struct column {
        const char *name;
        double width; /* share of the terminal where it has to give way (0 < share < 1), 0: its text's */
        int flags;
};

struct table;
/** table_new() - Return: owned; NULL after saying that memory is out */
struct table *table_new(const struct column *columns, size_t n);
struct table *table_free(struct table *t);
/**
 * table_row() - @cells: one text per column; NULL: empty. Copied and cleaned.
 * @coloured: the column whose cell takes @name's colour; @name NULL: none
 * What fails is remembered and said by table_print().
 */
void table_row(struct table *t, const char *const *cells, size_t coloured, const char *name);
/** table_print() - and free. Return: 0 or EXIT_FAILURE (said). */
int table_print(struct table *t);
/** table_size() - rows so far */
size_t table_size(const struct table *t);
