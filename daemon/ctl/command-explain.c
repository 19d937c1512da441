/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/instance-text.h"
#include "ctl/output.h"

static bool is(const char *state, const char *const *names) {
        for (; *names; names++)
                if (strcmp(state, *names) == 0)
                        return true;
        return false;
}

static bool is_open(const char *state) {
        return is(state, (const char *const[]){"overdue", "partial", "open", "planned", NULL});
}

static void say_state(const json_t *answer) {
        const json_t *i = json_object_get(answer, "instance");
        const char *state = text_of(i, "state");

        printf("\nIt is %s%s%s: %s.\n", colour(state_colour(state)), state,
               state_colour(state) ? PLAIN : "", state_words(state));
        print_decisions(json_object_get(answer, "decisions"));
        if (json_is_true(json_object_get(i, "unverified")))
                puts("This is what was last known: its evidence root is missing, different or "
                     "unreadable now.");
        if (int_of(answer, "episode") > 0)
                printf("Reminders are counted from when %s (episode %lld).\n",
                       cause_words(text_of(answer, "cause")), int_of(answer, "episode"));
}

static void say_requirement(const json_t *r) {
        _cleanup_free_ char *name = clean_text(text_of(r, "name")),
                            *match = joined(r, "match", ", ");
        long long have = int_of(r, "have"), need = int_of(r, "need");

        printf("  %s%s%s %s: %lld of %lld", colour(have < need ? "red" : "green"),
               have < need ? "missing" : "there", PLAIN, name ? name : "?", have, need);
        if (match && *match && strcmp(match, name ? name : "") != 0)
                printf(", named like %s", match);
        putchar('\n');
}

static void say_file(const json_t *f, bool counted) {
        _cleanup_free_ char *path = clean_text(text_of(f, "path")),
                            *requirement = clean_text(text_of(f, "requirement")),
                            *detail = clean_text(text_of(f, "detail")),
                            *folder = clean_text(text_of(f, "folder"));
        char when[32];

        printf("  %s: ", path ? path : "?");
        if (counted)
                printf("counts%s%s, received %s", requirement && *requirement ? " for " : "",
                       requirement ? requirement : "",
                       format_when(json_object_get(f, "received"), when));
        else
                fputs(verdict_words(text_of(f, "verdict")), stdout);
        printf("%s%s%s%s%s%s\n", detail && *detail ? " (" : "", detail ? detail : "",
               folder && *folder ? ", whose folder is " : "", folder ? folder : "",
               detail && *detail ? ")" : "",
               json_is_true(json_object_get(f, "unreadable"))
                       ? ", as it was last read: it can not be read now, look at its permissions"
                       : "");
}

/* The files that count, or those that do not. Return: how many. */
static size_t say_files(const json_t *files, bool counted, const char *heading) {
        size_t i, n = 0;
        json_t *f;

        json_array_foreach(files, i, f) {
                if ((strcmp(text_of(f, "verdict"), "counted") == 0) != counted)
                        continue;
                if (n++ == 0)
                        puts(heading);
                say_file(f, counted);
        }
        return n;
}

static void say_evidence(const json_t *answer) {
        const json_t *requirements = json_object_get(answer, "requirements"),
                     *files = json_object_get(answer, "files"),
                     *instance = json_object_get(answer, "instance");
        json_t *r;
        size_t i, n;

        if (json_array_size(requirements) == 0) {
                puts("\nIt asks for no evidence.");
                return;
        }
        puts("\nWhat it asks for:");
        json_array_foreach(requirements, i, r) say_requirement(r);
        putchar('\n');
        n = say_files(files, true, "Files that count:");
        n += say_files(files, false, "Files that do not count:");
        if (n == 0) {
                _cleanup_free_ char *dir = clean_text(text_of(instance, "dir"));

                printf("No file lies in its folder (%s).\n", dir && *dir ? dir : "the root itself");
        }
}

static void say_step(const json_t *s) {
        _cleanup_free_ char *to = joined(s, "to", ", "), *cc = joined(s, "cc", ", ");
        char at[32], recorded[32];

        printf("  %7s  %s  %s", text_of(s, "step"), format_when(json_object_get(s, "at"), at),
               step_words(text_of(s, "status")));
        if (*text_of(s, "recorded"))
                printf(" (%s)", format_when(json_object_get(s, "recorded"), recorded));
        printf(": to %s%s%s\n", to && *to ? to : "nobody", cc && *cc ? ", cc " : "", cc ? cc : "");
}

static void say_ladder(const json_t *answer) {
        const json_t *steps = json_object_get(answer, "steps"),
                     *instance = json_object_get(answer, "instance");
        json_t *s;
        size_t i;

        if (json_array_size(steps) == 0) {
                printf("\nNobody is reminded: it has %s.\n",
                       *text_of(instance, "due") ? "no steps" : "no deadline");
                return;
        }
        puts("\nWho is told, and when:");
        json_array_foreach(steps, i, s) say_step(s);
        if (strcmp(text_of(instance, "state"), "snoozed") == 0)
                puts("None is taken before the snooze ends; those after that are counted anew "
                     "then.");
        else if (!is_open(text_of(instance, "state")))
                puts("As it is now, no step to come is taken.");
}

/* The first end that is due by itself. */
static void say_end(const json_t *decisions) {
        char ends[32];
        json_t *d;
        size_t i;

        json_array_foreach(decisions, i, d) {
                if (json_is_string(json_object_get(d, "ends")))
                        printf("  Its %s ends by itself at %s: if it is open then, reminders begin "
                               "anew.\n",
                               strcmp(text_of(d, "kind"), "waive") == 0 ? "waiver" : "snooze",
                               format_when(json_object_get(d, "ends"), ends));
        }
}

static void say_change(const json_t *answer) {
        const json_t *i = json_object_get(answer, "instance");
        const char *state = text_of(i, "state"), *key = text_of(i, "instance");
        _cleanup_free_ char *missing = joined(i, "missing", "; "),
                            *dir = clean_text(text_of(i, "dir"));

        puts("\nWhat would change it:");
        if (is(state, (const char *const[]){"complete", "late", NULL}))
                puts("  Taking counted files away would reopen it.");
        else if (strcmp(state, "unknown") == 0)
                puts("  Its evidence root must become readable (evidencectl status).");
        if (is(state, (const char *const[]){"waived", "snoozed", "explained", NULL}))
                printf("  evidencectl reopen '%s' --reason TEXT ends it.\n", key);
        say_end(json_object_get(answer, "decisions"));
        if (strcmp(state, "explained") == 0)
                puts("  Taking the explanation away ends it, too.");
        if (missing && *missing && json_is_string(json_object_get(i, "dir")))
                printf("  Filing what is missing (%s) into %s ends it by itself.\n", missing,
                       dir && *dir ? dir : "the root itself");
        if (is_open(state))
                printf("  evidencectl extend, snooze or waive '%s' --reason TEXT, by who may "
                       "decide that.\n",
                       key);
}

int command_explain(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "Show", json_pack("{s:s}", "id", in->words[0]), &answer);

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        print_instance(json_object_get(answer, "instance"));
        say_state(answer);
        say_evidence(answer);
        say_ladder(answer);
        say_change(answer);
        return 0;
}
