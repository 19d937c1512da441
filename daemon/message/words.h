/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How one language says things: phrases of its strings file, counts, points, dates, hours. Whatever comes from a configuration
 * or a file name goes through words_clean() first. Every text returned lives in the pool and is never NULL; the first
 * failure is kept in `error`, so that a composition checks once.
 */

#include <stdint.h>

#include "base/clock.h"
#include "base/date.h"
#include "core/model.h"
#include "message/templates.h"
#include "message/value.h"

struct words {
        const struct templates *templates;
        const struct numerals *numerals;
        enum language language;
        struct value_pool *pool;
        int error; /* 0, -EINVAL (a phrase is missing or fails), -ENOMEM */
};

void words_init(struct words *w, const struct templates *templates, enum language language,
                struct value_pool *pool);

/** words_phrase() - a phrase as plain text, without blanks around it; several blanks inside become one. @context: may be NULL. */
const char *words_phrase(struct words *w, const char *key, const struct value *context);
/** words_named() - the phrase @prefix + @name: "role-" "head" */
const char *words_named(struct words *w, const char *prefix, const char *name,
                        const struct value *context);
bool words_have(const struct words *w, const char *prefix, const char *name);

#define WORDS_MAX_TEXT 500 /* bytes of one text of somebody else's */
const char *words_clean(struct words *w,
                        const char *s); /* NULL: ""; cut to WORDS_MAX_TEXT, with "…" */
const char *words_path(struct words *w,
                       const char *s); /* the same, cut at its beginning: the name is at the end */
/** words_key() - the key of an instance as people call it: "1.2 (due 05/03/2018), VP"; anything else as words_clean() */
const char *words_key(struct words *w, const char *key);
const char *words_count(struct words *w, size_t n); /* "05", "5" */
const char *words_points(struct words *w, points_t points);
const char *words_date(struct words *w, date_t date); /* dd/mm/yyyy */
const char *words_year(struct words *w, date_t date);
const char *words_weekday(struct words *w, date_t date);
const char *words_time(struct words *w, int second);  /* of the day */
const char *words_moment(struct words *w, usec_t at); /* hour and date */
const char *words_size(struct words *w, uint64_t bytes);
