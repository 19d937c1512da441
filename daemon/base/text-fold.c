/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * text_fold(). What it means is libunistring's full case folding and canonical decomposition; what makes it fast
 * enough for folders of many thousand names is a table of what that gives for the letters of Latin scripts.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Two ranges of code points: Latin letters and the combining marks, and the block with the Vietnamese letters. */
#define LOW_BEGIN 0x80
#define LOW_END 0x370
#define HIGH_BEGIN 0x1e00
#define HIGH_END 0x1f00

#define FOLDED_UNKNOWN 0x00 /* not one ASCII character */
#define FOLDED_DROPPED 0xff /* a mark */

static uint8_t latin[LOW_END - LOW_BEGIN + HIGH_END - HIGH_BEGIN];
static pthread_once_t latin_once = PTHREAD_ONCE_INIT;

/* A no-break space looks like any other. */
static bool is_space(ucs4_t c) {
        return c == ' ' || (c >= 0x80 && uc_is_general_category(c, UC_SPACE_SEPARATOR));
}

static bool is_separator(ucs4_t c) { return c == '-' || c == '_' || is_space(c); }

/* Nobody sees them: marks are not read, the others have no width. */
static bool is_dropped(ucs4_t c) {
        return uc_is_general_category(c, UC_NON_SPACING_MARK) ||
               (c >= 0x80 && uc_is_general_category(c, UC_FORMAT));
}

/* @s, case-folded and in NFD, loses its marks in place: no character becomes longer. */
static void drop_diacritics(uint8_t *s) {
        const uint8_t *end = s + u8_strlen(s);
        uint8_t *to = s, *begin = s;

        while (s < end) {
                ucs4_t c;
                int n = u8_mbtouc(&c, s, end - s);

                s += n;
                if (is_dropped(c))
                        continue;
                if (c == 0x0111) /* đ has a stroke, which is no mark to Unicode */
                        c = 'd';
                if (is_separator(c)) {
                        if (to > begin && to[-1] == '-')
                                continue;
                        c = '-';
                }
                to += u8_uctomb(to, c, n);
        }
        *to = '\0';
}

/* With its NUL in the length, what the library gives back is a string again. */
static uint8_t *fold_any(const uint8_t *s, bool diacritics) {
        _cleanup_free_ uint8_t *folded = NULL;
        size_t len = u8_strlen(s) + 1, n;

        folded = u8_casefold(s, len, NULL, diacritics ? UNINORM_NFD : UNINORM_NFC, NULL, &n);
        if (!folded || !diacritics)
                return steal_ptr(folded);
        drop_diacritics(folded);
        if (text_is_ascii((const char *)folded))
                return steal_ptr(folded);
        return u8_normalize(UNINORM_NFC, folded, u8_strlen(folded) + 1, NULL, &n);
}

static void fill_latin(void) {
        for (size_t i = 0; i < sizeof(latin); i++) {
                ucs4_t c = i < LOW_END - LOW_BEGIN ? LOW_BEGIN + i
                                                   : HIGH_BEGIN + i - (LOW_END - LOW_BEGIN);
                _cleanup_free_ uint8_t *folded = NULL;
                uint8_t s[8] = {};

                u8_uctomb(s, c, sizeof(s));
                folded = fold_any(s, true);
                if (folded && folded[0] == '\0')
                        latin[i] = FOLDED_DROPPED;
                else if (folded && folded[0] < 0x80 && folded[1] == '\0' &&
                         !is_separator(folded[0]))
                        latin[i] = folded[0];
        }
}

/* Entry of the table for the character at *@s, which moves behind it; FOLDED_UNKNOWN also for invalid bytes. */
static uint8_t take_latin(const uint8_t **s) {
        const uint8_t *p = *s;
        unsigned c = 0;

        if (p[0] >= 0xc2 && p[0] <= 0xcd && (p[1] & 0xc0) == 0x80) {
                c = (unsigned)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
                *s += 2;
        } else if (p[0] == 0xe1 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
                c = 0x1000u | (unsigned)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
                *s += 3;
        }
        if (c >= LOW_BEGIN && c < LOW_END)
                return latin[c - LOW_BEGIN];
        if (c >= HIGH_BEGIN && c < HIGH_END)
                return latin[c - HIGH_BEGIN + LOW_END - LOW_BEGIN];
        return FOLDED_UNKNOWN;
}

/* The character at *@s, ASCII or, with @diacritics, of the table; it moves behind it. */
static uint8_t take_folded(const uint8_t **s, bool diacritics) {
        uint8_t c = **s;

        if (c >= 0x80)
                return diacritics ? take_latin(s) : FOLDED_UNKNOWN;
        (*s)++;
        return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Folds what the table knows into @to, which is as long as @s. Return: false for anything else. */
static bool fold_latin(const uint8_t *s, bool diacritics, uint8_t *to) {
        const uint8_t *begin = to;

        while (*s) {
                uint8_t c = take_folded(&s, diacritics);

                if (c == FOLDED_UNKNOWN)
                        return false;
                if (c == FOLDED_DROPPED)
                        continue;
                if (diacritics && is_separator(c)) {
                        if (to > begin && to[-1] == '-')
                                continue;
                        c = '-';
                }
                *to++ = c;
        }
        *to = '\0';
        return true;
}

char *text_fold(const char *s, bool diacritics) {
        _cleanup_free_ uint8_t *folded = NULL;
        size_t len = strlen(s);

        pthread_once(&latin_once, fill_latin);
        folded = malloc(len + 1);
        if (!folded)
                return NULL;
        if (fold_latin((const uint8_t *)s, diacritics, folded))
                return (char *)steal_ptr(folded);
        if (!utf8_valid(s, len)) {
                errno = EILSEQ;
                return NULL;
        }
        return (char *)fold_any((const uint8_t *)s, diacritics);
}

/* What of the @n bytes at @s stands before spaces at their end. */
static size_t without_spaces(const char *s, size_t n) {
        while (n > 0) {
                ucs4_t c;
                const uint8_t *p = u8_prev(&c, (const uint8_t *)s + n, (const uint8_t *)s);

                if (!p || !is_space(c))
                        return n;
                n = (size_t)((const char *)p - s);
        }
        return 0;
}

static size_t leading_spaces(const char *s) {
        size_t at = 0;

        while (s[at]) {
                ucs4_t c;
                int n = u8_mbtouc(&c, (const uint8_t *)s + at, strlen(s + at));

                if (n < 1 || !is_space(c))
                        break;
                at += (size_t)n;
        }
        return at;
}

char *text_trim_name(const char *s) {
        const char *begin = s + leading_spaces(s);
        size_t len = without_spaces(begin, strlen(begin)), stem;
        const char *dot = memrchr(begin, '.', len);
        char *trimmed = strndup(begin, len);

        stem = dot ? without_spaces(begin, (size_t)(dot - begin)) : 0;
        if (trimmed && dot)
                memmove(trimmed + stem, trimmed + (dot - begin), len - (size_t)(dot - begin) + 1);
        return trimmed;
}
