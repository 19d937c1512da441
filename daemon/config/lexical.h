/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A look at the text of a configuration file before libconfig sees it. It finds what libconfig 1.5 and 1.7 take
 * differently or wrongly (numbers beyond 31 bits, octal and hexadecimal numbers, trailing commas, escapes, bytes that
 * are no UTF-8) and what could end the process or its stack (@include, deep nesting). What can be mended is mended in
 * place, so that libconfig reads on and later findings of the same file are not hidden.
 */

#include <stddef.h>

#include "config/findings.h"

#define LEXICAL_MAX_DEPTH 32 /* of nested groups and lists */

/**
 * lexical_check() - findings about @text; lines stay what they are
 * @text: with a NUL behind its last byte; changed in place
 *
 * Return: 0: libconfig may read it (there may be findings), -EINVAL: it must not.
 */
int lexical_check(struct findings *findings, const char *file, char *text, size_t size);
