/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files are read, in what order, and what becomes of those that can not be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "base/text.h"
#include "config-dir.h"
#include "config/config.h"
#include "core/model.h"

struct load {
        struct model *model;
        struct findings findings;
        int r;
};

static struct load load(const char *path, const struct config_options *options) {
        struct load l = {.findings = FINDINGS_INIT};

        l.r = config_load(path, options, &l.model, &l.findings);
        return l;
}

static void load_done(struct load *l) {
        model_free(l->model);
        findings_done(&l->findings);
}

#define _cleanup_load_ _cleanup_(load_done)
#define _cleanup_dir_ _cleanup_(config_dir_done)

/* "NAME:LINE: severity: part": NAME is the end of the file's path. */
static bool has(const struct load *l, const char *name, unsigned line,
                enum finding_severity severity, const char *part) {
        for (size_t i = 0; i < l->findings.n; i++) {
                const struct finding *f = &l->findings.items[i];

                if (endswith(f->file, name) && f->line == line && f->severity == severity &&
                    strstr(f->text, part))
                        return true;
        }
        findings_print(&l->findings, stderr);
        return false;
}

static void test_main_alone(void **state) {
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        config_dir_init(&dir, ALL);
        _cleanup_load_ struct load l = load(dir.main, NULL);
        findings_print(&l.findings, stderr);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.findings.n, 0);
        assert_int_equal(l.model->n_tasks, 1);
        assert_string_equal(l.model->tasks[0].source.file, dir.main);
        assert_int_equal(l.model->tasks[0].source.line, 7);
}

static void test_drop_ins(void **state) {
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        config_dir_init(&dir, ORGANIZATION MAIL EVIDENCE ROLES TASKS);
        put(&dir, "calendar.d/2018.conf", "calendar: { off = ( \"2018-01-01\" ); };");
        put(&dir, "calendar.d/2019.conf",
            "calendar: { off = ( \"2017-01-01\", \"2019-01-01\" ); send_at = \"08:00\"; };");
        put(&dir, "units.d/b.conf", UNITS);
        put(&dir, "units.d/a.conf",
            "units: ( { id = \"A\"; name = \"A\"; mail = \"a@skhcn.example\"; } );");
        put(&dir, "units.d/.hidden.conf", "nonsense");
        put(&dir, "units.d/c.conf.bak", "nonsense");
        put(&dir, "tasks.d/1.conf",
            "tasks: ( { id = \"1.10\"; title = \"T\"; unit = \"A\"; due = \"2018-06-15\"; " NEED
            " } );\n"
            "tasks_of = 1;");
        put(&dir, "tasks.d/2.conf",
            "tasks: ( { id = \"1.9\"; title = \"T\"; unit = \"A\"; due = \"2018-06-15\"; " NEED
            " } );");
        _cleanup_load_ struct load bad = load(dir.main, NULL);
        assert_int_equal(bad.r, -EINVAL);
        assert_int_equal(bad.findings.n, 1);
        assert_true(has(&bad, "tasks.d/1.conf", 2, FINDING_ERROR, "unknown key 'tasks_of'"));

        put(&dir, "tasks.d/1.conf",
            "tasks: ( { id = \"1.10\"; title = \"T\"; unit = \"A\"; due = \"2018-06-15\"; " NEED
            " } );");
        _cleanup_load_ struct load l = load(dir.main, NULL);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.findings.n, 0);
        assert_string_equal(l.model->units[0].id, "A"); /* name order of files */
        assert_string_equal(l.model->units[1].id, "VP");
        assert_int_equal(l.model->n_tasks, 3);
        assert_string_equal(l.model->tasks[0].id, "1.1"); /* natural order of ids */
        assert_string_equal(l.model->tasks[1].id, "1.9");
        assert_string_equal(l.model->tasks[2].id, "1.10");
        assert_int_equal(l.model->tasks[2].index, 2);
        assert_int_equal(calendar_settings(l.model->calendar)->n_off, 3);
        assert_int_equal(calendar_settings(l.model->calendar)->send_at, 8 * 3600);
}

static void test_given_twice(void **state) {
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        config_dir_init(&dir, ALL);
        put(&dir, "calendar.d/a.conf", "calendar: { send_at = \"08:00\"; };");
        put(&dir, "calendar.d/b.conf",
            "\ncalendar: { send_at = \"08:00\"; };\nroles: { head = \"x@skhcn.example\"; };");
        put(&dir, "units.d/a.conf", "\n\n" UNITS);
        put(&dir, "tasks.d/a.conf", "mail: { hold = true; from = \"x@skhcn.example\"; };");
        _cleanup_load_ struct load l = load(dir.main, NULL);
        assert_int_equal(l.r, -EINVAL);
        assert_true(has(&l, "calendar.d/b.conf", 2, FINDING_ERROR,
                        "'calendar.send_at' is given twice, first at "));
        assert_true(has(&l, "calendar.d/b.conf", 2, FINDING_ERROR,
                        "calendar.d/a.conf:1: remove one of the two"));
        assert_true(has(&l, "calendar.d/b.conf", 3, FINDING_ERROR,
                        "role 'head' is given twice, first at "));
        assert_true(has(&l, "units.d/a.conf", 3, FINDING_ERROR,
                        "evidenced.conf:6: remove one of the two"));
        assert_true(has(&l, "tasks.d/a.conf", 1, FINDING_ERROR,
                        "'mail.from' is given twice, first at "));
        assert_int_equal(l.findings.n_errors, 4);
}

/* What is in the way of one file does not hide what is wrong in the others, and is not blamed on them. */
static void test_not_text(void **state) {
        _cleanup_dir_ struct config_dir dir;
        _cleanup_free_ char *sparse = NULL, *fifo = NULL, *folder = NULL;

        (void)state;
        config_dir_init(&dir, ORGANIZATION MAIL EVIDENCE ROLES
                        "tasks: ( { id = \"1\"; titel = \"x\"; unit = \"VP\"; } );\n");
        assert_true(asprintf(&sparse, "%s/units.d/sparse.conf", dir.path) > 0);
        assert_true(asprintf(&fifo, "%s/units.d/fifo.conf", dir.path) > 0);
        assert_true(asprintf(&folder, "%s/units.d/folder.conf", dir.path) > 0);
        put(&dir, "units.d/sparse.conf", "");
        assert_int_equal(truncate(sparse, 100 << 20), 0);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(mkdir(folder, 0700), 0);
        put_bytes(&dir, "units.d/nul.conf", "a = 1;\nb\0", 9);
        put_bytes(&dir, "units.d/latin1.conf", "# S\xf4\n", 5);
        put(&dir, "units.d/bom.conf", "\xef\xbb\xbf" UNITS);
        put(&dir, "units.d/empty.conf", "");
        put(&dir, "units.d/blank.conf", "\n  # nothing\n");
        put(&dir, "units.d/binary.conf",
            "\x7f"
            "ELF\x02\x01\x01");

        _cleanup_load_ struct load l = load(dir.main, NULL);
        assert_int_equal(l.r, -EINVAL);
        assert_null(l.model);
        assert_true(has(&l, "units.d/sparse.conf", 1, FINDING_ERROR, "larger than 16 MiB"));
        assert_true(has(&l, "units.d/fifo.conf", 1, FINDING_ERROR, "no regular file"));
        assert_true(has(&l, "units.d/folder.conf", 1, FINDING_ERROR, "a folder, not a file"));
        assert_true(has(&l, "units.d/nul.conf", 2, FINDING_ERROR, "NUL byte"));
        assert_true(has(&l, "units.d/latin1.conf", 1, FINDING_ERROR, "not valid UTF-8"));
        assert_true(has(&l, "units.d/bom.conf", 1, FINDING_ERROR, "byte order mark"));
        assert_true(has(&l, "units.d/binary.conf", 1, FINDING_ERROR, "syntax error"));
        assert_true(has(&l, "evidenced.conf", 5, FINDING_ERROR,
                        "unknown key 'titel' in tasks: did you mean 'title'?"));
        assert_true(has(&l, "evidenced.conf", 5, FINDING_ERROR, "'title' is missing"));
        assert_int_equal(l.findings.n_errors, 9); /* and not that there is no unit VP */
}

static void test_main_unreadable(void **state) {
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        config_dir_init(&dir, NULL);
        _cleanup_load_ struct load missing = load(dir.main, NULL);
        assert_int_equal(missing.r, -EINVAL);
        assert_int_equal(missing.findings.n, 1);
        assert_true(
                has(&missing, "evidenced.conf", 1, FINDING_ERROR, "can not be read: No such file"));

        _cleanup_load_ struct load folder = load(dir.path, NULL);
        assert_int_equal(folder.r, -EINVAL);
        assert_int_equal(folder.findings.n, 1);

        put(&dir, "evidenced.conf", "");
        _cleanup_load_ struct load empty = load(dir.main, NULL);
        assert_int_equal(empty.r, -EINVAL);
        assert_true(
                has(&empty, "evidenced.conf", 1, FINDING_ERROR, "'organization.name' is missing"));
        assert_true(has(&empty, "evidenced.conf", 1, FINDING_ERROR, "'mail.from' is missing"));
        assert_true(has(&empty, "evidenced.conf", 1, FINDING_ERROR, "'mail.servers' is missing"));
        assert_true(has(&empty, "evidenced.conf", 1, FINDING_ERROR, "'evidence.roots' is missing"));
        assert_true(has(&empty, "evidenced.conf", 1, FINDING_ERROR, "there are no units"));
        assert_true(has(&empty, "evidenced.conf", 1, FINDING_ERROR,
                        "neither 'coordinator' nor 'administrator'"));
}

/* Paths are printed as they were given. */
static void test_relative_path(void **state) {
        _cleanup_dir_ struct config_dir dir;
        char *before = getcwd(NULL, 0);

        (void)state;
        config_dir_init(&dir, ALL);
        put(&dir, "tasks.d/x.conf", "x = 1;");
        assert_int_equal(chdir(dir.path), 0);
        _cleanup_load_ struct load l = load("evidenced.conf", NULL);
        assert_int_equal(chdir(before), 0);
        free(before);
        assert_int_equal(l.findings.n, 1);
        assert_string_equal(l.findings.items[0].file, "tasks.d/x.conf");
}

static void test_password_file(void **state) {
        _cleanup_dir_ struct config_dir dir;
        _cleanup_free_ char *text = NULL, *path = NULL;

        (void)state;
        config_dir_init(&dir, NULL);
        assert_true(asprintf(&path, "%s/password", dir.path) > 0);
        assert_true(asprintf(&text,
                             ORGANIZATION CALENDAR EVIDENCE ROLES UNITS TASKS
                             "mail: { from = \"a@skhcn.example\"; servers = ( { url = "
                             "\"smtps://m.example\"; user = \"u\";\n"
                             "password_file = \"%s\"; } ); };\n",
                             path) > 0);
        put(&dir, "evidenced.conf", text);
        _cleanup_load_ struct load missing = load(dir.main, NULL);
        assert_int_equal(missing.r, 0);
        assert_true(has(&missing, "evidenced.conf", 7, FINDING_WARNING, "No such file"));

        put(&dir, "password", "secret");
        _cleanup_load_ struct load open_to_all = load(dir.main, NULL);
        assert_int_equal(open_to_all.r, -EINVAL);
        assert_true(has(&open_to_all, "evidenced.conf", 7, FINDING_ERROR,
                        "can be read or changed by others"));

        assert_int_equal(chmod(path, 0640), 0);
        _cleanup_load_ struct load good = load(dir.main, NULL);
        assert_int_equal(good.r, 0);
        assert_int_equal(good.findings.n, 0);
}

static void test_roots_only_when_asked(void **state) {
        const struct config_options look = {.today = DATE_NONE, .look_at_roots = true};
        _cleanup_dir_ struct config_dir dir;
        _cleanup_free_ char *text = NULL;

        (void)state;
        config_dir_init(&dir, NULL);
        assert_true(asprintf(&text,
                             ORGANIZATION CALENDAR MAIL ROLES UNITS TASKS
                             "evidence: { roots = [ \"%s/tasks.d\", \"%s/none\", "
                             "\"%s/evidenced.conf\" ]; };\n",
                             dir.path, dir.path, dir.path) > 0);
        put(&dir, "evidenced.conf", text);
        _cleanup_load_ struct load silent = load(dir.main, NULL);
        assert_int_equal(silent.findings.n, 0);
        _cleanup_load_ struct load l = load(dir.main, &look);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.findings.n, 2);
        assert_true(has(&l, "evidenced.conf", 7, FINDING_WARNING, "/none: No such file"));
        assert_true(has(&l, "evidenced.conf", 7, FINDING_WARNING, "is no folder"));
}

static void test_today(void **state) {
        struct config_options options = {.today = date_from_ymd(2018, 11, 14)};
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        config_dir_init(&dir, ALL);
        _cleanup_load_ struct load near = load(dir.main, &options);
        assert_int_equal(near.r, 0);
        assert_int_equal(near.findings.n, 1);
        assert_true(has(
                &near, "evidenced.conf", 7, FINDING_WARNING,
                "the steps -15wd, -10wd, -5wd, -3wd are not reached any more for 1.1@2018-11-15"));

        options.today = date_from_ymd(2018, 10, 1);
        _cleanup_load_ struct load early = load(dir.main, &options);
        assert_int_equal(early.findings.n, 0);

        options.today = date_from_ymd(2018, 11, 16);
        _cleanup_load_ struct load past = load(dir.main, &options);
        assert_int_equal(past.r, 0);
        assert_int_equal(past.findings.n, 1);
        assert_true(has(&past, "evidenced.conf", 1, FINDING_WARNING,
                        "every one of the 1 deadlines is past"));
}

/* Years that an endless rule reaches within the next quarter. */
static void test_endless_rule(void **state) {
        struct config_options options = {.today = date_from_ymd(2019, 8, 1)};
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        config_dir_init(&dir, ORGANIZATION CALENDAR MAIL EVIDENCE ROLES UNITS
                        "policies: ( { id = \"default\"; steps = ( { at = \"-1wd\"; to = \"unit\"; "
                        "} ); } );\n"
                        "tasks: ( { id = \"1\"; title = \"T\"; unit = \"VP\"; due = "
                        "\"2019-01-15\"; repeat = \"FREQ=MONTHLY\"; " NEED " } );\n");
        _cleanup_load_ struct load summer = load(dir.main, &options);
        assert_int_equal(summer.findings.n, 0);
        options.today = date_from_ymd(2019, 11, 1);
        _cleanup_load_ struct load autumn = load(dir.main, &options);
        assert_int_equal(autumn.findings.n, 1);
        assert_true(has(&autumn, "evidenced.conf", 8, FINDING_WARNING,
                        "no day off in 2020, which 1@2020-01-15"));
}

/* A hundred times as many tasks cost about a hundred times as much: nothing compares each with each. */
static void test_many(void **state) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        strbuf_adds(&text, ORGANIZATION CALENDAR MAIL EVIDENCE ROLES UNITS "tasks: (\n");
        for (int i = 0; i < 20000; i++)
                strbuf_addf(&text,
                            "%s{ id = \"t%d\"; title = \"T\"; unit = \"VP\"; due = \"2018-11-15\"; "
                            "evidence: { dir = \"one\"; need = "
                            "( { match = \"*%05d*.pdf\"; } ); }; }\n",
                            i ? "," : "", i, i);
        strbuf_adds(&text, ");\n");
        config_dir_init(&dir, strbuf_str(&text));
        _cleanup_load_ struct load l = load(dir.main, NULL);
        assert_int_equal(l.r, 0);
        assert_int_equal(l.model->n_tasks, 20000);
        assert_int_equal(l.findings.n, 0);
}

/* Lists that are walked again and again have an end. */
static void test_caps(void **state) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;
        _cleanup_dir_ struct config_dir dir;

        (void)state;
        strbuf_adds(&text, ORGANIZATION MAIL ROLES UNITS TASKS "evidence: { roots = [ \"/r\"");
        for (int i = 0; i < 64; i++)
                strbuf_addf(&text, ", \"/r%d\"", i);
        strbuf_adds(&text, " ]; };\npolicies: ( ");
        for (int i = 0; i < 1001; i++)
                strbuf_addf(&text,
                            "%s{ id = \"p%d\"; steps = ( { at = \"0\"; to = \"unit\"; } ); }",
                            i ? "," : "", i);
        strbuf_adds(&text, ");\ncalendar: { off = [ \"2017-01-01\", \"2018-01-01\"");
        for (int i = 0; i < 4999; i++)
                strbuf_adds(&text, ", \"2019-01-01\"");
        strbuf_adds(&text, " ]; };\n");
        config_dir_init(&dir, strbuf_str(&text));
        _cleanup_load_ struct load l = load(dir.main, NULL);
        assert_int_equal(l.r, -EINVAL);
        assert_int_equal(l.findings.n, 3);
        assert_true(has(&l, "evidenced.conf", 6, FINDING_ERROR, "more than 64 evidence roots"));
        assert_true(has(&l, "evidenced.conf", 7, FINDING_ERROR, "more than 1000 policies"));
        assert_true(
                has(&l, "evidenced.conf", 8, FINDING_ERROR, "'off' has more than 5000 entries"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_main_alone),
                cmocka_unit_test(test_drop_ins),
                cmocka_unit_test(test_given_twice),
                cmocka_unit_test(test_not_text),
                cmocka_unit_test(test_main_unreadable),
                cmocka_unit_test(test_relative_path),
                cmocka_unit_test(test_password_file),
                cmocka_unit_test(test_roots_only_when_asked),
                cmocka_unit_test(test_today),
                cmocka_unit_test(test_endless_rule),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_caps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
