/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/compose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "message/document.h"
#include "message/ics.h"
#include "message/mime.h"

void composed_done(struct composed *c) {
        free(c->subject);
        free(c->bytes);
        free(c->text);
        *c = (struct composed){};
}

static const char *domain_of(const struct model *model) {
        const char *at = model->mail.from.spec && mime_spec_is_safe(model->mail.from.spec)
                                 ? strrchr(model->mail.from.spec, '@')
                                 : NULL;

        return at ? at + 1 : "localhost";
}

/* ---- subject ---- */

static int check(const struct words *w, const struct value_pool *pool) {
        return value_pool_error(pool) < 0 ? -ENOMEM : w->error;
}

char *compose_subject(const struct compose_context *context, const struct digest *digest) {
        _cleanup_(value_pool_done) struct value_pool pool = VALUE_POOL_INIT;
        struct words words;
        struct document doc;
        const char *subject;

        words_init(&words, context->templates, digest->language, &pool);
        doc = document_bare(context, digest, &words);
        subject = subject_of(&doc);
        return check(&words, &pool) == -ENOMEM ? NULL : strdup(subject);
}

/* ---- body ---- */

static void build_document(struct document *doc) {
        struct words *w = doc->words;
        struct value *frame = doc->root;

        value_set(doc->pool, frame, "to", audience(doc));
        value_set(doc->pool, frame, "greeting", words_phrase(w, "greeting", frame));
        switch (doc->digest->kind) {
        case NOTICE_REMINDER:
                reminder_body(doc);
                break;
        case NOTICE_REPORT:
                report_body(doc);
                break;
        case NOTICE_RECEIVED:
        case NOTICE_COMPLETE:
        case NOTICE_REFUSED:
        case NOTICE_REOPENED:
        case NOTICE_DEADLINE_CHANGED:
        case NOTICE_CRITERIA_CHANGED:
        case NOTICE_LADDER_ENDED:
        case NOTICE_UNASSIGNED:
        case NOTICE_EXPLAINED:
        case NOTICE_UNDELIVERABLE:
        case NOTICE_TROUBLE:
        case NOTICE_TEST:
        case _NOTICE_KIND_MAX:
                notice_body(doc);
                break;
        }
        value_set(doc->pool, frame, "regards", words_phrase(w, "regards", frame));
        value_set(doc->pool, frame, "signature", words_phrase(w, "signature", frame));
        value_set(doc->pool, frame, "footer", words_phrase(w, "footer", frame));
}

static int render(const struct document *doc, const char *layout, bool html, struct strbuf *ret) {
        return templates_render(doc->context->templates, doc->words->language, layout, html,
                                doc->root, ret);
}

/* ---- calendar ---- */

static bool belongs_in_calendar(const struct digest *d, const struct notice *n) {
        if (!n->instance || !n->instance->has_deadline)
                return false;
        switch (n->kind) {
        case NOTICE_REMINDER:
                return d->class != NOTICE_CLASS_ESCALATION;
        case NOTICE_DEADLINE_CHANGED:
        case NOTICE_REOPENED:
                return true;
        case NOTICE_CRITERIA_CHANGED:
                return n->text && *n->text == '+';
        case NOTICE_RECEIVED:
        case NOTICE_COMPLETE:
        case NOTICE_REFUSED:
        case NOTICE_LADDER_ENDED:
        case NOTICE_UNASSIGNED:
        case NOTICE_EXPLAINED:
        case NOTICE_REPORT:
        case NOTICE_UNDELIVERABLE:
        case NOTICE_TROUBLE:
        case NOTICE_TEST:
        case _NOTICE_KIND_MAX:
                break;
        }
        return false;
}

/* An extension or a changed deadline begins a new episode, so that its number orders what calendars get to see. */
static uint32_t sequence_of(const struct compose_context *context, const struct notice *n) {
        uint32_t episode = n->history && n->history->episode > 0 ? n->history->episode - 1 : 0;

        return context->ics_sequence + episode;
}

static int add_to_calendar(struct document *doc, const struct ics_calendar *calendar,
                           const struct notice *n, struct strbuf *ret) {
        struct value *item = value_object(doc->pool);

        item_basics(doc, n, item);
        item_describe(doc, n, item);
        return ics_add(
                ret, calendar,
                &(struct ics_item){
                        .key = n->instance->key,
                        .summary = words_phrase(doc->words, "calendar-summary", item),
                        .description = words_phrase(doc->words, "calendar-description", item),
                        .day = n->deadline.effective,
                        .due = n->deadline.instant,
                        .sequence = sequence_of(doc->context, n),
                });
}

/* Empty when the mail is not about deadlines. */
static int build_calendar(struct document *doc, struct strbuf *ret) {
        const struct digest *d = doc->digest;
        struct ics_calendar calendar = {.domain = domain_of(doc->context->model), .stamp = d->at};
        bool any = false;
        int r = 0;

        for (size_t i = 0; i < d->items.n && i < doc->max_items && r == 0; i++) {
                if (!doc->context->model->mail.calendar_attachment)
                        break;
                if (!belongs_in_calendar(d, &d->items.items[i]))
                        continue;
                if (!any)
                        ics_begin(ret, &calendar);
                any = true;
                r = add_to_calendar(doc, &calendar, &d->items.items[i], ret);
        }
        if (any)
                ics_end(ret);
        return r;
}

/* ---- headers ---- */

/* A thread for each instance: mails about one of them all refer to an id that no mail has. */
static int thread_id(const struct digest *d, const char *domain, char *buf, size_t size) {
        char hash[ICS_KEY_HASH];
        int r;

        *buf = '\0';
        if (!digest_is_single(d) || !d->items.items[0].instance)
                return 0;
        r = ics_key_hash(d->items.items[0].instance->key, hash);
        if (r == 0 && snprintf(buf, size, "<%s@%s>", hash, domain) >= (int)size)
                *buf = '\0';
        return r;
}

static int add_headers(struct strbuf *out, const struct compose_context *context,
                       const struct digest *d, const char *subject) {
        const struct model *m = context->model;
        const struct address *from = &m->mail.from, *reply_to = &m->mail.reply_to;
        char thread[400], list[300];
        int r = thread_id(d, domain_of(m), thread, sizeof(thread));

        if (r < 0)
                return r;
        mime_header_addresses(out, "From", &from, from->spec ? 1 : 0);
        mime_header_addresses(out, "To", d->to.items, d->to.n);
        if (d->cc.n > 0)
                mime_header_addresses(out, "Cc", d->cc.items, d->cc.n);
        if (reply_to->spec)
                mime_header_addresses(out, "Reply-To", &reply_to, 1);
        mime_header(out, "Subject", subject);
        mime_header_date(out, d->at);
        mime_header_ids(out, "Message-ID", &context->message_id, 1);
        mime_header_ids(out, "In-Reply-To", &context->in_reply_to, 1);
        mime_header_ids(out, "References", (const char *[]){thread, context->in_reply_to}, 2);
        snprintf(list, sizeof(list), "evidenced.%.200s", domain_of(m));
        mime_header_list_id(out, m->organization.short_name, list);
        strbuf_adds(out, "Auto-Submitted: auto-generated\r\n");
        mime_header(out, "X-Evidenced-Kind", notice_kind_to_string(d->kind));
        strbuf_adds(out, "MIME-Version: 1.0\r\n");
        return 0;
}

/* ---- the whole ---- */

struct parts {
        const char *text, *html, *calendar, *calendar_name;
};

/* The line end before a boundary is the boundary's (RFC 2046, section 5.1.1). */
static int add_parts(struct strbuf *out, const char *message_id, const struct parts *p) {
        char outer[MIME_BOUNDARY], inner[MIME_BOUNDARY];
        bool mixed = *p->calendar;
        int r = mime_boundary(message_id, 1, outer);

        if (r == 0)
                r = mime_boundary(message_id, 2, inner);
        if (r < 0)
                return r;
        if (mixed)
                strbuf_addf(out,
                            "Content-Type: multipart/mixed;\r\n boundary=\"%s\"\r\n\r\n--%s\r\n",
                            outer, outer);
        strbuf_addf(out, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n--%s\r\n",
                    inner, inner);
        mime_part(out, "text/plain", NULL, p->text);
        strbuf_addf(out, "\r\n--%s\r\n", inner);
        mime_part(out, "text/html", NULL, p->html);
        strbuf_addf(out, "\r\n--%s--\r\n", inner);
        if (mixed) {
                strbuf_addf(out, "\r\n--%s\r\n", outer);
                mime_part(out, "text/calendar", p->calendar_name, p->calendar);
                strbuf_addf(out, "\r\n--%s--\r\n", outer);
        }
        return 0;
}

struct composition {
        struct strbuf text, html, calendar, bytes;
};

static void composition_done(struct composition *c) {
        strbuf_done(&c->text);
        strbuf_done(&c->html);
        strbuf_done(&c->calendar);
        strbuf_done(&c->bytes);
}

static int assemble(struct document *doc, const char *subject, struct composition *c) {
        const char *id = doc->context->message_id;
        int r = render(doc, "mail.text", false, &c->text);

        if (r == 0)
                r = render(doc, "mail.html", true, &c->html);
        if (r == 0)
                r = build_calendar(doc, &c->calendar);
        if (r == 0)
                r = add_headers(&c->bytes, doc->context, doc->digest, subject);
        if (r == 0)
                r = add_parts(&c->bytes, id,
                              &(struct parts){.text = strbuf_str(&c->text),
                                              .html = strbuf_str(&c->html),
                                              .calendar = strbuf_str(&c->calendar),
                                              .calendar_name = words_phrase(
                                                      doc->words, "calendar-file", doc->root)});
        if (r == 0 && (c->text.failed || c->html.failed || c->calendar.failed || c->bytes.failed))
                r = -ENOMEM;
        return r < 0 ? r : check(doc->words, doc->pool);
}

/* Return: as compose_message(), and -E2BIG when that many items do not fit. */
static int try_compose(const struct compose_context *context, const struct digest *digest,
                       size_t max_items, struct composed *ret) {
        _cleanup_(value_pool_done) struct value_pool pool = VALUE_POOL_INIT;
        _cleanup_(composition_done) struct composition c = {};
        struct composed composed;
        struct words words;
        struct document doc;
        const char *subject;
        int r;

        words_init(&words, context->templates, digest->language, &pool);
        document_init(&doc, context, digest, &words, max_items);
        subject = subject_of(&doc);
        value_set(&pool, doc.root, "subject", subject);
        build_document(&doc);
        r = check(&words, &pool);
        if (r == 0)
                r = assemble(&doc, subject, &c);
        if (r < 0)
                return r;
        composed = (struct composed){.subject = strdup(subject), .size = c.bytes.len};
        composed.bytes = strbuf_steal(&c.bytes);
        composed.text = strbuf_steal(&c.text);
        if (!composed.subject || !composed.bytes || !composed.text) {
                composed_done(&composed);
                return -ENOMEM;
        }
        *ret = composed;
        return 0;
}

int compose_message(const struct compose_context *context, const struct digest *digest,
                    struct composed *ret) {
        int r;

        if (!context->message_id || !mime_id_is_safe(context->message_id))
                return -EINVAL;
        r = try_compose(context, digest, DOCUMENT_MAX_ITEMS, ret);
        if (r == -E2BIG)
                r = try_compose(context, digest, DOCUMENT_FEW_ITEMS, ret);
        return r == 0 || r == -ENOMEM ? r : -EINVAL;
}
