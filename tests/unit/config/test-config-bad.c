/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every file of tests/config-bad: a configuration with one thing wrong, and at its end what must be found,
 * "# expect: LINE: error|warning: part of the text". Nothing else may be found.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/text.h"
#include "config/config.h"
#include "core/model.h"

#define FOLDER SOURCE_DIR "/tests/config-bad"
#define FILES_MAX 400
#define EXPECT_MAX 16

/* libconfig (1.5 to 1.7) does not free the text at which it stops for a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libconfig.so"; }

struct expectation {
        unsigned line;
        char severity[16];
        const char *text;
        bool met;
};

static size_t read_expectations(char *text, struct expectation *ret) {
        size_t n = 0;

        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                int used = 0;

                if (!startswith(line, "# expect: "))
                        continue;
                assert_true(n < EXPECT_MAX);
                assert_int_equal(sscanf(line, "# expect: %u: %15[a-z]: %n", &ret[n].line,
                                        ret[n].severity, &used),
                                 2);
                assert_true(used > 0);
                ret[n].text = line + used;
                ret[n].met = false;
                n++;
        }
        return n;
}

static bool is_met(struct expectation *expect, size_t n, const struct finding *finding) {
        for (size_t i = 0; i < n; i++) {
                if (expect[i].met || expect[i].line != finding->line ||
                    strcmp(expect[i].severity, finding_severity_to_string(finding->severity)) !=
                            0 ||
                    !strstr(finding->text, expect[i].text))
                        continue;
                expect[i].met = true;
                return true;
        }
        return false;
}

/* Return: the number of differences, each printed. */
static unsigned check_file(const char *name) {
        const struct config_options options = {.today = DATE_NONE};
        struct expectation expect[EXPECT_MAX] = {};
        struct findings findings = FINDINGS_INIT;
        _cleanup_free_ char *path = NULL, *text = NULL;
        struct model *model = NULL;
        unsigned bad = 0;
        size_t size, errors = 0;

        assert_true(asprintf(&path, "%s/%s", FOLDER, name) > 0);
        assert_int_equal(read_file(path, 1 << 20, &text, &size), 0);
        size_t n = read_expectations(text, expect);
        int r = config_load(path, &options, &model, &findings);

        for (size_t i = 0; i < n; i++)
                errors += strcmp(expect[i].severity, "error") == 0;
        if (r != (errors > 0 ? -EINVAL : 0) || (model != NULL) != (r == 0)) {
                print_error("%s: config_load() gave %d\n", name, r);
                bad++;
        }
        for (size_t i = 0; i < findings.n; i++)
                if (!is_met(expect, n, &findings.items[i])) {
                        print_error("%s: unexpected %u: %s: %s\n", name, findings.items[i].line,
                                    finding_severity_to_string(findings.items[i].severity),
                                    findings.items[i].text);
                        bad++;
                }
        for (size_t i = 0; i < n; i++)
                if (!expect[i].met) {
                        print_error("%s: not found %u: %s: %s\n", name, expect[i].line,
                                    expect[i].severity, expect[i].text);
                        bad++;
                }
        findings_done(&findings);
        model_free(model);
        return bad;
}

static int is_conf(const struct dirent *entry) { return endswith(entry->d_name, ".conf"); }

static void test_corpus(void **state) {
        struct dirent **entries;
        unsigned bad = 0;

        (void)state;
        int n = scandir(FOLDER, &entries, is_conf, alphasort);
        assert_in_range(n, 100, FILES_MAX);
        for (int i = 0; i < n; i++) {
                bad += check_file(entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        assert_int_equal(bad, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
