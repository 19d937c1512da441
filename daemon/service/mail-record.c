/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/mail-record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/digest.h"

struct list ARRAY(struct record_mail);

struct record_memory {
        struct arena *arena; /* owned: texts */
        struct list accepted, others;
        struct record_count *units; /* owned; per unit */
};

struct gathering {
        struct tell *tell;
        struct record_page page;
        struct record_memory *memory; /* borrowed */
        /* The copy that the last row was about: one of several items has a row for each. */
        char *last;    /* owned */
        size_t number; /* of that copy, from 1 */
        size_t *seen;  /* owned; per unit: the last copy that was counted for it */
};

static struct record_memory *memory_free(struct record_memory *m) {
        if (!m)
                return NULL;
        arena_free(m->arena);
        array_done(&m->accepted);
        array_done(&m->others);
        free(m->units);
        free(m);
        return NULL;
}
DEFINE_CLEANUP(struct record_memory *, memory_free)

void mail_record_done(struct mail_record *record) { record->memory = memory_free(record->memory); }

static void gathering_done(struct gathering *g) {
        free(g->last);
        free(g->seen);
}

static int fate_of(const char *event, enum record_fate *ret) {
        static const char *const events[_FATE_MAX] = {
                [FATE_ACCEPTED] = "mail-accepted",
                [FATE_DOUBT] = "mail-in-doubt",
                [FATE_PARKED] = "mail-parked",
                [FATE_WITHDRAWN] = "mail-withdrawn",
        };

        for (int i = 0; i < _FATE_MAX; i++)
                if (strcmp(event, events[i]) == 0) {
                        *ret = (enum record_fate)i;
                        return 0;
                }
        return -ENOENT;
}

static const char *string_of(const json_t *detail, const char *name) {
        const char *s = json_string_value(json_object_get(detail, name));

        return s ? s : "";
}

static bool is_told(const json_t *detail) {
        enum notice_kind kind;

        if (notice_kind_from_string(string_of(detail, "kind"), &kind) < 0)
                return false;
        return kind != NOTICE_REPORT && kind != NOTICE_TROUBLE && kind != NOTICE_UNDELIVERABLE &&
               kind != NOTICE_TEST;
}

/* What the server said; of one that was withdrawn, why. */
static const char *answer_of(struct gathering *g, const json_t *detail) {
        const char *enhanced = string_of(detail, "enhanced"), *why = string_of(detail, "why");
        json_int_t code = json_integer_value(json_object_get(detail, "code"));
        char number[32] = "";

        if (*why)
                return arena_strdup(g->memory->arena, why);
        if (code > 0)
                snprintf(number, sizeof(number), "%lld ", (long long)code);
        return arena_printf(g->memory->arena, "%s%s%s%s", number, enhanced, *enhanced ? " " : "",
                            string_of(detail, "reply"));
}

static int add_mail(struct gathering *g, const struct ledger_row *row, enum record_fate fate,
                    const json_t *detail) {
        bool accepted = fate == FATE_ACCEPTED;
        struct list *list = accepted ? &g->memory->accepted : &g->memory->others;

        g->page.total.n[fate]++;
        if (accepted)
                g->page.accepted.all++;
        else
                g->page.others.all++;
        if (list->n >= RECORD_MAX_MAILS)
                return 0;
        return array_push(
                list,
                (struct record_mail){
                        .at = row->at,
                        .fate = fate,
                        .address = arena_strdup(g->memory->arena, row->address ? row->address : ""),
                        .subject = arena_strdup(g->memory->arena, string_of(detail, "subject")),
                        .answer = answer_of(g, detail),
                });
}

/* Rows of one copy stand side by side. */
static int is_next_copy(struct gathering *g, const struct ledger_row *row, const json_t *detail) {
        char *copy = NULL;

        if (asprintf(&copy, "%s %s %s", row->event, row->address ? row->address : "",
                     string_of(detail, "message_id")) < 0)
                return -ENOMEM;
        if (g->last && strcmp(g->last, copy) == 0) {
                free(copy);
                return 0;
        }
        free(g->last);
        g->last = copy;
        g->number++;
        return 1;
}

static int add_row(struct gathering *g, const struct ledger_row *row, enum record_fate fate,
                   const json_t *detail) {
        const struct unit *unit = row->unit ? model_find_unit(g->tell->model, row->unit) : NULL;
        int r = is_next_copy(g, row, detail);

        if (r < 0)
                return r;
        if (unit && g->seen[unit->index] != g->number) {
                g->seen[unit->index] = g->number;
                g->memory->units[unit->index].n[fate]++;
        }
        return r > 0 ? add_mail(g, row, fate, detail) : 0;
}

static int on_row(void *userdata, const struct ledger_row *row) {
        struct gathering *g = userdata;
        enum record_fate fate;
        json_t *detail;
        int r = 0;

        if (fate_of(row->event, &fate) < 0)
                return 0;
        detail = json_loads(row->detail ? row->detail : "{}", 0, NULL);
        if (!detail)
                return -EBADMSG;
        if (is_told(detail))
                r = add_row(g, row, fate, detail);
        json_decref(detail);
        return r < 0 ? r : 0;
}

/* Where the last record ended; the first begins with the service's telling anybody anything. */
static int read_beginning(struct tell *t, const struct report *report, const char *name,
                          usec_t *ret_from, int64_t *ret_seq) {
        _cleanup_free_ char *at = NULL;
        int64_t from = 0, seq = 0;
        int r;

        if (asprintf(&at, "report-at:%s", report->id) < 0)
                return -ENOMEM;
        r = store_get_i64(t->store, name, &seq);
        if (r == 0)
                r = store_get_i64(t->store, at, &from);
        else if (r == -ENOENT)
                r = store_get_i64(t->store, "released_at", &from);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_from = from;
        *ret_seq = seq;
        return 0;
}

static int gather(struct gathering *g, int64_t after) {
        size_t n = g->tell->model->n_units + 1;

        g->memory->arena = arena_new();
        g->memory->units = calloc(n, sizeof(*g->memory->units));
        g->seen = calloc(n, sizeof(*g->seen));
        if (!g->memory->arena || !g->memory->units || !g->seen)
                return -ENOMEM;
        return store_ledger_query(
                g->tell->store, &(struct ledger_filter){.after_seq = after, .until = USEC_INFINITY},
                on_row, g);
}

int mail_record_gather(struct tell *t, const struct report *report, usec_t now,
                       struct mail_record *ret) {
        _cleanup_(memory_free_p) struct record_memory *memory = calloc(1, sizeof(*memory));
        _cleanup_(gathering_done) struct gathering g = {
                .tell = t, .memory = memory, .page = {.until = now}};
        _cleanup_free_ char *name = NULL;
        uint8_t head[SHA256_SIZE];
        int64_t after = 0, seq = 0;
        int r;

        if (!memory || asprintf(&name, "report-seq:%s", report->id) < 0)
                return -ENOMEM;
        r = read_beginning(t, report, name, &g.page.from, &after);
        if (r == 0)
                r = store_ledger_head(t->store, head, &seq);
        if (r == 0)
                r = gather(&g, after);
        if (r == 0)
                r = store_set_i64(t->store, name, seq);
        if (r < 0)
                return r;
        g.page.units = memory->units;
        g.page.accepted.items = memory->accepted.items;
        g.page.accepted.n = memory->accepted.n;
        g.page.others.items = memory->others.items;
        g.page.others.n = memory->others.n;
        *ret = (struct mail_record){.page = g.page, .memory = steal_ptr(memory)};
        return 0;
}
