/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/compose-fixture.h"

/* Subjects by the table of docs/messages.md. */

static void test_one_reminder(void **state) {
        static const struct {
                const char *now, *key, *vi, *en;
        } cases[] = {
                {"2018-11-16 07:30", "1.2@2018-11-25",
                 "[P] Nhắc việc: còn 05 ngày làm việc cung cấp tài liệu kiểm chứng tiêu chí 1.2 "
                 "(hạn 25/11/2018)",
                 "[P] Reminder: 5 working days left to supply evidence for criterion 1.2 (due "
                 "25/11/2018)"},
                {"2018-11-22 07:30", "1.2@2018-11-25",
                 "[P] Nhắc việc: còn 01 ngày làm việc cung cấp tài liệu kiểm chứng tiêu chí 1.2 "
                 "(hạn 25/11/2018)",
                 "[P] Reminder: 1 working day left to supply evidence for criterion 1.2 (due "
                 "25/11/2018)"},
                {"2018-11-23 07:30", "1.2@2018-11-25",
                 "[P] Đến hạn hôm nay (23/11/2018): tài liệu kiểm chứng tiêu chí 1.2",
                 "[P] Due today (23/11/2018): evidence for criterion 1.2"},
                {"2018-11-26 07:30", "1.2@2018-11-25",
                 "[P] QUÁ HẠN 01 ngày làm việc: tài liệu kiểm chứng tiêu chí 1.2 (VP)",
                 "[P] OVERDUE by 1 working day: evidence for criterion 1.2 (VP)"},
                {"2018-11-30 07:30", "1.2@2018-11-25",
                 "[P] Báo cáo: tiêu chí 1.2 quá hạn 05 ngày làm việc, kính đề nghị cho ý kiến chỉ "
                 "đạo",
                 "[P] Report: criterion 1.2 is 5 working days overdue, direction requested"},
                {"2018-12-07 07:30", "1.2@2018-11-25",
                 "[P] Báo cáo: tiêu chí 1.2 quá hạn 10 ngày làm việc, kính đề nghị cho ý kiến chỉ "
                 "đạo",
                 "[P] Report: criterion 1.2 is 10 working days overdue, direction requested"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                f->now = at(cases[i].now);
                add(f, NOTICE_REMINDER, cases[i].key);
                expect_subject(f, cases[i].vi, cases[i].en);
        }
}

static void test_several_reminders(void **state) {
        struct fixture *f = *state;

        f->now = at("2018-11-16 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        add(f, NOTICE_REMINDER, "1.3@2018-11-20");
        add(f, NOTICE_REMINDER, "1.3@2018-11-27"); /* the same criterion: counted once */
        expect_subject(f,
                       "[P] Nhắc việc: 02 tiêu chí cần cung cấp tài liệu kiểm chứng, gần nhất hạn "
                       "20/11/2018",
                       "[P] Reminder: 2 criteria need evidence, nearest due 20/11/2018");
        f->now = at("2018-11-20 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        add(f, NOTICE_REMINDER, "1.3@2018-11-20");
        expect_subject(f,
                       "[P] Đến hạn hôm nay (20/11/2018): tài liệu kiểm chứng 01 tiêu chí, 01 tiêu "
                       "chí khác sắp đến hạn",
                       "[P] Due today (20/11/2018): evidence for 1 criterion, 1 more due soon");
        f->now = at("2018-11-28 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        add(f, NOTICE_REMINDER, "1.3@2018-11-27");
        expect_subject(f, "[P] QUÁ HẠN: 02 tiêu chí chưa đủ tài liệu kiểm chứng",
                       "[P] OVERDUE: 2 criteria without complete evidence");
        f->now = at("2018-12-04 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        add(f, NOTICE_REMINDER, "1.3@2018-11-27");
        expect_subject(f,
                       "[P] Báo cáo: 02 tiêu chí quá hạn, 2,50 điểm có nguy cơ không được tính, "
                       "kính đề nghị cho ý kiến "
                       "chỉ đạo",
                       "[P] Report: 2 criteria overdue, 2.50 points at risk, direction requested");
}

/* The most severe item names the mail; the others are counted beside it. */
static void test_mixed_reminders(void **state) {
        struct fixture *f = *state;
        struct digest *d;
        struct compose_context context = context_of(f);
        _cleanup_free_ char *subject = NULL;

        f->now = at("2018-11-21 07:30");
        add(f, NOTICE_REMINDER, "1.3@2018-11-20");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        f->notices[1].rung = f->notices[0].rung; /* to the head as well */
        d = one_digest(f);
        d->language = LANGUAGE_VI;
        subject = compose_subject(&context, d);
        assert_string_equal(subject, "[P] QUÁ HẠN: 01 tiêu chí chưa đủ tài liệu kiểm chứng, 01 "
                                     "tiêu chí khác sắp đến hạn");
}

static void test_overdue_within_its_day(void **state) {
        struct fixture *f = *state;
        struct notice *n;

        f->now = at("2018-11-16 17:00"); /* the deadline was at 16:30 */
        n = add(f, NOTICE_REMINDER, "1.5@2018-11-16");
        n->days_left = 0;
        expect_subject(f, "[P] QUÁ HẠN: tài liệu kiểm chứng tiêu chí 1.5 (VP)",
                       "[P] OVERDUE: evidence for criterion 1.5 (VP)");
}

static void test_extended(void **state) {
        struct fixture *f = *state;
        const struct instance *instance = find(f, "1.2@2018-11-25");
        struct notice *n;

        f->histories[instance->index].extended_to = date_from_ymd(2018, 11, 30);
        f->now = at("2018-11-23 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        expect_subject(f,
                       "[P] Nhắc việc: còn 05 ngày làm việc cung cấp tài liệu kiểm chứng tiêu chí "
                       "1.2 (hạn 30/11/2018)",
                       "[P] Reminder: 5 working days left to supply evidence for criterion 1.2 "
                       "(due 30/11/2018)");
        n = add(f, NOTICE_DEADLINE_CHANGED, "1.2@2018-11-25");
        n->old_deadline = at("2018-11-24 00:00");
        expect_subject(f, "[P] Đã ghi nhận lùi hạn tiêu chí 1.2: 23/11/2018 → 30/11/2018",
                       "[P] Extension recorded for criterion 1.2: 23/11/2018 → 30/11/2018");
}

static void test_notices(void **state) {
        static const struct {
                enum notice_kind kind;
                const char *vi, *en, *vi_many, *en_many;
        } cases[] = {
                {NOTICE_RECEIVED, "Đã tiếp nhận tài liệu kiểm chứng tiêu chí 1.2 (00/01)",
                 "Evidence received for criterion 1.2 (0 of 1)",
                 "Đã tiếp nhận tài liệu kiểm chứng 02 tiêu chí",
                 "Evidence received for 2 criteria"},
                {NOTICE_COMPLETE, "Đã đủ tài liệu kiểm chứng tiêu chí 1.2 (00/01)",
                 "Evidence complete for criterion 1.2 (0 of 1)",
                 "Đã đủ tài liệu kiểm chứng 02 tiêu chí", "Evidence complete for 2 criteria"},
                {NOTICE_REFUSED,
                 "Cảnh báo: tệp lưu tại tiêu chí 1.2 chưa được tính là tài liệu kiểm chứng",
                 "Warning: a file under criterion 1.2 was not counted as evidence",
                 "Cảnh báo: 02 tệp chưa được tính là tài liệu kiểm chứng (02 tiêu chí)",
                 "Warning: 2 files were not counted as evidence (2 criteria)"},
                {NOTICE_REOPENED,
                 "Cảnh báo: tiêu chí 1.2 đã đủ nay thiếu tài liệu kiểm chứng, đề nghị kiểm tra",
                 "Warning: criterion 1.2 was complete and now lacks evidence, please check",
                 "Cảnh báo: 02 tiêu chí đã đủ nay thiếu tài liệu kiểm chứng, đề nghị kiểm tra",
                 "Warning: 2 criteria that were complete now lack evidence, please check"},
                {NOTICE_DEADLINE_CHANGED, "Đã ghi nhận thay đổi thời hạn tiêu chí 1.2: 25/11/2018",
                 "New deadline recorded for criterion 1.2: 25/11/2018",
                 "Đã ghi nhận thay đổi thời hạn 02 tiêu chí",
                 "New deadlines recorded for 2 criteria"},
                {NOTICE_CRITERIA_CHANGED,
                 "Thông báo: cập nhật danh mục tiêu chí (thêm 00, bỏ 00, thay đổi 01)",
                 "Notice: criteria list updated (0 added, 0 dropped, 1 changed)",
                 "Thông báo: cập nhật danh mục tiêu chí (thêm 00, bỏ 00, thay đổi 02)",
                 "Notice: criteria list updated (0 added, 0 dropped, 2 changed)"},
                {NOTICE_LADDER_ENDED,
                 "Báo cáo: tiêu chí 1.2 đã nhắc hết các bước mà chưa hoàn thành",
                 "Report: all reminders for criterion 1.2 were sent, it is still open",
                 "Báo cáo: 02 tiêu chí cần Bộ phận CCHC xử lý",
                 "Report: 2 criteria need the coordinator's attention"},
                {NOTICE_UNASSIGNED, "Báo cáo: tiêu chí 1.2 chưa được phân công đơn vị chủ trì",
                 "Report: criterion 1.2 has no lead unit",
                 "Báo cáo: 02 tiêu chí chưa được phân công đơn vị chủ trì",
                 "Report: 2 criteria have no lead unit"},
                {NOTICE_EXPLAINED, "Báo cáo: tiêu chí 1.2 có văn bản giải trình, đã dừng nhắc",
                 "Report: criterion 1.2 has a written explanation, reminders stopped",
                 "Báo cáo: 02 tiêu chí có văn bản giải trình, đã dừng nhắc",
                 "Report: 2 criteria have a written explanation, reminders stopped"},
        };
        struct fixture *f = *state;

        f->b.model->organization.subject_prefix = NULL;
        f->now = at("2018-11-16 07:30");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                add(f, cases[i].kind, "1.2@2018-11-25");
                expect_subject(f, cases[i].vi, cases[i].en);
                add(f, cases[i].kind, "1.2@2018-11-25");
                add(f, cases[i].kind, "1.3@2018-11-20");
                expect_subject(f, cases[i].vi_many, cases[i].en_many);
        }
}

/* A criterion that became complete by a file: one mail, and its subject is the good end. */
static void test_received_and_complete(void **state) {
        struct fixture *f = *state;
        uint32_t have[] = {1};
        struct history *h = &f->histories[find(f, "1.2@2018-11-25")->index];

        h->have = have;
        h->n_have = 1;
        h->complete_at = at("2018-11-15 10:00");
        f->now = at("2018-11-16 07:30");
        add(f, NOTICE_RECEIVED, "1.2@2018-11-25");
        add(f, NOTICE_COMPLETE, "1.2@2018-11-25");
        expect_subject(f, "[P] Đã đủ tài liệu kiểm chứng tiêu chí 1.2 (01/01)",
                       "[P] Evidence complete for criterion 1.2 (1 of 1)");
}

/* What was refused is no receipt: its criteria count only where nothing was received at all. */
static void test_received_and_refused(void **state) {
        struct fixture *f = *state;

        f->now = at("2018-11-16 07:30");
        add(f, NOTICE_RECEIVED, "1.2@2018-11-25");
        add(f, NOTICE_REFUSED, "1.2@2018-11-25");
        add(f, NOTICE_REFUSED, "1.3@2018-11-20");
        add(f, NOTICE_REFUSED, "1.5@2018-11-16");
        expect_subject(f, "[P] Đã tiếp nhận tài liệu kiểm chứng 01 tiêu chí, 03 tệp chưa được tính",
                       "[P] Evidence received for 1 criterion, 3 files not counted");
}

static void test_prefixes(void **state) {
        static const struct {
                const char *prefix, *begins;
        } cases[] = {
                {NULL, "Due today"},
                {"", "Due today"},
                {"[CCHC 2018]", "[CCHC 2018] Due today"},
                {"CCHC", "[CCHC] Due today"},
                {"CCHC {year}", "[CCHC 2018] Due today"},
                {"[{year}/{year}]", "[2018/2018] Due today"},
                {"a\r\nb", "[a  b] Due today"},
        };
        struct fixture *f = *state;
        struct compose_context context = context_of(f);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *subject = NULL;
                struct digest *d;

                f->b.model->organization.subject_prefix = cases[i].prefix;
                f->now = at("2018-11-23 07:30");
                add(f, NOTICE_REMINDER, "1.2@2018-11-25");
                d = one_digest(f);
                d->language = LANGUAGE_EN;
                subject = compose_subject(&context, d);
                if (strncmp(subject, cases[i].begins, strlen(cases[i].begins)) != 0)
                        fail_msg("'%s' does not begin with '%s'", subject, cases[i].begins);
        }
}

static void test_reports(void **state) {
        struct fixture *f = *state;
        struct report *daily = builder_report(&f->b, "d", "FREQ=DAILY", 27000, "unit", "head"),
                      *weekly = builder_report(&f->b, "w", "FREQ=WEEKLY;BYDAY=MO", 27000,
                                               "director,deputy", "");
        const struct history *pointers[64];
        bool wanted[3] = {true};
        struct notice_list list = {};

        daily->per_unit = true;
        for (size_t i = 0; i < f->set->n; i++)
                pointers[i] = &f->histories[i];
        f->now = at("2018-11-26 07:30");
        assert_int_equal(report_notices(f->model, f->set, pointers, daily, wanted, f->now, &list),
                         0);
        memcpy(f->notices, list.items, list.n * sizeof(*list.items));
        f->n = list.n;
        /* Overdue: 1.2, 1.3 (2018-11-20), 1.5; soon: 1.3 (2018-11-27). */
        expect_subject(f, "[P] Bảng theo dõi của VP ngày 26/11/2018: 03 quá hạn, 01 sắp đến hạn",
                       "[P] Evidence tracker, VP, 26/11/2018: 3 overdue, 1 due soon");
        list.n = 0;
        assert_int_equal(report_notices(f->model, f->set, pointers, weekly, wanted, f->now, &list),
                         0);
        memcpy(f->notices, list.items, list.n * sizeof(*list.items));
        f->n = list.n;
        expect_subject(f, "[P] Báo cáo tuần 47 (19/11–25/11/2018): 04 tiêu chí quá hạn (6,00 điểm)",
                       "[P] Weekly report 47 (19/11–25/11/2018): 4 criteria overdue (6.00 points)");
        array_done(&list);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_reminder),
                TEST(test_several_reminders),
                TEST(test_mixed_reminders),
                TEST(test_overdue_within_its_day),
                TEST(test_extended),
                TEST(test_notices),
                TEST(test_received_and_complete),
                TEST(test_received_and_refused),
                TEST(test_prefixes),
                TEST(test_reports),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
