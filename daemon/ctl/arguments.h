/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Command lines: a table of commands, each with its options, and the one parser for all of them. Options may stand
 * anywhere; "--name VALUE" and "--name=VALUE" are the same; "--" ends them. Prints nothing but --help.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARGUMENTS_MAX 1000 /* options given, and words, of one command line */

struct option_spec {
        const char *name;  /* "until" */
        const char *value; /* "DATE"; NULL: a flag */
        const char *help;
};

struct invocation;

struct command {
        const char *name;
        const char *words; /* its operands, as people read them: "ID"; "" for none */
        unsigned min_words, max_words;
        const char *help; /* one line */
        const struct option_spec *options;
        size_t n_options;
        int (*run)(const struct invocation *in); /* Return: exit status */
};

struct command_table {
        const char *program, *summary;
        const struct command *commands;
        size_t n_commands;
        const struct option_spec *common; /* options that every command takes */
        size_t n_common;
};

struct given_option {
        const struct option_spec *spec;
        const char *value; /* borrowed from argv; NULL: a flag */
};

/* What was asked for. Everything is borrowed from the table and from argv but the arrays. */
struct invocation {
        const struct command *command;
        struct given_option *options;
        size_t n_options;
        const char **words; /* NULL-ended */
        size_t n_words;
        bool help, version;
};
void invocation_done(struct invocation *in);

/**
 * arguments_parse() - @ret: the caller's also on failure (invocation_done())
 * @ret_error: owned; one line that says what is wrong, with the nearest right word where there is one
 *
 * Return: 0 (help, version or command is set), -EINVAL with *ret_error, -ENOMEM.
 */
int arguments_parse(const struct command_table *table, int argc, char *argv[],
                    struct invocation *ret, char **ret_error);

bool option_given(const struct invocation *in, const char *name);
/** The value given last; NULL: not given. */
const char *option_value(const struct invocation *in, const char *name);
/** Value after value of an option that may be repeated; start with *@cursor = 0. NULL at the end. */
const char *option_next(const struct invocation *in, const char *name, size_t *cursor);

/** arguments_help() - one usage table: of @command, or of all (NULL) */
void arguments_help(const struct command_table *table, const struct command *command, FILE *stream);
