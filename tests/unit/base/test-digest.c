/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

/* FIPS 180-4 examples (NIST CSRC), and the empty message */
static const struct {
        const char *text, *hex;
} known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void test_known(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                uint8_t digest[SHA256_SIZE];
                char hex[SHA256_HEX];

                assert_int_equal(sha256_of(known[i].text, strlen(known[i].text), digest), 0);
                assert_string_equal(hex_encode(digest, sizeof(digest), hex), known[i].hex);
        }
}

static void test_in_pieces(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                _cleanup_(sha256_free_p) struct sha256 *d = sha256_new();
                uint8_t digest[SHA256_SIZE];
                char hex[SHA256_HEX];

                assert_non_null(d);
                for (const char *p = known[i].text; *p; p++)
                        assert_int_equal(sha256_update(d, p, 1), 0);
                assert_int_equal(sha256_final(d, digest), 0);
                assert_string_equal(hex_encode(digest, sizeof(digest), hex), known[i].hex);
        }
}

static void test_not_after_the_end(void **state) {
        _cleanup_(sha256_free_p) struct sha256 *d = sha256_new();
        uint8_t digest[SHA256_SIZE];

        (void)state;
        assert_int_equal(sha256_final(d, digest), 0);
        assert_int_equal(sha256_update(d, "x", 1), -EINVAL);
        assert_int_equal(sha256_final(d, digest), -EINVAL);
        assert_null(sha256_free(NULL));
}

static void test_hex(void **state) {
        static const struct {
                const char *hex;
                int result;
        } cases[] = {
                {"00ff7f", 0},        {"00FF7f", 0},       {"00ff7", -EINVAL},
                {"00ff7f0", -EINVAL}, {"", -EINVAL},       {"00ff7g", -EINVAL},
                {" 0ff7f", -EINVAL},  {"0x00ff", -EINVAL}, {"00ff7f00", -EINVAL},
        };
        char hex[7];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint8_t bytes[3] = {1, 2, 3};

                assert_int_equal(hex_decode(cases[i].hex, bytes, 3), cases[i].result);
                assert_string_equal(hex_encode(bytes, 3, hex),
                                    cases[i].result ? "010203" : "00ff7f");
        }
        assert_int_equal(hex_decode("", (uint8_t *)hex, 0), 0);
        assert_string_equal(hex_encode((const uint8_t *)"", 0, hex), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known),
                cmocka_unit_test(test_in_pieces),
                cmocka_unit_test(test_not_after_the_end),
                cmocka_unit_test(test_hex),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
