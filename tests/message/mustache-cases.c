/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mustache-cases FILE.json: the cases of one file of the public Mustache specification. Prints "ok|FAILED NAME" for
 * each; exits 1 when one failed, 2 when the file can not be read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "message/mustache.h"

#define MAX_VALUES 512
#define MAX_PARTIALS 8

struct cases {
        struct value_pool pool;
        struct value values[MAX_VALUES];
        size_t n_values;
        const char *names[MAX_PARTIALS]; /* borrowed from the file */
        struct mustache *partials[MAX_PARTIALS];
        size_t n_partials;
};

static void die(const char *what) {
        fprintf(stderr, "mustache-cases: %s\n", what);
        exit(2);
}

static const char *text_of(struct cases *c, const json_t *json) {
        char number[64];

        if (json_is_string(json))
                return json_string_value(json);
        if (json_is_integer(json))
                snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        else if (json_is_real(json))
                snprintf(number, sizeof(number), "%.10g", json_real_value(json));
        else
                return json_is_true(json) ? "true" : ""; /* false and null */
        return value_keep(&c->pool, number, strlen(number));
}

/* By hand, not with value_set(): the specification has lists of lists, and texts at the top. */
static struct value *value_of(struct cases *c, const char *name, json_t *json) {
        struct value *v = &c->values[c->n_values++], *child;
        const char *key;
        json_t *item;
        size_t i;

        if (c->n_values == MAX_VALUES)
                die("a case is too large");
        *v = (struct value){
                .type = VALUE_TEXT, .name = name, .name_len = name ? (uint32_t)strlen(name) : 0};
        if (json_is_array(json)) {
                v->type = VALUE_LIST;
                json_array_foreach(json, i, item) {
                        child = value_of(c, NULL, item);
                        *(v->last ? &v->last->next : &v->first) = child;
                        v->last = child;
                }
        } else if (json_is_object(json)) {
                v->type = VALUE_OBJECT;
                json_object_foreach(json, key, item) {
                        child = value_of(c, key, item);
                        *(v->last ? &v->last->next : &v->first) = child;
                        v->last = child;
                }
        } else
                v->text = text_of(c, json);
        return v;
}

static const struct mustache *on_partial(void *userdata, const char *name) {
        struct cases *c = userdata;

        for (size_t i = 0; i < c->n_partials; i++)
                if (strcmp(c->names[i], name) == 0)
                        return c->partials[i];
        return NULL;
}

static struct mustache *parse(const char *text) {
        struct mustache_error error = {};
        struct mustache *template = NULL;

        if (mustache_parse(text, strlen(text), &template, &error) < 0)
                printf("    line %u: %s\n", error.line, error.text);
        return template;
}

static bool run(json_t *test) {
        static struct cases c;
        _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT;
        const char *text = json_string_value(json_object_get(test, "template")), *key;
        const char *expected = json_string_value(json_object_get(test, "expected"));
        struct mustache_output output = {.html = true, .partial = on_partial, .userdata = &c};
        struct mustache *template;
        bool fine = false;
        json_t *partial;

        c = (struct cases){};
        if (!text || !expected)
                die("a case has no template, or expects nothing");
        json_object_foreach(json_object_get(test, "partials"), key, partial) {
                if (c.n_partials == MAX_PARTIALS)
                        die("a case has too many partials");
                c.names[c.n_partials] = key;
                c.partials[c.n_partials++] = parse(json_string_value(partial));
        }
        template = parse(text);
        strbuf_adds(&out, "");
        if (template && mustache_render(template, value_of(&c, NULL, json_object_get(test, "data")),
                                        &output, &out) == 0)
                fine = strcmp(out.data, expected) == 0;
        if (!fine)
                printf("    wanted \"%s\", got \"%s\"\n", expected, out.data);
        mustache_free(template);
        for (size_t i = 0; i < c.n_partials; i++)
                mustache_free(c.partials[i]);
        value_pool_done(&c.pool);
        return fine;
}

int main(int argc, char **argv) {
        json_t *file = argc == 2 ? json_load_file(argv[1], JSON_ALLOW_NUL, NULL) : NULL;
        json_t *tests = json_object_get(file, "tests"), *test;
        bool failed = false;
        size_t i;

        if (!json_is_array(tests))
                die("usage: mustache-cases FILE.json, with cases in it");
        json_array_foreach(tests, i, test) {
                bool fine = run(test);

                printf("%s %s\n", fine ? "ok" : "FAILED",
                       json_string_value(json_object_get(test, "name")));
                failed = failed || !fine;
        }
        json_decref(file);
        return failed;
}
