/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Mustache, as its public specification has it: interpolation ({{x}} escaped for HTML, {{{x}}} and {{&x}} not; dotted names;
 * the implicit {{.}}), sections, inverted sections, comments, set delimiters, partials (indented when they stand alone), and
 * tags that stand alone on their line and take it with them. Not there: lambdas, inheritance, dynamic names.
 * An empty text is as false as a missing one. Rendering is bounded in depth, size and steps.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "message/value.h"

#define MUSTACHE_MAX_SOURCE (256 * 1024) /* bytes of a template */
#define MUSTACHE_MAX_NESTING 32          /* sections inside sections of one template */
#define MUSTACHE_MAX_DEPTH 64            /* sections and partials entered while rendering */
#define MUSTACHE_MAX_OUTPUT (2u << 20)   /* bytes */
#define MUSTACHE_MAX_STEPS (1u << 20) /* tokens: lists inside lists take time and may say nothing */

struct mustache;

struct mustache_error {
        unsigned line; /* from 1, within the source */
        char text[160];
};

/**
 * mustache_parse() - @source need not live on
 * @ret_error: filled in for -EINVAL
 *
 * Return: 0, -EINVAL, -E2BIG (more than MUSTACHE_MAX_SOURCE), -ENOMEM.
 */
int mustache_parse(const char *source, size_t len, struct mustache **ret,
                   struct mustache_error *ret_error);
struct mustache *mustache_free(struct mustache *template);

/** mustache_partials() - calls @on_partial with each partial that @template names, and the line it stands on */
void mustache_partials(const struct mustache *template,
                       void (*on_partial)(void *userdata, const char *name, unsigned line),
                       void *userdata);

/* Who knows partials: NULL for one that is not there, which renders as nothing. */
typedef const struct mustache *(*mustache_partial_fn)(void *userdata, const char *name);

struct mustache_output {
        bool html; /* {{x}} is escaped for HTML; false: plain text, where nothing is */
        mustache_partial_fn partial; /* may be NULL */
        void *userdata;
};

/**
 * mustache_render() - append to @ret
 * Return: 0, -ELOOP (deeper than MUSTACHE_MAX_DEPTH), -E2BIG (more than MUSTACHE_MAX_OUTPUT or MUSTACHE_MAX_STEPS), -ENOMEM.
 * On failure @ret holds what was rendered so far.
 */
int mustache_render(const struct mustache *template, const struct value *context,
                    const struct mustache_output *output, struct strbuf *ret);
