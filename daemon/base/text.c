/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define NEAREST_MAX 64 /* code points; longer words are no typing errors */

/*
 * Valid UTF-8 of letters that are composed already (all below the combining marks, and the block of the Vietnamese
 * ones): nothing to normalise. Other text goes to the library, which takes a hundred times as long.
 */
static bool is_composed_latin(const char *s) {
        const uint8_t *p = (const uint8_t *)s;

        while (*p) {
                if (*p < 0x80)
                        p += 1;
                else if (*p >= 0xc2 && *p <= 0xcb && (p[1] & 0xc0) == 0x80) /* U+0080..U+02FF */
                        p += 2;
                else if (*p == 0xe1 && p[1] >= 0xb8 && p[1] <= 0xbb &&
                         (p[2] & 0xc0) == 0x80) /* U+1E00..U+1EFF */
                        p += 3;
                else
                        return false;
        }
        return true;
}

bool utf8_valid(const char *s, size_t len) {
        return !memchr(s, 0, len) && !u8_check((const uint8_t *)s, len);
}

bool text_is_ascii(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s >= 0x80)
                        return false;
        return true;
}

char *text_nfc(const char *s) {
        size_t len, n;

        if (is_composed_latin(s))
                return strdup(s);
        len = strlen(s);
        if (!utf8_valid(s, len)) {
                errno = EILSEQ;
                return NULL;
        }
        /* with its NUL in the length, what the library gives back is a string again */
        return (char *)u8_normalize(UNINORM_NFC, (const uint8_t *)s, len + 1, NULL, &n);
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
        const uint8_t *p = (const uint8_t *)s, *end = p + len, *kept = p;
        struct strbuf b = STRBUF_INIT;

        strbuf_reserve(&b, len);
        while (p < end) {
                ucs4_t c = *p;
                int n = c < 0x80 ? 1 : u8_mbtoucr(&c, p, (size_t)(end - p));

                if (n > 0 && !is_harmful(c)) {
                        p += n;
                        continue;
                }
                strbuf_add(&b, kept, (size_t)(p - kept));
                strbuf_adds(&b, n > 0 ? " " : "\xef\xbf\xbd");
                p += n > 0 ? n : 1;
                kept = p;
        }
        strbuf_add(&b, kept, (size_t)(p - kept));
        return strbuf_steal(&b);
}

size_t text_plain_length(const char *s) {
        size_t n = 0;

        while (s[n] >= 0x20 && s[n] < 0x7f)
                n++;
        return n;
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
