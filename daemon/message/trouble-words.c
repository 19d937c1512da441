/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "message/document.h"

/* What is wrong with the service, in the words of a language. */

const char *trouble_words(struct words *w, const struct trouble *t) {
        struct value *context = value_object(w->pool);

        value_set(w->pool, context, "path", words_clean(w, t->path));
        value_set(w->pool, context, "detail", said_words(w, t->detail));
        value_set(w->pool, context, "about", words_clean(w, t->about));
        if (t->state)
                value_set(w->pool, context, "state",
                          words_have(w, "trouble-state-", t->state)
                                  ? words_named(w, "trouble-state-", t->state, NULL)
                                  : words_clean(w, t->state));
        if (t->since)
                value_set(w->pool, context, "since", words_moment(w, t->since));
        if (t->until)
                value_set(w->pool, context, "until", words_moment(w, t->until));
        value_setf(w->pool, context, "n", "%ju", (uintmax_t)t->n);
        value_set_flag(w->pool, context, "n_plural", t->n != 1);
        return words_named(w, "trouble-", trouble_kind_to_string(t->kind), context);
}

char *compose_trouble(const struct templates *templates, enum language language,
                      const struct trouble *trouble) {
        _cleanup_(value_pool_done) struct value_pool pool = VALUE_POOL_INIT;
        struct words w;
        const char *text;

        words_init(&w, templates, language, &pool);
        text = trouble_words(&w, trouble);
        return value_pool_error(&pool) < 0 ? NULL : strdup(text);
}
