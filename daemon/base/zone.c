/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/zone.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"

#define SEC_PER_DAY ((int64_t)86400)
#define N_CACHED_DAYS 2048 /* a power of two; more than five years */
#define ZONE_NAME_MAX 255

/*
 * What the C library says about the three UTC days around a day, asked once: any civil time of the
 * day, at any offset there is (less than 16 hours), falls into them. They hold one change at most,
 * for between two changes of any zone there has never been less than six days.
 */
struct day {
        int64_t changes_at; /* seconds since 1970; INT64_MAX when the offset stays */
        date_t date;
        int32_t before, after; /* seconds east of UTC */
        bool filled;
};

static _Thread_local struct day cache[N_CACHED_DAYS];

/* Whoever looks at many things asks about the same instant, now, again and again. */
static _Thread_local struct {
        usec_t instant;
        struct civil civil;
        bool filled;
} last_civil;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int32_t offset_at(int64_t second) {
        time_t t = (time_t)second;
        struct tm tm = {};

        localtime_r(&t, &tm);
        return (int32_t)tm.tm_gmtoff;
}

static void fill_day(struct day *d, date_t date) {
        int64_t from = (date - (int64_t)1) * SEC_PER_DAY, to = from + 3 * SEC_PER_DAY;

        *d = (struct day){.date = date, .filled = true, .changes_at = INT64_MAX};
        d->before = offset_at(from);
        d->after = offset_at(to);
        if (d->before == d->after)
                return;
        while (to - from > 1) {
                int64_t middle = from + (to - from) / 2;

                if (offset_at(middle) == d->before)
                        from = middle;
                else
                        to = middle;
        }
        d->changes_at = to;
}

static const struct day *day_get(date_t date) {
        struct day *d = &cache[(uint32_t)date % N_CACHED_DAYS];

        if (!d->filled || d->date != date)
                fill_day(d, date);
        return d;
}

static int zone_file_check(const char *iana) {
        const char *dir = getenv("TZDIR");
        char path[PATH_MAX], magic[4];
        struct stat st;
        int n;

        if (!dir || !*dir)
                dir = "/usr/share/zoneinfo";
        n = snprintf(path, sizeof(path), "%s/%s", dir, iana);
        if (n < 0 || (size_t)n >= sizeof(path))
                return -ENOENT;
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) /* before opening: a FIFO would block */
                return -ENOENT;

        _cleanup_(fclose_p) FILE *f = fopen(path, "re");
        if (!f || fread(magic, 1, sizeof(magic), f) != sizeof(magic))
                return -ENOENT;
        return memcmp(magic, "TZif", sizeof(magic)) == 0 ? 0 : -ENOENT;
}

int zone_check(const char *iana) {
        if (!*iana || *iana == '/' || *iana == ':' || strstr(iana, "..") ||
            strlen(iana) > ZONE_NAME_MAX)
                return -EINVAL;
        return zone_file_check(iana);
}

int zone_init(const char *iana) {
        int r;

        r = zone_check(iana);
        if (r < 0)
                return r;
        if (setenv("TZ", iana, 1) < 0)
                return -errno;
        tzset();
        memset(cache, 0, sizeof(cache));
        last_civil.filled = false;
        return 0;
}

/*
 * The first instant at which the wall clock shows @second or later. Where the clock jumps over it,
 * that is the end of the gap, where it shows it twice, the first of the two.
 */
usec_t zone_instant(date_t date, int second) {
        const struct day *d = day_get(date);
        int64_t local = date * SEC_PER_DAY + second, t = local - d->before;

        if (t >= d->changes_at) {
                t = local - d->after;
                if (t < d->changes_at)
                        t = d->changes_at;
        }
        return t * USEC_PER_SEC;
}

static struct civil civil_of(usec_t instant) {
        int64_t t = floor_div(instant, USEC_PER_SEC), local;
        const struct day *d = day_get((date_t)floor_div(t, SEC_PER_DAY));
        struct civil c;

        c.utc_offset = t < d->changes_at ? d->before : d->after;
        local = t + c.utc_offset;
        c.date = (date_t)floor_div(local, SEC_PER_DAY);
        c.second = (int)(local - c.date * SEC_PER_DAY);
        return c;
}

struct civil zone_civil(usec_t instant) {
        if (!last_civil.filled || last_civil.instant != instant) {
                last_civil.civil = civil_of(instant);
                last_civil.instant = instant;
                last_civil.filled = true;
        }
        return last_civil.civil;
}

static char *put_two(char *p, int64_t value) {
        *p++ = (char)('0' + value / 10 % 10);
        *p++ = (char)('0' + value % 10);
        return p;
}

/* No printf here either; see date_format(). */
const char *zone_format(usec_t instant, char buf[INSTANT_BUFFER]) {
        int64_t minutes, away, local, second;
        char *p = buf;
        date_t date;

        if (instant == USEC_INFINITY)
                return memcpy(buf, "never", sizeof("never"));
        /* RFC 3339 has no seconds in an offset: the time printed goes with the offset printed, so the instant is right */
        minutes = floor_div(zone_civil(instant).utc_offset, 60);
        away = minutes < 0 ? -minutes : minutes;
        local = floor_div(instant, USEC_PER_SEC) + minutes * 60;
        date = (date_t)floor_div(local, SEC_PER_DAY);
        second = local - date * SEC_PER_DAY;

        p += strlen(date_format(date, p));
        *p++ = 'T';
        p = put_two(p, second / 3600);
        *p++ = ':';
        p = put_two(p, second / 60 % 60);
        *p++ = ':';
        p = put_two(p, second % 60);
        *p++ = minutes < 0 ? '-' : '+';
        p = put_two(p, away / 60);
        *p++ = ':';
        p = put_two(p, away % 60);
        *p = '\0';
        return buf;
}

/* Two digits at *@s, which moves behind them. Return: the number, -1 when there are none. */
static int take_two(const char **s) {
        const char *p = *s;

        if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
                return -1;
        *s += 2;
        return (p[0] - '0') * 10 + (p[1] - '0');
}

/* HH:MM[:SS[.fraction]], the fraction cut to microseconds. */
static int take_time(const char **s, int *ret_second, int *ret_usec) {
        int hour, minute, second = 0, usec = 0, scale = 100000;

        hour = take_two(s);
        if (hour < 0 || *(*s)++ != ':')
                return -EINVAL;
        minute = take_two(s);
        if (minute < 0)
                return -EINVAL;
        if (**s == ':') {
                (*s)++;
                second = take_two(s);
                if (second < 0)
                        return -EINVAL;
                if (**s == '.') {
                        (*s)++;
                        if (**s < '0' || **s > '9')
                                return -EINVAL;
                        for (; **s >= '0' && **s <= '9'; (*s)++, scale /= 10)
                                usec += (**s - '0') * scale;
                }
        }
        if (minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute || second || usec)))
                return -ERANGE;
        *ret_second = hour * 3600 + minute * 60 + second;
        *ret_usec = usec;
        return 0;
}

/* Z or ±HH:MM. */
static int take_offset(const char **s, int *ret_offset) {
        int sign, hours, minutes;

        if (**s == 'Z' || **s == 'z') {
                (*s)++;
                *ret_offset = 0;
                return 0;
        }
        sign = *(*s)++ == '-' ? -1 : 1;
        hours = take_two(s);
        if (hours < 0 || *(*s)++ != ':')
                return -EINVAL;
        minutes = take_two(s);
        if (minutes < 0)
                return -EINVAL;
        if (hours > 23 || minutes > 59)
                return -ERANGE;
        *ret_offset = sign * (hours * 3600 + minutes * 60);
        return 0;
}

int zone_parse(const char *s, usec_t *ret) {
        int second = 0, usec = 0, offset, r;
        char day[DATE_BUFFER];
        bool timed;
        date_t date;

        memcpy(day, s, strnlen(s, DATE_BUFFER - 1));
        day[strnlen(s, DATE_BUFFER - 1)] = '\0';
        r = date_parse(day, &date);
        if (r < 0)
                return r;
        s += DATE_BUFFER - 1;
        timed = *s != '\0';
        if (timed) {
                if (*s != 'T' && *s != 't' && *s != ' ')
                        return -EINVAL;
                s++;
                r = take_time(&s, &second, &usec);
                if (r < 0)
                        return r;
        }
        if (timed && (*s == 'Z' || *s == 'z' || *s == '+' || *s == '-')) {
                r = take_offset(&s, &offset);
                if (r < 0)
                        return r;
                if (*s)
                        return -EINVAL;
                if (second == SEC_PER_DAY)
                        return -ERANGE;
                *ret = (date * SEC_PER_DAY + second - offset) * USEC_PER_SEC + usec;
                return 0;
        }
        if (*s)
                return -EINVAL;
        *ret = zone_instant(date, second) + usec;
        return 0;
}
