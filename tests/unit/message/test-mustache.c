/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "message/mustache.h"

/*
 * The context of all cases:
 *         name = "Ann & <Bob>", plain = "x", empty = "", person = { name = "Zoe", home = { town = "Huế" } },
 *         words = [ "a", "b", "c" ], none = [ ], people = [ { name = "One" }, { } ], lines = "1\n2"
 * and the partials `hello` ("Hello {{plain}}!\n"), `lines` (two lines and an indented one), `inline` ("[{{plain}}]"), `list`
 * (itself again), `outer` (a partial that stands alone in another).
 */
struct partial {
        const char *name, *text;
};

static const struct partial partials[] = {
        {"hello", "Hello {{plain}}!\n"},
        {"lines", "one\n{{lines}}\n  two\n"},
        {"inline", "[{{plain}}]"},
        {"section", "{{#person}}\n{{name}}\n{{/person}}\n"},
        {"outer", "<\n  {{>hello}}\n>\n"},
        {"beside", "a{{>hello}}b\n"},
        {"loop", "{{>loop}}"},
        {"delimiters", "{{=<% %>=}}<% plain %>"},
};

struct fixture {
        struct value_pool pool;
        struct value *context;
        struct mustache *partials[ELEMENTSOF(partials)];
};

static struct mustache *parse(const char *text) {
        struct mustache *t = NULL;
        struct mustache_error error;

        if (mustache_parse(text, strlen(text), &t, &error) < 0)
                fail_msg("'%s': line %u: %s", text, error.line, error.text);
        return t;
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));
        struct value *v, *list;

        assert_non_null(f);
        f->context = value_object(&f->pool);
        value_set(&f->pool, f->context, "name", "Ann & <Bob>");
        value_set(&f->pool, f->context, "quotes", "\"'");
        value_set(&f->pool, f->context, "plain", "x");
        value_set(&f->pool, f->context, "empty", "");
        value_set(&f->pool, f->context, "lines", "1\n2");
        v = value_object_in(&f->pool, f->context, "person");
        value_set(&f->pool, v, "name", "Zoe");
        value_set(&f->pool, v, "gone", NULL);
        v = value_object_in(&f->pool, v, "home");
        value_set(&f->pool, v, "town", "Huế");
        list = value_list_in(&f->pool, f->context, "words");
        value_add_text(&f->pool, list, "a");
        value_add_text(&f->pool, list, "b");
        value_add_text(&f->pool, list, "c");
        value_list_in(&f->pool, f->context, "none");
        list = value_list_in(&f->pool, f->context, "people");
        value_set(&f->pool, value_add_object(&f->pool, list), "name", "One");
        value_add_object(&f->pool, list);
        value_set(&f->pool, f->context, "gone", "outer");
        assert_int_equal(value_pool_error(&f->pool), 0);
        for (size_t i = 0; i < ELEMENTSOF(partials); i++)
                f->partials[i] = parse(partials[i].text);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(partials); i++)
                mustache_free(f->partials[i]);
        value_pool_done(&f->pool);
        free(f);
        return 0;
}

static const struct mustache *find_partial(void *userdata, const char *name) {
        struct fixture *f = userdata;

        for (size_t i = 0; i < ELEMENTSOF(partials); i++)
                if (strcmp(partials[i].name, name) == 0)
                        return f->partials[i];
        return NULL;
}

static int render(struct fixture *f, const char *text, bool html, struct strbuf *ret) {
        struct mustache_output output = {.html = html, .partial = find_partial, .userdata = f};
        struct mustache *t = parse(text);
        int r = mustache_render(t, f->context, &output, ret);

        mustache_free(t);
        return r;
}

struct rendering {
        const char *template, *html;
};

static void check(void **state, const struct rendering *cases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT;

                assert_int_equal(render(*state, cases[i].template, true, &out), 0);
                if (strcmp(strbuf_str(&out), cases[i].html) != 0)
                        fail_msg("'%s' gave '%s', not '%s'", cases[i].template, strbuf_str(&out),
                                 cases[i].html);
        }
}

static void test_interpolation(void **state) {
        static const struct rendering cases[] = {
                {"", ""},
                {"no tags at all\n", "no tags at all\n"},
                {"{{plain}}", "x"},
                {"<{{name}}>", "<Ann &amp; &lt;Bob&gt;>"},
                {"{{quotes}}", "&quot;&#39;"},
                {"{{{name}}}|{{&name}}|{{& name }}", "Ann & <Bob>|Ann & <Bob>|Ann & <Bob>"},
                {"{{ plain }}{{\tplain\t}}", "xx"},
                {"a {{missing}} b", "a  b"},
                {"{{empty}}", ""},
                {"{{person.name}} {{person.home.town}}", "Zoe Huế"},
                {"{{person.missing.town}}{{missing.name}}{{plain.name}}", ""},
                {"{{{person.name}}}{{&person.home.town}}", "ZoeHuế"},
                {"  {{plain}}\n", "  x\n"},
                {"{{words}}{{person}}", ""},
                {"{ {{plain}} } }} {", "{ x } }} {"},
        };

        check(state, cases, ELEMENTSOF(cases));
}

static void test_sections(void **state) {
        static const struct rendering cases[] = {
                {"{{#plain}}yes{{/plain}}", "yes"},
                {"{{#plain}}{{.}}{{/plain}}", "x"},
                {"{{#missing}}no{{/missing}}{{#empty}}no{{/empty}}{{#none}}no{{/none}}", ""},
                {"{{#person}}{{name}} of {{home.town}}, {{plain}}{{/person}}", "Zoe of Huế, x"},
                {"{{#words}}{{.}},{{/words}}", "a,b,c,"},
                {"{{#words}}{{{.}}}{{/words}}", "abc"},
                {"{{#people}}({{name}}){{/people}}", "(One)(Ann &amp; &lt;Bob&gt;)"},
                {"{{#person.home}}{{town}}{{/person.home}}", "Huế"},
                {"{{#person.missing}}no{{/person.missing}}", ""},
                {"{{#person}}{{#home}}{{town}} {{name}}{{/home}}{{/person}}", "Huế Zoe"},
                {"{{#words}}{{#plain}}{{.}}{{/plain}}{{/words}}", "xxx"},
                {"{{# plain }}a{{/ plain }}", "a"},
                /* A member that is false hides one of the same name further out. */
                {"{{#person}}{{gone}}{{^gone}}hidden{{/gone}}{{/person}}", "hidden"},
        };

        check(state, cases, ELEMENTSOF(cases));
}

static void test_inverted(void **state) {
        static const struct rendering cases[] = {
                {"{{^missing}}a{{/missing}}{{^empty}}b{{/empty}}{{^none}}c{{/none}}", "abc"},
                {"{{^plain}}no{{/plain}}{{^person}}no{{/person}}{{^words}}no{{/words}}", ""},
                {"{{^person.home.street}}no street{{/person.home.street}}", "no street"},
                {"{{#words}}{{^missing}}{{.}}{{/missing}}{{/words}}", "abc"},
        };

        check(state, cases, ELEMENTSOF(cases));
}

static void test_comments_and_delimiters(void **state) {
        static const struct rendering cases[] = {
                {"a{{! anything {{ goes }}b", "ab"},
                {"a{{!\n two lines\n}}b", "ab"},
                {"a\n{{! alone }}\nb\n", "a\nb\n"},
                {"a\n  {{!\nalone, too\n}}  \nb\n", "a\nb\n"},
                {"{{=<% %>=}}<% plain %> {{plain}}", "x {{plain}}"},
                {"{{= | | =}}|#words||.||/words|", "abc"},
                {"{{=<< >>=}}<<{name}>><<=[ ]=>>[&plain]", "Ann & <Bob>x"},
                {"a\n{{=| |=}}\n|plain|\n", "a\nx\n"},
                {"{{=@ @=}}@={{ }}=@{{plain}}", "x"},
                /* Delimiters stay in their file. */
                {"{{>delimiters}} {{plain}}", "x x"},
                {"{{=<% %>=}}<%>inline%>", "[x]"},
        };

        check(state, cases, ELEMENTSOF(cases));
}

static void test_standing_alone(void **state) {
        static const struct rendering cases[] = {
                {"a\n{{#plain}}\nb\n{{/plain}}\nc\n", "a\nb\nc\n"},
                {"a\n  {{#plain}}  \nb\n\t{{/plain}}\nc\n", "a\nb\nc\n"},
                {"a\r\n{{#plain}}\r\nb\r\n{{/plain}}\r\nc", "a\r\nb\r\nc"},
                {"{{#plain}}\na\n{{/plain}}", "a\n"},
                {"a\n{{^missing}}\nb\n{{/missing}}\n", "a\nb\n"},
                {"{{#words}}\n- {{.}}\n{{/words}}\n", "- a\n- b\n- c\n"},
                {"{{#plain}}\n{{#person}}\n{{name}}\n{{/person}}\n{{/plain}}\n", "Zoe\n"},
                /* Two tags on a line, or text beside one, do not. */
                {"| {{#plain}} {{/plain}} |\n", "|   |\n"},
                {"  {{#plain}}a{{/plain}}\n", "  a\n"},
                {"{{#plain}} a\n{{/plain}}\n", " a\n"},
                {" {{! c }} a\n", "  a\n"},
                /* Interpolation never does. */
                {"a\n{{missing}}\nb\n", "a\n\nb\n"},
                {"a\n\n{{#plain}}\n\nb\n{{/plain}}\n", "a\n\n\nb\n"},
        };

        check(state, cases, ELEMENTSOF(cases));
}

static void test_partials(void **state) {
        static const struct rendering cases[] = {
                {"{{>inline}}", "[x]"},
                {"({{> inline }})", "([x])"},
                {"a{{>missing}}b", "ab"},
                {"{{>hello}}.", "Hello x!\n."},
                {"a\n{{>hello}}\nb", "a\nHello x!\nb"},
                {"a\n\t{{>hello}}\r\nb", "a\n\tHello x!\nb"},
                {"  {{>inline}}", "  [x]"},
                {"{{#person}}{{>section}}{{/person}}", "Zoe\n"},
                {" {{>section}}\n", " Zoe\n"},
                /* Each line of the partial is indented; what is put in is not. */
                {"  {{>lines}}\n.", "  one\n  1\n2\n    two\n."},
                {" {{>outer}}\n.", " <\n   Hello x!\n >\n."},
                /* Beside other text nothing is, even inside an indented one. */
                {"  {{>beside}}\n.", "  aHello x!\nb\n."},
                {"| {{>lines}}|", "| one\n1\n2\n  two\n|"},
        };

        check(state, cases, ELEMENTSOF(cases));
}

static void test_plain_text(void **state) {
        _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT;

        assert_int_equal(render(*state, "{{name}} {{quotes}} {{{name}}}", false, &out), 0);
        assert_string_equal(strbuf_str(&out), "Ann & <Bob> \"' Ann & <Bob>");
}

static void test_errors(void **state) {
        static const struct {
                const char *template;
                unsigned line;
                const char *text;
        } cases[] = {
                {"{{plain", 1, "without"},
                {"a\nb {{#plain}}\nc", 2, "never closed"},
                {"a\n\n{{/plain}}", 3, "no section is open"},
                {"{{#a}}\n{{#b}}\n{{/a}}\n{{/b}}", 3, "'a' closes 'b', opened 1 line above"},
                {"{{#a}}\n\n{{/b}}", 3, "'b' closes 'a', opened 2 lines above"},
                {"{{#a}}{{/b}}", 1, "'b' closes 'a', opened in the same line"},
                {"{{}}", 1, "without a name"},
                {"\n{{#}}{{/}}", 2, "without a name"},
                {"{{a b}}", 1, "is no name"},
                {"{{{a}}", 1, "without its '}}}'"},
                {"{{=a=}}", 1, "two words"},
                {"{{=a b c=}}", 1, "two words"},
                {"{{=a= b=}}", 1, "two words"},
                {"{{! a\nb\n}}{{x", 3, "without"},
                {"{{=01234567890123456 x=}}", 1, "at most"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct mustache *t = NULL;
                struct mustache_error error = {};
                int r = mustache_parse(cases[i].template, strlen(cases[i].template), &t, &error);

                if (r != -EINVAL || error.line != cases[i].line ||
                    !strstr(error.text, cases[i].text))
                        fail_msg("'%s': %d, line %u, '%s'", cases[i].template, r, error.line,
                                 error.text);
                assert_null(t);
        }
}

static void test_bounds(void **state) {
        _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT, source = STRBUF_INIT;
        struct mustache *t = NULL;
        struct mustache_error error = {};

        /* A partial that names itself. */
        assert_int_equal(render(*state, "{{>loop}}", true, &out), -ELOOP);
        /* 3^13 times one letter. */
        for (int i = 0; i < 14; i++)
                strbuf_adds(&source, "{{#words}}");
        strbuf_adds(&source, "abc");
        for (int i = 0; i < 14; i++)
                strbuf_adds(&source, "{{/words}}");
        strbuf_reset(&out);
        assert_int_equal(render(*state, strbuf_str(&source), true, &out), -E2BIG);
        assert_true(out.len < MUSTACHE_MAX_OUTPUT + 100);
        strbuf_reset(&source);
        for (int i = 0; i <= MUSTACHE_MAX_NESTING; i++)
                strbuf_adds(&source, "{{#words}}");
        assert_int_equal(mustache_parse(source.data, source.len, &t, &error), -EINVAL);
        assert_non_null(strstr(error.text, "inside each other"));
        strbuf_reset(&source);
        for (int i = 0; i <= MUSTACHE_MAX_SOURCE; i++)
                strbuf_addc(&source, 'x');
        assert_int_equal(mustache_parse(source.data, source.len, &t, &error), -E2BIG);
        assert_int_equal(mustache_parse(source.data, source.len - 1, &t, &error), 0);
        mustache_free(t);
        assert_null(mustache_free(NULL));
}

static void count_partial(void *userdata, const char *name, unsigned line) {
        unsigned *lines = userdata;

        assert_string_equal(name, lines[0] == 0 ? "a" : "b");
        lines[++lines[0]] = line;
}

static void test_names_of_partials(void **state) {
        struct mustache *t = parse("{{>a}}\n{{#x}}\n  {{> b }}\n{{/x}}");
        unsigned lines[4] = {0};

        (void)state;
        mustache_partials(t, count_partial, lines);
        assert_int_equal(lines[0], 2);
        assert_int_equal(lines[1], 1);
        assert_int_equal(lines[2], 3);
        mustache_free(t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_interpolation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sections, setup, teardown),
                cmocka_unit_test_setup_teardown(test_inverted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_comments_and_delimiters, setup, teardown),
                cmocka_unit_test_setup_teardown(test_standing_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_partials, setup, teardown),
                cmocka_unit_test_setup_teardown(test_plain_text, setup, teardown),
                cmocka_unit_test(test_errors),
                cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
                cmocka_unit_test(test_names_of_partials),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
