/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/instance-text.h"
#include "ctl/ledger.h"
#include "ctl/output.h"

static void heading(const char *text) { printf("\n%s%s%s\n", colour("bold"), text, PLAIN); }

static int print_requirements(const json_t *requirements) {
        static const struct column columns[] = {{"REQUIREMENT", 0.5, COLUMN_CUT},
                                                {"HAVE", 0, COLUMN_RIGHT},
                                                {"PATTERNS", 0.4, COLUMN_CUT}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *r;
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(requirements, i, r) {
                _cleanup_free_ char *match = joined(r, "match", ", ");
                char have[48];

                snprintf(have, sizeof(have), "%lld/%lld", int_of(r, "have"), int_of(r, "need"));
                table_row(t, (const char *const[]){text_of(r, "name"), have, match}, 1,
                          int_of(r, "have") < int_of(r, "need") ? "red" : "green");
        }
        return table_print(t);
}

static int print_files(const json_t *files) {
        static const struct column columns[] = {{"FILE", 0.45, COLUMN_CUT},
                                                {"SIZE", 0, COLUMN_RIGHT},
                                                {"RECEIVED", 0, 0},
                                                {"VERDICT", 0, 0},
                                                {"FOR", 0.2, COLUMN_CUT}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *f;
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(files, i, f) {
                char size[32], when[32];
                const char *verdict = text_of(f, "verdict");

                format_size((uint64_t)int_of(f, "size"), '.', size, sizeof(size));
                table_row(t,
                          (const char *const[]){text_of(f, "path"), size,
                                                format_when(json_object_get(f, "received"), when),
                                                verdict, text_of(f, "requirement")},
                          3, strcmp(verdict, "counted") == 0 ? "green" : "yellow");
        }
        return table_print(t);
}

static int print_show(const json_t *answer) {
        const json_t *files = json_object_get(answer, "files"),
                     *steps = json_object_get(answer, "steps"),
                     *log = json_object_get(answer, "log");
        int r = 0;

        print_instance(json_object_get(answer, "instance"));
        print_decisions(json_object_get(answer, "decisions"));
        if (json_array_size(json_object_get(answer, "requirements")) > 0) {
                heading("Requirements");
                r = print_requirements(json_object_get(answer, "requirements"));
        }
        if (r == 0 && json_array_size(files) > 0) {
                heading("Files");
                r = print_files(files);
        }
        if (r == 0 && json_array_size(steps) > 0) {
                heading("Steps");
                r = print_steps(steps);
        }
        if (r == 0 && json_array_size(log) > 0) {
                heading("History");
                r = print_ledger(log);
        }
        return r;
}

int command_show(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "Show", json_pack("{s:s}", "id", in->words[0]), &answer);

        if (r != 0)
                return r;
        return option_given(in, "json") ? print_json(answer) : print_show(answer);
}
