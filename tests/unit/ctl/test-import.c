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
#include "ctl/import.h"

/* Problems as "ROW:e:text\n". */
static void on_problem(void *userdata, unsigned row, bool error, const char *text) {
        strbuf_addf(userdata, "%u:%c:%s\n", row, error ? 'e' : 'w', text);
}

static int import(const char *text, struct strbuf *out, struct strbuf *problems) {
        _cleanup_(csv_done) struct csv csv = {};
        const char *error = NULL;
        unsigned row = 0;

        assert_int_equal(csv_parse(text, strlen(text), ',', &csv, &row, &error), 0);
        return import_tasks(&csv, "x.csv", on_problem, problems, out);
}

#define HEAD "id,area,title,points,unit,due,word,dir,patterns,count\n"

static void test_text(void **state) {
        static const struct {
                const char *rows, *contains;
        } cases[] = {
                {"1.2,1,Report,2,VP,2018-03-05,,1.2,*.pdf,\n",
                 "        { id = \"1.2\"; area = \"1\"; points = 2.0; unit = \"VP\";\n"
                 "          title = \"Report\";\n"
                 "          due = \"2018-03-05\";\n"
                 "          evidence: { dir = \"1.2\"; need = (\n"
                 "                { match = [ \"*.pdf\" ]; }\n"
                 "          ); }; }\n"},
                {"1.2,1,\"Say \"\"a\\b\"\"\",\"0,25\",VP,05/03/2018,before,1.2,*.pdf,3\n",
                 "points = 0.25;"},
                {"1.2,1,\"Say \"\"a\\b\"\"\",0.5,VP,05/03/2018,trước ngày,1.2,*.pdf,3\n",
                 "title = \"Say \\\"a\\\\b\\\"\";\n          due_word = \"before\"; due = "
                 "\"2018-03-05\";"},
                {"1.2,1,x,1,VP,05/03/2018,,1.2,*.pdf,3\n", "{ match = [ \"*.pdf\" ]; count = 3; }"},
                {"1.2,1,x,1,VP,,,1.2,\"*a*.pdf;*b*.{pdf,docx}\",\n",
                 "                { match = [ \"*a*.pdf\" ]; },\n"
                 "                { match = [ \"*b*.{pdf,docx}\" ]; }\n"},
                {"1.2,1,x,1,VP,,,1.2,*a ×2;*b x3;*c,5\n",
                 "                { match = [ \"*a\" ]; count = 2; },\n"
                 "                { match = [ \"*b\" ]; count = 3; },\n"
                 "                { match = [ \"*c\" ]; count = 5; }\n"},
                {"1.2,1,x,1,VP,,,1.2,*a;*b,2;4\n", "{ match = [ \"*b\" ]; count = 4; }"},
                {"1.2,1,x,1,VP,,,1.2,,\n", "need = (\n                { match = [ \"*\" ]; }\n"},
                {"1.2,1,x,1,VP;KHTC,,,1.2/{unit},*,\n", "each_unit = [ \"VP\", \"KHTC\" ];"},
                {"1.2,1,x,1,VP,05/06/2018 (II);05/03/2018 16:30 (I),,1.2/{label},*,\n",
                 "due = ( { date = \"2018-03-05 16:30\"; label = \"I\"; }, { date = "
                 "\"2018-06-05\"; label = \"II\"; } );"},
                {"1.10,1,Survey,2,,,,,,\n", "points = 2.0; tracked = false;"},
                {"1.2,1,\"two\nlines\",1,VP,,,1.2,*,\n", "title = \"two lines\";"},
                {"1.2,1,x,1,VP,,,1.2,*,\n", "# It names these areas: 1\n# and these units: VP\n"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT, problems = STRBUF_INIT,
                                                     text = STRBUF_INIT;

                strbuf_addf(&text, "%s%s", HEAD, cases[i].rows);
                if (import(strbuf_str(&text), &out, &problems) != 0 ||
                    !strstr(strbuf_str(&out), cases[i].contains))
                        fail_msg("%s\n%s\n%s", cases[i].rows, strbuf_str(&out),
                                 strbuf_str(&problems));
        }
}

static void test_problems(void **state) {
        static const struct {
                const char *text, *problem;
        } cases[] = {
                {"", "0:e:there is nothing in it"},
                {"\n \n", "0:e:there is nothing in it"},
                {"id,area,title,points\n1,1,x,1\n", "1:e:there is no column 'unit'"},
                {HEAD, "0:e:there is no task below"},
                {"id,ID,area,title,points,unit\n",
                 "1:e:the columns 1 and 2 (\"ID\") are both 'id'"},
                {HEAD "1 2,1,x,1,VP,,,d,*,\n", "2:e:\"1 2\" is no id for 'id'"},
                {HEAD ",1,x,1,VP,,,d,*,\n", "2:e:'id' is empty"},
                {HEAD "1,,x,1,VP,,,d,*,\n", "2:e:'area' is empty"},
                {HEAD "1,1,,1,VP,,,d,*,\n", "2:e:'title' is empty"},
                {HEAD "1,1,x,many,VP,,,d,*,\n", "2:e:\"many\" is no number of points"},
                {HEAD "1,1,x,1,V P,,,d,*,\n", "2:e:\"V P\" is no id of a unit"},
                {HEAD "1,1,x,1,VP,31/02/2018,,d,*,\n", "2:e:there is no day \"31/02/2018\""},
                {HEAD "1,1,x,1,VP,soon,,d,*,\n", "2:e:\"soon\" is no deadline"},
                {HEAD "1,1,x,1,VP,2018-01-02;02/01/2018,,d,*,\n", "2:e:a deadline stands twice"},
                {HEAD "1,1,x,1,VP,2018-01-02,maybe,d,*,\n", "2:e:\"maybe\" does not say"},
                {HEAD "1,1,x,1,VP,,,,*,\n", "2:e:there are patterns, but no folder"},
                {HEAD "1,1,x,1,VP,,,../d,*,\n", "2:e:the folder \"../d\" must lie below"},
                {HEAD "1,1,x,1,VP,,,/d,*,\n", "2:e:the folder \"/d\" must lie below"},
                {HEAD "1,1,x,1,VP,,,d,[,\n", "2:e:\"[\" is no pattern"},
                {HEAD "1,1,x,1,VP,,,d,*,0\n", "2:e:\"0\" is no count"},
                {HEAD "1,1,x,1,VP,,,d,*,1;2\n", "2:e:'count' has 2 numbers for 1 patterns"},
                {HEAD "1,1,x,1,VP,,,d/{ky},*,\n", "2:e:'dir' has a {word}"},
                {HEAD "1,1,x,1,VP,2018-01-02,,d/{label},*,\n", "2:e:'dir' has a {word}"},
                {HEAD "1,1,x,1,VP,2018-01-02,,,,\n", "2:e:nothing says which evidence"},
                {HEAD "1,1,x,1,,2018-01-02,,d,*,\n", "2:e:nobody owes it"},
                {HEAD "1,1,x,1,VP,,,d,*,\n\n1,1,y,1,VP,,,e,*,\n", "4:e:the id '1' stands in row 2"},
                {HEAD "1,1,x,1,VP,,,d,*,,extra\n", "2:e:it has more cells"},
                {HEAD "1,1,x,,VP,,,d,*,\n2,,y,q,VP,,,e,*,\n", "3:e:'area' is empty\n3:e:\"q\""},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT, problems = STRBUF_INIT;

                assert_int_equal(import(cases[i].text, &out, &problems), -EINVAL);
                assert_int_equal(out.len, 0);
                if (!strstr(strbuf_str(&problems), cases[i].problem))
                        fail_msg("%s\n%s", cases[i].text, strbuf_str(&problems));
        }
}

static void test_notes(void **state) {
        _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT, problems = STRBUF_INIT;

        (void)state;
        assert_int_equal(import("\nGhi chú,Mã,Lĩnh vực,Tiêu chí,Điểm,Đơn vị\nx,1,1,Khảo sát,2,\n",
                                &out, &problems),
                         0);
        assert_string_equal(strbuf_str(&problems),
                            "2:w:the column \"Ghi chú\" is left out: it is none that is known\n"
                            "3:w:no unit, no deadline, no evidence: taken as points that others "
                            "survey (tracked = false)\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_problems),
                cmocka_unit_test(test_notes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
