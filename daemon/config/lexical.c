/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/lexical.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

struct scan {
        struct findings *findings;
        const char *file;
        char *p, *end;
        unsigned line;
        unsigned depth;
        char open[LEXICAL_MAX_DEPTH + 2]; /* the brackets around; [0]: none */
        char *comma;                      /* the last token was this comma */
        unsigned comma_line;
        bool text; /* the last token was a text in quotes */
        bool fatal;
};

#define error(s, line, ...)                                                                        \
        findings_add((s)->findings, FINDING_ERROR, (s)->file, (line), __VA_ARGS__)

static bool is_name_start(char c) { return isalpha((unsigned char)c) || c == '*'; }

static bool is_name(char c) {
        return isalnum((unsigned char)c) || c == '*' || c == '_' || c == '-';
}

static void skip_line(struct scan *s) {
        while (s->p < s->end && *s->p != '\n')
                s->p++;
}

static void skip_comment(struct scan *s) {
        unsigned began = s->line;

        for (s->p += 2; s->p < s->end; s->p++) {
                if (*s->p == '\n')
                        s->line++;
                if (s->p[0] == '*' && s->p[1] == '/') {
                        s->p += 2;
                        return;
                }
        }
        error(s, began, "this comment is never closed: end it with */");
        s->fatal = true;
}

/* At a backslash inside a string. */
static void check_escape(struct scan *s) {
        char c = s->p[1];

        if (c == 'u' || c == 'U')
                error(s, s->line,
                      "\\%c does not stand for a character here: write the character itself "
                      "(UTF-8)",
                      c);
        else if (c == 'x' && s->p[2] == '0' && s->p[3] == '0') {
                error(s, s->line, "\\x00 would end the text early: leave it out");
                s->p[3] = '1'; /* refused anyway; libconfig must not cut the string */
        }
        if (c == '"' || c == '\\')
                s->p++;
}

static void skip_string(struct scan *s) {
        unsigned began = s->line;

        for (s->p++; s->p < s->end; s->p++) {
                if (*s->p == '"') {
                        s->p++;
                        return;
                }
                if (*s->p == '\n')
                        s->line++;
                else if (*s->p == '\\')
                        check_escape(s);
        }
        error(s, began, "the text that begins here is never closed: a \" is missing");
        s->fatal = true;
}

/* Digits from @from to s->p are replaced by a number that every libconfig reads in the same way. */
static void blank_number(struct scan *s, char *from) {
        memset(from, ' ', (size_t)(s->p - from));
        *from = '1';
}

static void check_integer(struct scan *s, char *from, char *digits) {
        size_t len = (size_t)(s->p - digits);
        uint64_t value = 0;

        if (len > 1 && *digits == '0') {
                error(s, s->line,
                      "write %.*s without the leading zero, or put it in quotes if it is not a "
                      "number",
                      (int)(len > 40 ? 40 : len), digits);
                blank_number(s, from);
                return;
        }
        for (size_t i = 0; i < len && value <= INT32_MAX; i++)
                value = value * 10 + (uint64_t)(digits[i] - '0');
        if (value > INT32_MAX) {
                error(s, s->line, "the number %.*s is too large: the greatest is 2147483647",
                      (int)(len > 40 ? 40 : len), digits);
                blank_number(s, from);
        }
}

static void skip_number(struct scan *s) {
        char *from = s->p;
        char *digits = *from == '-' || *from == '+' ? from + 1 : from;

        s->p = digits;
        if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
                for (s->p += 2; isxdigit((unsigned char)*s->p) || *s->p == 'L'; s->p++)
                        ;
                error(s, s->line, "write the number in decimal instead of hexadecimal");
                blank_number(s, from);
                return;
        }
        while (isdigit((unsigned char)*s->p))
                s->p++;
        if (*s->p == '.' || *s->p == 'e' ||
            *s->p == 'E') { /* a float: its parser checks the value */
                while (isalnum((unsigned char)*s->p) || *s->p == '.' || *s->p == '-' ||
                       *s->p == '+')
                        s->p++;
                return;
        }
        if (*s->p == 'L') {
                error(s, s->line, "write the number without L behind it");
                while (*s->p == 'L')
                        *s->p++ = ' ';
        }
        char *end = s->p;
        while (end > digits && end[-1] == ' ')
                end--;
        s->p = end;
        check_integer(s, from, digits);
}

/* libconfig joins two texts that follow each other, so that a list of two is silently one of one. */
static void check_joined(struct scan *s) {
        if (s->text && (s->open[s->depth] == '[' || s->open[s->depth] == '('))
                findings_add(
                        s->findings, FINDING_WARNING, s->file, s->line,
                        "no comma between this text and the one before it: the two are read as "
                        "one");
}

/* What no configuration has outside quotes: quotes as word processors make them, above all. */
static void check_character(struct scan *s) {
        size_t len = 1;

        if (*s->p != '\'' && !((unsigned char)*s->p & 0x80))
                return;
        while (((unsigned char)s->p[len] & 0xc0) == 0x80)
                len++;
        error(s, s->line,
              "unexpected %.*s: texts are written in straight double quotes, \"like this\"",
              (int)len, s->p);
        s->fatal = true;
}

static void open_bracket(struct scan *s) {
        char c = *s->p;

        if (++s->depth == LEXICAL_MAX_DEPTH + 1) {
                error(s, s->line,
                      "groups and lists are nested more than %d deep here: nothing in a "
                      "configuration is",
                      LEXICAL_MAX_DEPTH);
                s->fatal = true;
        } else
                s->open[s->depth] = c;
        s->p++;
}

static void close_bracket(struct scan *s) {
        if (s->comma && *s->p != '}') {
                error(s, s->comma_line, "remove the comma before the closing '%c'", *s->p);
                *s->comma = ' ';
        }
        if (s->depth > 0)
                s->depth--;
        s->p++;
}

static void check_at(struct scan *s) {
        if (strncmp(s->p, "@include", 8) == 0)
                error(s, s->line,
                      "@include is not supported: put the file into calendar.d, units.d or tasks.d "
                      "instead");
        else
                error(s, s->line, "unexpected '@': texts are written in double quotes");
        *s->p = '#';
        skip_line(s);
}

static void next_token(struct scan *s) {
        char c = *s->p;

        if (c == '#' || (c == '/' && s->p[1] == '/')) {
                skip_line(s);
                return;
        }
        if (c == '/' && s->p[1] == '*') {
                skip_comment(s);
                return;
        }
        if (c == '\n')
                s->line++;
        if (isspace((unsigned char)c)) {
                s->p++;
                return;
        }
        if (c == ',') {
                s->comma = s->p++;
                s->comma_line = s->line;
                s->text = false;
                return;
        }
        bool text = c == '"';
        if (text) {
                check_joined(s);
                skip_string(s);
        } else if (c == '@')
                check_at(s);
        else if (c == '(' || c == '[' || c == '{')
                open_bracket(s);
        else if (c == ')' || c == ']' || c == '}')
                close_bracket(s);
        else if (is_name_start(c))
                while (is_name(*s->p))
                        s->p++;
        else if (isdigit((unsigned char)c) ||
                 ((c == '-' || c == '+') && isdigit((unsigned char)s->p[1])))
                skip_number(s);
        else {
                check_character(s);
                s->p++; /* for libconfig to judge */
        }
        s->comma = NULL;
        s->text = text;
}

/* The first line that is no UTF-8, 0 when all are. */
static unsigned bad_line(const char *text, size_t size) {
        unsigned line = 1;

        if (utf8_valid(text, size))
                return 0;
        for (const char *p = text, *end = text + size; p < end; line++) {
                const char *nl = memchr(p, '\n', (size_t)(end - p));
                size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);

                if (!utf8_valid(p, len))
                        return line;
                p += len + 1;
        }
        return line;
}

static unsigned count_lines(const char *text, const char *end) {
        unsigned line = 1;

        for (const char *p = text; p < end; p++)
                line += *p == '\n';
        return line;
}

int lexical_check(struct findings *findings, const char *file, char *text, size_t size) {
        struct scan s = {
                .findings = findings, .file = file, .p = text, .end = text + size, .line = 1};

        if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
                error(&s, 1,
                      "the file begins with a byte order mark: save it as UTF-8 without one");
                return -EINVAL;
        }
        const char *nul = memchr(text, '\0', size);
        if (nul) {
                error(&s, count_lines(text, nul),
                      "there is a NUL byte here: this is no text, or UTF-16; save it as UTF-8");
                return -EINVAL;
        }
        unsigned bad = bad_line(text, size);
        if (bad > 0) {
                error(&s, bad, "this line is not valid UTF-8: save the file as UTF-8");
                return -EINVAL;
        }
        while (s.p < s.end && !s.fatal)
                next_token(&s);
        return s.fatal ? -EINVAL : 0;
}
