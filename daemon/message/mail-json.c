/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/ahead.h"
#include "message/compose.h"

/* Written by hand: `simulate` prints millions of lines, and all that varies in them are a few short texts. */

/* @name: with all that stands before the value */
static void add_member(struct strbuf *b, const char *name, const char *value) {
        strbuf_adds(b, name);
        strbuf_add_json(b, value);
}

/* ---- items ---- */

#define KEY_SIZE 32 /* of most keys and ids */

/* What a line says of its step and dates. Most say the same as the line before, so that it is kept as text. */
struct tail {
        bool stepped, dated;
        struct offset offset;
        date_t due, stated;
        struct strbuf text; /* empty: none was made yet */
};

static struct tail tail_of(const struct notice *n) {
        bool dated = n->instance && n->instance->has_deadline;

        return (struct tail){
                .stepped = n->rung,
                .dated = dated,
                .offset = n->rung ? n->rung->offset : (struct offset){},
                .due = dated ? n->deadline.effective : DATE_NONE,
                .stated = dated ? n->stated : DATE_NONE,
        };
}

static bool tail_equal(const struct tail *a, const struct tail *b) {
        return a->stepped == b->stepped && a->dated == b->dated && a->due == b->due &&
               a->stated == b->stated && offset_equal(a->offset, b->offset);
}

static void write_tail(struct tail *t) {
        char step[OFFSET_BUFFER], due[DATE_BUFFER], other[DATE_BUFFER];
        const char *stated = due;

        if (t->dated)
                date_format(t->due, due);
        if (t->dated && t->stated != t->due)
                stated = date_format(t->stated, other);
        strbuf_reset(&t->text);
        add_member(&t->text, ",\"step\":", t->stepped ? offset_format(t->offset, step) : NULL);
        add_member(&t->text, ",\"due\":", t->dated ? due : NULL);
        add_member(&t->text, ",\"stated\":", t->dated ? stated : NULL);
        strbuf_addc(&t->text, '}');
}

static void add_tail(struct strbuf *b, const struct notice *n, struct tail *last) {
        struct tail tail = tail_of(n);

        if (last->text.len == 0 || !tail_equal(&tail, last)) {
                tail.text = last->text;
                write_tail(&tail);
                *last = tail;
        }
        if (strbuf_error(&last->text) < 0)
                b->failed = true;
        strbuf_add(b, last->text.data, last->text.len);
}

static void add_item(struct strbuf *b, const struct notice *n, struct tail *tail) {
        add_member(b, "{\"instance\":", n->instance ? n->instance->key : NULL);
        add_member(b, ",\"task\":", n->instance ? n->instance->task->id : NULL);
        add_member(b, ",\"unit\":", n->unit ? n->unit->id : NULL);
        add_tail(b, n, tail);
}

/* What add_item() reads of some items, each far from the last, is asked for before it is read. */
static void foresee(const struct notice *items, size_t n) {
        for (size_t i = 0; i < n; i++)
                look_ahead(items[i].instance, sizeof(*items[i].instance));
        for (size_t i = 0; i < n; i++)
                if (items[i].instance) {
                        look_ahead(items[i].instance->key, KEY_SIZE);
                        look_ahead(&items[i].instance->task->id, sizeof(char *));
                }
        for (size_t i = 0; i < n; i++)
                if (items[i].instance)
                        look_ahead(items[i].instance->task->id, KEY_SIZE);
}

static void add_items(struct strbuf *b, const struct digest *digest) {
        const struct notice *items = digest->items.items;
        struct tail tail = {};
        size_t n = digest->items.n;

        strbuf_addc(b, '[');
        for (size_t i = 0; i < n; i++) {
                if (i % LOOK_AHEAD == 0)
                        foresee(&items[i], n - i < LOOK_AHEAD ? n - i : LOOK_AHEAD);
                if (i > 0)
                        strbuf_addc(b, ',');
                add_item(b, &items[i], &tail);
        }
        strbuf_addc(b, ']');
        strbuf_done(&tail.text);
}

char *compose_items_json(const struct model *model, const struct digest *digest) {
        struct strbuf b = STRBUF_INIT;

        (void)model;
        add_items(&b, digest);
        return strbuf_steal(&b);
}

/* ---- a mail ---- */

static int compare_specs(const void *a, const void *b) {
        return strcmp((*(const struct address *const *)a)->spec,
                      (*(const struct address *const *)b)->spec);
}

/* By the bytes that are printed, whatever else recipients are ordered by; that is seldom another order. */
static int add_addresses(struct strbuf *b, const char *name, const struct recipients *set) {
        _cleanup_free_ const struct address **sorted = NULL;
        const struct address *const *list = set->items;
        bool ordered = true;

        for (size_t i = 1; i < set->n; i++)
                ordered = ordered && compare_specs(&list[i - 1], &list[i]) < 0;
        if (!ordered) {
                sorted = calloc(set->n, sizeof(*sorted));
                if (!sorted)
                        return -ENOMEM;
                for (size_t i = 0; i < set->n; i++)
                        sorted[i] = set->items[i];
                qsort(sorted, set->n, sizeof(*sorted), compare_specs);
                list = sorted;
        }
        strbuf_adds(b, name);
        for (size_t i = 0; i < set->n; i++)
                add_member(b, i > 0 ? "," : "", list[i]->spec);
        strbuf_addc(b, ']');
        return 0;
}

int compose_mail_json(const struct compose_context *context, const struct digest *digest,
                      struct strbuf *ret) {
        _cleanup_free_ char *subject = compose_subject(context, digest);
        char time[INSTANT_BUFFER];
        int r;

        if (!subject)
                return -ENOMEM;
        add_member(ret, "{\"time\":", zone_format(digest->at, time));
        add_member(ret, ",\"kind\":", notice_kind_to_string(digest->kind));
        r = add_addresses(ret, ",\"to\":[", &digest->to);
        if (r >= 0)
                r = add_addresses(ret, ",\"cc\":[", &digest->cc);
        if (r < 0)
                return r;
        add_member(ret, ",\"subject\":", subject);
        strbuf_adds(ret, ",\"items\":");
        add_items(ret, digest);
        strbuf_addc(ret, '}');
        return strbuf_error(ret);
}
