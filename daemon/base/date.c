/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/date.h"

#include <errno.h>

/* Years that begin in March put the leap day last, and 400 of them are one era of fixed length. */
#define DAYS_PER_ERA 146097
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */

static bool is_leap_year(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static date_t days_from_civil(int year, int month, int day) {
        int64_t y = month > 2 ? year : year - 1;
        int64_t era = floor_div(y, 400), year_of_era = y - era * 400;
        int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

        return (date_t)(era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970);
}

int days_in_month(int year, int month) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

        if (month < 1 || month > 12)
                return 0;
        return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

date_t date_from_ymd(int year, int month, int day) {
        if (year < DATE_MIN_YEAR || year > DATE_MAX_YEAR || day < 1 ||
            day > days_in_month(year, month))
                return DATE_NONE;
        return days_from_civil(year, month, day);
}

struct ymd date_to_ymd(date_t date) {
        int64_t days = (int64_t)date + DAYS_BEFORE_1970;
        int64_t era = floor_div(days, DAYS_PER_ERA);
        uint32_t doe = (uint32_t)(days - era * DAYS_PER_ERA);
        uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        uint32_t month_from_march = (5 * doy + 2) / 153;
        struct ymd r;

        r.day = (int)(doy - (153 * month_from_march + 2) / 5 + 1);
        r.month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
        r.year = (int)(yoe + era * 400 + (r.month <= 2));
        return r;
}

enum weekday date_weekday(date_t date) {
        int64_t from_monday = (int64_t)date + 3; /* 1970-01-01 was a Thursday */

        return (enum weekday)(from_monday - floor_div(from_monday, 7) * 7);
}

/* A week belongs to the year of its Thursday (ISO 8601-1:2019, 4.3.5). */
int date_iso_week(date_t date, int *ret_year) {
        date_t thursday = date - (date_t)date_weekday(date) + THURSDAY;
        int year = date_to_ymd(thursday).year;

        if (ret_year)
                *ret_year = year;
        return (thursday - days_from_civil(year, 1, 1)) / 7 + 1;
}

/* Exactly @n digits. */
static bool parse_digits(const char *s, int n, int *ret) {
        int value = 0;

        for (int i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return false;
                value = value * 10 + (s[i] - '0');
        }
        *ret = value;
        return true;
}

int date_parse(const char *s, date_t *ret) {
        int year, month, day;
        date_t date;

        if (!parse_digits(s, 4, &year) || s[4] != '-' || !parse_digits(s + 5, 2, &month) ||
            s[7] != '-' || !parse_digits(s + 8, 2, &day) || s[10] != '\0')
                return -EINVAL;
        date = date_from_ymd(year, month, day);
        if (date == DATE_NONE)
                return -ERANGE;
        *ret = date;
        return 0;
}

static void put_digits(char *s, int n, unsigned value) {
        while (n-- > 0) {
                s[n] = (char)('0' + value % 10);
                value /= 10;
        }
}

/* No printf: listings and simulations print dates by the million. */
const char *date_format(date_t date, char buf[DATE_BUFFER]) {
        struct ymd d;

        if (date == DATE_NONE)
                d = (struct ymd){-1, 0, 0};
        else
                d = date_to_ymd(date);
        if (d.year < 0 || d.year > 9999) {
                buf[0] = '-';
                buf[1] = '\0';
                return buf;
        }
        put_digits(buf, 4, (unsigned)d.year);
        buf[4] = buf[7] = '-';
        put_digits(buf + 5, 2, (unsigned)d.month);
        put_digits(buf + 8, 2, (unsigned)d.day);
        buf[10] = '\0';
        return buf;
}
