/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text as people write it: UTF-8 checks, NFC, folding, natural order. Pure. Normalisation and case
 * folding are libunistring's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_valid(const char *s, size_t len); /* no surrogates, no overlong forms, no NUL */
bool text_is_ascii(const char *s);

/** text_nfc() - NFC of @s. Return: owned string; NULL when @s is no valid UTF-8 or memory is out (errno). */
char *text_nfc(const char *s);

/**
 * text_fold() - the form in which two names that a person takes for the same are equal
 * @diacritics: also drop marks (NFD, marks removed, đ and Đ to d) and characters without width (format characters), and
 *              make runs of '-', '_' and spaces (all that Unicode has) one '-'
 *
 * Return: owned, case-folded NFC string; NULL as text_nfc().
 */
char *text_fold(const char *s, bool diacritics);
/** text_trim_name() - a file's name without the spaces at its ends and before its last dot, which nobody sees. @s: valid UTF-8
 *  Return: owned; NULL when memory is out. */
char *text_trim_name(const char *s);

/** text_natural_compare() - order in which 1.9 stands before 1.10; ties by bytes. Return: <0, 0, >0. */
int text_natural_compare(const char *a, const char *b);

/** text_width() - columns on a terminal (East Asian wide = 2, marks = 0); invalid bytes count 1 each. */
size_t text_width(const char *s);

/**
 * text_sanitize() - @s fit for a log line, a mail or a terminal
 *
 * Invalid bytes become U+FFFD; control characters (C0, C1, DEL, line and paragraph separators, bidi
 * controls) become a space. Return: owned, valid UTF-8; NULL when out of memory.
 */
char *text_sanitize(const char *s, size_t len);
/** text_plain_length() - bytes at its beginning that are printable ASCII, where there is nothing to sanitize */
size_t text_plain_length(const char *s);

/** text_nearest() - the candidate at the smallest edit distance ≤ 2 (≤ 1 below five letters), or NULL */
const char *text_nearest(const char *s, const char *const *candidates, size_t n);

/** Parse and print helpers; all refuse trailing text. Return 0 or -EINVAL / -ERANGE. */
int parse_u64(const char *s, uint64_t *ret);
int parse_i32(const char *s, int32_t *ret);
/* "0", "10K", "2M", "1G", "1T": powers of 1024 */
int parse_size(const char *s, uint64_t *ret_bytes);
/* "500ms", "5s", "10m", "1h", "5d", "2w", sums "1h30m"; only 0 may stand without a unit */
int parse_duration(const char *s, int64_t *ret_usec);
/** @buf: at least 32 bytes; Return: @buf, "1.5 MB" style with @decimal as decimal sign */
const char *format_size(uint64_t bytes, char decimal, char *buf, size_t size);

/** plural() - @one where there is one, else @many */
static inline const char *plural(uintmax_t n, const char *one, const char *many) {
        return n == 1 ? one : many;
}

bool streq_ptr(const char *a, const char *b); /* NULL equals NULL */
bool startswith(const char *s, const char *prefix);
bool endswith(const char *s, const char *suffix);
