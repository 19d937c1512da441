/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <stdio.h>
#include <string.h>

/* A reminder: one item with all its facts, or a table of them, most severe first. */

/* Does a reader need to be told which unit owes it? Not when the mail goes to that unit alone. */
static bool names_units(const struct digest *d) {
        for (size_t i = 0; i < d->items.n; i++) {
                const struct step *step =
                        d->items.items[i].rung ? d->items.items[i].rung->step : NULL;

                if (!step || step->n_to != 1 || strcmp(step->to[0], "unit") != 0)
                        return true;
                if (d->items.items[i].unit != d->items.items[0].unit)
                        return true;
        }
        return false;
}

/* Why they begin anew, in the first one that does: nobody was told when a snooze, a waiver or an explanation ended. */
static const char *note_of(struct document *doc, const struct notice *n) {
        const struct history *h = n->history;
        const char *cause = h ? episode_cause_to_string(h->cause) : "";

        if (!h || !words_have(doc->words, "note-", cause))
                return "";
        for (size_t i = 0; i < h->n_records; i++)
                if (h->records[i].kind == RECORD_SENT && h->records[i].episode == h->episode)
                        return "";
        return words_named(doc->words, "note-", cause, NULL);
}

/* @number: 0 for the only one */
static void add_item(struct document *doc, struct value *items, const struct notice *n,
                     size_t number, bool units) {
        struct value *item = value_add_object(doc->pool, items);
        struct words *w = doc->words;

        item_basics(doc, n, item);
        item_describe(doc, n, item);
        if (number > 0)
                item_head(doc, n, item, number, true);
        else
                value_set(doc->pool, item, "head", words_phrase(w, "value-criterion", item));
        value_set_flag(doc->pool, item, "alarm", notice_is_overdue(n, doc->digest->at));
        value_set(doc->pool, item, "status", words_phrase(w, "value-remaining", item));
        document_fact(doc, item, "note", note_of(doc, n));
        if (units)
                document_fact(doc, item, "unit", words_clean(w, n->unit ? n->unit->name : NULL));
        if (number == 0)
                document_fact(doc, item, "points", words_phrase(w, "value-points", item));
        if (n->instance && n->instance->n_slots > 0)
                document_fact(doc, item, "evidence", words_phrase(w, "value-evidence", item));
        item_files(doc, n, item, "uncounted", ITEM_FILES);
        if (n->instance && n->instance->has_deadline)
                document_fact(doc, item, "deadline", words_phrase(w, "value-deadline", item));
        document_fact(doc, item, "folder", words_phrase(w, "value-folder", item));
        if (doc->digest->class != NOTICE_CLASS_ESCALATION)
                item_naming(doc, n, item);
        document_fact(doc, item, "reminded", words_phrase(w, "value-reminded", item));
        document_fact(doc, item, "next", words_phrase(w, "value-next", item));
}

void reminder_body(struct document *doc) {
        const struct digest *d = doc->digest;
        bool single = digest_is_single(d), units = names_units(d);
        struct value *context = value_object(doc->pool), *items;
        const struct notice *first = d->items.n > 0 ? &d->items.items[0] : NULL;
        char key[64];

        if (!first)
                return;
        item_basics(doc, first, context);
        item_describe(doc, first, context);
        value_set(doc->pool, context, "organization",
                  words_clean(doc->words, doc->context->model->organization.name));
        value_setf(doc->pool, context, "year", "%d", date_to_ymd(doc->today).year);
        value_set_flag(doc->pool, context, "several", !single);
        if (!single)
                items_describe(doc, context);
        snprintf(key, sizeof(key), "intro-%s", digest_class_name(d->class));
        document_paragraph(doc, words_phrase(doc->words, key, context));
        items = document_items(doc, !single);
        for (size_t i = 0; i < d->items.n && i < doc->max_items; i++)
                add_item(doc, items, &d->items.items[i], single ? 0 : i + 1, units);
        document_more(doc, d->items.n);
        snprintf(key, sizeof(key), "closing-%s", digest_class_name(d->class));
        document_paragraph(doc, words_phrase(doc->words, key, context));
        if (d->class != NOTICE_CLASS_ESCALATION)
                document_paragraph(doc, words_phrase(doc->words, "how-to-explain", context));
}
