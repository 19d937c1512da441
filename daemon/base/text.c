/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define NEAREST_MAX 64 /* code points; longer words are no typing errors */

static bool is_ascii(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s >= 0x80)
                        return false;
        return true;
}

static bool is_separator(ucs4_t c) { return c == ' ' || c == '-' || c == '_'; }

bool utf8_valid(const char *s, size_t len) {
        return !memchr(s, 0, len) && !u8_check((const uint8_t *)s, len);
}

/* With its NUL in the length, what the library gives back is a string again. */
static uint8_t *normalize(uninorm_t form, const uint8_t *s, size_t len_with_nul) {
        size_t n;

        return u8_normalize(form, s, len_with_nul, NULL, &n);
}

char *text_nfc(const char *s) {
        size_t len = strlen(s);

        if (is_ascii(s))
                return strdup(s);
        if (!utf8_valid(s, len)) {
                errno = EILSEQ;
                return NULL;
        }
        return (char *)normalize(UNINORM_NFC, (const uint8_t *)s, len + 1);
}

static char *fold_ascii(const char *s, bool diacritics) {
        char *folded = malloc(strlen(s) + 1), *p = folded;

        if (!folded)
                return NULL;
        for (; *s; s++) {
                char c = *s;

                if (c >= 'A' && c <= 'Z')
                        c = (char)(c - 'A' + 'a');
                if (diacritics && is_separator((ucs4_t)c)) {
                        if (p > folded && p[-1] == '-')
                                continue;
                        c = '-';
                }
                *p++ = c;
        }
        *p = '\0';
        return folded;
}

/* @s, case-folded and in NFD, loses its marks in place: no character becomes longer. */
static void drop_diacritics(uint8_t *s) {
        const uint8_t *end = s + u8_strlen(s);
        uint8_t *to = s, *begin = s;

        while (s < end) {
                ucs4_t c;
                int n = u8_mbtouc(&c, s, (size_t)(end - s));

                s += n;
                if (uc_is_general_category(c, UC_NON_SPACING_MARK))
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

char *text_fold(const char *s, bool diacritics) {
        _cleanup_free_ uint8_t *folded = NULL;
        size_t len = strlen(s), n;

        if (is_ascii(s))
                return fold_ascii(s, diacritics);
        if (!utf8_valid(s, len)) {
                errno = EILSEQ;
                return NULL;
        }
        folded = u8_casefold((const uint8_t *)s, len + 1, NULL,
                             diacritics ? UNINORM_NFD : UNINORM_NFC, NULL, &n);
        if (!folded || !diacritics)
                return (char *)steal_ptr(folded);
        drop_diacritics(folded);
        if (is_ascii((char *)folded))
                return (char *)steal_ptr(folded);
        return (char *)normalize(UNINORM_NFC, folded, u8_strlen(folded) + 1);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Two runs of digits as numbers of any length; both pointers move behind their run. */
static int compare_numbers(const char **a, const char **b) {
        const char *x, *y;
        size_t n, m;
        int order;

        while (**a == '0')
                (*a)++;
        while (**b == '0')
                (*b)++;
        x = *a;
        y = *b;
        while (is_digit(**a))
                (*a)++;
        while (is_digit(**b))
                (*b)++;
        n = (size_t)(*a - x);
        m = (size_t)(*b - y);
        order = memcmp(x, y, n < m ? n : m);
        return n != m ? (n < m ? -1 : 1) : order;
}

int text_natural_compare(const char *a, const char *b) {
        const char *x = a, *y = b;

        while (*x && *y) {
                if (is_digit(*x) && is_digit(*y)) {
                        int order = compare_numbers(&x, &y);

                        if (order != 0)
                                return order;
                } else if (*x != *y) {
                        return (unsigned char)*x - (unsigned char)*y;
                } else {
                        x++;
                        y++;
                }
        }
        if (*x || *y)
                return *x ? 1 : -1;
        return strcmp(a, b);
}

size_t text_width(const char *s) {
        const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
        size_t width = 0;

        while (p < end) {
                ucs4_t c = 0;
                int n = u8_mbtoucr(&c, p, (size_t)(end - p)), w = 1;

                if (n > 0)
                        w = uc_width(c, "UTF-8");
                width += w < 0 ? 1 : (size_t)w; /* a control character: one, as when sanitized */
                p += n > 0 ? n : 1;
        }
        return width;
}

static bool is_harmful(ucs4_t c) {
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || /* lines */
               c == 0x061c || c == 0x200e || c == 0x200f ||                         /* bidi marks */
               (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *text_sanitize(const char *s, size_t len) {
        const uint8_t *p = (const uint8_t *)s, *end = p + len;
        struct strbuf b = STRBUF_INIT;

        while (p < end) {
                ucs4_t c;
                int n = u8_mbtoucr(&c, p, (size_t)(end - p));

                if (n <= 0)
                        strbuf_adds(&b, "\xef\xbf\xbd");
                else if (is_harmful(c))
                        strbuf_addc(&b, ' ');
                else
                        strbuf_add(&b, p, (size_t)n);
                p += n > 0 ? n : 1;
        }
        return strbuf_steal(&b);
}

/* Code points of @s, SIZE_MAX when it is no UTF-8 or longer than NEAREST_MAX. */
static size_t to_code_points(const char *s, ucs4_t ret[NEAREST_MAX]) {
        const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
        size_t n = 0;

        for (; p < end; n++) {
                int k = n < NEAREST_MAX ? u8_mbtoucr(&ret[n], p, (size_t)(end - p)) : -1;

                if (k <= 0)
                        return SIZE_MAX;
                p += k;
        }
        return n;
}

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

/* Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
static size_t edit_distance(const ucs4_t *a, size_t n, const ucs4_t *b, size_t m) {
        size_t rows[3][NEAREST_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

        for (size_t j = 0; j <= m; j++)
                above[j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t *recycled = before;

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        row[j] = min_size(above[j - 1] + (a[i - 1] != b[j - 1]),
                                          min_size(above[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = min_size(row[j], before[j - 2] + 1);
                }
                before = above;
                above = row;
                row = recycled;
        }
        return above[m];
}

const char *text_nearest(const char *s, const char *const *candidates, size_t n) {
        ucs4_t word[NEAREST_MAX], other[NEAREST_MAX];
        size_t len = to_code_points(s, word), limit = len < 5 ? 1 : 2;
        const char *nearest = NULL;

        if (len == SIZE_MAX)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                size_t m = to_code_points(candidates[i], other), distance;

                if (m == SIZE_MAX)
                        continue;
                distance = edit_distance(word, len, other, m);
                if (distance > limit || (nearest && distance == limit))
                        continue;
                nearest = candidates[i];
                limit = distance;
        }
        return nearest;
}

bool streq_ptr(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

bool startswith(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool endswith(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && memcmp(s + n - m, suffix, m) == 0;
}
