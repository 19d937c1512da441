/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The numbers, sizes and durations of text.h. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

/* Digits at *@s, which moves behind them. Not strtoull(): that takes blanks, signs and other bases.
 */
static int take_u64(const char **s, uint64_t *ret) {
        const char *p = *s;
        uint64_t value = 0;
        bool over = false;

        if (*p < '0' || *p > '9')
                return -EINVAL;
        for (; *p >= '0' && *p <= '9'; p++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
                        over = true; /* but read on: what follows may be no number at all */
        *s = p;
        *ret = value;
        return over ? -ERANGE : 0;
}

int parse_u64(const char *s, uint64_t *ret) {
        uint64_t value;
        int r;

        r = take_u64(&s, &value);
        if (*s || r == -EINVAL)
                return -EINVAL;
        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

int parse_i32(const char *s, int32_t *ret) {
        bool negative = *s == '-';
        uint64_t value;
        int r;

        if (*s == '-' || *s == '+')
                s++;
        r = parse_u64(s, &value);
        if (r < 0)
                return r;
        if (value > (uint64_t)INT32_MAX + negative)
                return -ERANGE;
        *ret = (int32_t)(negative ? -(int64_t)value : (int64_t)value);
        return 0;
}

int parse_size(const char *s, uint64_t *ret_bytes) {
        static const char units[] = "KMGT";
        uint64_t value, bytes;
        const char *unit;
        unsigned shift = 0;
        int r;

        r = take_u64(&s, &value);
        if (r == -EINVAL)
                return r;
        if (*s) {
                unit = strchr(units, *s++);
                if (!unit || *s)
                        return -EINVAL;
                shift = 10 * (unsigned)(unit - units + 1);
        }
        if (r < 0 || __builtin_mul_overflow(value, UINT64_C(1) << shift, &bytes))
                return -ERANGE;
        *ret_bytes = bytes;
        return 0;
}

/* Length in microseconds of the unit at *@s, which moves behind it; 0 when there is none. */
static int64_t take_unit(const char **s) {
        static const struct {
                const char *name;
                int64_t usec;
        } units[] = {
                {"ms", USEC_PER_MSEC}, /* before "m" */
                {"s", USEC_PER_SEC},   {"m", USEC_PER_MINUTE},  {"h", USEC_PER_HOUR},
                {"d", USEC_PER_DAY},   {"w", 7 * USEC_PER_DAY},
        };

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (startswith(*s, units[i].name)) {
                        *s += strlen(units[i].name);
                        return units[i].usec;
                }
        return 0;
}

int parse_duration(const char *s, int64_t *ret_usec) {
        int64_t total = 0, part;
        bool over = false;

        if (strcmp(s, "0") == 0) {
                *ret_usec = 0;
                return 0;
        }
        do {
                uint64_t value;
                int64_t unit;
                int r;

                r = take_u64(&s, &value);
                unit = r == -EINVAL ? 0 : take_unit(&s);
                if (unit == 0)
                        return -EINVAL;
                over |= r < 0 || __builtin_mul_overflow(value, unit, &part) ||
                        __builtin_add_overflow(total, part, &total);
        } while (*s);
        if (over)
                return -ERANGE;
        *ret_usec = total;
        return 0;
}

const char *format_size(uint64_t bytes, char decimal, char *buf, size_t size) {
        static const char *const units[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
        uint64_t tenths, divisor = 1024;
        size_t unit = 0;

        if (bytes < 1024) {
                snprintf(buf, size, "%" PRIu64 " B", bytes);
                return buf;
        }
        /* 1023.96 KB would be rounded to 1024.0: the next unit then */
        while (unit + 1 < ELEMENTSOF(units) &&
               bytes / divisor * 100 + bytes % divisor * 100 / divisor >= 102395) {
                divisor *= 1024;
                unit++;
        }
        tenths = bytes / divisor * 10 + (bytes % divisor * 10 + divisor / 2) / divisor;
        snprintf(buf, size, "%" PRIu64 "%c%" PRIu64 " %s", tenths / 10, decimal, tenths % 10,
                 units[unit]);
        return buf;
}
