/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/recurrence.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define MAX_LIST 64         /* entries of BYDAY and of BYSETPOS */
#define MAX_INTERVAL 10000  /* far beyond the years of date.h for all but DAILY */
#define MAX_PERIOD_DAYS 366 /* dates that one period (a year) can hold */
#define MAX_TEXT 1000       /* bytes of a rule */

enum frequency { DAILY, WEEKLY, MONTHLY, YEARLY, _FREQUENCY_MAX };

static const char *const frequency_names[_FREQUENCY_MAX] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
static const char *const weekday_names[_WEEKDAY_MAX] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

struct ordinal_day {
        int8_t n; /* from the beginning, negative from the end; never 0 */
        uint8_t weekday;
};

struct recurrence {
        const char *text;
        enum frequency frequency;
        int interval;
        int count;               /* 0: none */
        date_t until;            /* DATE_NONE: none */
        uint16_t months;         /* bits 1 << month; 0: any */
        uint32_t month_days;     /* bits 1 << day; 0 with the next: any */
        uint32_t month_days_end; /* bits 1 << day from the end, 1: the last */
        uint8_t weekdays;        /* bits 1 << weekday */
        uint8_t week_start;
        const struct ordinal_day *ordinals; /* in the arena */
        size_t n_ordinals;
        const int16_t *positions; /* BYSETPOS, in the arena */
        size_t n_positions;
};

/* A rule while it is read. */
struct reader {
        struct arena *arena;
        struct recurrence rule;
        unsigned seen; /* bits of parts[] */
        const char *error;
};

static int fail(struct reader *r, int error, const char *text) {
        r->error = text;
        return error;
}

/* A decimal number of at most six digits, with a sign where @sign allows one. */
static int read_number(const char **s, bool sign, int *ret) {
        int value = 0, digits = 0, factor = 1;

        if (sign && (**s == '-' || **s == '+'))
                factor = *(*s)++ == '-' ? -1 : 1;
        for (; **s >= '0' && **s <= '9'; (*s)++) {
                if (++digits > 6)
                        return -EINVAL;
                value = value * 10 + (**s - '0');
        }
        if (digits == 0)
                return -EINVAL;
        *ret = factor * value;
        return 0;
}

static int read_single(struct reader *r, const char *name, const char *s, int max, int *ret) {
        int value;

        if (read_number(&s, false, &value) < 0 || *s || value < 1 || value > max)
                return fail(r, -EINVAL,
                            arena_printf(r->arena, "%s is a number from 1 to %d", name, max));
        *ret = value;
        return 0;
}

static int read_weekday(const char **s) {
        for (int i = 0; i < _WEEKDAY_MAX; i++)
                if (strncasecmp(*s, weekday_names[i], 2) == 0) {
                        *s += 2;
                        return i;
                }
        return -EINVAL;
}

static int read_freq(struct reader *r, const char *s) {
        static const char *const finer[] = {"SECONDLY", "MINUTELY", "HOURLY"};

        for (int i = 0; i < _FREQUENCY_MAX; i++)
                if (strcasecmp(s, frequency_names[i]) == 0) {
                        r->rule.frequency = (enum frequency)i;
                        return 0;
                }
        for (size_t i = 0; i < 3; i++)
                if (strcasecmp(s, finer[i]) == 0)
                        return fail(r, -ENOTSUP,
                                    arena_printf(r->arena,
                                                 "FREQ=%s is not supported: rules are on dates",
                                                 finer[i]));
        return fail(r, -EINVAL, "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY");
}

static int read_interval(struct reader *r, const char *s) {
        return read_single(r, "INTERVAL", s, MAX_INTERVAL, &r->rule.interval);
}

static int read_count(struct reader *r, const char *s) {
        return read_single(r, "COUNT", s, RECURRENCE_MAX_DATES, &r->rule.count);
}

static int read_until(struct reader *r, const char *s) {
        int value;
        date_t date;

        if (strlen(s) > 8 && (s[8] == 'T' || s[8] == 't'))
                return fail(r, -ENOTSUP, "UNTIL with a time is not supported: rules are on dates");
        if (strlen(s) != 8 || strspn(s, "0123456789") != 8)
                return fail(r, -EINVAL, "UNTIL is a date such as 20181231");
        value = 0;
        for (int i = 0; i < 8; i++)
                value = value * 10 + (s[i] - '0');
        date = date_from_ymd(value / 10000, value / 100 % 100, value % 100);
        if (date == DATE_NONE)
                return fail(r, -EINVAL, "UNTIL is no date of the calendar");
        r->rule.until = date;
        return 0;
}

static int read_bymonth(struct reader *r, const char *s) {
        do {
                int month;

                if (read_number(&s, false, &month) < 0 || month < 1 || month > 12 ||
                    (*s && *s != ','))
                        return fail(r, -EINVAL, "BYMONTH is a list of months from 1 to 12");
                r->rule.months |= (uint16_t)(1U << month);
        } while (*s++ == ',');
        return 0;
}

static int read_bymonthday(struct reader *r, const char *s) {
        do {
                int day;

                if (read_number(&s, true, &day) < 0 || day == 0 || day < -31 || day > 31 ||
                    (*s && *s != ','))
                        return fail(r, -EINVAL,
                                    "BYMONTHDAY is a list of days from 1 to 31 or -31 to -1");
                if (day > 0)
                        r->rule.month_days |= 1U << day;
                else
                        r->rule.month_days_end |= 1U << -day;
        } while (*s++ == ',');
        return 0;
}

static int read_byday(struct reader *r, const char *s) {
        static const char *const words = "BYDAY is a list of weekdays such as MO, 1MO or -1FR";
        struct ordinal_day list[MAX_LIST], *copy;
        size_t n = 0;

        do {
                int ordinal = 0, weekday;
                bool has_ordinal = *s == '-' || *s == '+' || (*s >= '0' && *s <= '9');

                if (has_ordinal && (read_number(&s, true, &ordinal) < 0 || ordinal == 0 ||
                                    ordinal < -53 || ordinal > 53))
                        return fail(r, -EINVAL, words);
                weekday = read_weekday(&s);
                if (weekday < 0 || (*s && *s != ','))
                        return fail(r, -EINVAL, words);
                if (!has_ordinal) {
                        r->rule.weekdays |= (uint8_t)(1U << weekday);
                        continue;
                }
                if (n == MAX_LIST)
                        return fail(r, -EINVAL, "BYDAY has more than 64 entries");
                list[n++] = (struct ordinal_day){.n = (int8_t)ordinal, .weekday = (uint8_t)weekday};
        } while (*s++ == ',');

        copy = arena_new_array(r->arena, struct ordinal_day, n);
        memcpy(copy, list, n * sizeof(*copy));
        r->rule.ordinals = copy;
        r->rule.n_ordinals = n;
        return 0;
}

static int read_bysetpos(struct reader *r, const char *s) {
        int16_t list[MAX_LIST], *copy;
        size_t n = 0;

        do {
                int position;

                if (read_number(&s, true, &position) < 0 || position == 0 ||
                    position < -MAX_PERIOD_DAYS || position > MAX_PERIOD_DAYS || (*s && *s != ','))
                        return fail(r, -EINVAL,
                                    "BYSETPOS is a list of positions from 1 to 366 or -366 to -1");
                if (n == MAX_LIST)
                        return fail(r, -EINVAL, "BYSETPOS has more than 64 entries");
                list[n++] = (int16_t)position;
        } while (*s++ == ',');

        copy = arena_new_array(r->arena, int16_t, n);
        memcpy(copy, list, n * sizeof(*copy));
        r->rule.positions = copy;
        r->rule.n_positions = n;
        return 0;
}

static int read_wkst(struct reader *r, const char *s) {
        int weekday = read_weekday(&s);

        if (weekday < 0 || *s)
                return fail(r, -EINVAL, "WKST is a weekday such as MO");
        r->rule.week_start = (uint8_t)weekday;
        return 0;
}

/* RFC 5545, section 3.3.10, in a subset. */
enum part {
        PART_FREQ,
        PART_INTERVAL,
        PART_COUNT,
        PART_UNTIL,
        PART_BYMONTH,
        PART_BYMONTHDAY,
        PART_BYDAY,
        PART_BYSETPOS,
        PART_WKST,
        _PART_MAX
};

static const struct {
        const char *name;
        int (*read)(struct reader *r, const char *value);
} parts[_PART_MAX] = {
        [PART_FREQ] = {"FREQ", read_freq},
        [PART_INTERVAL] = {"INTERVAL", read_interval},
        [PART_COUNT] = {"COUNT", read_count},
        [PART_UNTIL] = {"UNTIL", read_until},
        [PART_BYMONTH] = {"BYMONTH", read_bymonth},
        [PART_BYMONTHDAY] = {"BYMONTHDAY", read_bymonthday},
        [PART_BYDAY] = {"BYDAY", read_byday},
        [PART_BYSETPOS] = {"BYSETPOS", read_bysetpos},
        [PART_WKST] = {"WKST", read_wkst},
};

static int refuse_part(struct reader *r, const char *name) {
        static const struct {
                const char *name, *why;
        } known[] = {
                {"BYSECOND", "BYSECOND is not supported: rules are on dates"},
                {"BYMINUTE", "BYMINUTE is not supported: rules are on dates"},
                {"BYHOUR", "BYHOUR is not supported: rules are on dates"},
                {"BYYEARDAY", "BYYEARDAY is not supported, use BYMONTH and BYMONTHDAY"},
                {"BYWEEKNO", "BYWEEKNO is not supported, use WEEKLY with INTERVAL"},
                {"BYEASTER", "BYEASTER is not supported, list the dates"},
                {"RSCALE", "RSCALE is not supported, list the dates of a lunar calendar"},
                {"SKIP", "SKIP is not supported"},
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                if (strcasecmp(name, known[i].name) == 0)
                        return fail(r, -ENOTSUP, known[i].why);
        return fail(r, -EINVAL, arena_printf(r->arena, "'%s' is no part of a rule", name));
}

/* "NAME=VALUE" in @text, which is cut at the '='. */
static int read_part(struct reader *r, char *text) {
        char *value = strchr(text, '=');

        if (strncasecmp(text, "RRULE:", 6) == 0)
                return fail(r, -EINVAL, "a rule begins with FREQ=, without \"RRULE:\"");
        if (!value)
                return fail(r, -EINVAL,
                            arena_printf(r->arena, "'%s' is not of the form NAME=VALUE", text));
        *value++ = '\0';
        for (int i = 0; i < _PART_MAX; i++) {
                if (strcasecmp(text, parts[i].name) != 0)
                        continue;
                if (r->seen & (1U << i))
                        return fail(r, -EINVAL,
                                    arena_printf(r->arena, "%s is given twice", parts[i].name));
                r->seen |= 1U << i;
                return parts[i].read(r, value);
        }
        return refuse_part(r, text);
}

/* What the parts must not be together. */
static int check_parts(struct reader *r) {
        const struct recurrence *rule = &r->rule;

        if (!(r->seen & (1U << PART_FREQ)))
                return fail(r, -EINVAL, "a rule needs FREQ");
        if (rule->count > 0 && rule->until != DATE_NONE)
                return fail(r, -EINVAL, "COUNT and UNTIL exclude each other");
        if (rule->n_ordinals > 0 && rule->frequency != MONTHLY && rule->frequency != YEARLY)
                return fail(r, -EINVAL, "numbers in BYDAY go with MONTHLY and YEARLY only");
        if ((rule->month_days || rule->month_days_end) && rule->frequency == WEEKLY)
                return fail(r, -EINVAL, "BYMONTHDAY does not go with WEEKLY");
        if (rule->n_positions > 0 &&
            !(r->seen & (1U << PART_BYMONTH | 1U << PART_BYMONTHDAY | 1U << PART_BYDAY)))
                return fail(r, -EINVAL, "BYSETPOS needs BYDAY, BYMONTHDAY or BYMONTH beside it");
        return 0;
}

static int read_rule(struct reader *r, char *text) {
        int error;

        for (char *next; text; text = next) {
                next = strchr(text, ';');
                if (next)
                        *next++ = '\0';
                error = read_part(r, text);
                if (error < 0)
                        return error;
        }
        return check_parts(r);
}

/* A stretch of days that the rule is applied to as one: a day, week, month or year. */
struct period {
        date_t first, last;
};

/* A rule on its way through the calendar. */
struct walk {
        struct recurrence rule;      /* with what DTSTART implies filled in */
        struct ymd at;               /* MONTHLY, YEARLY: the period's year and month */
        struct period period;        /* the current one */
        date_t set[MAX_PERIOD_DAYS]; /* the days of it that match */
        size_t n_set;
};

/* What a rule leaves open, it takes from DTSTART. */
static void fill_from_start(struct recurrence *rule, date_t start) {
        struct ymd d = date_to_ymd(start);

        if (rule->weekdays || rule->n_ordinals > 0 || rule->month_days || rule->month_days_end)
                return;
        switch (rule->frequency) {
        case YEARLY:
                if (!rule->months)
                        rule->months = (uint16_t)(1U << d.month);
                rule->month_days = 1U << d.day;
                break;
        case MONTHLY:
                rule->month_days = 1U << d.day;
                break;
        case WEEKLY:
                rule->weekdays = (uint8_t)(1U << date_weekday(start));
                break;
        case DAILY:
        case _FREQUENCY_MAX:
                break;
        }
}

/* MONTHLY and YEARLY: the period of walk->at. Return: false beyond the last year. */
static bool set_period(struct walk *w) {
        int last_month = w->rule.frequency == MONTHLY ? w->at.month : 12;

        if (w->at.year > DATE_MAX_YEAR)
                return false;
        w->period.first = date_from_ymd(w->at.year, w->at.month, 1);
        w->period.last =
                date_from_ymd(w->at.year, last_month, days_in_month(w->at.year, last_month));
        return true;
}

static bool first_period(struct walk *w, date_t start) {
        int into_week;

        switch (w->rule.frequency) {
        case DAILY:
                w->period = (struct period){start, start};
                return true;
        case WEEKLY:
                into_week = ((int)date_weekday(start) - w->rule.week_start + 7) % 7;
                w->period = (struct period){start - into_week, start - into_week + 6};
                return true;
        case MONTHLY:
        case YEARLY:
        case _FREQUENCY_MAX:
                break;
        }
        w->at = date_to_ymd(start);
        if (w->rule.frequency == YEARLY)
                w->at.month = 1;
        return set_period(w);
}

static bool next_period(struct walk *w) {
        int days = w->rule.interval * (w->rule.frequency == WEEKLY ? 7 : 1), months;

        if (w->rule.frequency == DAILY || w->rule.frequency == WEEKLY) {
                w->period.first += days;
                w->period.last += days;
                return true;
        }
        months = w->at.month - 1 + w->rule.interval * (w->rule.frequency == YEARLY ? 12 : 1);
        w->at.year += months / 12;
        w->at.month = months % 12 + 1;
        return set_period(w);
}

static bool matches_month_day(const struct recurrence *rule, int day, int from_end) {
        if (!rule->month_days && !rule->month_days_end)
                return true;
        return (rule->month_days >> day & 1) || (rule->month_days_end >> from_end & 1);
}

/* @scope: what the numbers of BYDAY count in. */
static bool matches_weekday(const struct recurrence *rule, date_t date, struct period scope) {
        unsigned weekday = date_weekday(date);
        int from_first = (date - scope.first) / 7 + 1, from_last = (scope.last - date) / 7 + 1;

        if ((!rule->weekdays && rule->n_ordinals == 0) || (rule->weekdays >> weekday & 1))
                return true;
        for (size_t i = 0; i < rule->n_ordinals; i++)
                if (rule->ordinals[i].weekday == weekday &&
                    (rule->ordinals[i].n == from_first || rule->ordinals[i].n == -from_last))
                        return true;
        return false;
}

/* The days of the current period that the rule's BYMONTH, BYMONTHDAY and BYDAY let through. */
static void collect(struct walk *w) {
        const struct recurrence *rule = &w->rule;
        bool in_year = rule->frequency == YEARLY && !rule->months;
        struct ymd d = date_to_ymd(w->period.first);

        w->n_set = 0;
        for (date_t date = w->period.first; date <= w->period.last;) {
                int length = days_in_month(d.year, d.month);
                struct period month = {date - d.day + 1, date - d.day + length};
                bool wanted = !rule->months || (rule->months >> d.month & 1);

                for (; wanted && d.day <= length && date <= w->period.last; d.day++, date++)
                        if (matches_month_day(rule, d.day, length - d.day + 1) &&
                            matches_weekday(rule, date, in_year ? w->period : month))
                                w->set[w->n_set++] = date;
                date = month.last + 1;
                d = (struct ymd){d.year + d.month / 12, d.month % 12 + 1, 1};
        }
}

static bool at_position(const struct recurrence *rule, size_t index, size_t n) {
        if (rule->n_positions == 0)
                return true;
        for (size_t i = 0; i < rule->n_positions; i++)
                if (rule->positions[i] == (int)index + 1 ||
                    rule->positions[i] == (int)index - (int)n)
                        return true;
        return false;
}

int recurrence_parse(struct arena *arena, const char *text, const struct recurrence **ret,
                     const char **ret_error) {
        struct reader r = {
                .arena = arena,
                .rule = {.interval = 1, .until = DATE_NONE, .week_start = MONDAY},
        };
        struct recurrence *rule;
        int error;

        if (strlen(text) > MAX_TEXT)
                error = fail(&r, -EINVAL, "the rule is longer than 1000 characters");
        else
                error = read_rule(&r, arena_strdup(arena, text));
        if (error < 0) {
                *ret_error = r.error;
                return error;
        }
        r.rule.text = arena_strdup(arena, text);
        rule = arena_alloc(arena, sizeof(*rule));
        *rule = r.rule;
        *ret = rule;
        return 0;
}

const char *recurrence_text(const struct recurrence *rule) { return rule->text; }

bool recurrence_is_endless(const struct recurrence *rule) {
        return rule->count == 0 && rule->until == DATE_NONE;
}

int recurrence_expand(const struct recurrence *rule, date_t start, date_t until, date_t *ret,
                      size_t max) {
        return recurrence_expand_from(rule, start, start, until, ret, max);
}

int recurrence_expand_from(const struct recurrence *rule, date_t start, date_t first, date_t until,
                           date_t *ret, size_t max) {
        struct walk w = {.rule = *rule};
        date_t limit = date_from_ymd(DATE_MAX_YEAR, 12, 31);
        size_t n = 0, counted = 0;

        if (until < limit)
                limit = until;
        if (rule->until != DATE_NONE && rule->until < limit)
                limit = rule->until;
        if (start < 0 || start > limit)
                return 0;

        fill_from_start(&w.rule, start);
        for (bool more = first_period(&w, start); more && w.period.first <= limit;
             more = next_period(&w)) {
                collect(&w);
                for (size_t i = 0; i < w.n_set; i++) {
                        if (w.set[i] < start || !at_position(&w.rule, i, w.n_set))
                                continue;
                        if (w.set[i] > limit || (rule->count > 0 && counted == (size_t)rule->count))
                                return (int)n;
                        counted++;
                        if (w.set[i] < first)
                                continue;
                        if (n == max)
                                return -E2BIG;
                        ret[n++] = w.set[i];
                }
        }
        return (int)n;
}
