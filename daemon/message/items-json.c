/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/compose.h"

#include <stdbool.h>

#include "base/strbuf.h"

/* Written by hand: `simulate` prints a million of these, and all that varies are a few short texts. */

static bool is_plain(unsigned char c) { return c >= 0x20 && c != 0x7f && c != '"' && c != '\\'; }

static void add_string(struct strbuf *b, const char *s) {
        if (!s) {
                strbuf_adds(b, "null");
                return;
        }
        strbuf_addc(b, '"');
        while (*s) {
                size_t n = 0;

                while (s[n] && is_plain((unsigned char)s[n]))
                        n++;
                strbuf_add(b, s, n);
                s += n;
                if (*s == '"' || *s == '\\')
                        strbuf_addf(b, "\\%c", *s++);
                else if (*s)
                        strbuf_addf(b, "\\u%04x", (unsigned char)*s++);
        }
        strbuf_addc(b, '"');
}

/* @name: with all that stands before the value */
static void add_member(struct strbuf *b, const char *name, const char *value) {
        strbuf_adds(b, name);
        add_string(b, value);
}

static void add_item(struct strbuf *b, const struct notice *n) {
        char step[OFFSET_BUFFER], due[DATE_BUFFER], stated[DATE_BUFFER];
        bool dated = n->instance && n->instance->has_deadline;
        date_t date = dated && n->history && n->history->extended_to != DATE_NONE
                              ? n->history->extended_to
                      : dated ? n->instance->due.date
                              : DATE_NONE;

        add_member(b, "{\"instance\":", n->instance ? n->instance->key : NULL);
        add_member(b, ",\"task\":", n->instance ? n->instance->task->id : NULL);
        add_member(b, ",\"unit\":", n->unit ? n->unit->id : NULL);
        add_member(b, ",\"step\":", n->rung ? offset_format(n->rung->offset, step) : NULL);
        add_member(b, ",\"due\":", dated ? date_format(n->deadline.effective, due) : NULL);
        add_member(b, ",\"stated\":", dated ? date_format(date, stated) : NULL);
        strbuf_addc(b, '}');
}

char *compose_items_json(const struct model *model, const struct digest *digest) {
        struct strbuf b = STRBUF_INIT;

        (void)model;
        strbuf_addc(&b, '[');
        for (size_t i = 0; i < digest->items.n; i++) {
                if (i > 0)
                        strbuf_addc(&b, ',');
                add_item(&b, &digest->items.items[i]);
        }
        strbuf_addc(&b, ']');
        return strbuf_steal(&b);
}
