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
#include "ctl/import-values.h"

static void test_headings(void **state) {
        static const struct {
                const char *heading;
                int column; /* -1: unknown */
        } cases[] = {
                {"id", IMPORT_ID},
                {"ID", IMPORT_ID},
                {"STT", IMPORT_ID},
                {"Mã tiêu chí", IMPORT_ID},
                {"Lĩnh vực", IMPORT_AREA},
                {"area", IMPORT_AREA},
                {"Tên tiêu chí", IMPORT_TITLE},
                {"NỘI DUNG", IMPORT_TITLE},
                {"Điểm tối đa", IMPORT_POINTS},
                {"điểm", IMPORT_POINTS},
                {"Đơn vị", IMPORT_UNIT},
                {"đơn vị phối hợp", IMPORT_CO_UNITS},
                {"co_units", IMPORT_CO_UNITS},
                {"Thời hạn", IMPORT_DUE},
                {"Hạn nộp (dd/mm/yyyy)", IMPORT_DUE},
                {"due-date", IMPORT_DUE},
                {"Thư mục", IMPORT_DIR},
                {"Mẫu tên tệp", IMPORT_PATTERNS},
                {"Số lượng", IMPORT_COUNT},
                {"  word ", IMPORT_WORD},
                {"Ghi chú", -1},
                {"", -1},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                enum import_column column = _IMPORT_COLUMN_MAX;

                print_message("%s\n", cases[i].heading);
                assert_int_equal(import_column_from_heading(cases[i].heading, &column),
                                 cases[i].column < 0 ? -ENOENT : 0);
                assert_int_equal(column,
                                 cases[i].column < 0 ? _IMPORT_COLUMN_MAX : cases[i].column);
        }
        for (enum import_column c = 0; c < _IMPORT_COLUMN_MAX; c++) {
                enum import_column back = _IMPORT_COLUMN_MAX;

                assert_int_equal(import_column_from_heading(import_column_to_string(c), &back), 0);
                assert_int_equal(back, c);
        }
}

static void test_points(void **state) {
        static const struct {
                const char *text;
                int points; /* -1: none */
        } cases[] = {
                {"2", 200},      {"0", 0},
                {"0.5", 50},     {"0,5", 50},
                {"12,25", 1225}, {"0.500", 50},
                {"2.00", 200},   {"007", 700},
                {"", -1},        {".5", -1},
                {"5.", -1},      {"0.505", -1},
                {"-1", -1},      {"1e3", -1},
                {"1 2", -1},     {"1000000", 100000000},
                {"1000001", -1}, {"99999999999999999999", -1},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                points_t points = -7;

                print_message("%s\n", cases[i].text);
                assert_int_equal(import_points(cases[i].text, &points),
                                 cases[i].points < 0 ? -EINVAL : 0);
                assert_int_equal(points, cases[i].points < 0 ? -7 : cases[i].points);
        }
}

static void test_counts_and_words(void **state) {
        enum due_word word = DUE_WORD_BY;
        uint32_t count = 0;

        (void)state;
        assert_int_equal(import_count("3", &count), 0);
        assert_int_equal(count, 3);
        assert_int_equal(import_count("×4", &count), 0);
        assert_int_equal(count, 4);
        assert_int_equal(import_count("0", &count), -EINVAL);
        assert_int_equal(import_count("10001", &count), -EINVAL);
        assert_int_equal(import_count("", &count), -EINVAL);
        assert_int_equal(import_due_word("Trước ngày", &word), 0);
        assert_int_equal(word, DUE_WORD_BEFORE);
        assert_int_equal(import_due_word("chậm nhất ngày", &word), 0);
        assert_int_equal(word, DUE_WORD_BY);
        assert_int_equal(import_due_word("before", &word), 0);
        assert_int_equal(word, DUE_WORD_BEFORE);
        assert_int_equal(import_due_word("about", &word), -EINVAL);
}

static void test_dues(void **state) {
        static const struct {
                const char *text;
                int r;
                const char *date;
                int time;
                const char *label;
        } cases[] = {
                {"2018-11-30", 0, "2018-11-30", -1, NULL},
                {"30/11/2018", 0, "2018-11-30", -1, NULL},
                {"5/3/2018", 0, "2018-03-05", -1, NULL},
                {"05.03.2018", 0, "2018-03-05", -1, NULL},
                {"2018/3/5", 0, "2018-03-05", -1, NULL},
                {"2018-11-30 16:30", 0, "2018-11-30", 59400, NULL},
                {"2018-11-30T16:30:00", 0, "2018-11-30", 59400, NULL},
                {"2018-11-30 00:00:00", 0, "2018-11-30", -1, NULL},
                {"2018-11-30 00:00", 0, "2018-11-30", 0, NULL},
                {"2018-11-30 24:00", 0, "2018-11-30", 86400, NULL},
                {"30/11/2018 (quý III)", 0, "2018-11-30", -1, "quý III"},
                {"30/11/2018 7:30 (x)", 0, "2018-11-30", 27000, "x"},
                {"2018-02-30", -ERANGE, NULL, 0, NULL},
                {"11/30/2018", -ERANGE, NULL, 0, NULL},
                {"30/11/18", -EINVAL, NULL, 0, NULL},
                {"30/11-2018", -EINVAL, NULL, 0, NULL},
                {"2018-11", -EINVAL, NULL, 0, NULL},
                {"", -EINVAL, NULL, 0, NULL},
                {"soon", -EINVAL, NULL, 0, NULL},
                {"2018-11-30 25:00", -EINVAL, NULL, 0, NULL},
                {"2018-11-30 16:30:15", -EINVAL, NULL, 0, NULL},
                {"2018-11-30 (", -EINVAL, NULL, 0, NULL},
                {"2018-11-30 ( )", -EINVAL, NULL, 0, NULL},
                {"2018-11-30 x", -EINVAL, NULL, 0, NULL},
                {"2018-11-301", -EINVAL, NULL, 0, NULL},
        };
        struct arena *arena = arena_new();

        (void)state;
        assert_non_null(arena);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct due due = {.date = DATE_NONE};
                char date[DATE_BUFFER];

                print_message("%s\n", cases[i].text);
                assert_int_equal(import_due(arena, cases[i].text, &due), cases[i].r);
                if (cases[i].r < 0) {
                        assert_int_equal(due.date, DATE_NONE);
                        continue;
                }
                assert_string_equal(date_format(due.date, date), cases[i].date);
                assert_int_equal(due.time_of_day, cases[i].time);
                if (cases[i].label)
                        assert_string_equal(due.label, cases[i].label);
                else
                        assert_null(due.label);
        }
        arena_free(arena);
}

static void test_split(void **state) {
        struct arena *arena = arena_new();
        struct string_list list = {};

        (void)state;
        assert_int_equal(import_split(arena, " a ; b\r\nc;;  d\te ", &list), 0);
        assert_int_equal(list.n, 4);
        assert_string_equal(list.items[0], "a");
        assert_string_equal(list.items[1], "b");
        assert_string_equal(list.items[2], "c");
        assert_string_equal(list.items[3], "d e");
        assert_int_equal(import_split(arena, " ; ", &list), 0);
        assert_int_equal(list.n, 0);
        arena_free(arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_headings),
                cmocka_unit_test(test_points),
                cmocka_unit_test(test_counts_and_words),
                cmocka_unit_test(test_dues),
                cmocka_unit_test(test_split),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
