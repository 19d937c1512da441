/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "service/metrics.h"

static struct strbuf rendered(const struct metrics *metrics) {
        struct strbuf b = STRBUF_INIT;

        assert_int_equal(metrics_render(metrics, &b), 0);
        return b;
}

static bool has_line(const struct strbuf *b, const char *line) {
        for (const char *c = strbuf_str(b); (c = strstr(c, line)); c++)
                if ((c == b->data || c[-1] == '\n') && c[strlen(line)] == '\n')
                        return true;
        return false;
}

static void test_values(void **state) {
        const struct score score = {.points = {[BUCKET_COMPLETE] = 1250, [BUCKET_OVERDUE] = 5}};
        const struct evidence_root roots[] = {{.path = "/srv/a", .state = "ok"},
                                              {.path = "/srv/b", .state = "scanning"},
                                              {.path = "/srv/c", .state = "missing"},
                                              {.path = "/srv/d", .state = "hung"}};
        const struct metrics metrics = {.version = "1.2",
                                        .total = &score,
                                        .instances = {[STATE_OVERDUE] = 3},
                                        .outbox = {.by_state = {[OUTBOX_PARKED] = 2}},
                                        .roots = roots,
                                        .n_roots = ELEMENTSOF(roots),
                                        .held = true,
                                        .last_pass = 1542000000 * USEC_PER_SEC + 999999};
        static const char *const lines[] = {
                "evidenced_build_info{version=\"1.2\"} 1",
                "evidenced_points{bucket=\"complete\"} 12.50",
                "evidenced_points{bucket=\"overdue\"} 0.05",
                "evidenced_points{bucket=\"due-soon\"} 0.00",
                "evidenced_instances{state=\"overdue\"} 3",
                "evidenced_instances{state=\"open\"} 0",
                "evidenced_outbox_messages{state=\"parked\"} 2",
                "evidenced_mail_held 1",
                "evidenced_root_up{root=\"/srv/a\"} 1",
                "evidenced_root_up{root=\"/srv/b\"} 1",
                "evidenced_root_up{root=\"/srv/c\"} 0",
                "evidenced_root_up{root=\"/srv/d\"} 0",
                "evidenced_last_pass_timestamp_seconds 1542000000",
        };
        _cleanup_(strbuf_done) struct strbuf b = rendered(&metrics);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (!has_line(&b, lines[i]))
                        fail_msg("not there: %s\n%s", lines[i], strbuf_str(&b));
        assert_string_equal(strbuf_str(&b) + b.len - strlen("\n# EOF\n"), "\n# EOF\n");
}

static void test_labels(void **state) {
        static const struct {
                const char *path, *line;
        } rows[] = {
                {"/srv/a \"b\"", "evidenced_root_up{root=\"/srv/a \\\"b\\\"\"} 1"},
                {"/srv/a\\b", "evidenced_root_up{root=\"/srv/a\\\\b\"} 1"},
                {"/srv/Tài liệu", "evidenced_root_up{root=\"/srv/Tài liệu\"} 1"},
        };
        const struct score score = {};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const struct evidence_root root = {.path = rows[i].path, .state = "ok"};
                const struct metrics metrics = {
                        .version = "1", .total = &score, .roots = &root, .n_roots = 1};
                _cleanup_(strbuf_done) struct strbuf b = rendered(&metrics);

                if (!has_line(&b, rows[i].line))
                        fail_msg("not there: %s\n%s", rows[i].line, strbuf_str(&b));
        }
}

/* A name that would begin a line of its own, or is no UTF-8. */
static void test_hostile(void **state) {
        const struct evidence_root root = {.path = "/srv/x\"} 1\nevidenced_mail_held 7\n\xff",
                                           .state = "ok"};
        const struct score score = {};
        const struct metrics metrics = {
                .version = "1", .total = &score, .roots = &root, .n_roots = 1};
        _cleanup_(strbuf_done) struct strbuf b = rendered(&metrics);

        (void)state;
        assert_null(strstr(strbuf_str(&b), "\nevidenced_mail_held 7"));
        assert_null(strchr(strbuf_str(&b), '\xff'));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_labels),
                cmocka_unit_test(test_hostile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
