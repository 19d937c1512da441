/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/cleanup.h"
#include "base/text.h"

/* combining marks, for the decomposed spelling that macOS writes */
#define GRAVE "\xcc\x80"
#define ACUTE "\xcc\x81"
#define CIRCUMFLEX "\xcc\x82"
#define BREVE "\xcc\x86"
#define HOOK "\xcc\x89"
#define HORN "\xcc\x9b"
#define DOT_BELOW "\xcc\xa3"
#define REPLACEMENT "\xef\xbf\xbd"

static void test_utf8_valid(void **state) {
        static const struct {
                const char *text;
                size_t len;
                bool valid;
        } cases[] = {
                {"", 0, true},
                {"abc", 3, true},
                {"Sở", 4, true},
                {"\xf4\x8f\xbf\xbf", 4, true},  /* U+10FFFF */
                {"\xf4\x90\x80\x80", 4, false}, /* beyond */
                {"\xed\xa0\x80", 3, false},     /* a surrogate */
                {"\xc0\xaf", 2, false},         /* overlong '/' */
                {"\xe0\x80\xaf", 3, false},
                {"\xc3", 1, false}, /* cut */
                {"\xe1\xbb", 2, false},
                {"\x80", 1, false},
                {"\xff", 1, false},
                {"a\0b", 3, false},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(utf8_valid(cases[i].text, cases[i].len), cases[i].valid);
}

static void test_nfc(void **state) {
        static const struct {
                const char *text, *nfc;
        } cases[] = {
                {"", ""},
                {"plain", "plain"},
                {"Báo cáo", "Báo cáo"},
                {"Ba" ACUTE "o ca" ACUTE "o", "Báo cáo"},
                {"e" CIRCUMFLEX DOT_BELOW, "ệ"},
                {"e" DOT_BELOW CIRCUMFLEX, "ệ"}, /* marks in either order */
                {"ẹ" CIRCUMFLEX, "ệ"},
                {"o" HORN HOOK, "ở"},
                {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "한"},
                {"\xc3", NULL},
                {"ok\xff", NULL},
                {"a\xc3z", NULL},
                {"a\xe1\xbb", NULL},
                {"a\xe1\xbbz", NULL},
                {"a\xc0\x81", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *nfc = NULL;

                errno = 0;
                nfc = text_nfc(cases[i].text);
                if (!cases[i].nfc) {
                        assert_null(nfc);
                        assert_int_equal(errno, EILSEQ);
                } else
                        assert_string_equal(nfc, cases[i].nfc);
        }
}

static void test_fold(void **state) {
        static const struct {
                const char *text, *cased, *folded; /* without and with @diacritics */
        } cases[] = {
                {"", "", ""},
                {"BC-SKHCN", "bc-skhcn", "bc-skhcn"},
                {"a _-b", "a _-b", "a-b"},
                {"  a--b__", "  a--b__", "-a-b-"},
                {"Sở Khoa học", "sở khoa học", "so-khoa-hoc"},
                {"SỞ  KHOA_HỌC", "sở  khoa_học", "so-khoa-hoc"},
                {"So" HORN HOOK " Khoa ho" DOT_BELOW "c", "sở khoa học", "so-khoa-hoc"},
                {"Đánh giá ĐỘ", "đánh giá độ", "danh-gia-do"},
                {"quý I/2018.PDF", "quý i/2018.pdf", "quy-i/2018.pdf"},
                {"ă Ằ â Ế ô Ợ ư Ữ Ỵ", "ă ằ â ế ô ợ ư ữ ỵ", "a-a-a-e-o-o-u-u-y"},
                {"A" BREVE GRAVE, "ằ", "a"},
                {"x " GRAVE "- y", "x \xcc\x80- y",
                 "x-y"}, /* a mark between separators is gone before they meet */
                {"a\u00a0\u2003 b\u3000", "a\u00a0\u2003 b\u3000",
                 "a-b-"}, /* spaces, as they come */
                {"a\u200bb\ufeff\u00ad", "a\u200bb\ufeff\u00ad", "ab"},
                {"Straße", "strasse", "strasse"},
                {"ΣΊΣΥΦΟΣ", "σίσυφοσ", "σισυφοσ"},
                {"한글", "한글", "한글"}, /* taken apart for the marks, and put together again */
                {"\x01x\x7f\n", "\x01x\x7f\n", "\x01x\x7f\n"},
                {"\xe2\x82", NULL, NULL},
                {"a\xc3", NULL, NULL}, /* cut, wrong and overlong where the table is looked up */
                {"a\xc3z", NULL, NULL},
                {"a\xe1\xbb", NULL, NULL},
                {"a\xe1\xbb"
                 "a",
                 NULL, NULL},
                {"a\xc0\x81", NULL, NULL},
                {"a\xe1z\xbb", NULL, NULL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *cased = text_fold(cases[i].text, false);
                _cleanup_free_ char *folded = text_fold(cases[i].text, true);
                _cleanup_free_ char *again = folded ? text_fold(folded, true) : NULL;

                if (!cases[i].cased) {
                        assert_null(cased);
                        assert_null(folded);
                        continue;
                }
                assert_string_equal(cased, cases[i].cased);
                assert_string_equal(folded, cases[i].folded);
                assert_string_equal(again, folded);
        }
}

/* Every Vietnamese letter, upper and lower, folds to its base letter. */
static void test_fold_the_alphabet(void **state) {
        static const struct {
                const char *letters;
                char base;
        } cases[] = {
                {"AÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬaàáảãạăằắẳẵặâầấẩẫậ", 'a'},
                {"EÈÉẺẼẸÊỀẾỂỄỆeèéẻẽẹêềếểễệ", 'e'},
                {"IÌÍỈĨỊiìíỉĩị", 'i'},
                {"OÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢoòóỏõọôồốổỗộơờớởỡợ", 'o'},
                {"UÙÚỦŨỤƯỪỨỬỮỰuùúủũụưừứửữự", 'u'},
                {"YỲÝỶỸỴyỳýỷỹỵ", 'y'},
                {"DĐdđ", 'd'},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *folded = text_fold(cases[i].letters, true);

                for (const char *p = folded; *p; p++)
                        assert_int_equal(*p, cases[i].base);
                assert_int_equal(strlen(folded), text_width(cases[i].letters));
        }
}

/* For Latin letters there is a table, and for composed ones no normalising: every one as the library has it. */
static void test_short_cuts(void **state) {
        (void)state;
        for (ucs4_t c = 1; c < 0x2000; c++) {
                uint8_t s[16] = {}, normal[64] = {}, *end;
                size_t n = sizeof(normal) - 1;

                end = s + u8_uctomb(s, c, sizeof(s));
                u8_normalize(UNINORM_NFC, s, u8_strlen(s), normal, &n);
                _cleanup_free_ char *nfc = text_nfc((char *)s), *fast = text_fold((char *)s, true);
                assert_string_equal(nfc, (char *)normal);

                strcpy((char *)end, "\xe6\xbc\xa2"); /* a Han character, which has no short cut */
                _cleanup_free_ char *slow = text_fold((char *)s, true);
                assert_memory_equal(slow, fast, strlen(fast));
                assert_string_equal(slow + strlen(fast), "\xe6\xbc\xa2");
        }
}

static void test_natural_compare(void **state) {
        static const char *const ordered[] = {
                "",
                "1",
                "1.2",
                "1.02",
                "1.9",
                "1.10",
                "1.10.1",
                "1.99999999999999999999998",
                "1.99999999999999999999999",
                "1.100000000000000000000000",
                "2",
                "2a",
                "10",
                "A",
                "a",
                "a01b",
                "a1c",
                "a2",
                "a10",
                "ab",
                "Đ",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(ordered); i++)
                for (size_t k = 0; k < ELEMENTSOF(ordered); k++) {
                        int order = text_natural_compare(ordered[i], ordered[k]);
                        bool tie = (i == 2 && k == 3) ||
                                   (i == 3 && k == 2); /* by bytes: '2' after '0' */

                        if (tie)
                                order = -order;
                        if ((order < 0) != (i < k) || (order > 0) != (i > k))
                                fail_msg("'%s' and '%s': %d", ordered[i], ordered[k], order);
                }
}

static void test_width(void **state) {
        static const struct {
                const char *text;
                size_t width;
        } cases[] = {
                {"", 0},         {"abc", 3},       {"Sở", 2}, {"o" HORN HOOK, 1}, {"漢字", 4},
                {"\xff\xfe", 2}, {"a\xe1\xbb", 3}, {"\n", 1}, {"한글.pdf", 8},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(text_width(cases[i].text), cases[i].width);
}

static void test_sanitize(void **state) {
        static const struct {
                const char *text;
                size_t len;
                const char *clean;
        } cases[] = {
                {"", 0, ""},
                {"Sở\tKH\r\nCN", 11, "Sở KH  CN"},
                {"a\0b", 3, "a b"},
                {"\x1b[31mred\x7f", 9, " [31mred "},
                {"x\xc2\x9by", 4, "x y"},                    /* C1: CSI */
                {"x\xe2\x80\xa8y\xe2\x80\xa9z", 9, "x y z"}, /* line and paragraph separators */
                {"fdp\xe2\x80\xae.exe", 10, "fdp .exe"},     /* right-to-left override */
                {"\xe2\x81\xa6x\xe2\x81\xa9", 7, " x "},
                {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", 8, "   "},
                {"a\xff\xfe"
                 "b",
                 4, "a" REPLACEMENT REPLACEMENT "b"},
                {"\xe1\xbb", 2, REPLACEMENT REPLACEMENT}, /* cut at the end */
                {"\xed\xa0\x80", 3, REPLACEMENT REPLACEMENT REPLACEMENT},
                {"ok\xc3(", 4, "ok" REPLACEMENT "("},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *clean = text_sanitize(cases[i].text, cases[i].len);

                assert_string_equal(clean, cases[i].clean);
                assert_true(utf8_valid(clean, strlen(clean)));
        }
}

static void test_nearest(void **state) {
        static const char *const names[] = {"title", "points", "policy", "unit",
                                            "units", "due",    "đơn vị"};
        static const struct {
                const char *text, *nearest;
        } cases[] = {
                {"titel", "title"},
                {"tilte", "title"},
                {"ponits", "points"},
                {"polices", "policy"},
                {"unit", "unit"},
                {"unitz", "unit"},
                {"uints", "units"},
                {"deu", "due"},
                {"dx", NULL},
                {"ude", "due"},
                {"un", NULL},
                {"xyzzy", NULL},
                {"đon vị", "đơn vị"},
                {"đon vi", "đơn vị"},
                {"", NULL},
                {"\xff", NULL},
                {"pointsandmoreofthepointsandmoreofthepointsandmoreofthepointsandmore", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *nearest = text_nearest(cases[i].text, names, ELEMENTSOF(names));

                if (!streq_ptr(nearest, cases[i].nearest))
                        fail_msg("'%s' is near '%s'", cases[i].text, nearest ? nearest : "nothing");
        }
        assert_null(text_nearest("x", NULL, 0));
}

static void test_affixes(void **state) {
        (void)state;
        assert_true(startswith("maildir:sent", "maildir:"));
        assert_true(startswith("x", ""));
        assert_false(startswith("mail", "maildir:"));
        assert_true(endswith("a.conf", ".conf"));
        assert_true(endswith(".conf", ".conf"));
        assert_false(endswith("conf", ".conf"));
        assert_false(endswith("a.conf~", ".conf"));
        assert_true(streq_ptr(NULL, NULL));
        assert_true(streq_ptr("a", "a"));
        assert_false(streq_ptr("a", NULL));
        assert_false(streq_ptr(NULL, "a"));
        assert_false(streq_ptr("a", "b"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utf8_valid), cmocka_unit_test(test_nfc),
                cmocka_unit_test(test_fold),       cmocka_unit_test(test_fold_the_alphabet),
                cmocka_unit_test(test_short_cuts), cmocka_unit_test(test_natural_compare),
                cmocka_unit_test(test_width),      cmocka_unit_test(test_sanitize),
                cmocka_unit_test(test_nearest),    cmocka_unit_test(test_affixes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
