/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/model-builder.h"
#include "core/report.h"
#include "message/compose.h"

/* Subjects by the table of docs/messages.md, and what a mail says of its items. The form of mails: tests/message. */

#define MAX_ITEMS 2000

struct fixture {
        struct builder b;
        const struct model *model;
        struct instance_set *set;
        struct templates *templates;
        struct history histories[64];
        usec_t now;
        struct notice notices[MAX_ITEMS];
        size_t n;
        struct digest_list digests;
};

static void add_tasks(struct builder *b) {
        struct task *t = builder_task(b, "1.2", "VP", "2018-11-25");

        t->due_word = DUE_WORD_BEFORE;
        t->title = "Báo cáo CCHC";
        t->points = 200;
        builder_task(b, "1.3", "VP", "2018-11-20, 2018-11-27")->points = 50;
        builder_task(b, "1.4", "KHTC", "2018-11-20")->points = 250;
        builder_task(b, "1.5", "VP", "2018-11-16 16:30");
        builder_task(b, "1.6", "VP", NULL);
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        builder_init(&f->b);
        f->b.model->organization.name = "Sở A";
        f->b.model->organization.short_name = "A";
        f->b.model->organization.subject_prefix = "[P]";
        f->b.model->mail.from = builder_addresses(&f->b, "from@d.example").items[0];
        f->b.model->mail.calendar_attachment = true;
        f->b.model->evidence.roots = builder_strings(&f->b, "/srv/evidence");
        f->b.model->evidence.explanation = "GIAI-TRINH*";
        add_tasks(&f->b);
        f->model = builder_finish(&f->b);
        f->set = builder_instances(f->model);
        for (size_t i = 0; i < f->set->n; i++)
                f->histories[i] = history_at(at("2018-01-02 08:00"));
        assert_int_equal(
                templates_load(SOURCE_DIR "/conf/templates", NULL, NULL, NULL, &f->templates), 0);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        digest_list_done(&f->digests);
        templates_free(f->templates);
        instance_set_free(f->set);
        builder_done(&f->b);
        free(f);
        return 0;
}

static const struct instance *find(const struct fixture *f, const char *key) {
        const struct instance *instance = instance_set_find(f->set, key);

        if (!instance)
                fail_msg("no instance '%s'", key);
        return instance;
}

static struct notice *add(struct fixture *f, enum notice_kind kind, const char *key) {
        const struct instance *instance = find(f, key);
        struct history *h = &f->histories[instance->index];
        struct reminder reminder = {};

        if (kind != NOTICE_REMINDER) {
                f->notices[f->n] = notice_about(f->model, kind, instance, h, f->now);
                return &f->notices[f->n++];
        }
        assert_int_equal(reminder_of(f->model, instance, h, f->now, &reminder), 0);
        assert_non_null(reminder.rung);
        f->notices[f->n] = notice_from_reminder(f->model, &reminder, f->now);
        free((void *)reminder.superseded);
        return &f->notices[f->n++];
}

static struct digest *one_digest(struct fixture *f) {
        digest_list_done(&f->digests);
        assert_int_equal(digests_build(f->model, f->notices, f->n, f->now, &f->digests), 0);
        assert_int_equal(f->digests.n, 1);
        f->n = 0;
        return &f->digests.items[0];
}

static struct compose_context context_of(const struct fixture *f) {
        return (struct compose_context){
                .model = f->model, .templates = f->templates, .message_id = "<1@d.example>"};
}

static void expect_subject(struct fixture *f, const char *vi, const char *en) {
        struct digest *d = one_digest(f);
        struct compose_context context = context_of(f);

        for (int i = 0; i < 2; i++) {
                _cleanup_(composed_done) struct composed c = {};
                _cleanup_free_ char *subject = NULL;

                d->language = i == 0 ? LANGUAGE_VI : LANGUAGE_EN;
                subject = compose_subject(&context, d);
                assert_string_equal(subject, i == 0 ? vi : en);
                assert_int_equal(compose_message(&context, d, &c), 0);
                assert_string_equal(c.subject, subject);
        }
}

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
                 "Cảnh báo: tài liệu kiểm chứng tiêu chí 1.2 không còn trong thư mục, đề nghị kiểm "
                 "tra",
                 "Warning: evidence for criterion 1.2 is no longer in its folder, please check",
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
                 "Report: 2 criteria need the PAR team's attention"},
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

static void test_what_a_reminder_says(void **state) {
        static const struct file_note files[] = {
                {.path = "1.2/a.pdf", .verdict = VERDICT_COUNTED},
                {.path = "1.2/b.pdf", .verdict = VERDICT_BROKEN},
                {.path = "1.2/c.pdf", .verdict = VERDICT_DUPLICATE, .detail = "1.3@2018-11-20"},
        };
        struct fixture *f = *state;
        _cleanup_free_ char *vi = NULL, *en = NULL;
        struct notice *n;

        f->b.model->evidence.display = builder_strings(&f->b, "\\\\server\\share");
        f->now = at("2018-11-22 07:30");
        n = add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        n->files = files;
        n->n_files = ELEMENTSOF(files);
        n->n_reminded = 4;
        n->last_reminded = at("2018-11-20 07:30");
        vi = text_of(f, LANGUAGE_VI);
        expect_in(vi, "Kính gửi: VP\n");
        expect_in(vi, "1.2 – Báo cáo CCHC: còn 01 ngày làm việc\n");
        expect_in(vi, "Điểm tối đa: 2,00 điểm\n");
        expect_in(vi, "đã có 00/01; còn thiếu: *.pdf\n");
        expect_in(vi, "Tệp đã có nhưng chưa được tính: 02 tệp\n");
        expect_in(vi, "1.2/b.pdf – tệp hỏng hoặc chưa sao chép xong\n");
        expect_in(vi, "1.2/c.pdf – trùng nội dung với tệp đã được tính: 1.3 (hạn 20/11/2018)\n");
        assert_null(strstr(vi, "a.pdf"));
        expect_in(vi, "trước ngày 25/11/2018 (Chủ nhật); chậm nhất hết ngày 23/11/2018 (thứ Sáu), "
                      "còn 01 ngày làm việc\n");
        expect_in(vi, "Nơi lưu: \\\\server\\share\\1.2\n");
        expect_in(vi, "Đã nhắc: 04 lần (lần gần nhất: 07 giờ 30 ngày 20/11/2018)\n");
        expect_in(vi, "nhắc lại lúc 07 giờ 30 ngày 23/11/2018, gửi VP\n");
        expect_in(vi, "(tên tệp bắt đầu bằng “GIAI-TRINH”)");
        f->b.model->evidence.explanation = "*giai?trinh*";
        f->now = at("2018-11-29 07:30");
        add(f, NOTICE_REMINDER, "1.2@2018-11-25");
        en = text_of(f, LANGUAGE_EN);
        expect_in(en, "To: Head of unit – VP\n");
        expect_in(en, "Lead unit: VP\n");
        expect_in(en, "Maximum points: 2.00 points, at risk\n");
        expect_in(en, "before 25/11/2018 (Sunday), that is by the end of Friday 23/11/2018, 4 "
                      "working days overdue\n");
        expect_in(en, "on 30/11/2018 (in 1 working day) this goes to the Deputy Director in charge "
                      "of PAR\n");
        expect_in(en, "(file name like “*giai?trinh*”)");
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_reminder),
                TEST(test_several_reminders),
                TEST(test_mixed_reminders),
                TEST(test_overdue_within_its_day),
                TEST(test_extended),
                TEST(test_notices),
                TEST(test_received_and_complete),
                TEST(test_prefixes),
                TEST(test_reports),
                TEST(test_what_a_reminder_says),
                TEST(test_closings),
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
