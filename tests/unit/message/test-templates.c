/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/text.h"
#include "message/templates.h"

#define SHIPPED SOURCE_DIR "/conf/templates"

struct fixture {
        char dir[64];
        char errors[4096];
};

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));
        const char *tmp = getenv("TMPDIR");

        assert_non_null(f);
        snprintf(f->dir, sizeof(f->dir), "%s/templates-XXXXXX",
                 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
        assert_non_null(mkdtemp(f->dir));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;
        char command[100];

        snprintf(command, sizeof(command), "rm -rf -- '%s'", f->dir);
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
        free(f);
        return 0;
}

static void put(struct fixture *f, const char *path, const char *text) {
        char full[256];

        snprintf(full, sizeof(full), "%s/%s", f->dir, path);
        *strrchr(full, '/') = '\0';
        assert_int_equal(mkdir_p(full, 0755), 0);
        full[strlen(full)] = '/';
        assert_int_equal(write_file_atomic(full, text, strlen(text), 0644), 0);
}

static void on_error(void *userdata, const char *file, unsigned line, const char *text) {
        struct fixture *f = userdata;
        size_t len = strlen(f->errors);
        const char *name =
                strncmp(file, f->dir, strlen(f->dir)) == 0 ? file + strlen(f->dir) : file;

        snprintf(f->errors + len, sizeof(f->errors) - len, "%s:%u: %s\n", name, line, text);
}

static char *render(const struct templates *t, enum language language, const char *name) {
        struct strbuf b = STRBUF_INIT;

        assert_int_equal(templates_render(t, language, name, false, NULL, &b), 0);
        return strbuf_steal(&b);
}

static void expect(const struct templates *t, enum language language, const char *name,
                   const char *text) {
        _cleanup_free_ char *s = render(t, language, name);

        assert_string_equal(s, text);
}

static void test_shipped_ones_load(void **state) {
        struct fixture *f = *state;
        struct templates *t = NULL;

        if (templates_load(SHIPPED, NULL, on_error, f, &t) < 0)
                fail_msg("%s", f->errors);
        expect(t, LANGUAGE_VI, "weekday-sun", "Chủ nhật");
        expect(t, LANGUAGE_EN, "weekday-sun", "Sunday");
        assert_true(templates_have(t, LANGUAGE_EN, "mail.html"));
        assert_false(templates_have(t, LANGUAGE_EN, "nothing"));
        templates_free(t);
        assert_null(templates_free(NULL));
}

static void test_overriding_phrases(void **state) {
        struct fixture *f = *state;
        struct templates *t = NULL;

        put(f, "vi/strings",
            "# ours\nregards = Kính thư,\n   {{>signature}}\n\nsignature=   PHÒNG A  \n");
        assert_int_equal(templates_load(SHIPPED, f->dir, on_error, f, &t), 0);
        expect(t, LANGUAGE_VI, "signature", "PHÒNG A");
        expect(t, LANGUAGE_VI, "regards", "Kính thư, PHÒNG A");
        expect(t, LANGUAGE_EN, "signature", "The coordinator");
        expect(t, LANGUAGE_VI, "total", "Cộng");
        templates_free(t);
}

static void test_overriding_layouts(void **state) {
        struct fixture *f = *state;
        struct templates *t = NULL;

        put(f, "mail.text.mustache", "common\n");
        put(f, "en/mail.text.mustache", "English\n");
        put(f, "extra.mustache", "extra\n");
        put(f, "notes.txt", "{{");
        put(f, ".hidden.mustache", "{{");
        assert_int_equal(templates_load(SHIPPED, f->dir, on_error, f, &t), 0);
        expect(t, LANGUAGE_VI, "mail.text", "common\n");
        expect(t, LANGUAGE_EN, "mail.text", "English\n");
        expect(t, LANGUAGE_EN, "extra", "extra\n");
        templates_free(t);
}

static void test_a_missing_override_is_none(void **state) {
        struct templates *t = NULL;

        assert_int_equal(templates_load(SHIPPED, "/nonexistent/templates", on_error, *state, &t),
                         0);
        templates_free(t);
}

static void test_findings(void **state) {
        static const struct {
                const char *file, *text, *finding;
        } cases[] = {
                {"vi/strings", "total = {{#a}}\n", "/vi/strings:1: section 'a' is never closed"},
                {"vi/strings", "\n\ntotal {{a}}\n", "/vi/strings:3: expected 'key = text'"},
                {"vi/strings", "Total = x\n", "/vi/strings:1: expected 'key = text'"},
                {"vi/strings", "  goes on without a beginning\n", "/vi/strings:1: expected"},
                {"vi/strings", "total = {{>nowhere}}\n",
                 "/vi/strings:1: there is no 'nowhere' in language 'vi'"},
                {"vi/strings", "total = \xff\n", "/vi/strings:0: is no UTF-8 text"},
                {"en/mail.text.mustache", "a\n{{/b}}\n",
                 "/en/mail.text.mustache:2: no section is open"},
                {"vi/strings", "total = a{{>total}}\n",
                 "/vi/strings:1: 'total' would be put into itself in language 'vi'"},
                {"en/strings", "total = {{#a}}{{>regards}}{{/a}}\nregards = {{>total}}\n",
                 " would be put into itself in language 'en'"},
                {"mail.text.mustache", "{{>mail.text}}",
                 "/mail.text.mustache:1: 'mail.text' would"},
                {"mail.html.mustache", "\n{{> gone }}\n",
                 "/mail.html.mustache:2: there is no 'gone'"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                void *fresh;
                struct fixture *f;
                struct templates *t = NULL;

                assert_int_equal(setup(&fresh), 0);
                f = fresh;
                put(f, cases[i].file, cases[i].text);
                assert_int_equal(templates_load(SHIPPED, f->dir, on_error, f, &t), -EINVAL);
                assert_null(t);
                if (!strstr(f->errors, cases[i].finding))
                        fail_msg("%s: %s: not '%s'", cases[i].file, f->errors, cases[i].finding);
                teardown(&fresh);
        }
        (void)state;
}

static void test_nothing_there(void **state) {
        struct fixture *f = *state;
        struct templates *t = NULL;

        assert_int_equal(templates_load(f->dir, NULL, on_error, f, &t), -EINVAL);
        assert_non_null(strstr(f->errors, "there is no 'mail.text.mustache' for language 'vi'"));
        assert_non_null(strstr(f->errors, "there is no 'mail.html.mustache' for language 'en'"));
        assert_int_equal(templates_load(f->dir, NULL, NULL, NULL, &t), -EINVAL);
}

/* The same keys in both languages: a phrase that one lacks is a mail that fails in it. But what programs said
 * (said-…) is English as they said it. */
static void keys_of(const char *file, struct strbuf *ret) {
        _cleanup_free_ char *data = NULL;
        size_t size;

        assert_int_equal(read_file(file, 1 << 20, &data, &size), 0);
        for (char *line = data, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (*line && *line != '#' && *line != ' ' && !startswith(line, "said-")) {
                        strbuf_add(ret, line, strcspn(line, " ="));
                        strbuf_addc(ret, '\n');
                }
        }
}

static void test_languages_have_the_same_phrases(void **state) {
        _cleanup_(strbuf_done) struct strbuf vi = STRBUF_INIT, en = STRBUF_INIT;

        (void)state;
        keys_of(SHIPPED "/vi/strings", &vi);
        keys_of(SHIPPED "/en/strings", &en);
        assert_string_equal(strbuf_str(&vi), strbuf_str(&en));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_shipped_ones_load, setup, teardown),
                cmocka_unit_test_setup_teardown(test_overriding_phrases, setup, teardown),
                cmocka_unit_test_setup_teardown(test_overriding_layouts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_missing_override_is_none, setup, teardown),
                cmocka_unit_test(test_findings),
                cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
                cmocka_unit_test(test_languages_have_the_same_phrases),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
