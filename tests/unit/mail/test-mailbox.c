/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/mailbox.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define D60 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

static void test_good(void **state) {
        static const struct {
                const char *address, *expect;
                bool utf8;
        } cases[] = {
                {"vp@skhcn.example", "vp@skhcn.example", false},
                {"a.b+c=d_e'f@x", "a.b+c=d_e'f@x", false},
                {"vp@Sở.example", "vp@xn--s-lym.example", false},
                {"vp@bücher.example", "vp@xn--bcher-kva.example", false},
                {"nguyễn@skhcn.example", "nguyễn@skhcn.example", true},
                {"nguyễn@sở.example", "nguyễn@xn--s-lym.example", true},
                {"a@mail_1.inside", "a@mail_1.inside", false},
                {"a@[192.0.2.1]", "a@[192.0.2.1]", false},
                {"a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]", false},
                {"a@mail-1.inside.example", "a@mail-1.inside.example", false},
                {"a@Mail.Example", "a@mail.example", false},
                {"a@3.x", "a@3.x", false},
                {"a@xn--s-lym.example", "a@xn--s-lym.example", false},
                {"a@" D60 "ddd.example", "a@" D60 "ddd.example", false},
                {X64 "@a.example", X64 "@a.example", false},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *address = NULL;
                const char *why;
                bool utf8 = !cases[i].utf8;

                if (mailbox_prepare(cases[i].address, &address, &utf8, &why) != 0)
                        fail_msg("%s %s", cases[i].address, why);
                assert_string_equal(address, cases[i].expect);
                assert_int_equal(utf8, cases[i].utf8);
        }
}

static void test_bad(void **state) {
        static const char *const cases[] = {
                "",
                "@",
                "a",
                "a@",
                "@b",
                "a@b@c",
                "a b@c",
                "a@b c",
                "a@b\n",
                "a@b\r\nDATA",
                "\ta@b",
                "a@b>",
                "<a@b",
                "\"a b\"@c",
                "a\\b@c",
                "a@b\x7f",
                "a\xC2\x85@b",
                "a@b\xC2\x85",
                "\xff@b",
                "a@\xff",
                "a@b..c",
                "a@.b",
                "a@b.",
                "a@[192.0.2.1",
                "a@[",
                "a@[đ]",
                "a@-b-",
                "a@b,c",
                "a@b;c",
                "a@b(c)",
                "a@b/c",
                "a@b:25",
                "a@xn--.example",
                "a@" D60 "dddd.example",
                X64 "x@b",
                "a@" D60 "." D60 "." D60 "." D60 "." D60,
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *address = NULL;
                const char *why = NULL;
                bool utf8;

                if (mailbox_prepare(cases[i], &address, &utf8, &why) != -EINVAL)
                        fail_msg("'%s' is taken for an address", cases[i]);
                assert_null(address);
                assert_non_null(why);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
