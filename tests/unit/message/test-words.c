/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/zone.h"
#include "message/compose.h"
#include "message/document.h"
#include "message/words.h"

static struct templates *templates;
static struct strbuf sources;

static int setup(void **state) {
        (void)state;
        assert_int_equal(zone_init("Asia/Ho_Chi_Minh"), 0);
        return templates_load(SOURCE_DIR "/conf/templates", NULL, NULL, NULL, &templates);
}

static int teardown(void **state) {
        (void)state;
        templates = templates_free(templates);
        return 0;
}

static date_t day(const char *s) {
        date_t d;

        assert_int_equal(date_parse(s, &d), 0);
        return d;
}

static void test_both_languages(void **state) {
        struct value_pool pool = VALUE_POOL_INIT;
        struct words vi, en;
        usec_t t;

        (void)state;
        words_init(&vi, templates, LANGUAGE_VI, &pool);
        words_init(&en, templates, LANGUAGE_EN, &pool);
        assert_int_equal(zone_parse("2018-11-06 07:30", &t), 0);
        assert_string_equal(words_count(&vi, 5), "05");
        assert_string_equal(words_count(&vi, 123), "123");
        assert_string_equal(words_count(&en, 5), "5");
        assert_string_equal(words_points(&vi, 250), "2,50");
        assert_string_equal(words_points(&en, 6500), "65.00");
        assert_string_equal(words_points(&en, 5), "0.05");
        assert_string_equal(words_points(&en, -150), "-1.50");
        assert_string_equal(words_date(&vi, day("2018-06-05")), "05/06/2018");
        assert_string_equal(words_weekday(&vi, day("2018-11-25")), "Chủ nhật");
        assert_string_equal(words_weekday(&en, day("2018-11-23")), "Friday");
        assert_string_equal(words_time(&vi, 7 * 3600 + 1800), "07 giờ 30");
        assert_string_equal(words_time(&en, 16 * 3600), "16:00");
        assert_string_equal(words_moment(&vi, t), "07 giờ 30 ngày 06/11/2018");
        assert_string_equal(words_moment(&en, t), "07:30 on 06/11/2018");
        assert_string_equal(words_size(&vi, 1536), "1,5 KB");
        assert_string_equal(words_size(&en, 1536), "1.5 KB");
        assert_string_equal(words_key(&vi, "1.2@2018-03-05"), "1.2 (hạn 05/03/2018)");
        assert_string_equal(words_key(&en, "1.6@2018-04-27/VP"), "1.6 (due 27/04/2018), VP");
        assert_string_equal(words_key(&en, "a@b and more"), "a@b and more");
        assert_string_equal(words_key(&en, "no key"), "no key");
        assert_string_equal(words_named(&en, "role-", "head", NULL), "the head of the unit");
        assert_true(words_have(&en, "role-", "co_units"));
        assert_false(words_have(&en, "role-", "nobody"));
        assert_int_equal(vi.error, 0);
        assert_int_equal(en.error, 0);
        value_pool_done(&pool);
}

static void test_every_name_has_a_phrase(void **state) {
        struct value_pool pool = VALUE_POOL_INIT;

        (void)state;
        for (int l = 0; l < _LANGUAGE_MAX; l++) {
                struct words w;

                words_init(&w, templates, (enum language)l, &pool);
                for (int i = 0; i < _VERDICT_MAX; i++)
                        if (!words_have(&w, "verdict-", verdict_to_string((enum verdict)i)))
                                fail_msg("no words for verdict %s",
                                         verdict_to_string((enum verdict)i));
                for (int i = 0; i < _STATE_MAX; i++)
                        if (!words_have(&w, "state-", state_to_string((enum state)i)))
                                fail_msg("no words for state %s", state_to_string((enum state)i));
                for (int i = 0; i < BUCKET_SURVEYED; i++)
                        if (!words_have(&w, "bucket-", bucket_to_string((enum bucket)i)))
                                fail_msg("no words for bucket %s",
                                         bucket_to_string((enum bucket)i));
        }
        value_pool_done(&pool);
}

static void test_what_comes_from_outside(void **state) {
        struct value_pool pool = VALUE_POOL_INIT;
        char text[WORDS_MAX_TEXT * 3 + 1];
        struct words w;
        const char *s;

        (void)state;
        words_init(&w, templates, LANGUAGE_VI, &pool);
        assert_string_equal(words_clean(&w, NULL), "");
        assert_string_equal(words_clean(&w, "a\r\nb\tc\x7f"), "a  b c ");
        assert_string_equal(words_clean(&w, "\xff"), "\xef\xbf\xbd");
        for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
                memcpy(text + i, "ế", 3);
        text[sizeof(text) - 1] = '\0';
        s = words_clean(&w, text);
        assert_true(strlen(s) <= WORDS_MAX_TEXT + strlen("…") && strlen(s) > WORDS_MAX_TEXT - 3);
        assert_true(utf8_valid(s, strlen(s)) && endswith(s, "ế…"));
        memcpy(text + sizeof(text) - 1 - strlen("/bc.pdf"), "/bc.pdf", strlen("/bc.pdf"));
        memset(text + sizeof(text) - 10, 'x', 2);
        s = words_path(&w, text);
        assert_true(startswith(s, "…") && endswith(s, "/bc.pdf"));
        assert_true(utf8_valid(s, strlen(s)));
        value_pool_done(&pool);
}

static void test_a_missing_phrase_is_an_error(void **state) {
        struct value_pool pool = VALUE_POOL_INIT;
        struct words w;

        (void)state;
        words_init(&w, templates, LANGUAGE_VI, &pool);
        assert_string_equal(words_phrase(&w, "no-such-phrase", NULL), "");
        assert_int_equal(w.error, -EINVAL);
        value_pool_done(&pool);
}

static const struct {
        struct trouble trouble;
        const char *en, *vi;
} troubles[] = {
        {{.kind = TROUBLE_ROOT, .path = "/srv/a", .state = "missing", .detail = "why"},
         "Evidence root /srv/a: missing since 07:30 on 06/11/2018: why",
         "Thư mục tài liệu /srv/a: không tìm thấy từ 07 giờ 30 ngày 06/11/2018 (“why”)"},
        {{.kind = TROUBLE_LIMIT, .path = "/srv/a", .detail = "why"}, "/srv/a: why", "(“why”)"},
        {{.kind = TROUBLE_FOLDERS, .path = "/srv/a", .n = 2, .detail = "Permission denied"},
         "2 folders can not be read, among them /srv/a: Permission denied",
         "Có 2 thư mục không đọc được, trong đó có /srv/a (không có quyền truy cập: "
         "“Permission denied”)"},
        {{.kind = TROUBLE_FOLDERS, .path = "/srv/a", .n = 1}, "1 folder can", "Có 1 thư mục"},
        {{.kind = TROUBLE_FILES, .path = "/srv/a", .n = 2, .detail = "Permission denied"},
         "2 files that count can no longer be read, among them /srv/a: Permission denied.",
         "Có 2 tệp đã được tính nay không đọc được, trong đó có /srv/a (không có quyền"},
        {{.kind = TROUBLE_FILES, .path = "/srv/a", .n = 1}, "1 file that counts", "1 tệp"},
        {{.kind = TROUBLE_MAIL}, "since 07:30", "từ 07 giờ 30"},
        {{.kind = TROUBLE_FULL, .path = "/var/a"}, "in /var/a", "vào /var/a"},
        {{.kind = TROUBLE_SPACE, .path = "/var/a", .n = 9}, "9 KiB", "9 KiB"},
        {{.kind = TROUBLE_LEDGER, .n = 7}, "row 7", "dòng 7"},
        {{.kind = TROUBLE_BACKUP, .detail = "why"}, "failed: why", "trong đêm: “why”"},
        {{.kind = TROUBLE_ZONE, .path = "/usr/a"}, "(/usr/a)", "(/usr/a)"},
        {{.kind = TROUBLE_MAILBOX,
          .path = "a@b.example",
          .detail = "no connection within a minute",
          .about = "Subject"},
         "a@b.example: no connection within a minute – Subject",
         "a@b.example: sau một phút vẫn không kết nối được – Subject"},
        {{.kind = TROUBLE_CLOCK}, "to 08:00 on 06/11/2018", "sang 08 giờ 00 ngày 06/11/2018"},
};

/* Whatever goes wrong, in both languages, with all that is particular to it. */
static void test_troubles(void **state) {
        bool seen[_TROUBLE_KIND_MAX] = {};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(troubles); i++) {
                struct trouble t = troubles[i].trouble;
                _cleanup_free_ char *en = NULL, *vi = NULL;

                seen[t.kind] = true;
                assert_int_equal(zone_parse("2018-11-06 07:30", &t.since), 0);
                assert_int_equal(zone_parse("2018-11-06 08:00", &t.until), 0);
                en = compose_trouble(templates, LANGUAGE_EN, &t);
                vi = compose_trouble(templates, LANGUAGE_VI, &t);
                if (!strstr(en, troubles[i].en) || !strstr(vi, troubles[i].vi))
                        fail_msg("%s / %s", en, vi);
                assert_string_not_equal(en, vi);
        }
        for (int i = 0; i < _TROUBLE_KIND_MAX; i++)
                assert_true(seen[i]);
}

static void test_states_of_roots(void **state) {
        static const char *const states[] = {"scanning", "missing", "unreadable", "hung",
                                             "different"};
        struct value_pool pool = VALUE_POOL_INIT;
        struct words w;

        (void)state;
        for (int l = 0; l < _LANGUAGE_MAX; l++) {
                words_init(&w, templates, (enum language)l, &pool);
                for (size_t i = 0; i < ELEMENTSOF(states); i++)
                        assert_true(words_have(&w, "trouble-state-", states[i]));
        }
        value_pool_done(&pool);
}

/* What programs say is translated where it is known; servers are quoted. */
static void test_what_was_said(void **state) {
        static const struct {
                const char *said, *vi;
        } cases[] = {
                {"", ""},
                {"550 5.1.1 nobody", "550 5.1.1 nobody"},
                {"250", "250"},
                {"stored as 1.a", "đã lưu thành tệp “1.a”"},
                {"5501 nobody", "“5501 nobody”"},
                {"lost after the message: Timeout was reached",
                 "mất kết nối sau khi gửi xong thư: máy chủ không phản hồi: “Timeout was reached”"},
                {"not the reply that was due: 250 ok",
                 "máy chủ phản hồi không đúng giao thức SMTP: 250 ok"},
                {"Failed to connect to mx port 25 after 0 ms: Couldn't connect to server",
                 "không kết nối được đến máy chủ: “Failed to connect to mx port 25 after 0 ms: "
                 "Couldn't connect to server”"},
                {"no known words", "“no known words”"},
        };
        struct value_pool pool = VALUE_POOL_INIT;
        struct words vi, en;

        (void)state;
        words_init(&vi, templates, LANGUAGE_VI, &pool);
        words_init(&en, templates, LANGUAGE_EN, &pool);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_string_equal(said_words(&vi, cases[i].said), cases[i].vi);
                assert_string_equal(said_words(&en, cases[i].said), cases[i].said);
        }
        assert_string_equal(said_words(&vi, NULL), "");
        for (size_t i = 0; said_phrase(i); i++)
                if (!words_have(&vi, "said-", said_phrase(i)))
                        fail_msg("no words for said-%s", said_phrase(i));
        assert_int_equal(vi.error, 0);
        value_pool_done(&pool);
}

static int take_source(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        _cleanup_free_ char *data = NULL;
        size_t size;

        (void)st;
        (void)ftw;
        if (flag != FTW_F || !endswith(path, ".c") || endswith(path, "/said.c"))
                return 0;
        if (read_file(path, 1 << 20, &data, &size) < 0)
                return -1;
        strbuf_add(&sources, data, size);
        return 0;
}

/* A program that says it otherwise by now would be quoted, and nobody would notice. */
static void test_own_words_are_said(void **state) {
        (void)state;
        assert_int_equal(nftw(SOURCE_DIR "/daemon", take_source, 16, FTW_PHYS), 0);
        for (size_t i = 0; said_own(i); i++) {
                _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;

                for (const char *c = said_own(i); *c; c++)
                        strbuf_addf(&text, *c == '"' ? "\\%c" : "%c", *c);
                if (!strstr(strbuf_str(&sources), strbuf_str(&text)))
                        fail_msg("no program says '%s'", said_own(i));
        }
        strbuf_done(&sources);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_languages),
                cmocka_unit_test(test_every_name_has_a_phrase),
                cmocka_unit_test(test_troubles),
                cmocka_unit_test(test_states_of_roots),
                cmocka_unit_test(test_what_was_said),
                cmocka_unit_test(test_own_words_are_said),
                cmocka_unit_test(test_what_comes_from_outside),
                cmocka_unit_test(test_a_missing_phrase_is_an_error),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
