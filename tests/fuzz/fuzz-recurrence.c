/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* First line the start, the rest a rule: refused with words, or expanded in order and within its limits. */

#include "core/recurrence.h"
#include "fuzz.h"

#define MAX_DATES 400

static void expand(const struct recurrence *rule, date_t start) {
        date_t until = start + 10 * 366, dates[MAX_DATES], fewer[MAX_DATES / 2];
        int n = recurrence_expand(rule, start, until, dates, MAX_DATES);
        int m = recurrence_expand(rule, start, until, fewer, MAX_DATES / 2);

        CHECK(n <= MAX_DATES && m <= MAX_DATES / 2);
        for (int i = 0; i < n; i++) {
                CHECK(dates[i] >= start && dates[i] <= until);
                CHECK(i == 0 || dates[i] > dates[i - 1]);
        }
        CHECK(n < 0 || n > MAX_DATES / 2 || m == n);
        CHECK(recurrence_expand(rule, start, start - 1, dates, MAX_DATES) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *start = fuzz_string(data, size), *text = strchr(start, '\n');
        struct arena *arena = arena_new();
        const struct recurrence *rule = NULL;
        const char *error = NULL;
        date_t date;

        CHECK(arena);
        if (text) {
                *text++ = '\0';
                if (date_parse(start, &date) == 0 &&
                    date < date_from_ymd(DATE_MAX_YEAR - 11, 1, 1)) {
                        if (recurrence_parse(arena, text, &rule, &error) == 0)
                                expand(rule, date);
                        else
                                CHECK(!rule && error);
                }
        }
        arena_free(arena);
        free(start);
        return 0;
}
