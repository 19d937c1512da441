/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/arguments.h"

static int nothing(const struct invocation *in) {
        (void)in;
        return 0;
}

static const struct option_spec common[] = {{"socket", "PATH", "the socket"}};
static const struct option_spec list_options[] = {
        {"json", NULL, "JSON"},
        {"unit", "UNIT", "only this"},
        {"complete", "ID=TIME", "may be repeated"},
};
static const struct command commands[] = {
        {"list", "", 0, 0, "Lists", list_options, ELEMENTSOF(list_options), nothing},
        {"show", "ID", 1, 1, "Shows", NULL, 0, nothing},
        {"queue", "[retry N...]", 0, 3, "Queues", NULL, 0, nothing},
};
static const struct command_table table = {
        "prog", "Does.", commands, ELEMENTSOF(commands), common, ELEMENTSOF(common)};

/* The line without the program's name, blanks between its words. */
static int parse(const char *line, struct invocation *ret, char **ret_error, char **ret_line) {
        char *argv[32] = {(char *)"prog"}, *rest = strdup(line), *word, *save = NULL;
        int argc = 1;

        *ret_line = rest;
        for (word = strtok_r(rest, " ", &save); word; word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        return arguments_parse(&table, argc, argv, ret, ret_error);
}

static void test_good(void **state) {
        static const struct {
                const char *line, *command, *option, *value, *word;
        } cases[] = {
                {"list", "list", NULL, NULL, NULL},
                {"list --unit VP", "list", "unit", "VP", NULL},
                {"list --unit=VP", "list", "unit", "VP", NULL},
                {"list --unit A --unit B", "list", "unit", "B", NULL},
                {"--unit VP list", "list", "unit", "VP", NULL},
                {"--socket /s list", "list", "socket", "/s", NULL},
                {"--socket list list", "list", "socket", "list", NULL},
                {"--socket=/s show 1.2", "show", "socket", "/s", "1.2"},
                {"show --socket /s 1.2", "show", "socket", "/s", "1.2"},
                {"show 1.2 --socket /s", "show", "socket", "/s", "1.2"},
                {"show -- --odd", "show", NULL, NULL, "--odd"},
                {"show -", "show", NULL, NULL, "-"},
                {"show show", "show", NULL, NULL, "show"},
                {"list --complete=1@2018-01-01=2018-02-02", "list", "complete",
                 "1@2018-01-01=2018-02-02", NULL},
                {"list --unit --json", "list", "unit", "--json", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(invocation_done) struct invocation in = {};
                _cleanup_free_ char *error = NULL, *line = NULL;

                print_message("%s\n", cases[i].line);
                assert_int_equal(parse(cases[i].line, &in, &error, &line), 0);
                assert_string_equal(in.command->name, cases[i].command);
                if (cases[i].option)
                        assert_string_equal(option_value(&in, cases[i].option), cases[i].value);
                else
                        assert_int_equal(in.n_options, 0);
                assert_int_equal(in.n_words, cases[i].word ? 1 : 0);
                if (cases[i].word)
                        assert_string_equal(in.words[0], cases[i].word);
        }
}

static void test_bad(void **state) {
        static const struct {
                const char *line, *error;
        } cases[] = {
                {"", "which command?"},
                {"lits", "unknown command 'lits', did you mean 'list'?"},
                {"xyzzy", "unknown command 'xyzzy'"},
                {"list --jsno", "list: unknown option '--jsno', did you mean '--json'?"},
                {"list --what=1", "list: unknown option '--what'"},
                {"show --unit VP 1.2", "show: unknown option '--unit'"},
                {"list --json=yes", "'--json' takes no value"},
                {"list --unit", "'--unit' needs UNIT"},
                {"list -x", "unknown option '-x'"},
                {"list more", "list: unexpected argument 'more'"},
                {"show", "show needs ID"},
                {"show 1 2", "show: unexpected argument '2'"},
                {"queue retry 1 2 3", "queue: unexpected argument '3'"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(invocation_done) struct invocation in = {};
                _cleanup_free_ char *error = NULL, *line = NULL;

                assert_int_equal(parse(cases[i].line, &in, &error, &line), -EINVAL);
                assert_non_null(error);
                if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("%s: %s", cases[i].line, error);
        }
}

static void test_help_needs_nothing_else(void **state) {
        static const char *const lines[] = {"--help", "show --help", "-h", "--help show",
                                            "show -h"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                _cleanup_(invocation_done) struct invocation in = {};
                _cleanup_free_ char *error = NULL, *line = NULL;

                assert_int_equal(parse(lines[i], &in, &error, &line), 0);
                assert_true(in.help);
        }
}

static void test_repeated(void **state) {
        _cleanup_(invocation_done) struct invocation in = {};
        _cleanup_free_ char *error = NULL, *line = NULL;
        size_t cursor = 0;

        (void)state;
        assert_int_equal(parse("list --complete a --json --complete b", &in, &error, &line), 0);
        assert_string_equal(option_next(&in, "complete", &cursor), "a");
        assert_string_equal(option_next(&in, "complete", &cursor), "b");
        assert_null(option_next(&in, "complete", &cursor));
        assert_true(option_given(&in, "json"));
        assert_false(option_given(&in, "unit"));
        assert_null(option_value(&in, "unit"));
}

static void test_too_many(void **state) {
        static char *argv[ARGUMENTS_MAX + 2];
        _cleanup_(invocation_done) struct invocation in = {};
        _cleanup_free_ char *error = NULL;

        (void)state;
        for (size_t i = 0; i <= ARGUMENTS_MAX; i++)
                argv[i] = (char *)"list";
        assert_int_equal(arguments_parse(&table, ARGUMENTS_MAX + 1, argv, &in, &error), -EINVAL);
        assert_non_null(error);
}

static void test_help_text(void **state) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        (void)state;
        assert_non_null(stream);
        arguments_help(&table, NULL, stream);
        arguments_help(&table, &commands[0], stream);
        fclose(stream);
        assert_non_null(strstr(text, "Usage: prog COMMAND"));
        assert_non_null(strstr(text, "  queue [retry N...]"));
        assert_non_null(strstr(text, "Usage: prog list"));
        assert_non_null(strstr(text, "--complete ID=TIME"));
        assert_non_null(strstr(text, "--socket PATH"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_help_needs_nothing_else),
                cmocka_unit_test(test_repeated),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_help_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
