/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"

#define PHRASE_ROOM 255 /* bytes, at first */

static void fail(struct words *w, int error) {
        if (w->error == 0)
                w->error = error == -ENOMEM ? -ENOMEM : -EINVAL;
}

void words_init(struct words *w, const struct templates *templates, enum language language,
                struct value_pool *pool) {
        *w = (struct words){
                .templates = templates,
                .numerals = templates_numerals(templates, language),
                .language = language,
                .pool = pool,
        };
        if (w->numerals->error < 0)
                fail(w, w->numerals->error);
}

/* In place: no blanks around it, one between words. Return: the new length. */
static size_t tidy(char *s) {
        size_t n = 0;

        for (const char *c = s; *c; c++) {
                bool blank = *c == ' ' || *c == '\t' || *c == '\n' || *c == '\r';

                if (!blank)
                        s[n++] = *c;
                else if (n > 0 && s[n - 1] != ' ')
                        s[n++] = ' ';
        }
        while (n > 0 && s[n - 1] == ' ')
                n--;
        s[n] = '\0';
        return n;
}

const char *words_phrase(struct words *w, const char *key, const struct value *context) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        int r;

        strbuf_reserve(&b, PHRASE_ROOM);
        r = templates_render(w->templates, w->language, key, false, context, &b);

        if (r < 0) {
                fail(w, r);
                return "";
        }
        return b.data ? value_keep(w->pool, b.data, tidy(b.data)) : "";
}

static const char *join(const char *prefix, const char *name, char *buf, size_t size) {
        size_t n = strlen(prefix), m = strlen(name);

        if (n + m >= size)
                return "";
        memcpy(buf, prefix, n);
        memcpy(buf + n, name, m);
        buf[n + m] = '\0';
        return buf;
}

const char *words_named(struct words *w, const char *prefix, const char *name,
                        const struct value *context) {
        char key[96];

        return words_phrase(w, join(prefix, name, key, sizeof(key)), context);
}

bool words_have(const struct words *w, const char *prefix, const char *name) {
        char key[96];

        return templates_have(w->templates, w->language, join(prefix, name, key, sizeof(key)));
}

static bool is_inside(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* What is too long loses its end, or its beginning, between characters. */
static const char *keep_cut(struct words *w, const char *s, bool tail) {
        size_t len = strlen(s), n = WORDS_MAX_TEXT;
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        if (len <= WORDS_MAX_TEXT)
                return value_keep(w->pool, s, len);
        if (tail) {
                for (s += len - n; is_inside(*s); s++)
                        ;
                strbuf_addf(&b, "…%s", s);
        } else {
                while (n > 0 && is_inside(s[n]))
                        n--;
                strbuf_add(&b, s, n);
                strbuf_adds(&b, "…");
        }
        if (strbuf_error(&b) < 0)
                fail(w, -ENOMEM);
        return value_keep(w->pool, strbuf_str(&b), b.len);
}

const char *words_clean(struct words *w, const char *s) {
        _cleanup_free_ char *clean = NULL;
        size_t len = s ? text_plain_length(s) : 0;

        if (!s)
                return "";
        if (!s[len] && len <= WORDS_MAX_TEXT)
                return value_keep(w->pool, s, len);
        clean = text_sanitize(s, strlen(s));
        if (!clean)
                fail(w, -ENOMEM);
        return clean ? keep_cut(w, clean, false) : "";
}

const char *words_path(struct words *w, const char *s) {
        _cleanup_free_ char *clean = s ? text_sanitize(s, strlen(s)) : NULL;

        if (s && !clean)
                fail(w, -ENOMEM);
        return clean ? keep_cut(w, clean, true) : "";
}

const char *words_key(struct words *w, const char *key) {
        const char *at = strchr(key, '@'), *slash = at ? strchr(at, '/') : NULL;
        struct value *context = value_object(w->pool);
        char date[DATE_BUFFER];
        date_t stated;

        if (!at)
                return words_clean(w, key);
        snprintf(date, sizeof(date), "%.*s", DATE_BUFFER - 1, at + 1);
        if (date_parse(date, &stated) < 0)
                return words_clean(w, key);
        value_set(w->pool, context, "id",
                  words_clean(w, value_keep(w->pool, key, (size_t)(at - key))));
        value_set(w->pool, context, "stated", words_date(w, stated));
        value_set(w->pool, context, "unit", words_clean(w, slash ? slash + 1 : NULL));
        return words_phrase(w, "value-key", context);
}

/* Numbers without printf: `simulate` says millions of them. */
#define NUMBER_BUFFER 24

/* Before @end, at least @digits of them. Return: the first. */
static char *put_number(char *end, uint64_t number, int digits) {
        for (; number > 0 || digits > 0; number /= 10, digits--)
                *--end = (char)('0' + number % 10);
        return end;
}

static const char *keep_up_to(struct words *w, const char *from, const char *end) {
        return value_keep(w->pool, from, (size_t)(end - from));
}

const char *words_count(struct words *w, size_t n) {
        char text[NUMBER_BUFFER], *end = text + sizeof(text);

        return keep_up_to(w, put_number(end, n, w->numerals->digits), end);
}

const char *words_points(struct words *w, points_t points) {
        char text[NUMBER_BUFFER], *end = text + sizeof(text), *s;
        uint64_t p = points < 0 ? (uint64_t)(-(int64_t)points) : (uint64_t)points;

        s = put_number(end, p % 100, 2);
        *--s = w->numerals->decimal;
        s = put_number(s, p / 100, 1);
        if (points < 0)
                *--s = '-';
        return keep_up_to(w, s, end);
}

const char *words_date(struct words *w, date_t date) {
        struct ymd ymd = date_to_ymd(date);
        char text[NUMBER_BUFFER], *end = text + sizeof(text), *s;

        s = put_number(end, (uint32_t)ymd.year, 4);
        *--s = '/';
        s = put_number(s, (uint32_t)ymd.month, 2);
        *--s = '/';
        return keep_up_to(w, put_number(s, (uint32_t)ymd.day, 2), end);
}

const char *words_year(struct words *w, date_t date) {
        char text[NUMBER_BUFFER], *end = text + sizeof(text);

        return keep_up_to(w, put_number(end, (uint32_t)date_to_ymd(date).year, 4), end);
}

const char *words_weekday(struct words *w, date_t date) {
        static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

        return words_named(w, "weekday-", names[date_weekday(date)], NULL);
}

const char *words_time(struct words *w, int second) {
        struct value *context = value_object(w->pool);

        value_setf(w->pool, context, "hour", "%02d", second / 3600);
        value_setf(w->pool, context, "minute", "%02d", second / 60 % 60);
        return words_phrase(w, "time", context);
}

const char *words_moment(struct words *w, usec_t at) {
        struct civil civil = zone_civil(at);
        struct value *context = value_object(w->pool);

        value_set(w->pool, context, "time", words_time(w, civil.second));
        value_set(w->pool, context, "date", words_date(w, civil.date));
        return words_phrase(w, "moment", context);
}

const char *words_size(struct words *w, uint64_t bytes) {
        char text[32];

        format_size(bytes, w->numerals->decimal, text, sizeof(text));
        return value_keep(w->pool, text, strlen(text));
}
