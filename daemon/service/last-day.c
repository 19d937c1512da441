/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/last-day.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define MAX_NAMED 10 /* criteria in one line of a mail */

/* One side of a unit's day while it is put together: the newest criterion first. */
struct side {
        const char *tasks[MAX_NAMED]; /* borrowed from the model */
        size_t n_tasks, n_files;
        bool more;
};

struct gathering {
        const struct model *model;
        usec_t since;
        struct side (*sides)[2]; /* owned; per unit: received, gone */
};

void last_day_done(struct last_day *day) {
        for (size_t i = 0; i < day->n; i++) {
                free((char *)day->units[i].received);
                free((char *)day->units[i].gone);
        }
        free(day->units);
        *day = (struct last_day){};
}

static void add(struct side *side, const char *task) {
        side->n_files++;
        for (size_t i = 0; i < side->n_tasks; i++)
                if (strcmp(side->tasks[i], task) == 0)
                        return;
        if (side->n_tasks < MAX_NAMED)
                side->tasks[side->n_tasks++] = task;
        else
                side->more = true;
}

static int on_row(void *userdata, const struct ledger_row *row) {
        struct gathering *g = userdata;
        bool received = strcmp(row->event, "evidence-counted") == 0;
        const struct unit *unit;
        const struct task *task;

        if (row->at < g->since)
                return 1;
        if (!received && strcmp(row->event, "evidence-gone") != 0)
                return 0;
        unit = row->unit ? model_find_unit(g->model, row->unit) : NULL;
        task = row->task ? model_find_task(g->model, row->task) : NULL;
        if (unit && task)
                add(&g->sides[unit->index][received ? 0 : 1], task->id);
        return 0;
}

static char *names(const struct side *side) {
        struct strbuf b = STRBUF_INIT;

        for (size_t i = side->n_tasks; i > 0; i--)
                strbuf_addf(&b, "%s%s", b.len > 0 ? ", " : "", side->tasks[i - 1]);
        strbuf_adds(&b, side->more ? ", …" : "");
        return strbuf_steal(&b);
}

static int keep(struct last_day *day, const struct gathering *g) {
        for (size_t i = 0; i < day->n; i++) {
                struct unit_day *unit = &day->units[i];

                unit->n_received = g->sides[i][0].n_files;
                unit->n_gone = g->sides[i][1].n_files;
                unit->received = names(&g->sides[i][0]);
                unit->gone = names(&g->sides[i][1]);
                if (!unit->received || !unit->gone)
                        return -ENOMEM;
        }
        return 0;
}

int last_day_gather(struct store *store, const struct model *model, usec_t now,
                    struct last_day *ret) {
        _cleanup_(last_day_done) struct last_day day = {};
        struct gathering g = {.model = model, .since = now - USEC_PER_DAY};
        int r;

        g.sides = calloc(model->n_units + 1, sizeof(*g.sides));
        day.units = calloc(model->n_units + 1, sizeof(*day.units));
        day.n = day.units ? model->n_units : 0;
        r = g.sides && day.units ? store_ledger_back(store, on_row, &g) : -ENOMEM;
        if (r >= 0)
                r = keep(&day, &g);
        free(g.sides);
        if (r < 0)
                return r;
        *ret = day;
        day = (struct last_day){};
        return 0;
}
