/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/zone.h"

/* All mails but reminders and reports: one item for each thing that happened, or for each instance it happened to. */

static struct value *begin_item(struct document *doc, struct value *items, const struct notice *n) {
        struct value *item = value_add_object(doc->pool, items);

        item_basics(doc, n, item);
        item_describe(doc, n, item);
        value_set(doc->pool, item, "head",
                  n->instance ? words_phrase(doc->words, "value-criterion", item)
                              : words_clean(doc->words, n->text));
        return item;
}

static void number_items(struct document *doc, struct value *items) {
        size_t number = 0;

        for (struct value *v = items ? items->first : NULL; v; v = v->next)
                value_setf(doc->pool, v, "number", "%zu", ++number);
}

static void add_unit(struct document *doc, struct value *item, const struct notice *n) {
        document_fact(doc, item, "unit", words_clean(doc->words, n->unit ? n->unit->name : NULL));
}

static void add_progress(struct document *doc, struct value *item, const struct notice *n) {
        if (n->instance && n->instance->n_slots > 0)
                document_fact(doc, item, "evidence",
                              words_phrase(doc->words, "value-evidence", item));
}

static void add_deadline(struct document *doc, struct value *item, const struct notice *n) {
        if (n->instance && n->instance->has_deadline && notice_is_open(n, doc->digest->at))
                document_fact(doc, item, "deadline",
                              words_phrase(doc->words, "value-deadline", item));
}

static void add_points(struct document *doc, struct value *item) {
        document_fact(doc, item, "points", words_phrase(doc->words, "value-points", item));
}

static void add_folder(struct document *doc, struct value *item) {
        document_fact(doc, item, "folder", words_phrase(doc->words, "value-folder", item));
}

/* Where to file, and under which names. */
static void add_place(struct document *doc, struct value *item, const struct notice *n) {
        add_folder(doc, item);
        item_naming(doc, n, item);
}

/* Files received, or missing: what they are and when that was seen. */
static void add_files(struct document *doc, struct value *item, const struct notice *n,
                      const char *label, const char *phrase) {
        struct value *fact = NULL;

        for (size_t i = 0; i < n->n_files; i++) {
                const struct file_note *f = &n->files[i];
                struct value *context = value_object(doc->pool);

                value_set(doc->pool, context, "file", words_path(doc->words, f->path));
                value_set(doc->pool, context, "size", words_size(doc->words, f->size));
                if (f->at > 0)
                        value_set(doc->pool, context, "moment", words_moment(doc->words, f->at));
                value_set(doc->pool, context, "requirement",
                          words_clean(doc->words, f->requirement));
                if (f->sha256 && strlen(f->sha256) >= 8)
                        value_set(doc->pool, context, "sha256",
                                  words_clean(doc->words, value_keep(doc->pool, f->sha256, 8)));
                value_set(doc->pool, context, "detail",
                          !f->detail                   ? ""
                          : n->kind == NOTICE_REOPENED ? words_path(doc->words, f->detail)
                                                       : words_key(doc->words, f->detail));
                if (!fact)
                        fact = document_fact(doc, item, label,
                                             words_phrase(doc->words, phrase, context));
                else
                        document_line(doc, fact, words_phrase(doc->words, phrase, context));
        }
}

static void add_reason(struct document *doc, struct value *item, const struct notice *n) {
        usec_t ignored;

        /* The old deadline travels in the text as well. */
        if (n->text && n->instance && !(n->old_deadline > 0 && zone_parse(n->text, &ignored) == 0))
                document_fact(doc, item, "reason", words_clean(doc->words, n->text));
}

/* ---- receipts ---- */

/* How many notices from @i on are about the same instance. */
static size_t count_same(const struct digest *d, size_t i) {
        size_t n = 1;

        while (i + n < d->items.n && d->items.items[i].instance &&
               d->items.items[i + n].instance == d->items.items[i].instance)
                n++;
        return n;
}

static void receipt_item(struct document *doc, struct value *items, const struct notice *first,
                         size_t n) {
        struct value *item = begin_item(doc, items, first);
        bool refused = false;

        for (size_t i = 0; i < n; i++) {
                if (first[i].kind == NOTICE_REFUSED)
                        item_files(doc, &first[i], item, "uncounted", ITEM_FILES);
                else
                        add_files(doc, item, &first[i], "received", "value-received");
                refused = refused || first[i].kind == NOTICE_REFUSED;
        }
        value_set(doc->pool, item, "status", words_phrase(doc->words, "value-progress", item));
        add_progress(doc, item, first);
        add_deadline(doc, item, first);
        if (refused)
                add_place(doc, item, first);
}

/* Of the items of @kind: is any of them open, and any deadline of those still ahead? */
static void describe_urgency(struct document *doc, struct value *context, enum notice_kind kind) {
        const struct digest *d = doc->digest;
        bool open = false, ahead = false;

        for (size_t i = 0; i < d->items.n; i++) {
                const struct notice *n = &d->items.items[i];

                if (n->kind != kind || !notice_is_open(n, d->at))
                        continue;
                open = true;
                ahead = ahead || (n->instance->has_deadline && d->at < n->deadline.instant);
        }
        value_set_flag(doc->pool, context, "open", open);
        value_set_flag(doc->pool, context, "ahead", ahead);
}

static void receipt_body(struct document *doc) {
        const struct digest *d = doc->digest;
        struct value *items = document_items(doc, false);
        bool refused = false, all_done = true;

        for (size_t i = 0; i < d->items.n && i < doc->max_items;) {
                const struct notice *n = &d->items.items[i];
                size_t same = count_same(d, i);

                receipt_item(doc, items, n, same);
                for (size_t k = 0; k < same; k++)
                        refused = refused || n[k].kind == NOTICE_REFUSED;
                all_done = all_done && !notice_is_open(n, d->at);
                i += same;
        }
        if (items && items->first && items->first->next)
                number_items(doc, items);
        document_more(doc, d->items.n);
        if (refused) {
                struct value *context = value_object(doc->pool);

                describe_urgency(doc, context, NOTICE_REFUSED);
                document_paragraph(doc, words_phrase(doc->words, "closing-refused", context));
        }
        if (d->kind != NOTICE_REFUSED)
                document_paragraph(doc,
                                   words_phrase(doc->words,
                                                all_done ? "closing-complete" : "closing-received",
                                                NULL));
}

/* ---- one item each ---- */

/* One notice for each file that went; one that lies there still says itself why it counts no longer. */
static void reopened_item(struct document *doc, struct value *item, const struct notice *n,
                          size_t n_same) {
        for (size_t i = 0; i < n_same; i++)
                if (n[i].n_files > 0 && n[i].files[0].verdict != VERDICT_COUNTED)
                        item_files(doc, &n[i], item, "uncounted", ITEM_FILES);
                else
                        add_files(doc, item, &n[i], "gone", "value-gone");
        add_reason(doc, item, n);
        add_points(doc, item);
        add_progress(doc, item, n);
        add_deadline(doc, item, n);
        add_place(doc, item, n);
}

static void changed_item(struct document *doc, struct value *item, const struct notice *n) {
        add_unit(doc, item, n);
        if (n->old_deadline > 0)
                document_fact(doc, item, "old-deadline",
                              words_date(doc->words, zone_civil(n->old_deadline - 1).date));
        if (n->instance && n->instance->has_deadline)
                document_fact(doc, item, "new-deadline",
                              words_phrase(doc->words, "value-deadline", item));
        add_reason(doc, item, n);
        add_progress(doc, item, n);
}

/* "+ KEY", "- KEY" (whose instance is gone), or free words. */
static void criteria_item(struct document *doc, struct value *item, const struct notice *n) {
        const char *text = n->text ? n->text : "";
        bool dropped = *text == '-', added = *text == '+';
        const char *key = text + strspn(text, "+- ");

        document_fact(doc, item, "change",
                      words_phrase(doc->words,
                                   added     ? "change-added"
                                   : dropped ? "change-dropped"
                                             : "change-other",
                                   NULL));
        if (dropped || !n->instance)
                value_set(doc->pool, item, "head", words_key(doc->words, key));
        if (dropped)
                return;
        if (!added)
                add_reason(doc, item, n);
        add_points(doc, item);
        add_deadline(doc, item, n);
        add_progress(doc, item, n);
        add_place(doc, item, n);
}

static void attention_item(struct document *doc, struct value *item, const struct notice *n) {
        document_fact(doc, item, "matter",
                      words_named(doc->words, "matter-", notice_kind_to_string(n->kind), item));
        add_unit(doc, item, n);
        add_points(doc, item);
        add_progress(doc, item, n);
        add_deadline(doc, item, n);
        document_fact(doc, item, "reminded", words_phrase(doc->words, "value-reminded", item));
        add_reason(doc, item, n);
        add_files(doc, item, n, "explanation", "value-gone");
        add_folder(doc, item);
}

static void one_each(struct document *doc) {
        const struct digest *d = doc->digest;
        struct value *items = document_items(doc, false);

        for (size_t i = 0, same = 1; i < d->items.n && i < doc->max_items; i += same) {
                const struct notice *n = &d->items.items[i];
                struct value *item = begin_item(doc, items, n);

                same = n->kind == NOTICE_REOPENED ? count_same(d, i) : 1;
                if (n->kind == NOTICE_REOPENED)
                        reopened_item(doc, item, n, same);
                else if (n->kind == NOTICE_DEADLINE_CHANGED)
                        changed_item(doc, item, n);
                else if (n->kind == NOTICE_CRITERIA_CHANGED)
                        criteria_item(doc, item, n);
                else
                        attention_item(doc, item, n);
        }
        if (d->items.n > 1)
                number_items(doc, items);
        document_more(doc, d->items.n);
}

static void words_of_trouble(struct document *doc) {
        const struct digest *d = doc->digest;

        for (size_t i = 0; i < d->items.n; i++) {
                const struct notice *n = &d->items.items[i];

                document_paragraph(doc, n->trouble ? trouble_words(doc->words, n->trouble)
                                                   : words_clean(doc->words, n->text));
        }
}

void notice_body(struct document *doc) {
        const struct digest *d = doc->digest;
        const char *kind = notice_kind_to_string(d->kind);
        struct value *context = value_object(doc->pool);

        value_set(doc->pool, context, "organization",
                  words_clean(doc->words, doc->context->model->organization.name));
        value_set(doc->pool, context, "moment", words_moment(doc->words, d->at));
        value_set_flag(doc->pool, context, "several", !digest_is_single(d));
        value_set_flag(doc->pool, context, "gone", d->items.n > 0 && !d->items.items[0].text);
        describe_urgency(doc, context, d->kind);
        document_paragraph(doc, words_named(doc->words, "intro-", kind, context));
        if (d->kind == NOTICE_RECEIVED || d->kind == NOTICE_COMPLETE || d->kind == NOTICE_REFUSED)
                receipt_body(doc);
        else if (d->kind == NOTICE_TROUBLE || d->kind == NOTICE_TEST ||
                 d->kind == NOTICE_UNDELIVERABLE)
                words_of_trouble(doc);
        else
                one_each(doc);
        if (words_have(doc->words, "closing-", kind) && d->kind != NOTICE_RECEIVED &&
            d->kind != NOTICE_COMPLETE && d->kind != NOTICE_REFUSED)
                document_paragraph(doc, words_named(doc->words, "closing-", kind, context));
}
