/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <string.h>

#include "base/cleanup.h"

/* Who is greeted: the roles in To, in words; a unit by its name. */

#define MAX_NAMED 8

struct audience {
        struct document *doc;
        const char *names[MAX_NAMED];
        size_t n, more;
};

static void add_name(struct audience *a, const char *name) {
        if (!*name)
                return;
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->names[i], name) == 0)
                        return;
        if (a->n < MAX_NAMED)
                a->names[a->n++] = name;
        else
                a->more++;
}

static const char *unit_name(struct audience *a, const struct unit *unit) {
        return words_clean(a->doc->words, unit ? unit->name : NULL);
}

static bool is_held(const struct role *role) { return role && role->who.n > 0; }

/* A role that nobody holds went to the coordinator: so does the greeting. */
static void add_role(struct audience *a, const char *role, const struct unit *unit) {
        const struct model *model = a->doc->context->model;
        struct value *context = value_object(a->doc->pool);

        if (!(unit && is_held(role_find(&unit->roles, role))) &&
            !is_held(role_find(&model->roles, role)))
                role = is_held(role_find(&model->roles, "coordinator")) ? "coordinator"
                                                                        : "administrator";
        value_set(a->doc->pool, context, "unit", unit_name(a, unit));
        value_set(a->doc->pool, context, "organization",
                  words_clean(a->doc->words, model->organization.name));
        if (words_have(a->doc->words, "greet-", role))
                add_name(a, words_named(a->doc->words, "greet-", role, context));
        else
                add_name(a, words_clean(a->doc->words, role));
}

/* The mail of a unit that nobody is went to the coordinator. */
static void add_unit(struct audience *a, const struct unit *unit) {
        if (unit && is_stand_in(unit->id))
                add_role(a, "coordinator", NULL);
        else
                add_name(a, unit_name(a, unit));
}

static void add_co_units(struct audience *a, const struct task *task) {
        for (size_t i = 0; task && i < task->n_co_units; i++)
                add_name(a, unit_name(a, task->co_units[i]));
}

static void add_roles(struct audience *a, const char *const *roles, size_t n,
                      const struct notice *notice, const struct unit *unit) {
        for (size_t i = 0; i < n; i++) {
                if (unit && (strcmp(roles[i], "unit") == 0 || strcmp(roles[i], "owner") == 0))
                        add_unit(a, unit);
                else if (strcmp(roles[i], "co_units") == 0)
                        add_co_units(a, notice && notice->instance ? notice->instance->task : NULL);
                else
                        add_role(a, roles[i], unit);
        }
}

static void of_reminders(struct audience *a) {
        const struct digest *d = a->doc->digest;

        for (size_t i = 0; i < d->items.n; i++) {
                const struct notice *n = &d->items.items[i];

                if (n->rung && n->rung->step)
                        add_roles(a, n->rung->step->to, n->rung->step->n_to, n, n->unit);
        }
}

static void of_units(struct audience *a) {
        const struct digest *d = a->doc->digest;

        if (d->unit)
                add_unit(a, d->unit);
        for (size_t i = 0; i < d->items.n && !d->unit; i++)
                add_unit(a, d->items.items[i].unit);
}

static void of_addresses(struct audience *a) {
        const struct digest *d = a->doc->digest;

        for (size_t i = 0; i < d->to.n; i++) {
                const struct address *to = d->to.items[i];

                add_name(a, words_clean(a->doc->words, to->display ? to->display : to->spec));
        }
}

static void of_kind(struct audience *a) {
        const struct digest *d = a->doc->digest;

        switch (d->kind) {
        case NOTICE_REMINDER:
                of_reminders(a);
                break;
        case NOTICE_RECEIVED:
        case NOTICE_COMPLETE:
        case NOTICE_REFUSED:
        case NOTICE_REOPENED:
        case NOTICE_DEADLINE_CHANGED:
        case NOTICE_CRITERIA_CHANGED:
                of_units(a);
                break;
        case NOTICE_LADDER_ENDED:
        case NOTICE_UNASSIGNED:
        case NOTICE_EXPLAINED:
        case NOTICE_UNDELIVERABLE:
                add_role(a, "coordinator", NULL);
                break;
        case NOTICE_REPORT:
                if (d->report)
                        add_roles(a, d->report->to.items, d->report->to.n, NULL, d->unit);
                break;
        case NOTICE_TROUBLE:
                add_role(a, "administrator", NULL);
                break;
        case NOTICE_TEST:
        case _NOTICE_KIND_MAX:
                break;
        }
}

const char *audience(struct document *doc) {
        struct audience a = {.doc = doc};
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        of_kind(&a);
        if (a.n == 0)
                of_addresses(&a);
        for (size_t i = 0; i < a.n; i++) {
                strbuf_adds(&b, i > 0 ? "; " : "");
                strbuf_adds(&b, a.names[i]);
        }
        strbuf_adds(&b, a.more > 0 ? "; …" : "");
        return words_clean(doc->words, strbuf_str(&b));
}
