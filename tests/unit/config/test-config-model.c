/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is written becomes what is meant: values, defaults and references. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "config-dir.h"
#include "config/config.h"
#include "core/model.h"

#define _cleanup_dir_ _cleanup_(config_dir_done)

static void free_model(struct model **model) { model_free(*model); }
#define _cleanup_model_ _cleanup_(free_model)

/* A model that has no errors; warnings are looked at elsewhere. */
static struct model *load(const char *text) {
        struct findings findings = FINDINGS_INIT;
        struct model *model = NULL;
        struct config_dir dir;

        config_dir_init(&dir, text);
        int r = config_load(dir.main, NULL, &model, &findings);
        config_dir_done(&dir);
        if (r < 0)
                findings_print(&findings, stderr);
        findings_done(&findings);
        assert_int_equal(r, 0);
        return model;
}

static void test_defaults(void **state) {
        _cleanup_model_ struct model *m = load(ALL);
        const struct calendar_settings *c = calendar_settings(m->calendar);
        const struct task *t = &m->tasks[0];

        (void)state;
        assert_string_equal(m->organization.short_name, "Sở");
        assert_int_equal(m->organization.language, LANGUAGE_VI);
        assert_int_equal(m->organization.points, -1);
        assert_int_equal(m->organization.closes, DATE_NONE);
        assert_null(m->organization.subject_prefix);
        assert_int_equal(c->workdays, 0x1f);
        assert_int_equal(c->send_at, 7 * 3600 + 1800);
        assert_int_equal(c->window_start, 7 * 3600);
        assert_int_equal(c->window_end, 18 * 3600);
        assert_int_equal(c->close_of_day, 24 * 3600);
        assert_false(m->mail.hold);
        assert_int_equal(m->mail.connections, 4);
        assert_int_equal(m->mail.retry_for, 5 * USEC_PER_DAY);
        assert_int_equal(m->mail.daily_limit, 12);
        assert_true(m->mail.calendar_attachment);
        assert_null(m->mail.reply_to.spec);
        assert_int_equal(m->mail.servers[0].timeout, 15 * USEC_PER_MINUTE);
        assert_int_equal(m->mail.servers[0].security, MAIL_SECURITY_TLS);
        assert_int_equal(m->evidence.settle, 5 * USEC_PER_SEC);
        assert_int_equal(m->evidence.gone_after, 10 * USEC_PER_MINUTE);
        assert_int_equal(m->evidence.rescan, USEC_PER_HOUR);
        assert_int_equal(m->evidence.poll, 5 * USEC_PER_MINUTE);
        assert_string_equal(m->evidence.explanation, "GIAI-TRINH*");
        assert_int_equal(m->evidence.display.n, 1);
        assert_null(m->evidence.display.items[0]);
        assert_null(m->publish.dir);
        assert_true(m->publish.html && m->publish.ics && m->publish.metrics);
        assert_int_equal(m->n_policies, 1);
        assert_string_equal(t->policy->id, "default");
        assert_int_equal(t->policy->n_steps, 5);
        assert_int_equal(t->policy->n_rungs, 5 + 1 + 4 + 5 + 7);
        assert_int_equal(t->due_word, DUE_WORD_BY);
        assert_int_equal(t->shift, SHIFT_EARLIER);
        assert_int_equal(t->dues[0].time_of_day, -1);
        assert_true(t->tracked && t->recursive);
        assert_int_equal(t->needs[0].count, 1);
        assert_string_equal(t->needs[0].name, "");
        assert_true(t->needs[0].fold);
        assert_int_equal(t->needs[0].since, DATE_NONE);
}

/* Every key of importance with a value that is not its default. */
static const char values[] =
        "organization: { name = \"N\"; short_name = \"S\"; time_zone = \"Europe/Berlin\"; "
        "language = \"en\"; subject_prefix = \"[x]\";\n"
        " contact = \"c\"; points = 12.34; closes = \"2018-12-31\"; };\n"
        "calendar: { workdays = [ \"sat\", \"sun\" ]; send_at = \"09:00\"; send_window = "
        "\"08:30-09:00\"; close_of_day = \"17:00:30\";\n"
        " off = [ \"2018-01-01..2018-01-03\" ]; work = ( { date = \"2018-01-08\"; name = "
        "\"W\"; } ); };\n"
        "mail: { from = \"Đơn vị <A@Skhcn.Example>\"; reply_to = \"r@x.example\"; "
        "connections = 1; retry_for = \"1d12h\"; daily_limit = 0;\n"
        " allowed_domains = [ \"Skhcn.Example\", \"bücher.example\", \"x.example\" ]; "
        "calendar_attachment = false;\n"
        " servers = ( { url = \"smtp://Mail.Example:2525/\"; security = \"none\"; timeout "
        "= \"30s\"; ca_file = \"/a//b/./c\"; },\n"
        "  { url = \"smtp://127.0.0.1:25\"; }, { url = \"smtp://[::1]\"; }, { url = "
        "\"smtp://localhost\"; security = \"tls\"; },\n"
        "  { url = \"smtp://m.example\"; user = \"u\"; credential = \"c.d_e-1\"; auth = "
        "\"xoauth2\"; }, { url = \"maildir:sent\"; } ); };\n"
        "evidence: { roots = ( \"/srv//a/\", \"/srv/b\" ); display = [ \"\", \"S:\\\\b\" "
        "]; explanation = \"\"; ignore = [ \"*.bak\" ];\n"
        " settle = \"200ms\"; gone_after = \"0\"; max_size = \"10M\"; };\n"
        "publish: { dir = \"/p/\"; group = \"www\"; html = false; };\n" ROLES
        "units: ( { id = \"VP\"; name = \"V\"; mail = ( \"vp@x.example\" ); language = "
        "\"vi\"; roles: { head = \"hh@x.example\"; }; },\n"
        " { id = \"B\"; name = \"B\"; mail = \"b@x.example\"; } );\n"
        "areas: ( { id = \"1\"; title = \"T\"; points = 12.34; } );\n"
        "reports: ( { id = \"r\"; repeat = \"FREQ=WEEKLY;INTERVAL=2\"; date = "
        "\"2018-01-01\"; to = \"head\"; scope = \"unit\"; only_when = \"changed\"; },\n"
        " { id = \"s\"; repeat = \"FREQ=DAILY\"; at = \"10:00\"; to = \"director\"; cc = [ "
        "\"deputy\" ]; } );\n"
        "policies: ( { id = \"p\"; steps = ( { at = \"-2h\"; to = \"owner\"; }, { at = "
        "\"+1w\"; every = \"1w\"; to = [ \"head\" ]; } ); } );\n"
        "tasks: ( { id = \"1.2\"; area = \"1\"; title = \"b\"; points = 12; unit = \"B\"; "
        "owner = [ \"o@x.example\" ]; co_units = [ \"VP\" ];\n"
        "  due_word = \"before\"; shift = \"none\"; opens = \"2018-01-02\"; closes = "
        "\"2018-12-01\"; policy = \"p\"; unassigned = true;\n"
        "  due = ( \"2018-06-01T16:30\", \"2018-06-04 07:30:15\", { date = \"2018-03-01\"; "
        "label = \"quý I\"; } );\n"
        "  evidence: { dir = \"./a//b/\"; recursive = false; need = { name = \"n\"; match "
        "= [ \"*.pdf\", \"*.doc{,x}\" ]; type = [ \"pdf\", \"jpeg\" ];\n"
        "   count = 3; min_size = \"2K\"; fresh = \"180d\"; since = \"2018-01-01\"; fold = "
        "false; signed = true; only = \"quý I\"; }; }; },\n"
        " { id = \"1.1\"; area = \"1\"; title = \"a\"; points = 0.34; tracked = false; } "
        ");\n";

static void test_values_general(void **state) {
        _cleanup_model_ struct model *m = load(values);
        const struct calendar_settings *c = calendar_settings(m->calendar);

        (void)state;
        assert_int_equal(m->organization.points, 1234);
        assert_int_equal(m->organization.closes, date_from_ymd(2018, 12, 31));
        assert_int_equal(c->workdays, 1 << SATURDAY | 1 << SUNDAY);
        assert_int_equal(c->window_start, 8 * 3600 + 1800);
        assert_int_equal(c->window_end, 9 * 3600);
        assert_int_equal(c->close_of_day, 17 * 3600 + 30);
        assert_int_equal(c->off[0].last, date_from_ymd(2018, 1, 3));
        assert_string_equal(c->work[0].name, "W");
}

static void test_values_mail(void **state) {
        _cleanup_model_ struct model *m = load(values);

        (void)state;
        assert_string_equal(m->mail.from.display, "Đơn vị");
        assert_string_equal(m->mail.from.spec, "A@skhcn.example");
        assert_string_equal(m->mail.from.key, "a@skhcn.example");
        assert_int_equal(m->mail.retry_for, 36 * USEC_PER_HOUR);
        assert_int_equal(m->mail.daily_limit, 0);
        assert_string_equal(m->mail.allowed_domains.items[0], "skhcn.example");
        assert_string_equal(m->mail.allowed_domains.items[1], "xn--bcher-kva.example");
}

static void test_values_servers(void **state) {
        _cleanup_model_ struct model *m = load(values);
        static const enum mail_security security[] = {MAIL_SECURITY_NONE, MAIL_SECURITY_NONE,
                                                      MAIL_SECURITY_NONE, MAIL_SECURITY_TLS,
                                                      MAIL_SECURITY_TLS,  MAIL_SECURITY_TLS};

        (void)state;
        assert_int_equal(m->mail.n_servers, ELEMENTSOF(security));
        for (size_t i = 0; i < ELEMENTSOF(security); i++)
                assert_int_equal(m->mail.servers[i].security, security[i]);
        assert_string_equal(m->mail.servers[0].url, "smtp://mail.example:2525");
        assert_string_equal(m->mail.servers[0].ca_file, "/a/b/c");
        assert_string_equal(m->mail.servers[2].url, "smtp://[::1]");
        assert_string_equal(m->mail.servers[4].auth, "xoauth2");
        assert_string_equal(m->mail.servers[4].credential, "c.d_e-1");
}

static void test_values_evidence(void **state) {
        _cleanup_model_ struct model *m = load(values);

        (void)state;
        assert_string_equal(m->evidence.roots.items[0], "/srv/a");
        assert_null(m->evidence.display.items[0]);
        assert_string_equal(m->evidence.display.items[1], "S:\\b");
        assert_null(m->evidence.explanation);
        assert_string_equal(m->evidence.ignore.items[0], "*.bak");
        assert_int_equal(m->evidence.settle, 200 * USEC_PER_MSEC);
        assert_int_equal(m->evidence.gone_after, 0);
        assert_int_equal(m->evidence.max_size, 10 << 20);
        assert_string_equal(m->publish.dir, "/p");
        assert_false(m->publish.html);
}

static void test_values_people(void **state) {
        _cleanup_model_ struct model *m = load(values);

        (void)state;
        assert_int_equal(m->units[0].language, LANGUAGE_VI);
        assert_int_equal(m->units[1].language, LANGUAGE_EN);
        assert_string_equal(role_find(&m->units[0].roles, "head")->who.items[0].spec,
                            "hh@x.example");
        assert_true(m->reports[0].per_unit && m->reports[0].only_when_changed);
        assert_int_equal(m->reports[0].from, date_from_ymd(2018, 1, 1));
        assert_int_equal(m->reports[0].at, 9 * 3600); /* send_at */
        assert_int_equal(m->reports[1].at, 10 * 3600);
        assert_false(m->reports[1].per_unit || m->reports[1].only_when_changed);
}

static void test_values_surveyed_task(void **state) {
        _cleanup_model_ struct model *m = load(values);
        const struct task *surveyed = &m->tasks[0];

        (void)state;
        assert_string_equal(surveyed->id, "1.1");
        assert_false(surveyed->tracked);
        assert_null(surveyed->unit);
        assert_null(surveyed->policy);
        assert_int_equal(surveyed->points, 34);
}

static void test_values_task(void **state) {
        _cleanup_model_ struct model *m = load(values);
        const struct task *t = &m->tasks[1];

        (void)state;
        assert_ptr_equal(t->area, &m->areas[0]);
        assert_ptr_equal(t->unit, &m->units[1]);
        assert_ptr_equal(t->co_units[0], &m->units[0]);
        assert_string_equal(t->owner.items[0].spec, "o@x.example");
        assert_string_equal(t->policy->id, "p");
        assert_int_equal(t->policy->n_rungs, 1 + STEP_DEFAULT_FIRINGS);
        assert_int_equal(t->n_dues, 3); /* by date */
        assert_string_equal(t->dues[0].label, "quý I");
        assert_int_equal(t->dues[1].time_of_day, 16 * 3600 + 1800);
        assert_int_equal(t->dues[2].time_of_day, 7 * 3600 + 1815);
        assert_int_equal(t->due_word, DUE_WORD_BEFORE);
        assert_int_equal(t->shift, SHIFT_NONE);
        assert_true(t->unassigned);
        assert_string_equal(t->dir, "a/b");
        assert_false(t->recursive);
        assert_int_equal(m->n_policies, 2); /* its own and the one built in */
}

static void test_values_need(void **state) {
        _cleanup_model_ struct model *m = load(values);
        const struct need *need = &m->tasks[1].needs[0];

        (void)state;
        assert_int_equal(need->types, 1 << FILE_TYPE_PDF | 1 << FILE_TYPE_JPG);
        assert_int_equal(need->count, 3);
        assert_int_equal(need->min_size, 2048);
        assert_int_equal(need->fresh, 180 * USEC_PER_DAY);
        assert_int_equal(need->since, date_from_ymd(2018, 1, 1));
        assert_true(!need->fold && need->signed_only);
        assert_string_equal(need->only.items[0], "quý I");
        assert_int_equal(need->match.n, 2);
}

/* A label typed with combining marks is the label typed without. */
static void test_normal_form(void **state) {
        _cleanup_model_ struct model *m =
                load(ORGANIZATION CALENDAR MAIL EVIDENCE ROLES UNITS
                     "tasks: ( { id = \"1\"; title = \"T\"; unit = \"VP\"; due = { date = "
                     "\"2018-11-15\"; label = \"quy\xcc\x81 I\"; };\n"
                     " evidence: { dir = \"x\"; need = { only = \"qu\xc3\xbd I\"; }; }; } );\n");

        (void)state;
        assert_string_equal(m->tasks[0].dues[0].label, "qu\xc3\xbd I");
}

/* Nobody may be missing where the others expect somebody. */
static void test_stand_ins(void **state) {
        _cleanup_model_ struct model *m = load(
                ORGANIZATION CALENDAR MAIL EVIDENCE ROLES UNITS
                "tasks: ( { id = \"1\"; title = \"T\"; points = 2.5; due = \"2018-11-15\"; " NEED
                " } );\n");
        const struct task *t = &m->tasks[0];

        (void)state;
        assert_int_equal(m->n_units, 2);
        assert_ptr_equal(t->unit, &m->units[1]);
        assert_int_equal(t->unit->index, 1);
        assert_string_equal(t->unit->id, "-");
        assert_string_equal(t->unit->mail.items[0].spec, "c@skhcn.example");
        assert_int_equal(m->n_areas, 1);
        assert_string_equal(t->area->id, "-");
        assert_int_equal(t->area->points, 250);
}

static void test_points(void **state) {
        static const struct {
                const char *text;
                points_t points;
        } cases[] = {{"0", 0},      {"0.01", 1},     {"0.29", 29},
                     {"1.15", 115}, {"99.99", 9999}, {"1000000", 100000000},
                     {"1e2", 10000}};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = NULL;

                assert_true(asprintf(&text,
                                     ALL "areas: ( { id = \"1\"; title = \"T\"; points = %s; } );",
                                     cases[i].text) > 0);
                _cleanup_model_ struct model *m = load(text);
                assert_int_equal(m->areas[0].points, cases[i].points);
        }
}

static void test_names(void **state) {
        _cleanup_model_ struct model *m =
                load(ORGANIZATION CALENDAR MAIL EVIDENCE ROLES TASKS
                     "areas: ( { id = \"A1\"; } );\n"
                     "units: ( { id = \"KHTC\"; mail = \"k@skhcn.example\"; }, { id = \"VP\"; mail "
                     "= \"v@skhcn.example\"; } );\n");

        (void)state;
        assert_string_equal(m->areas[0].title, "A1");
        assert_string_equal(m->units[0].name, "KHTC");
}

/* The sample year that is shipped has neither errors nor surprises. */
static void test_sample_year(void **state) {
        struct findings findings = FINDINGS_INIT;
        struct model *m = NULL;
        points_t sum = 0;

        (void)state;
        int r = config_load(SOURCE_DIR "/conf/vn-2018/evidenced.conf", NULL, &m, &findings);
        findings_print(&findings, stderr);
        findings_done(&findings);
        assert_int_equal(r, 0);
        assert_int_equal(m->n_tasks, 45);
        assert_int_equal(m->n_areas, 8);
        for (size_t i = 0; i < m->n_tasks; i++)
                sum += m->tasks[i].points;
        assert_int_equal(sum, 10000);
        assert_int_equal(m->organization.points, 10000);
        model_free(m);
}

static void test_schema(void **state) {
        size_t n = 0;
        const struct schema_key *keys = config_schema_keys(&n);
        bool seen_url = false, seen_need = false;

        (void)state;
        assert_in_range(n, 80, 160);
        for (size_t i = 0; i < n; i++) {
                assert_non_null(keys[i].takes);
                seen_url |= strcmp(keys[i].section, "mail.servers") == 0 &&
                            strcmp(keys[i].name, "url") == 0 && keys[i].required;
                seen_need |= strcmp(keys[i].section, "tasks.evidence.need") == 0 &&
                             strcmp(keys[i].name, "fresh") == 0;
                for (size_t k = 0; k < i; k++)
                        assert_false(strcmp(keys[i].section, keys[k].section) == 0 &&
                                     strcmp(keys[i].name, keys[k].name) == 0);
        }
        assert_true(seen_url && seen_need);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_values_general),
                cmocka_unit_test(test_values_mail),
                cmocka_unit_test(test_values_servers),
                cmocka_unit_test(test_values_evidence),
                cmocka_unit_test(test_values_people),
                cmocka_unit_test(test_values_surveyed_task),
                cmocka_unit_test(test_values_task),
                cmocka_unit_test(test_values_need),
                cmocka_unit_test(test_normal_form),
                cmocka_unit_test(test_stand_ins),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_points),
                cmocka_unit_test(test_sample_year),
                cmocka_unit_test(test_schema),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
