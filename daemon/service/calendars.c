/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/calendars.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "message/ics.h"
#include "message/mime.h"

int calendars_name(const struct unit *unit, char ret[CALENDARS_NAME_BUFFER]) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        strbuf_adds(&b, CALENDARS_PREFIX);
        for (const char *c = unit->id; *c; c++)
                if (isascii((unsigned char)*c) && (isalnum((unsigned char)*c) || strchr(".-_", *c)))
                        strbuf_addc(&b, *c);
                else
                        strbuf_addf(&b, "~%02X", (unsigned char)*c);
        strbuf_adds(&b, CALENDARS_SUFFIX);
        if (strbuf_error(&b) < 0 || b.len >= CALENDARS_NAME_BUFFER)
                return -ENAMETOOLONG;
        memcpy(ret, b.data, b.len + 1);
        return 0;
}

/* As in the mails: a calendar that has both must see the same UIDs. */
static const char *domain_of(const struct model *m) {
        const char *spec = m->mail.from.spec;
        const char *at = spec && mime_spec_is_safe(spec) ? strrchr(spec, '@') : NULL;

        return at ? at + 1 : "localhost";
}

static bool is_wanted(const struct board *b, size_t i, const struct unit *unit) {
        const struct instance *in = &b->instances->items[i];
        date_t today = zone_civil(b->now).date, day;

        if (!in->has_deadline || (unit && in->unit != unit))
                return false;
        day = instance_deadline(b->model->calendar, in, b->histories[i]).effective;
        return day >= today - CALENDARS_SPAN_DAYS && day <= today + CALENDARS_SPAN_DAYS;
}

static int add_item(struct document *doc, const struct board *b,
                    const struct ics_calendar *calendar, size_t i, struct strbuf *ret) {
        struct value *item = value_object(doc->pool);
        struct notice n = board_describe(doc, b, i, item);

        return ics_add(
                ret, calendar,
                &(struct ics_item){
                        .key = n.instance->key,
                        .summary = words_phrase(doc->words, "calendar-summary", item),
                        .description = words_phrase(doc->words, "calendar-description", item),
                        .day = n.deadline.effective,
                        .due = n.deadline.instant,
                        .sequence = n.history->episode > 0 ? n.history->episode - 1 : 0,
                        .done = n.state == STATE_COMPLETE || n.state == STATE_LATE ||
                                n.state == STATE_WAIVED,
                });
}

int calendars_render(const struct board *b, const struct unit *unit, struct strbuf *ret) {
        const struct compose_context context = {.model = b->model, .templates = b->templates};
        const struct digest digest = {.at = b->now};
        _cleanup_(value_pool_done) struct value_pool pool = VALUE_POOL_INIT;
        struct ics_calendar calendar = {.domain = domain_of(b->model), .stamp = b->now};
        enum language language = unit ? unit->language : b->model->organization.language;
        struct words words;
        struct document doc;
        size_t n = 0;
        int r = 0;

        words_init(&words, b->templates, language, &pool);
        document_init(&doc, &context, &digest, &words, CALENDARS_MAX_ITEMS);
        value_set(&pool, doc.root, "unit", unit ? words_clean(&words, unit->name) : NULL);
        calendar.name = words_phrase(&words, "calendar-name", doc.root);
        ics_begin(ret, &calendar);
        for (size_t i = 0; i < b->instances->n && n < CALENDARS_MAX_ITEMS && r == 0; i++)
                if (is_wanted(b, i, unit)) {
                        r = add_item(&doc, b, &calendar, i, ret);
                        n++;
                }
        ics_end(ret);
        if (r == 0)
                r = value_pool_error(&pool);
        if (r == 0)
                r = words.error;
        return r < 0 ? r : strbuf_error(ret);
}
