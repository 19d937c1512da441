/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a mail says, before it has a form: a greeting and blocks in order (paragraphs, headings, items with their facts,
 * tables, bars), made of phrases. Both parts of a mail are rendered from the same document (mail.text.mustache,
 * mail.html.mustache), so that they cannot say different things. The names that layouts and phrases find: docs/messages.md.
 */

#include "message/compose.h"
#include "message/value.h"
#include "message/words.h"

struct document {
        const struct compose_context *context;
        const struct digest *digest;
        struct value_pool *pool;
        struct words *words;
        struct value *root, *blocks;
        date_t today;
        size_t max_items;
};

/** document_bare() - without a root: what a subject is made from */
struct document document_bare(const struct compose_context *context, const struct digest *digest,
                              struct words *words);
/** document_init() - root with what every mail knows: organisation, contact, date, language. @max_items: DOCUMENT_…_ITEMS. */
void document_init(struct document *doc, const struct compose_context *context,
                   const struct digest *digest, struct words *words, size_t max_items);

void document_paragraph(struct document *doc, const char *text); /* "" adds nothing */
void document_heading(struct document *doc, const char *text);

/* Items: a list of things with facts. A mail names DOCUMENT_MAX_ITEMS of them and says how many there are beyond. */
#define DOCUMENT_MAX_ITEMS 300
#define DOCUMENT_FEW_ITEMS 10 /* when their texts are so long that these many do not fit a mail */
/** @pointed: a table with a column of points */
struct value *document_items(struct document *doc, bool pointed);
/** document_more() - after the items of a mail that has more than it may name */
void document_more(struct document *doc, size_t n);
/** item_head() - "1.2 – Title", and the points of a table's column: @counted false: they stand in a line before */
void item_head(struct document *doc, const struct notice *notice, struct value *item, size_t number,
               bool counted);
/** document_fact() - "label: value" of an item; "" adds nothing. @label: key of the phrase. Return: it, to add lines to (document_line). */
struct value *document_fact(struct document *doc, struct value *item, const char *label,
                            const char *value);
void document_line(struct document *doc, struct value *fact, const char *text);

/* Tables: columns first, then rows, each with as many cells. */
struct value *document_table(struct document *doc);
void document_column(struct document *doc, struct value *table, const char *title, bool right);
struct value *document_row(struct document *doc, struct value *table, bool total);
struct value *document_cell(struct document *doc, struct value *table, struct value *row,
                            const char *text);

/** document_bar() - the points of @score, without surveyed ones, as a bar with a legend */
void document_bar(struct document *doc, const struct score *score);

/* The bodies, by kind of mail. */
void reminder_body(struct document *doc);
void notice_body(struct document *doc);
void report_body(struct document *doc);
void record_body(struct document *doc); /* a report whose content is the reminders */
/** document_ledger_head() - the seal of the ledger, where the context has one */
void document_ledger_head(struct document *doc);

/** trouble_words() - what is wrong, in the words of the language */
const char *trouble_words(struct words *w, const struct trouble *trouble);

/** said_words() - what a program or the system said, in the words of the language where they are known, else quoted; a mail
 *  server's reply ("550 …") as it is. @said: may be NULL */
const char *said_words(struct words *w, const char *said);
/** said_phrase() - the @i-th phrase that it may need, without "said-"; NULL behind the last */
const char *said_phrase(size_t i);
/** said_own() - how the @i-th that a program of ours may say begins; NULL behind the last */
const char *said_own(size_t i);

/** audience() - who is greeted, in the words of the language: "Văn phòng Sở; Đồng chí Giám đốc Sở" */
const char *audience(struct document *doc);

/* ---- items (item.c) ---- */

/**
 * item_basics() - what a subject needs of a notice, into @object: id, unit, points, counts, deadline, days, flags
 * item_describe() - the rest of what phrases can say: title, missing documents, folder, reminders so far, next step
 */
void item_basics(struct document *doc, const struct notice *notice, struct value *object);
void item_describe(struct document *doc, const struct notice *notice, struct value *object);
/** item_files() - names of files with why they do not count, as lines of a fact. @max: how many, then how many more. Return: how many there are. */
#define ITEM_FILES 20    /* of a mail about the matter itself */
#define ITEM_FEW_FILES 5 /* of one that is about all matters of a unit */
size_t item_files(struct document *doc, const struct notice *notice, struct value *item,
                  const char *label, size_t max);
/** item_naming() - which names the missing documents are to have, as lines of a fact */
void item_naming(struct document *doc, const struct notice *notice, struct value *item);
/** is_stand_in() - the unit of tasks that nobody owns, the area of tasks in none: the configuration makes them, with this id */
bool is_stand_in(const char *id);

/** Distinct tasks, and the sum of their points: of all items, of those overdue, of those due today, of those that are more than a file
 *  refused. */
struct item_count {
        size_t tasks;
        points_t points;
};
struct item_counts {
        struct item_count all, overdue, today, taken;
};
struct item_counts items_count(struct document *doc);
bool notice_is_overdue(const struct notice *notice, usec_t now);
bool notice_is_open(const struct notice *notice, usec_t now);
/** Are all items about one instance (or is there one item)? */
bool digest_is_single(const struct digest *digest);

/** digest_class_name() - "lead", "today", "overdue", "escalation": part of a phrase's key */
const char *digest_class_name(enum notice_class class);
/** items_describe() - of several items: how many criteria (all), how many of the class that names the mail (n), the others, their
 *  points, the nearest deadline */
void items_describe(struct document *doc, struct value *object);

/** subject_of() - the subject with its prefix */
const char *subject_of(struct document *doc);
