/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shell patterns over names as people write them: * ? [a-z] [!a-z] {a,b} and \ to quote; no pattern crosses '/'.
 * Pure. Rule: docs/semantics.md, section 6, point 3. Never exponential, whatever the pattern.
 */

#include <stdbool.h>

#include "base/arena.h"

#define PATTERN_MAX_BYTES 1024
#define PATTERN_MAX_ALTERNATIVES 256
#define PATTERN_MAX_DEPTH 16 /* braces within braces */

struct pattern; /* opaque, in the arena */

/**
 * pattern_compile() - @text to something fast to match
 * @fold:      also without diacritics, đ → d, spaces '-' '_' alike (a run of them is one), and without regard to spaces at
 *             the ends of a name and before its last dot; without it: NFC, without regard to case
 * @ret_error: what is wrong, in words (static)
 *
 * Return: 0, -EINVAL (unbalanced, empty, no UTF-8, over one of the limits above), -ENOMEM.
 */
int pattern_compile(struct arena *arena, const char *text, bool fold, const struct pattern **ret,
                    const char **ret_error);
bool pattern_is_fold(const struct pattern *pattern);

/* A name in the two forms that patterns are matched against, made once for many patterns. */
struct match_name {
        char *plain;  /* owned; case-folded NFC; NULL when the name is no valid UTF-8 */
        char *folded; /* owned; also without diacritics */
        char *trimmed; /* owned; the same without spaces at its ends and before its last dot; NULL where there are none */
};

int match_name_init(struct match_name *name,
                    const char *text); /* 0, -ENOMEM; invalid UTF-8 is 0 and matches nothing */
void match_name_done(struct match_name *name);
bool pattern_match(const struct pattern *pattern, const struct match_name *name);
