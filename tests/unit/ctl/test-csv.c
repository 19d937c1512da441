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
#include "base/strbuf.h"
#include "ctl/csv.h"

/* Cells between '|', rows between '/'. */
static char *shown(const struct csv *csv) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        strbuf_adds(&b, "");
        for (size_t i = 0; i < csv->n; i++) {
                assert_int_equal(csv->rows[i].number, i + 1);
                strbuf_adds(&b, i > 0 ? "/" : "");
                for (size_t k = 0; k < csv->rows[i].n; k++)
                        strbuf_addf(&b, "%s%s", k > 0 ? "|" : "", csv->rows[i].cells[k]);
        }
        return strbuf_steal(&b);
}

static void test_good(void **state) {
        static const struct {
                const char *text;
                char delimiter;
                const char *shown;
        } cases[] = {
                {"", ',', ""},
                {"a", ',', "a"},
                {"a,b\nc,d\n", ',', "a|b/c|d"},
                {"a,b\r\nc,d\r\n", ',', "a|b/c|d"},
                {"a,b\rc,d", ',', "a|b/c|d"},
                {"a,,c\n,\n", ',', "a||c/|"},
                {"\n\nx\n", ',', "//x"},
                {"\"a\",\"b\"", ',', "a|b"},
                {"\"a,b\",c", ',', "a,b|c"},
                {"\"a\nb\",c\nd", ',', "a\nb|c/d"},
                {"\"say \"\"yes\"\"\"", ',', "say \"yes\""},
                {"\"\"", ',', ""},
                {"\"\"\"\"", ',', "\""},
                {"\"\",x", ',', "|x"},
                {"a;b,c", ';', "a|b,c"},
                {"a\tb c\td", '\t', "a|b c|d"},
                {"\xef\xbb\xbfid,title\n", ',', "id|title"},
                {"tên,điểm\n", ',', "tên|điểm"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(csv_done) struct csv csv = {};
                _cleanup_free_ char *text = NULL;
                const char *error = NULL;
                unsigned row = 0;

                print_message("%s\n", cases[i].text);
                assert_int_equal(csv_parse(cases[i].text, strlen(cases[i].text), cases[i].delimiter,
                                           &csv, &row, &error),
                                 0);
                text = shown(&csv);
                assert_string_equal(text, cases[i].shown);
        }
}

static void test_bad(void **state) {
        static const struct {
                const char *text;
                size_t size;
                unsigned row;
                const char *error;
        } cases[] = {
                {"a\n\"b", 4, 2, "never closed"},
                {"a\nb\n\"c\"d\n", 9, 3, "behind a closing quote"},
                {"a\"b\n", 4, 1, "inside a cell"},
                {"a\0b", 3, 0, "no text"},
                {"\xff\xfe"
                 "a",
                 3, 0, "not UTF-8"},
                {"a\n\"b\"\"", 6, 2, "never closed"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct csv csv = {.n = 77};
                const char *error = NULL;
                unsigned row = 99;

                assert_int_equal(csv_parse(cases[i].text, cases[i].size, ',', &csv, &row, &error),
                                 -EINVAL);
                assert_int_equal(row, cases[i].row);
                assert_non_null(strstr(error, cases[i].error));
                assert_int_equal(csv.n, 77);
        }
}

static void test_caps(void **state) {
        size_t size = CSV_MAX_BYTES + 1;
        _cleanup_free_ char *text = malloc(size);
        struct csv csv = {};
        const char *error = NULL;
        unsigned row = 0;

        (void)state;
        assert_non_null(text);
        memset(text, 'a', size);
        assert_int_equal(csv_parse(text, size, ',', &csv, &row, &error), -E2BIG);
        assert_int_equal(csv_parse(text, CSV_MAX_CELL + 1, ',', &csv, &row, &error), -E2BIG);
        text[0] = '"';
        assert_int_equal(csv_parse(text, CSV_MAX_CELL + 10, ',', &csv, &row, &error), -E2BIG);
        memset(text, ',', CSV_MAX_CELLS);
        assert_int_equal(csv_parse(text, CSV_MAX_CELLS, ',', &csv, &row, &error), -E2BIG);
        memset(text, '\n', CSV_MAX_ROWS + 1);
        assert_int_equal(csv_parse(text, CSV_MAX_ROWS + 1, ',', &csv, &row, &error), -E2BIG);
        assert_int_equal(csv_parse(text, CSV_MAX_ROWS, ',', &csv, &row, &error), 0);
        assert_int_equal(csv.n, CSV_MAX_ROWS);
        csv_done(&csv);
}

static void test_delimiter(void **state) {
        static const struct {
                const char *text;
                char delimiter;
        } cases[] = {
                {"", ','},
                {"id\n;;;", ','},
                {"id,title\na;b;c", ','},
                {"id;title;due\n", ';'},
                {"id;\"a,b,c,d\";due\n", ';'},
                {"id\ttitle,x\tdue\n", '\t'},
                {"\"a\n;;;\",b\n", ','},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(csv_guess_delimiter(cases[i].text, strlen(cases[i].text)),
                                 cases[i].delimiter);
}

/* What is written is what is read again, but for what a spreadsheet would run. */
static void test_writing(void **state) {
        static const struct {
                const char *cells[3], *text, *shown;
        } cases[] = {
                {{"a", "b", "c"}, "\"a\",\"b\",\"c\"\r\n", "a|b|c"},
                {{"", NULL, ""}, ",,\r\n", "||"},
                {{"say \"yes\"", "a,b", "a\nb"}, NULL, "say \"yes\"|a,b|a\nb"},
                {{"=1+1", "+x@y", "-3wd"}, NULL, "'=1+1|'+x@y|'-3wd"},
                {{"@SUM(A1)", "\t=1", "\r=1"}, NULL, "'@SUM(A1)|'\t=1|'\r=1"},
                {{"1=1", "a-b", "{\"a\":\"=1\"}"}, NULL, "1=1|a-b|{\"a\":\"=1\"}"},
                {{"tên", "'", "\""}, "\"tên\",\"'\",\"\"\"\"\r\n", "tên|'|\""},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
                _cleanup_(csv_done) struct csv csv = {};
                _cleanup_free_ char *text = NULL;
                const char *error = NULL;
                unsigned row = 0;

                csv_add_row(&b, cases[i].cells, 3);
                assert_int_equal(strbuf_error(&b), 0);
                if (cases[i].text)
                        assert_string_equal(strbuf_str(&b), cases[i].text);
                assert_int_equal(csv_parse(strbuf_str(&b), b.len, ',', &csv, &row, &error), 0);
                text = shown(&csv);
                assert_string_equal(text, cases[i].shown);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),    cmocka_unit_test(test_bad),
                cmocka_unit_test(test_caps),    cmocka_unit_test(test_delimiter),
                cmocka_unit_test(test_writing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
