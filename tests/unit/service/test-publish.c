/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/model-builder.h"
#include "service/board.h"
#include "service/calendars.h"

#define NOW "2018-11-12 10:00"

/* A board over a model made by hand. */
struct fixture {
        struct builder b;
        struct instance_set *set;
        struct templates *templates;
        struct history histories[8];
        const struct history *list[8];
        struct scoreboard scores;
        struct board board;
};

static void on_error(void *userdata, const char *file, unsigned line, const char *text) {
        (void)userdata;
        fail_msg("%s:%u: %s", file, line, text);
}

static void begin(struct fixture *f) {
        *f = (struct fixture){};
        builder_init(&f->b);
        assert_int_equal(
                templates_load(SOURCE_DIR "/conf/templates", NULL, on_error, NULL, &f->templates),
                0);
}

static void finish(struct fixture *f) {
        const struct model *m = builder_finish(&f->b);

        f->set = builder_instances(m);
        assert_true(f->set->n <= ELEMENTSOF(f->list));
        for (size_t i = 0; i < f->set->n; i++) {
                f->histories[i] = history_at(at("2018-01-01 08:00"));
                f->list[i] = &f->histories[i];
        }
        f->board = (struct board){.model = m,
                                  .templates = f->templates,
                                  .instances = f->set,
                                  .histories = f->list,
                                  .scores = &f->scores,
                                  .now = at(NOW)};
}

static struct strbuf page_of(struct fixture *f) {
        struct strbuf page = STRBUF_INIT;

        scoreboard_done(&f->scores);
        assert_int_equal(
                scoreboard_compute(f->board.model, f->set, f->list, f->board.now, &f->scores), 0);
        assert_int_equal(board_render(&f->board, &page), 0);
        return page;
}

static void end(struct fixture *f) {
        scoreboard_done(&f->scores);
        instance_set_free(f->set);
        templates_free(f->templates);
        builder_done(&f->b);
}

static void test_hostile(void **state) {
        static const char hostile[] = "<script>alert('x')</script>\" onload=\"x";
        struct fixture f;

        (void)state;
        begin(&f);
        builder_task(&f.b, "1", "VP", "2018-11-15")->title = hostile;
        f.b.units[0].name = "{{organization}}";
        f.b.model->organization.name = hostile;
        f.b.model->organization.language = LANGUAGE_EN;
        finish(&f);
        {
                _cleanup_(strbuf_done) struct strbuf page = page_of(&f);

                assert_null(strstr(strbuf_str(&page), "<script"));
                assert_null(strstr(strbuf_str(&page), "\" onload"));
                assert_non_null(strstr(strbuf_str(&page), "&lt;script&gt;"));
                assert_non_null(strstr(strbuf_str(&page), "{{organization}}"));
                assert_null(strstr(strbuf_str(&page), "@d.example"));
        }
        end(&f);
}

/* What belongs to the next 30 days: what is open, by its deadline, what is overdue first. */
static void test_next(void **state) {
        struct fixture f;
        const char *overdue, *first, *second, *all;

        (void)state;
        begin(&f);
        builder_task(&f.b, "1", "VP", "2018-11-20")->title = "second";
        builder_task(&f.b, "2", "VP", "2018-11-15")->title = "first";
        builder_task(&f.b, "3", "VP", "2018-11-09")->title = "overdue";
        builder_task(&f.b, "4", "VP", "2018-11-16")->title = "filed";
        builder_task(&f.b, "5", "VP", "2018-12-20")->title = "later";
        f.b.model->organization.language = LANGUAGE_EN;
        finish(&f);
        f.histories[3].complete_at = at("2018-11-05 08:00");
        {
                _cleanup_(strbuf_done) struct strbuf page = page_of(&f);
                const char *next = strstr(strbuf_str(&page), "<h2>Overdue, and the next 30 days");

                assert_non_null(next);
                all = strstr(next, "<h2>Criteria, and what is missing");
                assert_non_null(all);
                overdue = strstr(next, "3 – overdue");
                first = strstr(next, "2 – first");
                second = strstr(next, "1 – second");
                assert_true(overdue && overdue < first && first < second && second < all);
                assert_true(strstr(next, "4 – filed") > all);
                assert_true(strstr(next, "5 – later") > all);
        }
        end(&f);
}

static void test_curve(void **state) {
        struct fixture f;

        (void)state;
        begin(&f);
        builder_task(&f.b, "1", "VP", "2018-11-01")->points = 300;
        builder_task(&f.b, "2", "VP", "2018-11-30")->points = 100;
        finish(&f);
        f.histories[0].complete_at = at("2018-11-01 08:00");
        {
                _cleanup_(strbuf_done) struct strbuf page = page_of(&f);

                /* from 01/11 to 30/11: today is the 12th, 11 of 29 days; 3 of 4 points are won from the first day on */
                assert_non_null(strstr(strbuf_str(&page), "d=\"M0 200H0V50H1000V0H1000\""));
                assert_non_null(strstr(strbuf_str(&page), "d=\"M0 200H0V50H379\""));
        }
        end(&f);
}

static void test_nothing(void **state) {
        struct fixture f;

        (void)state;
        begin(&f);
        f.b.model->organization.language = LANGUAGE_EN;
        finish(&f);
        {
                _cleanup_(strbuf_done) struct strbuf page = page_of(&f);

                assert_null(strstr(strbuf_str(&page), "<svg"));
                assert_non_null(strstr(strbuf_str(&page), "Nothing is overdue or falls due."));
        }
        end(&f);
}

static void test_calendar_names(void **state) {
        static const struct {
                const char *id, *name;
        } rows[] = {{"VP", "calendar-VP.ics"},
                    {"a/../b", "calendar-a~2F..~2Fb.ics"},
                    {"a b&", "calendar-a~20b~26.ics"},
                    {"a~20b", "calendar-a~7E20b.ics"},
                    {"Đ", "calendar-~C4~90.ics"}};
        char name[CALENDARS_NAME_BUFFER], longest[300];
        struct unit unit = {};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                unit.id = rows[i].id;
                assert_int_equal(calendars_name(&unit, name), 0);
                assert_string_equal(name, rows[i].name);
        }
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        unit.id = longest;
        assert_int_equal(calendars_name(&unit, name), -ENAMETOOLONG);
}

static size_t count(const char *text, const char *what) {
        size_t n = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                n++;
        return n;
}

static void test_calendars(void **state) {
        struct fixture f;

        (void)state;
        begin(&f);
        builder_task(&f.b, "1", "VP", "2018-11-15");
        builder_task(&f.b, "2", "KHTC", "2018-11-20");
        builder_task(&f.b, "3", "VP", NULL);
        builder_task(&f.b, "4", "VP", "2028-11-15");
        finish(&f);
        f.histories[0].complete_at = at("2018-11-05 08:00");
        f.histories[0].episode = 3;
        {
                _cleanup_(strbuf_done) struct strbuf all = STRBUF_INIT, one = STRBUF_INIT;

                assert_int_equal(calendars_render(&f.board, NULL, &all), 0);
                assert_int_equal(calendars_render(&f.board, &f.b.units[0], &one), 0);
                assert_int_equal(count(all.data, "BEGIN:VTODO"), 2);
                assert_int_equal(count(one.data, "BEGIN:VTODO"), 1);
                assert_int_equal(count(one.data, "STATUS:COMPLETED\r\n"), 1);
                assert_int_equal(count(one.data, "SEQUENCE:2\r\n"), 2);
                assert_int_equal(count(one.data, "DTSTART;VALUE=DATE:20181115\r\n"), 1);
        }
        end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hostile),        cmocka_unit_test(test_next),
                cmocka_unit_test(test_curve),          cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_calendar_names), cmocka_unit_test(test_calendars),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
