/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "core/pattern.h"

static bool matches(const char *text, bool fold, const char *name) {
        struct arena *arena = arena_new();
        const struct pattern *pattern = NULL;
        const char *error = NULL;
        struct match_name m;
        bool met;

        if (pattern_compile(arena, text, fold, &pattern, &error) < 0)
                fail_msg("'%s' does not compile: %s", text, error);
        assert_true(pattern_is_fold(pattern) == fold);
        assert_int_equal(match_name_init(&m, name), 0);
        met = pattern_match(pattern, &m);
        match_name_done(&m);
        arena_free(arena);
        return met;
}

static const struct {
        const char *pattern, *name;
        bool plain, folded; /* does it match without and with folding? */
} cases[] = {
        {"a.pdf", "a.pdf", true, true},
        {"a.pdf", "A.PDF", true, true},
        {"A.PDF", "a.pdf", true, true},
        {"a.pdf", "a.pdf ", false, true},
        {"a.pdf", "\xe3\x80\x80 a \xc2\xa0.pdf\xc2\xa0 ", false, true},
        {"a.pdf", "a. pdf", false, false}, /* that one can be seen */
        {"a.pdf", "a-.pdf", false, false},
        {"a *.pdf", "a .pdf", true, true}, /* it may be asked for */
        {"*.pdf", "x.pdf\xc2\xa0", false, true},
        {"*.pdf", " ", false, false},
        {"a b.pdf",
         "a\xc2\xa0 \xe2\x80\xaf"
         "b.pdf",
         false, true},
        {"a\xc2\xa0"
         "b.pdf",
         "a b.pdf", false, true},
        {"ab.pdf",
         "a\xe2\x80\x8b"
         "b\xef\xbb\xbf.pdf",
         false, true}, /* no width at all */
        {"*", "anything", true, true},
        {"*", "", true, true},
        {"?", "", false, false},
        {"**", "x", true, true},
        {"a*b*c", "a--b--c", true, true},
        {"a*b*c", "abcb", false, false},
        {"a*bc", "abcbc", true, true},
        {"*.pdf", ".pdf", true, true},
        {"*.pdf", "x.pdf.exe", false, false},
        /* one letter is one letter, whatever its bytes or its composition */
        {"?", "\xc3\xa9", true, true},
        {"?", "e\xcc\x81", true, true},
        {"qu\xc3\xbd I", "quy\xcc\x81 I", true, true},
        {"quy\xcc\x81 I", "qu\xc3\xbd I", true, true},
        {"QU\xc3\x9d*", "qu\xc3\xbd I", true, true},
        /* diacritics and the crossed d, separators */
        {"bao cao*.pdf", "B\xc3\xa1o c\xc3\xa1o qu\xc3\xbd.pdf", false, true},
        {"B\xc3\xa1o c\xc3\xa1o*.pdf", "bao_cao-2018.pdf", false, true},
        {"dieu hanh", "\xc4\x90i\xe1\xbb\x81u h\xc3\xa0nh", false, true},
        {"*BC-SKHCN*CCHC*.pdf", "12_bc skhcn v/v cchc.pdf", false,
         false}, /* a '/' is never crossed */
        {"*BC-SKHCN*CCHC*.pdf", "12_bc_skhcn v. cchc 2018.PDF", false, true},
        {"a b", "a  b", false, true},
        {"a - b", "a_b", false, true},
        {"a_b", "a-b", false, true},
        {"GIAI-TRINH*", "Gi\xe1\xba\xa3i tr\xc3\xacnh 1.2.docx", false, true},
        /* brackets */
        {"[abc]x", "bx", true, true},
        {"[!abc]x", "bx", false, false},
        {"[^abc]x", "dx", true, true},
        {"[a-f]", "E", true, true},
        {"[A-F]", "e", true, true},
        {"[]]", "]", true, true},
        {"[!]]", "]", false, false},
        {"[a-]", "-", true, true},
        {"[\\]x]", "]", true, true},
        {"[\xc4\x91]", "d", false, true},
        {"[\xc4\x91]", "\xc4\x90", true, true},
        {"[d]", "\xc4\x91", false, true},
        {"[_]", "-", false, true},
        {"[!a]", "/", false, false},
        {"[e\xcc\x81]", "\xc3\xa9", true, true},
        {"*[0-9][0-9]*.{pdf,doc}", "x2018.DOC", true, true},
        /* braces */
        {"{a,b}.pdf", "b.pdf", true, true},
        {"{a,b}.pdf", "c.pdf", false, false},
        {"{a,b}.pdf", "a,b.pdf", false, false},
        {"x{,y}", "x", true, true},
        {"x{,y}", "xy", true, true},
        {"{a{b,c},d}e", "ace", true, true},
        {"{a{b,c},d}e", "de", true, true},
        {"{a{b,c},d}e", "abce", false, false},
        {"{a,b}{c,d}", "ad", true, true},
        {"{a,b}{c,d}", "bc", true, true},
        {"{a,b}{c,d}", "ab", false, false},
        {"{one}", "one", true, true},
        {"{*.pdf,b?}", "x.pdf", true, true},
        {"{a_,b}-c", "a-c", false, true}, /* runs are one across a brace too */
        {"a,b", "a,b", true, true},
        {"{[,}],x}", "}", true, true},
        /* quoting */
        {"\\*", "*", true, true},
        {"\\*", "x", false, false},
        {"\\{a\\}", "{a}", true, true},
        {"{a\\,b,c}", "a,b", true, true},
        {"a\\\\b", "a\\b", true, true},
        {"\\A", "a", true, true},
        /* a name that is no text matches nothing */
        {"*", "\xff\xfe", false, false},
        {"*", "a\xc3.pdf", false, false},
};

static void test_match(void **state) {
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                for (int fold = 0; fold < 2; fold++) {
                        bool want = fold ? cases[i].folded : cases[i].plain;

                        if (matches(cases[i].pattern, fold, cases[i].name) != want)
                                fail_msg("'%s' %s '%s' (fold %d)", cases[i].pattern,
                                         want ? "does not match" : "matches", cases[i].name, fold);
                }
}

static const char *const refused[] = {
        "",
        "[a",
        "[",
        "[]",
        "[!]",
        "{a",
        "a}",
        "{a,b",
        "{{a}",
        "a\\",
        "[a\\",
        "[z-a]",
        "a/b",
        "[/]",
        "\\/",
        "{}",
        "{,}",
        "\xff",
        "[\xc3\x9f]", /* ß is two letters when folded */
        "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
        "{{{{{{{{{{{{{{{{{a}}}}}}}}}}}}}}}}}",
};

static void test_refused(void **state) {
        (void)state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                struct arena *arena = arena_new();
                const struct pattern *pattern = NULL;
                const char *error = NULL;

                if (pattern_compile(arena, refused[i], true, &pattern, &error) != -EINVAL)
                        fail_msg("'%s' is not refused", refused[i]);
                assert_non_null(error);
                assert_null(pattern);
                arena_free(arena);
        }
}

static void test_limits(void **state) {
        struct arena *arena = arena_new();
        const struct pattern *pattern = NULL;
        const char *error = NULL;
        char text[1026];

        (void)state;
        memset(text, 'a', sizeof(text));
        text[1025] = '\0';
        assert_int_equal(pattern_compile(arena, text, true, &pattern, &error), -EINVAL);
        text[1024] = '\0';
        assert_int_equal(pattern_compile(arena, text, true, &pattern, &error), 0);
        /* 256 alternatives are allowed */
        assert_int_equal(pattern_compile(arena, "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", true,
                                         &pattern, &error),
                         0);
        arena_free(arena);
}

/* What makes a backtracking matcher run for years ends at once here. */
static void test_pathological(void **state) {
        struct arena *arena = arena_new();
        const struct pattern *pattern = NULL;
        const char *error = NULL;
        struct match_name m;
        char text[700], name[256];
        usec_t began = clock_monotonic();
        size_t n;

        (void)state;
        n = (size_t)snprintf(text, sizeof(text), "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}");
        while (n + 3 < sizeof(text)) {
                memcpy(text + n, "*a", 2);
                n += 2;
        }
        text[n++] = 'b';
        text[n] = '\0';
        memset(name, 'a', 255);
        name[255] = '\0';
        assert_int_equal(match_name_init(&m, name), 0);
        assert_int_equal(pattern_compile(arena, text, true, &pattern, &error), 0);
        assert_false(pattern_match(pattern, &m));
        assert_int_equal(pattern_compile(arena, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", false,
                                         &pattern, &error),
                         0);
        assert_false(pattern_match(pattern, &m));
        assert_true(clock_monotonic() - began < 5 * USEC_PER_SEC);
        match_name_done(&m);
        arena_free(arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_match),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_pathological),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
