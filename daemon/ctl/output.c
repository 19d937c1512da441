/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/output.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

void output_init(void) {
        setlocale(LC_ALL, "");
        /* What we print is UTF-8 whatever the locale: without one of that kind, tables would show bytes in hexadecimal. */
        if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && !setlocale(LC_CTYPE, "C.UTF-8"))
                setlocale(LC_CTYPE, "en_US.UTF-8");
        setlocale(LC_NUMERIC, "C");
}

int output_done(void) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return 0;
        complain("failed to write the output: %m");
        return EXIT_FAILURE;
}

void complain(const char *format, ...) {
        _cleanup_free_ char *line = NULL, *clean = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&line, format, ap);
        va_end(ap);
        clean = n < 0 ? NULL : text_sanitize(line, (size_t)n);
        fflush(stdout);
        fprintf(stderr, "evidencectl: %s\n", clean ? clean : "out of memory");
}

int no_memory(void) {
        complain("out of memory");
        return EXIT_FAILURE;
}

char *clean_text(const char *s) { return s ? text_sanitize(s, strlen(s)) : NULL; }

void print_block(const char *text) {
        while (*text) {
                size_t len = strcspn(text, "\n"), shown = len;
                _cleanup_free_ char *clean = NULL;

                if (shown > 0 && text[shown - 1] == '\r')
                        shown--;
                clean = text_sanitize(text, shown);
                puts(clean ? clean : "?");
                text += len + (text[len] == '\n');
        }
}

int option_number(const struct invocation *in, const char *name, uint64_t fallback, uint64_t *ret) {
        const char *text = option_value(in, name);
        uint64_t n = fallback;

        if (text && (parse_u64(text, &n) < 0 || n > INT64_MAX)) {
                complain("%s: '--%s %s' is no whole number", in->command->name, name, text);
                return EX_USAGE;
        }
        *ret = n;
        return 0;
}

/* ---- JSON ---- */

const char *text_of(const json_t *object, const char *key) {
        const char *s = json_string_value(json_object_get(object, key));

        return s ? s : "";
}

long long int_of(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

char *joined(const json_t *object, const char *key, const char *separator) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        json_t *list = json_object_get(object, key), *item;
        size_t i;

        strbuf_adds(&b, "");
        json_array_foreach(list, i, item) {
                _cleanup_free_ char *clean = clean_text(json_string_value(item));

                strbuf_adds(&b, i > 0 ? separator : "");
                strbuf_adds(&b, clean ? clean : "?");
        }
        return strbuf_error(&b) < 0 ? NULL : strdup(strbuf_str(&b));
}

const char *format_points(const json_t *number, char buf[32]) {
        char *end;

        snprintf(buf, 32, "%.2f", json_number_value(number));
        for (end = buf + strlen(buf); end[-1] == '0'; end--)
                end[-1] = '\0';
        if (end[-1] == '.')
                end[-1] = '\0';
        return buf;
}

const char *format_when(const json_t *when, char buf[32]) {
        const char *s = json_string_value(when);

        snprintf(buf, 32, "%.*s", 16, s && *s ? s : "-");
        if (strlen(buf) == 16 && buf[10] == 'T')
                buf[10] = ' ';
        return buf;
}

static int dump(const json_t *value, size_t flags) {
        if (json_dumpf(value, stdout, flags | JSON_REAL_PRECISION(12) | JSON_ENCODE_ANY) < 0) {
                complain("failed to print JSON");
                return EXIT_FAILURE;
        }
        putchar('\n');
        return 0;
}

int print_json(const json_t *value) { return dump(value, JSON_INDENT(2)); }

int print_json_line(const json_t *value) { return dump(value, JSON_COMPACT); }

/* ---- colours ---- */

bool stdout_is_terminal(void) { return isatty(STDOUT_FILENO); }

static bool colours_wanted(void) {
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

        return stdout_is_terminal() && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

const char *colour(const char *name) {
        static const struct {
                const char *name, *sequence;
        } known[] = {
                {"reset", "\033[0m"}, {"bold", "\033[1m"},   {"dim", "\033[2m"},
                {"red", "\033[31m"},  {"green", "\033[32m"}, {"yellow", "\033[33m"},
                {"blue", "\033[34m"}, {"cyan", "\033[36m"},
        };

        for (size_t i = 0; name && colours_wanted() && i < ELEMENTSOF(known); i++)
                if (strcmp(known[i].name, name) == 0)
                        return known[i].sequence;
        return "";
}

const char *state_colour(const char *state) {
        static const struct {
                const char *state, *name;
        } known[] = {
                {"overdue", "red"},    {"unknown", "red"},    {"partial", "yellow"},
                {"complete", "green"}, {"late", "green"},     {"waived", "blue"},
                {"snoozed", "blue"},   {"explained", "blue"},
        };

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(known[i].state, state) == 0)
                        return known[i].name;
        return NULL;
}
