/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "config/address.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static const struct {
        const char *text;
        const char *display, *spec, *key; /* spec NULL: refused */
} cases[] = {
        {"vp@skhcn.example", NULL, "vp@skhcn.example", "vp@skhcn.example"},
        {"  vp@skhcn.example ", NULL, "vp@skhcn.example", "vp@skhcn.example"},
        {"VP.Office@SKHCN.Example", NULL, "VP.Office@skhcn.example", "vp.office@skhcn.example"},
        {"Bộ phận CCHC <cchc@skhcn.example>", "Bộ phận CCHC", "cchc@skhcn.example",
         "cchc@skhcn.example"},
        {"<cchc@skhcn.example>", NULL, "cchc@skhcn.example", "cchc@skhcn.example"},
        {"\"Sở \\\"KH\\\", CN\" <a@b.example>", "Sở \"KH\", CN", "a@b.example", "a@b.example"},
        {"Văn phòng, Sở <a@b.example>", "Văn phòng, Sở", "a@b.example", "a@b.example"},
        {"a+tag@b.example", NULL, "a+tag@b.example", "a+tag@b.example"},
        {"a@bücher.example", NULL, "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        {"a@Bücher.example", NULL, "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        {"root@localhost", NULL, "root@localhost", "root@localhost"},
        {A60 "aaaa@b.example", NULL, A60 "aaaa@b.example", A60 "aaaa@b.example"},
        {A60 "aaaaa@b.example"},
        {""},
        {"@"},
        {"a@"},
        {"@b.example"},
        {"a"},
        {"a b@c.example"},
        {"a@b@c.example"},
        {"a..b@c.example"},
        {".a@c.example"},
        {"a.@c.example"},
        {"a@-b.example"},
        {"a@b-.example"},
        {"a@b..example"},
        {"a@b.example."},
        {"a@" A60 "aaaa.example"},
        {"a@[127.0.0.1]"},
        {"a@b_c.example"},
        {"\"a b\"@c.example"},
        {"à@b.example", NULL, "à@b.example", "à@b.example"},
        {"Nguyễn.Văn@b.example", NULL, "Nguyễn.Văn@b.example", "nguyễn.văn@b.example"},
        {"NGUYỄN@b.example", NULL, "NGUYỄN@b.example", "nguyễn@b.example"},
        {"Nguye\u0302\u0303n@b.example", NULL, "Nguyễn@b.example", "nguyễn@b.example"},
        {"Đào <đào@sở.example>", "Đào", "đào@xn--s-lym.example", "đào@xn--s-lym.example"},
        {"à..b@b.example"},
        {"à b@b.example"},
        {"a\u00a0b@b.example"},
        {"a\xc2\x85@b.example"},
        {"a\u200bb@b.example"},
        {"a\u202eb@b.example"},
        {"a\u2028b@b.example"},
        {"a\ufeffb@b.example"},
        {"ệệệệệệệệệệệệệệệệệệệệệệ@b.example"}, /* 66 bytes */
        {"a@b.example\r\nRCPT TO:<x@y.example>"},
        {"a@b.example\n"},
        {"Name\r\nBcc: x@y.example <a@b.example>"},
        {"a@b.example>, <c@d.example"},
        {"a@b.example, c@d.example"},
        {"a@b.example, C <c@d.example>"},
        {"A <a@b.example> <c@d.example>"},
        {"\"A <a@b.example>"},
        {"\"A\" B <a@b.example>"},
        {"A <a@b.example"},
        {"A a@b.example>"},
        {"A <a@b.example> x"},
        {"a\x7f@b.example"},
        {"a@b\tc.example"},
};

static void test_addresses(void **state) {
        struct arena *arena = arena_new();

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct address address = {.spec = "untouched"};
                const char *error = NULL;
                int r = address_parse(arena, cases[i].text, &address, &error);

                if (!cases[i].spec) {
                        if (r != -EINVAL)
                                fail_msg("\"%s\" was taken as %s", cases[i].text, address.spec);
                        assert_non_null(error);
                        assert_string_equal(address.spec, "untouched");
                        continue;
                }
                if (r < 0)
                        fail_msg("\"%s\": %s", cases[i].text, error);
                assert_string_equal(address.spec, cases[i].spec);
                assert_string_equal(address.key, cases[i].key);
                if (cases[i].display)
                        assert_string_equal(address.display, cases[i].display);
                else
                        assert_null(address.display);
        }
        arena_free(arena);
}

static void test_long_domain(void **state) {
        struct arena *arena = arena_new();
        struct address address;
        const char *error;

        (void)state;
        /* 4 × 61 + 7 = 251 characters: a domain, but too long behind "aaa@" for an address */
        const char *domain = A60 "." A60 "." A60 "." A60 ".example";
        assert_int_equal(domain_parse(arena, domain, &(const char *){NULL}, &error), 0);
        assert_int_equal(
                address_parse(arena, arena_printf(arena, "a@%s", domain), &address, &error), 0);
        assert_int_equal(
                address_parse(arena, arena_printf(arena, "aaa@%s", domain), &address, &error),
                -EINVAL);
        arena_free(arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses),
                                           cmocka_unit_test(test_long_domain)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
