/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Answers questions about core/ on standard input, one line each, so that another implementation can be held
 * against it. What is asked last about zone, calendar and policy stands until it is asked again.
 *
 *         zone NAME                                      ok
 *         calendar DAYS SEND START END CLOSE             ok     DAYS: bits; seconds of the day; then
 *         off|work FIRST LAST                            ok     its ranges, before the first question
 *         workday DATE | lists YEAR                      0, 1
 *         floor DATE | ceil DATE | add DATE N            DATE or -
 *         count AFTER UNTIL                              N
 *         deadline DATE SECOND WORD SHIFT                LAST EFFECTIVE INSTANT, or the error
 *         leave caught-up|window|next INSTANT            INSTANT or -
 *         base EFFECTIVE INSTANT                         DATE
 *         policy                                         ok     begins a policy
 *         step AT[,AT]… EVERY UNTIL                      ok     '-': none
 *         rungs                                          OFFSET… or error: WORDS
 *         ladder EFFECTIVE INSTANT BASE OPENS CLOSES     OFFSET@INSTANT/NOMINAL…
 *         dates START UNTIL MAX RULE                     DATE… or error: WORDS
 *
 * Instants are microseconds since 1970, in UTC.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/zone.h"
#include "core/calendar.h"
#include "core/deadline.h"
#include "core/policy.h"
#include "core/recurrence.h"

#define MAX_RANGES 1000
#define MAX_STEPS 50
#define MAX_WORDS 16

static struct arena *arena;
static struct calendar_settings settings;
static struct day_range off[MAX_RANGES], work[MAX_RANGES];
static const struct calendar *cal; /* NULL: to be built from settings */
static struct step steps[MAX_STEPS];
static struct policy policy;

static _Noreturn void bad(const char *what) {
        fprintf(stderr, "answer: what is '%s'?\n", what);
        exit(EXIT_FAILURE);
}

static date_t date_of(const char *s) {
        date_t date;

        if (strcmp(s, "-") == 0)
                return DATE_NONE;
        if (date_parse(s, &date) < 0)
                bad(s);
        return date;
}

static int number_of(const char *s) {
        char *end;
        long n = strtol(s, &end, 10);

        if (*end || end == s)
                bad(s);
        return (int)n;
}

static usec_t instant_of(const char *s) {
        char *end;
        long long n = strtoll(s, &end, 10);

        if (*end || end == s)
                bad(s);
        return n;
}

static void print_date(date_t date) {
        char buf[DATE_BUFFER];

        printf("%s", date == DATE_NONE ? "-" : date_format(date, buf));
}

static void print_instant(usec_t t) {
        if (t == USEC_INFINITY)
                printf("-");
        else
                printf("%" PRId64, t);
}

static const struct calendar *calendar(void) {
        if (!cal)
                cal = calendar_new(arena, &settings);
        return cal;
}

static void on_zone(char **a) {
        if (zone_init(a[0]) < 0)
                bad(a[0]);
        printf("ok");
}

static void on_calendar(char **a) {
        settings = (struct calendar_settings){
                .workdays = (unsigned)number_of(a[0]),
                .send_at = number_of(a[1]),
                .window_start = number_of(a[2]),
                .window_end = number_of(a[3]),
                .close_of_day = number_of(a[4]),
                .off = off,
                .work = work,
        };
        cal = NULL;
        printf("ok");
}

static void on_off(char **a) {
        if (settings.n_off == MAX_RANGES)
                bad("one more range");
        off[settings.n_off++] = (struct day_range){.first = date_of(a[0]), .last = date_of(a[1])};
        printf("ok");
}

static void on_work(char **a) {
        if (settings.n_work == MAX_RANGES)
                bad("one more range");
        work[settings.n_work++] = (struct day_range){.first = date_of(a[0]), .last = date_of(a[1])};
        printf("ok");
}

static void on_workday(char **a) { printf("%d", calendar_is_workday(calendar(), date_of(a[0]))); }

static void on_lists(char **a) { printf("%d", calendar_lists_year(calendar(), number_of(a[0]))); }

static void on_floor(char **a) {
        print_date(calendar_workday_on_or_before(calendar(), date_of(a[0])));
}

static void on_ceil(char **a) {
        print_date(calendar_workday_on_or_after(calendar(), date_of(a[0])));
}

static void on_add(char **a) {
        print_date(calendar_add_workdays(calendar(), date_of(a[0]), number_of(a[1])));
}

static void on_count(char **a) {
        printf("%d", calendar_count_workdays(calendar(), date_of(a[0]), date_of(a[1])));
}

static void on_deadline(char **a) {
        struct due due = {.date = date_of(a[0]), .time_of_day = number_of(a[1])};
        struct deadline deadline;
        enum due_word word;
        enum shift shift;
        int r;

        if (due_word_from_string(a[2], &word) < 0 || shift_from_string(a[3], &shift) < 0)
                bad(a[2]);
        r = deadline_resolve(calendar(), &due, word, shift, &deadline);
        if (r < 0) {
                printf("%s", strerrorname_np(-r));
                return;
        }
        print_date(deadline.last);
        printf(" ");
        print_date(deadline.effective);
        printf(" %" PRId64, deadline.instant);
}

static void on_leave(char **a) {
        usec_t t = instant_of(a[1]);

        if (strcmp(a[0], "caught-up") == 0)
                print_instant(send_instant_caught_up(calendar(), t));
        else if (strcmp(a[0], "window") == 0)
                print_instant(send_instant_in_window(calendar(), t));
        else if (strcmp(a[0], "next") == 0)
                print_instant(send_instant_next(calendar(), t));
        else
                bad(a[0]);
}

static void on_base(char **a) {
        print_date(ladder_base_date(calendar(), date_of(a[0]), instant_of(a[1])));
}

static void on_policy(char **a) {
        (void)a;
        policy = (struct policy){.id = "asked", .steps = steps};
        printf("ok");
}

static void on_step(char **a) {
        struct step *step = &steps[policy.n_steps];
        struct offset *at;

        if (policy.n_steps == MAX_STEPS)
                bad("one more step");
        *step = (struct step){};
        at = arena_new_array(arena, struct offset, strlen(a[0]));
        step->at = at;
        for (char *next, *s = strtok_r(a[0], ",", &next); s; s = strtok_r(NULL, ",", &next))
                if (offset_parse(s, &at[step->n_at++]) < 0)
                        bad(s);
        step->has_every = strcmp(a[1], "-") != 0;
        step->has_until = strcmp(a[2], "-") != 0;
        if (step->has_every && offset_parse_distance(a[1], &step->every) < 0)
                bad(a[1]);
        if (step->has_until && offset_parse(a[2], &step->until) < 0)
                bad(a[2]);
        policy.n_steps++;
        printf("ok");
}

static void on_rungs(char **a) {
        const struct step *step;
        const char *error;
        char buf[OFFSET_BUFFER];

        (void)a;
        if (policy_expand(arena, &policy, &step, &error) < 0) {
                printf("error: step %td: %s", step - steps + 1, error);
                return;
        }
        for (size_t i = 0; i < policy.n_rungs; i++)
                printf("%s%s", i > 0 ? " " : "", offset_format(policy.rungs[i].offset, buf));
}

static void on_ladder(char **a) {
        struct ladder_base base = {
                .effective = date_of(a[0]),
                .deadline = instant_of(a[1]),
                .base = date_of(a[2]),
                .opens = date_of(a[3]),
                .closes = date_of(a[4]),
        };
        _cleanup_free_ struct firing *firings = calloc(policy.n_rungs + 1, sizeof(*firings));
        char buf[OFFSET_BUFFER];
        size_t n;

        if (!firings)
                bad("that much memory");
        n = ladder_resolve(calendar(), &policy, &base, firings);
        for (size_t i = 0; i < n; i++)
                printf("%s%s@%" PRId64 "/%" PRId64, i > 0 ? " " : "",
                       offset_format(firings[i].rung->offset, buf), firings[i].instant,
                       firings[i].nominal);
}

static void on_dates(char **a) {
        const struct recurrence *rule;
        const char *error;
        int max = number_of(a[2]), n;

        if (max < 0 || max > RECURRENCE_MAX_DATES)
                bad(a[2]);
        if (recurrence_parse(arena, a[3], &rule, &error) < 0) {
                printf("error: %s", error);
                return;
        }
        _cleanup_free_ date_t *dates = calloc((size_t)max + 1, sizeof(*dates));
        if (!dates)
                bad("that much memory");
        n = recurrence_expand(rule, date_of(a[0]), date_of(a[1]), dates, (size_t)max);
        if (n < 0) {
                printf("error: %s", strerrorname_np(-n));
                return;
        }
        for (int i = 0; i < n; i++) {
                printf("%s", i > 0 ? " " : "");
                print_date(dates[i]);
        }
}

static const struct {
        const char *name;
        size_t n_words;
        void (*answer)(char **words);
} questions[] = {
        {"zone", 1, on_zone},   {"calendar", 5, on_calendar}, {"off", 2, on_off},
        {"work", 2, on_work},   {"workday", 1, on_workday},   {"lists", 1, on_lists},
        {"floor", 1, on_floor}, {"ceil", 1, on_ceil},         {"add", 2, on_add},
        {"count", 2, on_count}, {"deadline", 4, on_deadline}, {"leave", 2, on_leave},
        {"base", 2, on_base},   {"policy", 0, on_policy},     {"step", 3, on_step},
        {"rungs", 0, on_rungs}, {"ladder", 5, on_ladder},     {"dates", 4, on_dates},
};

static void answer(char *line) {
        char *words[MAX_WORDS] = {}, *next;
        size_t n = 0;

        for (char *s = strtok_r(line, " \n", &next); s && n < MAX_WORDS;
             s = strtok_r(NULL, " \n", &next))
                words[n++] = s;
        for (size_t i = 0; n > 0 && i < ELEMENTSOF(questions); i++)
                if (strcmp(words[0], questions[i].name) == 0 && n - 1 == questions[i].n_words) {
                        questions[i].answer(words + 1);
                        printf("\n");
                        return;
                }
        bad(n > 0 ? words[0] : "an empty line");
}

int main(void) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        arena = arena_new();
        if (!arena)
                return EXIT_FAILURE;
        while (getline(&line, &size, stdin) >= 0)
                answer(line);
        arena = arena_free(arena);
        return EXIT_SUCCESS;
}
