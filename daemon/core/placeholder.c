/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/placeholder.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define NUMBER_BUFFER 16
#define PATTERN_SPECIAL "*?[]{},\\"

struct occurrence {
        const struct task *task;
        const struct unit *unit;
        const struct due *due;
};

/* Length of the "{word}" at @s; 0 when there is none. */
static size_t word_length(const char *s) {
        size_t n;

        if (*s != '{')
                return 0;
        n = strspn(s + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        return n > 0 && s[1 + n] == '}' ? n + 2 : 0;
}

static const char *date_value(const char *word, size_t len, const struct due *due, char *buf) {
        struct ymd d;

        if (!due)
                return NULL;
        d = date_to_ymd(due->date);
        if (len == 4 && memcmp(word, "year", len) == 0)
                snprintf(buf, NUMBER_BUFFER, "%d", d.year);
        else if (len == 5 && memcmp(word, "month", len) == 0)
                snprintf(buf, NUMBER_BUFFER, "%02d", d.month);
        else if (len == 7 && memcmp(word, "quarter", len) == 0)
                snprintf(buf, NUMBER_BUFFER, "%d", (d.month - 1) / 3 + 1);
        else if (len == 5 && memcmp(word, "label", len) == 0)
                return due->label;
        else
                return NULL;
        return buf;
}

static const char *value_of(const char *word, size_t len, const struct occurrence *o, char *buf) {
        if (len == 4 && memcmp(word, "unit", len) == 0)
                return o->unit ? o->unit->id : NULL;
        if (len == 4 && memcmp(word, "task", len) == 0)
                return o->task ? o->task->id : NULL;
        return date_value(word, len, o->due, buf);
}

static void add_value(struct strbuf *out, const char *value, bool quote) {
        for (; *value; value++) {
                if (quote && strchr(PATTERN_SPECIAL, *value))
                        strbuf_addc(out, '\\');
                strbuf_addc(out, *value);
        }
}

static const char *expand(struct arena *arena, const char *text, const struct occurrence *o,
                          bool quote) {
        _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT;
        char buf[NUMBER_BUFFER];
        const char *value;
        size_t n;

        if (!strchr(text, '{'))
                return text;
        for (const char *s = text; *s; s += n) {
                n = word_length(s);
                if (n == 0) {
                        strbuf_addc(&out, *s);
                        n = 1;
                        continue;
                }
                value = value_of(s + 1, n - 2, o, buf);
                if (!value)
                        return NULL;
                add_value(&out, value, quote);
        }
        return strbuf_error(&out) < 0 ? NULL : arena_strdup(arena, strbuf_str(&out));
}

const char *placeholders_expand(struct arena *arena, const char *text, const struct task *task,
                                const struct unit *unit, const struct due *due) {
        return expand(arena, text, &(struct occurrence){.task = task, .unit = unit, .due = due},
                      false);
}

const char *placeholders_expand_pattern(struct arena *arena, const char *text,
                                        const struct task *task, const struct unit *unit,
                                        const struct due *due) {
        return expand(arena, text, &(struct occurrence){.task = task, .unit = unit, .due = due},
                      true);
}
