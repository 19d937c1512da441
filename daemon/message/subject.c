/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"

/*
 * Which phrase becomes the subject, and what it is told. The rules are a table in docs/messages.md.
 * Not built from the whole document: `simulate` asks for a million subjects.
 */

#define KEY_BUFFER 80
#define MAX_WORDS 160 /* bytes of somebody's free words in a subject */

const char *digest_class_name(enum notice_class class) {
        switch (class) {
        case NOTICE_CLASS_LEAD:
                return "lead";
        case NOTICE_CLASS_DUE_TODAY:
                return "today";
        case NOTICE_CLASS_OVERDUE:
                return "overdue";
        case NOTICE_CLASS_ESCALATION:
                return "escalation";
        case NOTICE_CLASS_INFO:
        case _NOTICE_CLASS_MAX:
                break;
        }
        return "lead";
}

#define set_count(doc, context, name, n) set_count_of(doc, context, name, name "_plural", n)

static void set_count_of(struct document *doc, struct value *context, const char *name,
                         const char *plural, size_t n) {
        if (n == 0)
                return;
        value_set(doc->pool, context, name, words_count(doc->words, n));
        value_set_flag(doc->pool, context, plural, n != 1);
}

static const struct notice *nearest(const struct digest *d) {
        const struct notice *found = NULL;

        for (size_t i = 0; i < d->items.n; i++) {
                const struct notice *n = &d->items.items[i];

                if (n->instance && n->instance->has_deadline &&
                    (!found || n->deadline.instant < found->deadline.instant))
                        found = n;
        }
        return found;
}

void items_describe(struct document *doc, struct value *object) {
        const struct digest *d = doc->digest;
        struct item_counts count = items_count(doc);
        size_t named = d->class == NOTICE_CLASS_DUE_TODAY ? count.today.tasks
                       : d->class >= NOTICE_CLASS_OVERDUE ? count.overdue.tasks
                                                          : count.all.tasks;
        const struct notice *n = nearest(d);

        if (named == 0)
                named = count.all.tasks;
        set_count(doc, object, "all", count.all.tasks);
        set_count(doc, object, "n", named);
        set_count(doc, object, "others", count.all.tasks - named);
        value_set(doc->pool, object, "points",
                  words_points(doc->words, d->class >= NOTICE_CLASS_OVERDUE ? count.overdue.points
                                                                            : count.all.points));
        if (n)
                value_set(doc->pool, object, "stated", words_date(doc->words, n->stated));
        value_set(doc->pool, object, "effective", words_date(doc->words, doc->today));
}

/* ---- notices ---- */

static size_t count_files(const struct digest *d, enum notice_kind kind) {
        size_t n = 0;

        for (size_t i = 0; i < d->items.n; i++)
                if (d->items.items[i].kind == kind)
                        n += d->items.items[i].n_files > 0 ? d->items.items[i].n_files : 1;
        return n;
}

static size_t count_marked(const struct digest *d, char mark) {
        size_t n = 0;

        for (size_t i = 0; i < d->items.n; i++) {
                const char *text = d->items.items[i].text;

                n += mark ? text && *text == mark : !text || (*text != '+' && *text != '-');
        }
        return n;
}

static bool has_kind(const struct digest *d, enum notice_kind kind) {
        for (size_t i = 0; i < d->items.n; i++)
                if (d->items.items[i].kind == kind)
                        return true;
        return false;
}

/* The kind that gives the subject: in a receipt the good end of one criterion comes before its parts. */
static enum notice_kind leading_kind(const struct digest *d) {
        if (d->kind == NOTICE_RECEIVED && digest_is_single(d) && has_kind(d, NOTICE_COMPLETE))
                return NOTICE_COMPLETE;
        return d->kind;
}

static void describe_notices(struct document *doc, struct value *context) {
        const struct digest *d = doc->digest;
        const struct notice *first = d->items.n > 0 ? &d->items.items[0] : NULL;
        struct item_counts counts = items_count(doc);
        size_t tasks = d->kind == NOTICE_REFUSED ? counts.all.tasks : counts.taken.tasks;

        set_count(doc, context, "n", tasks > 0 ? tasks : d->items.n);
        set_count(doc, context, "refused", count_files(d, NOTICE_REFUSED));
        value_set(doc->pool, context, "added", words_count(doc->words, count_marked(d, '+')));
        value_set(doc->pool, context, "dropped", words_count(doc->words, count_marked(d, '-')));
        set_count(doc, context, "changed", count_marked(d, 0));
        /* Only a person gives a reason: without one, files are gone. */
        value_set_flag(doc->pool, context, "gone", first && !first->text);
        if (first && first->old_deadline > 0)
                value_set(doc->pool, context, "old",
                          words_date(doc->words, zone_civil(first->old_deadline - 1).date));
        value_set_flag(doc->pool, context, "extended",
                       first && first->history && first->history->extended_to != DATE_NONE);
}

/* ---- reports and the rest ---- */

static void describe_week(struct document *doc, struct value *context) {
        date_t monday = doc->today - 7 - (date_t)date_weekday(doc->today);
        struct ymd first = date_to_ymd(monday);

        value_setf(doc->pool, context, "week", "%02d", date_iso_week(monday, NULL));
        value_setf(doc->pool, context, "week_first", "%02d/%02d", first.day, first.month);
        value_set(doc->pool, context, "week_last", words_date(doc->words, monday + 6));
}

static void describe_report(struct document *doc, struct value *context) {
        const struct digest *d = doc->digest;
        struct item_count overdue = items_count(doc).overdue;
        size_t soon = 0;

        for (size_t i = 0; i < d->items.n; i++) {
                const struct notice *n = &d->items.items[i];

                soon += notice_is_open(n, d->at) && n->instance->has_deadline &&
                        !notice_is_overdue(n, d->at) && n->days_left <= DUE_SOON_WORKDAYS;
        }
        value_set(doc->pool, context, "unit",
                  words_clean(doc->words, d->unit ? d->unit->name : NULL));
        value_set(doc->pool, context, "overdue", words_count(doc->words, overdue.tasks));
        value_set_flag(doc->pool, context, "overdue_plural", overdue.tasks != 1);
        value_set(doc->pool, context, "soon", words_count(doc->words, soon));
        value_set(doc->pool, context, "points_overdue", words_points(doc->words, overdue.points));
        if (doc->context->scores) {
                const struct score *s = &doc->context->scores->total;

                value_set(doc->pool, context, "points_complete",
                          words_points(doc->words, s->points[BUCKET_COMPLETE]));
                value_set(doc->pool, context, "points_owed",
                          words_points(doc->words, s->max - s->points[BUCKET_SURVEYED]));
        }
        describe_week(doc, context);
}

static void describe_trouble(struct document *doc, struct value *context) {
        const struct digest *d = doc->digest;
        const struct notice *n = d->items.n > 0 ? &d->items.items[0] : NULL;
        const char *text = n && n->trouble ? trouble_words(doc->words, n->trouble)
                                           : words_clean(doc->words, n ? n->text : NULL);
        size_t len = strlen(text);
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        if (len > MAX_WORDS) {
                for (len = MAX_WORDS; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
                        ;
                strbuf_add(&b, text, len);
                strbuf_adds(&b, "…");
                text = strbuf_str(&b);
        }
        value_set(doc->pool, context, "text", text);
}

static bool is_weekly(const struct report *report) {
        return report && report->repeat && strstr(recurrence_text(report->repeat), "WEEKLY");
}

/* The names are ours, and short. */
static const char *join(char buf[KEY_BUFFER], const char *prefix, const char *name,
                        const char *number) {
        strcpy(stpcpy(stpcpy(buf, prefix), name), number);
        return buf;
}

static const char *key_of(struct document *doc, struct value *context, char buf[KEY_BUFFER]) {
        const struct digest *d = doc->digest;
        bool single = digest_is_single(d);
        const char *number = single ? "-one" : "-many";

        if (single)
                item_basics(doc, &d->items.items[0], context);
        if (d->kind == NOTICE_REMINDER) {
                if (!single)
                        items_describe(doc, context);
                return join(buf, "subject-reminder-", digest_class_name(d->class), number);
        }
        if (d->kind == NOTICE_REPORT) {
                describe_report(doc, context);
                return d->report && d->report->of_reminders ? "subject-report-record"
                       : d->unit                            ? "subject-report-unit"
                       : is_weekly(d->report)               ? "subject-report-week"
                                                            : "subject-report-all";
        }
        if (d->kind == NOTICE_TROUBLE || d->kind == NOTICE_TEST ||
            d->kind == NOTICE_UNDELIVERABLE) {
                describe_trouble(doc, context);
                return join(buf, "subject-", notice_kind_to_string(d->kind), "");
        }
        describe_notices(doc, context);
        return join(buf, "subject-", notice_kind_to_string(leading_kind(d)), number);
}

/* ---- the prefix ---- */

static void add_prefix(struct document *doc, struct strbuf *b) {
        const char *prefix =
                words_clean(doc->words, doc->context->model->organization.subject_prefix);
        size_t len = strlen(prefix);
        bool bracketed = len > 1 && prefix[0] == '[' && prefix[len - 1] == ']';
        const char *year;

        if (len == 0)
                return;
        strbuf_adds(b, bracketed ? "" : "[");
        while ((year = strstr(prefix, "{year}"))) {
                strbuf_add(b, prefix, (size_t)(year - prefix));
                strbuf_addf(b, "%d", date_to_ymd(doc->today).year);
                prefix = year + strlen("{year}");
        }
        strbuf_adds(b, prefix);
        strbuf_adds(b, bracketed ? " " : "] ");
}

const char *subject_of(struct document *doc) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        struct value *context = value_object(doc->pool);
        char buf[KEY_BUFFER];
        const char *key;

        value_set(doc->pool, context, "year", words_year(doc->words, doc->today));
        value_set(doc->pool, context, "date", words_date(doc->words, doc->today));
        value_set(doc->pool, context, "organization",
                  words_clean(doc->words, doc->context->model->organization.name));
        key = key_of(doc, context, buf);
        add_prefix(doc, &b);
        strbuf_adds(&b, words_phrase(doc->words, key, context));
        if (strbuf_error(&b) < 0)
                doc->words->error = -ENOMEM;
        return words_clean(doc->words, strbuf_str(&b));
}
