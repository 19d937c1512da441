/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/output.h"

#define MAX_LINE 480 /* bytes of one thing that the daemon says */

static bool is_continued(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* "45 (3 overdue, 40 planned)": what is not zero. */
static void print_counts(const char *label, const json_t *counts, const char *total) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)counts, key, value) {
                if (strcmp(key, "instances") == 0 || strcmp(key, "tasks") == 0 ||
                    json_integer_value(value) == 0)
                        continue;
                strbuf_addf(&b, "%s%lld %s", b.len > 0 ? ", " : "",
                            (long long)json_integer_value(value), key);
        }
        if (total)
                printf("%-10s %lld%s%s%s\n", label, int_of(counts, total), b.len > 0 ? " (" : "",
                       strbuf_str(&b), b.len > 0 ? ")" : "");
        else
                printf("%-10s %s\n", label, b.len > 0 ? strbuf_str(&b) : "nothing");
}

/*
 * One line of what the daemon says, clean. In the middle of a path of thousands of bytes is what nobody needs: how it begins
 * and the words behind it stay. Owned; NULL when out of memory.
 */
static char *status_line(const char *s) {
        _cleanup_free_ char *clean = clean_text(s);
        size_t len = clean ? strlen(clean) : 0, head, tail;
        char *line = NULL;

        if (len <= MAX_LINE)
                return steal_ptr(clean);
        for (head = MAX_LINE * 2 / 3; is_continued(clean[head]); head--)
                ;
        for (tail = len - MAX_LINE / 3; is_continued(clean[tail]); tail++)
                ;
        return asprintf(&line, "%.*s…%s", (int)head, clean, clean + tail) < 0 ? NULL : line;
}

static void print_place(const char *label, const json_t *place, const char *name) {
        _cleanup_free_ char *where = status_line(text_of(place, name)),
                            *why = status_line(text_of(place, "text"));
        const char *state = text_of(place, "state");
        /* "unknown": a server that no mail had to go to yet */
        bool well = strcmp(state, "ok") == 0 || strcmp(state, "scanning") == 0 ||
                    strcmp(state, "unknown") == 0;
        char when[32];

        printf("%-10s %s: %s%s%s", label, where ? where : "?", well ? "" : colour("red"), state,
               well ? "" : PLAIN);
        if (json_object_get(place, "files"))
                printf(", %lld folder%s, %lld file%s", int_of(place, "folders"),
                       plural((uintmax_t)int_of(place, "folders"), "", "s"), int_of(place, "files"),
                       plural((uintmax_t)int_of(place, "files"), "", "s"));
        if (*text_of(place, "since"))
                printf(", since %s", format_when(json_object_get(place, "since"), when));
        printf("%s%s\n", why && *why ? ": " : "", why && *why ? why : "");
}

static void print_status(const json_t *s) {
        const char *state = text_of(s, "state");
        json_t *reasons = json_object_get(s, "reasons"), *roots = json_object_get(s, "roots"),
               *servers = json_object_get(s, "servers"), *one;
        char when[32];
        size_t i;

        printf("%-10s %s%s%s\n", "State",
               colour(strcmp(state, "running") == 0 ? "green"
                      : strcmp(state, "held") == 0  ? "yellow"
                                                    : "red"),
               state, PLAIN);
        json_array_foreach(reasons, i, one) {
                _cleanup_free_ char *clean = status_line(json_string_value(one));

                printf("           - %s\n", clean ? clean : "?");
        }
        if (json_is_true(json_object_get(s, "held")))
                puts("           - mail is held: nothing leaves until 'evidencectl release' (or, "
                     "with\n             mail.hold, until the configuration says so)");
        if (*text_of(s, "text")) {
                _cleanup_free_ char *clean = status_line(text_of(s, "text"));

                printf("%-10s %s\n", "Says", clean ? clean : "?");
        }
        printf("%-10s evidenced %s, pid %lld\n", "Program", text_of(s, "version"),
               int_of(s, "pid"));
        printf("%-10s %s\n", "Clock", format_when(json_object_get(s, "now"), when));
        printf("%-10s %s\n", "Next", format_when(json_object_get(s, "next"), when));
        printf("%-10s %lld\n", "Tasks", int_of(json_object_get(s, "counts"), "tasks"));
        print_counts("Deadlines", json_object_get(s, "counts"), "instances");
        print_counts("Mail", json_object_get(s, "outbox"), NULL);
        json_array_foreach(roots, i, one) print_place(i == 0 ? "Roots" : "", one, "path");
        json_array_foreach(servers, i, one) print_place(i == 0 ? "Servers" : "", one, "url");
}

int command_status(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "Status", json_object(), &answer);

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        print_status(answer);
        return 0;
}
