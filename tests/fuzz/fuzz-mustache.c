/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A template, and behind a NUL byte the partial that it calls "p" (itself is "t"): read or refused with a place in it, and
 * rendered within the caps, twice the same.
 */

#include <errno.h>

#include "message/mustache.h"
#include "fuzz.h"

struct pair {
        struct mustache *template, *partial;
};

static const struct mustache *find_partial(void *userdata, const char *name) {
        const struct pair *pair = userdata;

        return strcmp(name, "t") == 0   ? pair->template
               : strcmp(name, "p") == 0 ? pair->partial
                                        : NULL;
}

static struct value *make_context(struct value_pool *pool) {
        struct value *context = value_object(pool), *list;

        value_set(pool, context, "name", "Ann & <Bob> \"x\"");
        value_set(pool, context, "lines", "1\n2");
        value_set(pool, context, "empty", "");
        value_set(pool, value_object_in(pool, context, "person"), "name", "Huế");
        list = value_list_in(pool, context, "words");
        value_add_text(pool, list, "a");
        value_add_text(pool, list, "b");
        list = value_list_in(pool, context, "people");
        value_set(pool, value_add_object(pool, list), "name", "One");
        value_add_object(pool, list);
        return context;
}

static struct mustache *parse(const char *text, size_t size) {
        struct mustache_error error = {};
        struct mustache *template = NULL;
        int r = mustache_parse(text, size, &template, &error);

        CHECK(r == 0 || r == -EINVAL || (r == -E2BIG && size > MUSTACHE_MAX_SOURCE));
        CHECK((r == 0) == (template != NULL));
        if (r == -EINVAL)
                CHECK(error.line >= 1 && error.text[0]);
        return template;
}

static void render_twice(struct pair *pair, const struct value *context, bool html) {
        const struct mustache_output output = {
                .html = html, .partial = find_partial, .userdata = pair};
        struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
        int r = mustache_render(pair->template, context, &output, &first);

        CHECK(r == 0 || r == -ELOOP || r == -E2BIG);
        CHECK(mustache_render(pair->template, context, &output, &second) == r);
        CHECK(first.len == second.len && strcmp(strbuf_str(&first), strbuf_str(&second)) == 0);
        strbuf_done(&first);
        strbuf_done(&second);
}

static void on_partial(void *userdata, const char *name, unsigned line) {
        unsigned *last = userdata;

        CHECK(name && line >= *last);
        *last = line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct value_pool pool = VALUE_POOL_INIT;
        char *text = fuzz_string(data, size);
        const char *behind = memchr(text, '\0', size);
        size_t len = behind ? (size_t)(behind - text) : size;
        struct pair pair = {.template = parse(text, len)};
        unsigned line = 1;

        if (behind)
                pair.partial = parse(behind + 1, size - len - 1);
        if (pair.template) {
                const struct value *context = make_context(&pool);

                mustache_partials(pair.template, on_partial, &line);
                render_twice(&pair, context, false);
                render_twice(&pair, context, true);
        }
        mustache_free(pair.template);
        mustache_free(pair.partial);
        value_pool_done(&pool);
        free(text);
        return 0;
}
