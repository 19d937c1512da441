/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/compose-fixture.h"

#include <errno.h>

#include "base/strbuf.h"

/* What a mail says of its items. The form of mails: tests/message. */

static char *text_of(struct fixture *f, enum language language) {
        struct composed c = {};
        struct digest *d = one_digest(f);
        struct compose_context context = context_of(f);
        char *text;

        d->language = language;
        assert_int_equal(compose_message(&context, d, &c), 0);
        text = strdup(c.text);
        composed_done(&c);
        return text;
}

static void expect_in(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("'%s' is not in '%s'", part, text);
}

static struct notice *reminder_with_files(struct fixture *f, const char *now) {
        static const struct file_note files[] = {
                {.path = "1.2/a.pdf", .verdict = VERDICT_COUNTED},
                {.path = "1.2/b.pdf", .verdict = VERDICT_BROKEN},
                {.path = "1.2/c.pdf", .verdict = VERDICT_DUPLICATE, .detail = "1.2/b.pdf"},
                {.path = "1.2/d.pdf", .verdict = VERDICT_TYPE, .detail = "jpg, not pdf, docx"},
                {.path = "1.2/e.pdf", .verdict = VERDICT_TYPE},
                {.path = "1.2/f.pdf",
                 .verdict = VERDICT_NAME,
                 .detail = "1.3@2018-11-20",
                 .folder = "1.3/x"},
        };
        struct notice *n;

        f->b.model->evidence.display = builder_strings(&f->b, "\\\\server\\share");
        f->now = at(now);
        n = add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        n->files = files;
        n->n_files = ELEMENTSOF(files);
        return n;
}

static void test_what_a_reminder_says(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *vi = NULL;
        struct notice *n = reminder_with_files(f, "2018-11-22 07:30");

        n->n_reminded = 4;
        n->last_reminded = at("2018-11-20 07:30");
        vi = text_of(f, LANGUAGE_VI);
        expect_in(vi, "Kính gửi: VP\n");
        expect_in(vi, "1.2 – Báo cáo CCHC: còn 01 ngày làm việc\n");
        expect_in(vi, "Điểm tối đa: 2,00 điểm\n");
        expect_in(vi, "đã có 00/01; còn thiếu: *.pdf\n");
        expect_in(vi, "Tệp đã có nhưng chưa được tính: 05 tệp\n");
        expect_in(vi, "1.2/b.pdf – tệp hỏng hoặc chưa sao chép xong; đề nghị mở thử và lưu lại\n");
        expect_in(vi, "1.2/c.pdf – trùng nội dung với tệp đã được tính: 1.2/b.pdf\n");
        expect_in(vi, "1.2/d.pdf – nội dung là ảnh JPEG, yêu cầu tệp PDF hoặc văn bản Word (docx) "
                      "(đổi đuôi");
        expect_in(vi, "1.2/e.pdf – nội dung không đúng loại tệp yêu cầu (đổi đuôi");
        expect_in(vi,
                  "1.2/f.pdf – tên tệp không khớp mẫu yêu cầu; có lẽ thuộc về tiêu chí 1.3 (hạn "
                  "20/11/2018), chỉ được tính khi đặt đúng thư mục (\\\\server\\share\\1.3\\x)\n");
        assert_null(strstr(vi, "a.pdf"));
        expect_in(vi, "trước ngày 25/11/2018 (Chủ nhật); chậm nhất hết ngày 23/11/2018 (thứ Sáu), "
                      "còn 01 ngày làm việc\n");
        expect_in(vi, "Nơi lưu: \\\\server\\share\\1.2\n");
        expect_in(vi, "Đặt tên tệp: theo mẫu sau, dấu * là phần tùy ý\n     *.pdf\n");
        expect_in(vi, "Đã nhắc: 04 lần (lần gần nhất: 07 giờ 30 ngày 20/11/2018)\n");
        expect_in(vi, "nhắc lại lúc 07 giờ 30 ngày 23/11/2018, gửi VP\n");
        expect_in(vi, "(tên tệp bắt đầu bằng “GIAI-TRINH”)");
}

static void test_what_an_english_reminder_says(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *en = NULL;

        f->b.model->evidence.explanation = "*giai?trinh*";
        reminder_with_files(f, "2018-11-29 07:30");
        en = text_of(f, LANGUAGE_EN);
        expect_in(en, "1.2/d.pdf – it is a JPEG picture; a PDF or a Word document (docx) is asked "
                      "for (renaming does not change that)\n");
        expect_in(en, "in whose folder (\\\\server\\share\\1.3\\x) it would count\n");
        expect_in(en, "To: Head of unit – VP\n");
        expect_in(en, "Lead unit: VP\n");
        expect_in(en, "Maximum points: 2.00 points, at risk\n");
        expect_in(en, "before 25/11/2018 (Sunday), that is by the end of Friday 23/11/2018, 4 "
                      "working days overdue\n");
        expect_in(en, "on 30/11/2018 (in 1 working day) this goes to the Deputy Director\n");
        expect_in(en, "(file name like “*giai?trinh*”)");
}

/* The last one says so, be it the policy's or the last one before `closes`. */
static void test_the_last_reminder(void **state) {
        struct fixture *f = *state;
        struct task *task = (struct task *)find(f, "1.2@2018-11-25")->task;
        _cleanup_free_ char *open = NULL, *vi = NULL, *en = NULL;

        f->now = at("2018-11-29 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        open = text_of(f, LANGUAGE_EN);
        assert_null(strstr(open, "the last reminder"));
        task->closes = date_from_ymd(2018, 11, 29);
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        vi = text_of(f, LANGUAGE_VI);
        expect_in(vi, "đây là lần nhắc cuối");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        en = text_of(f, LANGUAGE_EN);
        expect_in(en, "this is the last reminder; if it is not complete, the coordinator is told");
}

/* The first reminder after a snooze or waiver is the notice of its end; those that follow say nothing of it any more. */
static void test_what_ended(void **state) {
        static const struct {
                enum episode_cause cause;
                const char *vi, *en;
        } rows[] = {
                {EPISODE_SNOOZE_ENDED, "Lưu ý: đã hết thời gian tạm dừng nhắc\n",
                 "Note: the time without reminders is over\n"},
                {EPISODE_WAIVER_ENDED, "Lưu ý: đã hết thời gian được miễn",
                 "Note: the waiver has ended"},
                {EPISODE_EXPLANATION_ENDED, "Lưu ý: văn bản giải trình không còn trong thư mục\n",
                 "Note: the written explanation is no longer in the folder\n"},
        };
        struct fixture *f = *state;
        struct history *h = &f->histories[find(f, "1.2@2018-11-25")->index];
        struct record sent = {.episode = 1, .at = at("2018-11-20 07:30"), .kind = RECORD_SENT};

        f->now = at("2018-11-22 07:30");
        h->records = &sent;
        h->n_records = 1;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *vi = NULL, *en = NULL, *later = NULL;

                h->episode = 2;
                h->cause = rows[i].cause;
                sent.episode = 1;
                add(f, NOTICE_REMINDER, "1.2@2018-11-25");
                vi = text_of(f, LANGUAGE_VI);
                expect_in(vi, rows[i].vi);
                add(f, NOTICE_REMINDER, "1.2@2018-11-25");
                en = text_of(f, LANGUAGE_EN);
                expect_in(en, rows[i].en);
                sent.episode = 2;
                add(f, NOTICE_REMINDER, "1.2@2018-11-25");
                later = text_of(f, LANGUAGE_EN);
                assert_null(strstr(later, "Note:"));
        }
}

/* How a mail ends depends on who reads it, and on what is done. */
static void test_closings(void **state) {
        struct fixture *f = *state;
        uint32_t have[] = {1};
        struct history *h = &f->histories[find(f, "1.2@2018-11-25")->index];
        _cleanup_free_ char *leader = NULL, *received = NULL, *complete = NULL;

        f->now = at("2018-11-30 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        leader = text_of(f, LANGUAGE_EN);
        expect_in(leader, "Unless it is completed, Sở A may lose the 2.00 points of this "
                          "criterion. Your direction");
        assert_null(strstr(leader, "GIAI-TRINH"));
        add(f, NOTICE_RECEIVED, "1.2@2018-11-25");
        received = text_of(f, LANGUAGE_EN);
        expect_in(received, "This only confirms that a file is there");
        assert_null(strstr(received, "for your cooperation"));
        h->have = have;
        h->n_have = 1;
        h->complete_at = at("2018-11-15 10:00");
        add(f, NOTICE_RECEIVED, "1.2@2018-11-25");
        complete = text_of(f, LANGUAGE_EN);
        expect_in(complete, "The evidence is complete. Thank you for your cooperation.");
        assert_null(strstr(complete, "This only confirms"));
}

/* "Before the deadline" only where there is one ahead; a file too many of what is complete asks for nothing. */
static void test_what_a_refusal_asks(void **state) {
        static const struct {
                const char *now;
                bool complete;
                const char *vi, *en;
        } rows[] = {
                {"2018-11-16 07:30", false, "lưu lại tệp đúng yêu cầu trước thời hạn.\n",
                 "store a correct file before the deadline.\n"},
                {"2018-11-28 07:30", false, "lưu lại tệp đúng yêu cầu.\n",
                 "store a correct file.\n"},
                {"2018-11-16 07:30", true,
                 "kiểm tra; nội dung này không còn thiếu tài liệu kiểm chứng.\n",
                 "Please check; no evidence is missing here any more.\n"},
        };
        struct fixture *f = *state;
        struct history *h = &f->histories[find(f, "1.2@2018-11-25")->index];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *vi = NULL, *en = NULL;

                f->now = at(rows[i].now);
                h->complete_at = rows[i].complete ? at("2018-11-15 10:00") : 0;
                add(f, NOTICE_REFUSED, "1.2@2018-11-25");
                vi = text_of(f, LANGUAGE_VI);
                expect_in(vi, rows[i].vi);
                add(f, NOTICE_REFUSED, "1.2@2018-11-25");
                en = text_of(f, LANGUAGE_EN);
                expect_in(en, rows[i].en);
        }
}

/* "4 of 4 are overdue" says no more than that they are. */
static void test_all_of_them(void **state) {
        static const struct {
                const char *now, *second, *vi, *en;
        } rows[] = {
                {"2018-11-28 07:30", "1.3@2018-11-27",
                 "02 tiêu chí sau đây đã quá hạn nhưng chưa đủ tài liệu kiểm chứng (nặng nhất",
                 "The evidence for the following 2 criteria is overdue and not complete (most"},
                {"2018-12-04 07:30", "1.3@2018-11-27",
                 "sách 02 tiêu chí đã quá hạn và chưa đủ tài liệu kiểm chứng (nặng nhất",
                 "reports 2 criteria whose evidence is overdue and not complete (most"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (int l = 0; l < 2; l++) {
                        _cleanup_free_ char *text = NULL;

                        f->now = at(rows[i].now);
                        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
                        add(f, NOTICE_REMINDER, rows[i].second);
                        text = text_of(f, l == 0 ? LANGUAGE_VI : LANGUAGE_EN);
                        expect_in(text, l == 0 ? rows[i].vi : rows[i].en);
                }
}

static void test_explaining_is_off(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *vi = NULL;

        f->b.model->evidence.explanation = NULL;
        f->now = at("2018-11-22 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        vi = text_of(f, LANGUAGE_VI);
        assert_null(strstr(vi, "giải trình"));
}

static void test_an_unheld_role_is_not_greeted(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *vi = NULL;

        ((struct role *)f->b.units[0].roles.items)[0].who.n =
                0; /* VP has no head: the coordinator got it */
        f->now = at("2018-11-26 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        vi = text_of(f, LANGUAGE_VI);
        expect_in(vi, "Kính gửi: Bộ phận CCHC\n");
}

/* The configuration's stand-in for a unit that is not named: its mail is the coordinator's. */
static void test_nobody_is_not_greeted(void **state) {
        struct fixture *f = *state;
        _cleanup_free_ char *vi = NULL;

        f->b.units[0].id = "-";
        f->b.units[0].name = "Chưa phân công";
        f->now = at("2018-11-22 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        vi = text_of(f, LANGUAGE_VI);
        expect_in(vi, "Kính gửi: Bộ phận CCHC\n");
}

static void test_reopened_by_a_person(void **state) {
        struct fixture *f = *state;

        f->now = at("2018-11-22 09:00");
        add(f, NOTICE_REOPENED, "1.2@2018-11-25")->text = "ký sai";
        expect_subject(f, "[P] Cảnh báo: tiêu chí 1.2 được mở lại, còn thiếu tài liệu kiểm chứng",
                       "[P] Warning: criterion 1.2 is open again, evidence is missing");
}

/* Three notices of one criterion are one item. */
static void test_reopened_names_its_files(void **state) {
        struct fixture *f = *state;
        struct file_note notes[] = {
                {.path = "1.2/a.pdf"},
                {.path = "1.2/b.pdf", .verdict = VERDICT_UNREADABLE},
                {.path = "1.2/c.pdf"},
        };
        _cleanup_free_ char *en = NULL;
        const char *folder;

        f->now = at("2018-11-22 09:00");
        for (size_t i = 0; i < ELEMENTSOF(notes); i++) {
                struct notice *n = add(f, NOTICE_REOPENED, "1.2@2018-11-25");

                n->files = &notes[i];
                n->n_files = 1;
        }
        en = text_of(f, LANGUAGE_EN);
        for (size_t i = 0; i < ELEMENTSOF(notes); i++)
                expect_in(en, notes[i].path);
        expect_in(en, "1.2/b.pdf – ");
        folder = strstr(en, "Folder");
        assert_non_null(folder);
        assert_null(strstr(folder + 1, "Folder"));
}

static void test_items_json(void **state) {
        struct fixture *f = *state;
        struct digest *d;
        _cleanup_free_ char *two = NULL, *none = NULL, *late = NULL;

        f->now = at("2018-11-16 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        add(f, NOTICE_REMINDER, "1.3@2018-11-20");
        d = one_digest(f);
        two = compose_items_json(f->model, d);
        assert_string_equal(two, "[{\"instance\":\"1.3@2018-11-20\",\"task\":\"1.3\",\"unit\":"
                                 "\"VP\",\"step\":\"-3wd\","
                                 "\"due\":\"2018-11-20\",\"stated\":\"2018-11-20\"},"
                                 "{\"instance\":\"1.2@2018-11-25\",\"task\":\"1.2\",\"unit\":"
                                 "\"VP\",\"step\":\"-5wd\","
                                 "\"due\":\"2018-11-23\",\"stated\":\"2018-11-25\"}]");
        f->notices[f->n++] = (struct notice){.kind = NOTICE_TROUBLE, .text = "x"};
        none = compose_items_json(f->model, one_digest(f));
        assert_string_equal(
                none, "[{\"instance\":null,\"task\":null,\"unit\":null,\"step\":null,\"due\":null,"
                      "\"stated\":null}]");
        f->now = at("2018-11-28 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        late = compose_items_json(f->model, one_digest(f));
        expect_in(late, "\"step\":\"+3wd\"");
}

static void test_items_json_is_json(void **state) {
        struct fixture *f = *state;
        struct instance odd = *find(f, "1.2@2018-11-25");
        struct task task = *odd.task;
        _cleanup_free_ char *json = NULL;

        task.id = "a\"b\\c\nệ";
        odd.task = &task;
        f->now = at("2018-11-16 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25")->instance = &odd;
        json = compose_items_json(f->model, one_digest(f));
        expect_in(json, "\"task\":\"a\\\"b\\\\c\\u000aệ\",");
}

/* Quoted-printable without its soft line ends. */
static char *join_lines(const char *bytes) {
        struct strbuf b = STRBUF_INIT;

        for (const char *s = bytes, *soft; *s; s = soft + 3) {
                soft = strstr(s, "=\r\n");
                strbuf_add(&b, s, soft ? (size_t)(soft - s) : strlen(s));
                if (!soft)
                        break;
        }
        return strbuf_steal(&b);
}

/* A bar is full, however its parts round. */
static void test_bars(void **state) {
        static const points_t points[][4] = {
                {100, 100, 100, 0}, {1, 1, 1, 9997},   {0, 0, 0, 5},
                {333, 333, 333, 1}, {1, 100000, 1, 1},
        };
        struct fixture *f = *state;
        struct report *weekly =
                builder_report(&f->b, "w", "FREQ=WEEKLY;BYDAY=MO", 27000, "director", "");

        for (size_t i = 0; i < ELEMENTSOF(points); i++) {
                struct scoreboard board = {};
                struct digest d = {
                        .kind = NOTICE_REPORT, .report = weekly, .at = at("2018-11-26 07:30")};
                struct compose_context context = context_of(f);
                _cleanup_(composed_done) struct composed c = {};
                _cleanup_free_ char *html = NULL;
                int sum = 0, width, n;

                for (int k = 0; k < 4; k++) {
                        board.total.points[k] = points[i][k];
                        board.total.max += points[i][k];
                }
                context.scores = &board;
                assert_int_equal(compose_message(&context, &d, &c), 0);
                html = join_lines(c.bytes);
                for (char *s = html; (s = strstr(s, "width=3D\"")); s += n) {
                        n = 0;
                        if (sscanf(s, "width=3D\"%d%%\" height%n", &width, &n) == 1 && n > 0)
                                sum += width;
                        assert_true(n == 0 || width >= 1);
                        n = n > 0 ? n : 1;
                }
                assert_int_equal(sum, 100);
        }
}

/* However much there is to say, it becomes a mail. */
static void test_too_much_to_say(void **state) {
        struct fixture *f = *state;
        struct notice first;
        struct file_note files[20];
        char quotes[600];

        memset(quotes, '"', sizeof(quotes) - 1);
        quotes[sizeof(quotes) - 1] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                files[i] = (struct file_note){
                        .path = quotes, .verdict = VERDICT_NAME, .detail = quotes};
        f->now = at("2018-11-16 07:30");
        first = *add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        for (int long_ones = 0; long_ones < 2; long_ones++) {
                _cleanup_(composed_done) struct composed c = {};
                struct compose_context context = context_of(f);
                struct digest *d;

                f->n = 0;
                for (size_t i = 0; i < MAX_ITEMS; i++) {
                        f->notices[f->n] = first;
                        f->notices[f->n].instance =
                                find(f, i % 2 ? "1.2@2018-11-25" : "1.3@2018-11-20");
                        if (long_ones) {
                                f->notices[f->n].files = files;
                                f->notices[f->n].n_files = ELEMENTSOF(files);
                        }
                        f->n++;
                }
                d = one_digest(f);
                d->language = LANGUAGE_EN;
                assert_int_equal(compose_message(&context, d, &c), 0);
                assert_true(c.size < 4u << 20);
                expect_in(c.text, long_ones ? "… and 1990 more." : "… and 1700 more.");
        }
}

static void test_a_bad_message_id(void **state) {
        struct fixture *f = *state;
        struct compose_context context = context_of(f);
        struct composed c = {.size = 7};
        struct digest *d;

        f->now = at("2018-11-16 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        d = one_digest(f);
        context.message_id = "<a@b>\r\nX: y";
        assert_int_equal(compose_message(&context, d, &c), -EINVAL);
        context.message_id = NULL;
        assert_int_equal(compose_message(&context, d, &c), -EINVAL);
        assert_int_equal(c.size, 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_what_a_reminder_says),
                TEST(test_what_an_english_reminder_says),
                TEST(test_the_last_reminder),
                TEST(test_what_ended),
                TEST(test_closings),
                TEST(test_what_a_refusal_asks),
                TEST(test_all_of_them),
                TEST(test_explaining_is_off),
                TEST(test_an_unheld_role_is_not_greeted),
                TEST(test_nobody_is_not_greeted),
                TEST(test_reopened_by_a_person),
                TEST(test_reopened_names_its_files),
                TEST(test_items_json),
                TEST(test_items_json_is_json),
                TEST(test_bars),
                TEST(test_too_much_to_say),
                TEST(test_a_bad_message_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
