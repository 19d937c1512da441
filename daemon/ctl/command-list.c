/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/instance.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/output.h"

/* Are the states asked for states? Return: 0 or EX_USAGE. */
static int check_states(const char *states) {
        const char *names[_STATE_MAX];

        for (size_t i = 0; i < _STATE_MAX; i++)
                names[i] = state_to_string((enum state)i);
        while (states && *states) {
                size_t len = strcspn(states, ",");
                _cleanup_free_ char *one = strndup(states, len);
                bool known = false;

                for (size_t i = 0; one && i < _STATE_MAX; i++)
                        known = known || strcmp(names[i], one) == 0;
                if (!known) {
                        const char *nearest = one ? text_nearest(one, names, _STATE_MAX) : NULL;

                        complain("list: '%s' is no state%s%s%s", one ? one : "",
                                 nearest ? ", did you mean '" : "", nearest ? nearest : "",
                                 nearest ? "'?" : "");
                        return EX_USAGE;
                }
                states += len + (states[len] == ',');
        }
        return 0;
}

static bool in_list(const char *list, const char *word) {
        size_t n = strlen(word);

        while (*list) {
                size_t len = strcspn(list, ",");

                if (len == n && memcmp(list, word, n) == 0)
                        return true;
                list += len + (list[len] == ',');
        }
        return false;
}

static bool is_wanted(const struct invocation *in, const json_t *instance) {
        static const char *const filters[] = {"unit", "area", "task"};
        const char *states = option_value(in, "state");

        for (size_t i = 0; i < ELEMENTSOF(filters); i++) {
                const char *value = option_value(in, filters[i]);

                if (value && strcmp(value, text_of(instance, filters[i])) != 0)
                        return false;
        }
        return !states || in_list(states, text_of(instance, "state"));
}

static json_t *filter(const struct invocation *in, json_t *instances) {
        json_t *wanted = json_array(), *instance;
        size_t i;

        json_array_foreach(instances, i, instance) {
                if (is_wanted(in, instance))
                        json_array_append(wanted, instance);
        }
        return wanted;
}

static void add_instance(struct table *t, const json_t *i) {
        _cleanup_free_ char *missing = joined(i, "missing", "; ");
        char have[48], points[32], state[40], due[40];

        snprintf(have, sizeof(have), "%lld/%lld", int_of(i, "have"), int_of(i, "need"));
        snprintf(state, sizeof(state), "%s%s", text_of(i, "state"),
                 json_is_true(json_object_get(i, "unverified")) ? "?" : "");
        snprintf(due, sizeof(due), "%s%s", *text_of(i, "due") ? text_of(i, "due") : "-",
                 json_is_true(json_object_get(i, "extended")) ? "+" : "");
        table_row(t,
                  (const char *const[]){text_of(i, "instance"), text_of(i, "unit"), state, due,
                                        have, format_points(json_object_get(i, "points"), points),
                                        missing && *missing ? missing : ""},
                  2, state_colour(text_of(i, "state")));
}

static int print_list(const json_t *instances) {
        static const struct column columns[] = {
                {"INSTANCE", 0, 0},
                {"UNIT", 0, 0},
                {"STATE", 0, 0},
                {"DUE", 0, 0},
                {"HAVE", 0, 0},
                {"POINTS", 0, COLUMN_RIGHT},
                {"MISSING", 0.3, COLUMN_CUT},
        };
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        bool unverified = false, extended = false;
        json_t *instance;
        size_t i;
        int r;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(instances, i, instance) {
                add_instance(t, instance);
                unverified |= json_is_true(json_object_get(instance, "unverified"));
                extended |= json_is_true(json_object_get(instance, "extended"));
        }
        r = table_print(t);
        if (unverified)
                puts("?  its evidence root can not be looked at now: the last state stands");
        if (extended)
                puts("+  extended");
        return r;
}

int command_list(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *all = NULL, *wanted = NULL;
        int r = check_states(option_value(in, "state"));

        if (r == 0)
                r = call_pages(in, "List", json_object(), "instances", &all);
        if (r != 0)
                return r;
        wanted = filter(in, all);
        if (!wanted)
                return no_memory();
        if (option_given(in, "json"))
                return print_json(wanted);
        if (json_array_size(wanted) > 0)
                return print_list(wanted);
        puts("Nothing of that kind.");
        return 0;
}
