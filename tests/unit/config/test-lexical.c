/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/lexical.h"

#define TEXT(s) s, sizeof(s) - 1

static const struct {
        const char *text;
        size_t size;
        int r;
        unsigned line;       /* of the one finding; 0: none */
        const char *finding; /* a part of it */
        const char *mended;  /* NULL: as it was */
} cases[] = {
        {TEXT("")},
        {TEXT("a = 1;\n")},
        {TEXT("a = \"@include \\\" [1,] 010\"; # @include 010 ,]\n// ,] @\n/* @include \"x\" \n "
              "010 */ b = 2;")},
        {TEXT("url = \"smtp://x\"; a010 = [ 1, 2 ]; b-2 = -0.5; c = 1e400; d = .5;")},
        {TEXT("a = 2147483647; b = -2147483647; c = 0;")},
        {TEXT("a = \"\\\\\"; b = \"\\\\\\\"\"; c = \"\\x41\";")},
        {TEXT("ab\n\n@include \"x\"\n"), 0, 3, "@include", "ab\n\n#include \"x\"\n"},
        {TEXT("a = @x;\n"), 0, 1, "unexpected '@'", "a = #x;\n"},
        {TEXT("\n a = 2147483648;"), 0, 2, "2147483648 is too large", "\n a = 1         ;"},
        {TEXT("a = -99999999999999999999999;"), 0, 1, "too large", "a = 1                       ;"},
        {TEXT("a = -010;"), 0, 1, "leading zero", "a = 1   ;"},
        {TEXT("a = \"b\"\n\"c\"; d = \"e\";")}, /* a long text may go on in the next line */
        {TEXT("a = [ \"b\", \"c\" ]; d = { e = [ \"f\" ]; g = \"h\" \"i\"; };")},
        {TEXT("a = [ \"b\"\n # x\n \"c\" ];"), 0, 3, "no comma between"},
        {TEXT("a = ( \"b\", { c = 1; }, \"d\" \"e\" );"), 0, 1, "no comma between"},
        {TEXT("a = 1;\nb = “c”;"), -EINVAL, 2, "unexpected “: texts"},
        {TEXT("a = 'b';"), -EINVAL, 1, "unexpected ': texts"},
        {TEXT("a = 0xffL;"), 0, 1, "decimal", "a = 1    ;"},
        {TEXT("a = 5LL;"), 0, 1, "without L", "a = 5  ;"},
        {TEXT("a = [ 1, 2,\n ];"), 0, 1, "comma before the closing ']'", "a = [ 1, 2 \n ];"},
        {TEXT("a = ( 1, # x\n );"), 0, 1, "comma before the closing ')'", "a = ( 1  # x\n );"},
        {TEXT("a = { b = 1, };")}, /* allowed everywhere: it ends a setting */
        {TEXT("a = \"\\u1ebf\";"), 0, 1, "\\u does not"},
        {TEXT("a = \"\\x00\";"), 0, 1, "\\x00", "a = \"\\x01\";"},
        {TEXT("a = 1;\nb = \"x\ny"), -EINVAL, 2, "a \" is missing"},
        {TEXT("a = \"x\\"), -EINVAL, 1, "a \" is missing"},
        {TEXT("a = 1;\n/* x *\n/"), -EINVAL, 2, "never closed"},
        {TEXT("/*/"), -EINVAL, 1, "never closed"},
        {TEXT("\xef\xbb\xbf"
              "a = 1;"),
         -EINVAL, 1, "byte order mark"},
        {TEXT("a = 1;\nb\0c"), -EINVAL, 2, "NUL"},
        {TEXT("a = 1;\n# \xc3\x28\n"), -EINVAL, 2, "not valid UTF-8"},
        {TEXT("a = 1;\n\n# \xed\xa0\x80"), -EINVAL, 3, "not valid UTF-8"},
        {TEXT("((((((((((((((((((((((((((((((((")}, /* 32, for libconfig to refuse */
        {TEXT("{[({[({[({[({[({[({[({[({[({[({[\n("), -EINVAL, 2, "nested"},
};

static void test_cases(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct findings findings = FINDINGS_INIT;
                _cleanup_free_ char *text = malloc(cases[i].size + 1);

                memcpy(text, cases[i].text, cases[i].size + 1);
                int r = lexical_check(&findings, "x", text, cases[i].size);
                if (r != cases[i].r || findings.n != (cases[i].line > 0))
                        fail_msg("case %zu: %d, %zu findings%s%s", i, r, findings.n,
                                 findings.n ? ", " : "", findings.n ? findings.items[0].text : "");
                if (findings.n > 0) {
                        if (!strstr(findings.items[0].text, cases[i].finding))
                                fail_msg("case %zu: \"%s\"", i, findings.items[0].text);
                        assert_int_equal(findings.items[0].line, cases[i].line);
                }
                if (r == 0)
                        assert_string_equal(text,
                                            cases[i].mended ? cases[i].mended : cases[i].text);
                findings_done(&findings);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
