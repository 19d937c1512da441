/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strmap.h"
#include "base/text.h"

/* A row of the store while it is being matched with the configuration. */
struct known {
        char *key, *task, *unit, *label; /* owned */
        date_t stated;
        int time_of_day;
        usec_t deadline;
        bool retired, taken;
        struct history history; /* have and records owned by the two below */
        uint32_t *have;
        struct track_records records;
};
struct known_list ARRAY(struct known);

static void known_list_done(struct known_list *list) {
        for (size_t i = 0; i < list->n; i++) {
                free(list->items[i].key);
                free(list->items[i].task);
                free(list->items[i].unit);
                free(list->items[i].label);
                free(list->items[i].have);
                array_done(&list->items[i].records);
        }
        array_done(list);
}

void track_changes_done(struct track_changes *changes) {
        for (size_t i = 0; i < changes->n; i++) {
                free(changes->items[i].key);
                free(changes->items[i].task);
                free(changes->items[i].unit);
        }
        array_done(changes);
}

static int on_stored(void *userdata, const struct stored_instance *row) {
        struct known_list *list = userdata;
        struct known k = {.stated = row->stated,
                          .time_of_day = row->time_of_day,
                          .deadline = row->deadline,
                          .retired = row->retired,
                          .history = row->history};
        int r;

        k.key = strdup(row->key);
        k.task = strdup(row->task);
        k.unit = strdup(row->unit);
        k.label = row->label ? strdup(row->label) : NULL;
        k.have = calloc(row->history.n_have + 1, sizeof(*k.have));
        if (!k.key || !k.task || !k.unit || (row->label && !k.label) || !k.have)
                return -ENOMEM; /* ends the start; nothing to save from the leak */
        if (row->history.n_have)
                memcpy(k.have, row->history.have, row->history.n_have * sizeof(*k.have));
        for (size_t i = 0; i < row->history.n_records; i++) {
                r = array_push(&k.records, row->history.records[i]);
                if (r < 0)
                        return r;
        }
        return array_push(list, k);
}

static void track_link(struct track *t) {
        t->history.have = t->have;
        t->history.n_have = t->instance->n_requirements;
        t->history.records = t->records.items;
        t->history.n_records = t->records.n;
}

enum state track_state(const struct tracks *tracks, const struct track *track, usec_t now) {
        return instance_state(tracks->model->calendar, track->instance, &track->history, now);
}

static struct stored_instance row_of(const struct tracks *tracks, const struct track *t) {
        const struct instance *i = t->instance;

        return (struct stored_instance){
                .key = i->key,
                .task = i->task->id,
                .unit = i->unit->id,
                .label = i->has_deadline ? i->due.label : NULL,
                .stated = i->has_deadline ? i->due.date : DATE_NONE,
                .time_of_day = i->has_deadline ? i->due.time_of_day : -1,
                .deadline =
                        i->has_deadline
                                ? instance_deadline(tracks->model->calendar, i, &t->history).instant
                                : USEC_INFINITY,
                .history = t->history,
        };
}

int tracks_save(struct tracks *tracks) {
        for (size_t i = 0; i < tracks->n; i++) {
                struct track *t = &tracks->items[i];
                struct stored_instance row;
                int r;

                if (!t->dirty)
                        continue;
                row = row_of(tracks, t);
                r = store_put_instance(tracks->store, &row);
                if (r < 0)
                        return r;
                t->deadline = row.deadline;
                t->stored = true;
                t->dirty = false;
        }
        return 0;
}

void track_changed(struct tracks *tracks, struct track *track, usec_t now) {
        track_link(track);
        track->dirty = true;
        planner_update(tracks->planner, track->instance->index, &track->history, now);
}

int track_record(struct tracks *tracks, struct track *track, const struct record *record,
                 int64_t message) {
        int r;

        if (!track->stored) { /* its row must stand before its records */
                struct stored_instance row = row_of(tracks, track);

                r = store_put_instance(tracks->store, &row);
                if (r < 0)
                        return r;
                track->stored = true;
        }
        r = store_add_record(tracks->store, track->instance->key, record, message);
        if (r < 0)
                return r;
        r = array_push(&track->records, *record);
        if (r < 0)
                return r;
        track_link(track);
        planner_update(tracks->planner, track->instance->index, &track->history, record->at);
        return 0;
}

/* The rungs that fired by @leave in the new episode are told by the notice that begins it: one record of the latest is enough. */
static int cover_fired(struct tracks *tracks, struct track *track, usec_t now, usec_t leave) {
        const struct instance *i = track->instance;
        _cleanup_free_ struct ladder_row *rows = NULL;
        const struct ladder_row *last = NULL;
        struct record record;
        size_t n;

        if (!i->has_deadline || !i->task->policy)
                return 0;
        rows = calloc(i->task->policy->n_rungs + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        n = ladder_explain(tracks->model, i, &track->history, now, rows);
        for (size_t k = 0; k < n; k++)
                if (rows[k].firing.instant <= leave)
                        last = &rows[k];
        if (!last)
                return 0;
        record = (struct record){
                .episode = track->history.episode,
                .deadline = instance_deadline(tracks->model->calendar, i, &track->history).instant,
                .offset = last->firing.rung->offset,
                .fired = last->firing.instant,
                .at = now,
                .kind = RECORD_COVERED,
        };
        return track_record(tracks, track, &record, 0);
}

int track_begin_episode(struct tracks *tracks, struct track *track, enum episode_cause cause,
                        usec_t now, usec_t leave) {
        track->history.episode++;
        track->history.episode_began = now;
        track->history.cause = cause;
        track->history.ladder_end_told = false;
        track_changed(tracks, track, now);
        return cover_fired(tracks, track, now, leave);
}

int tracks_first_known(struct tracks *tracks, usec_t now) {
        for (size_t i = 0; i < tracks->n; i++) {
                struct track *t = &tracks->items[i];

                t->history.first_known = now;
                t->history.episode_began = now;
                track_changed(tracks, t, now);
        }
        return 0;
}

/* A deadline that has passed stays as it was: no later change of the calendar moves it. */
static void note_passed(struct tracks *tracks, struct track *t, usec_t now) {
        struct deadline d;

        if (!t->instance->has_deadline || t->history.passed.instant != 0)
                return;
        d = instance_deadline(tracks->model->calendar, t->instance, &t->history);
        if (d.instant > now)
                return;
        t->history.passed = d;
        track_changed(tracks, t, now);
}

/* The end of one waiver or snooze. */
static int expire_one(struct tracks *tracks, struct track *t, usec_t *end, enum episode_cause cause,
                      usec_t now, const struct track_expiry *expiry, usec_t *next) {
        if (*end == 0 || *end == USEC_INFINITY)
                return 0;
        if (*end > now) {
                *next = *end < *next ? *end : *next;
                return 0;
        }
        *end = 0;
        track_changed(tracks, t, now);
        return expiry->fn(expiry->userdata, t, cause);
}

int tracks_expire(struct tracks *tracks, usec_t now, const struct track_expiry *expiry,
                  usec_t *ret_next) {
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < tracks->n; i++) {
                struct track *t = &tracks->items[i];
                struct history *h = &t->history;
                int r;

                note_passed(tracks, t, now);
                r = expire_one(tracks, t, &h->waived_until, EPISODE_WAIVER_ENDED, now, expiry,
                               &next);
                if (r == 0)
                        r = expire_one(tracks, t, &h->snoozed_until, EPISODE_SNOOZE_ENDED, now,
                                       expiry, &next);
                if (r < 0)
                        return r;
        }
        *ret_next = next;
        return 0;
}

struct track *tracks_find(const struct tracks *tracks, const char *key) {
        const struct instance *i = instance_set_find(tracks->instances, key);

        return i ? &tracks->items[i->index] : NULL;
}

struct tracks *tracks_free(struct tracks *tracks) {
        if (!tracks)
                return NULL;
        planner_free(tracks->planner);
        for (size_t i = 0; i < tracks->n; i++) {
                free(tracks->items[i].have);
                array_done(&tracks->items[i].records);
        }
        free(tracks->items);
        free(tracks);
        return NULL;
}

DEFINE_CLEANUP(struct tracks *, tracks_free)
DEFINE_CLEANUP(struct strmap *, strmap_free)

/* ---- matching what was known with what is configured ---- */

static bool same_owner(const struct known *k, const struct instance *i) {
        return strcmp(k->task, i->task->id) == 0 && strcmp(k->unit, i->unit->id) == 0;
}

/* The row an instance without one continues: same label, or the only one removed beside the only one added. */
static struct known *find_edited(struct tracks *tracks, struct known_list *known,
                                 const struct track *track) {
        const struct instance *i = track->instance;
        struct known *only = NULL;
        size_t n_removed = 0, n_added = 0;

        if (!i->has_deadline)
                return NULL;
        for (size_t k = 0; k < known->n; k++) {
                struct known *row = &known->items[k];

                if (row->taken || row->retired || row->stated == DATE_NONE || !same_owner(row, i))
                        continue;
                if (row->label && i->due.label && strcmp(row->label, i->due.label) == 0)
                        return row;
                only = row;
                n_removed++;
        }
        if (n_removed != 1)
                return NULL;
        for (size_t k = 0; k < tracks->n; k++)
                if (!tracks->items[k].stored && tracks->items[k].instance->task == i->task &&
                    tracks->items[k].instance->unit == i->unit)
                        n_added++;
        return n_added == 1 ? only : NULL;
}

static void adopt(struct track *t, struct known *row) {
        size_t n = t->instance->n_requirements;

        if (row->history.n_have == n && n > 0)
                memcpy(t->have, row->have, n * sizeof(*t->have));
        t->history = row->history;
        t->records = row->records;
        row->records = (struct track_records){};
        t->deadline = row->deadline;
        t->stored = row->taken = true;
        track_link(t);
}

static int report_change(struct track_changes *changes, int kind, const struct track *t,
                         const struct known *row) {
        struct track_change c = {.kind = kind, .track = t};
        const char *key = row ? row->key : t->instance->key;

        if (!changes)
                return 0;
        c.key = strdup(key);
        c.old_deadline = row ? row->deadline : 0;
        if (row) {
                c.task = strdup(row->task);
                c.unit = strdup(row->unit);
        }
        if (!c.key || (row && (!c.task || !c.unit)))
                return -ENOMEM;
        return array_push(changes, c);
}

static bool is_edited(const struct instance *i, const struct known *row) {
        return i->has_deadline &&
               (row->stated != i->due.date || row->time_of_day != i->due.time_of_day);
}

/* An instance that has a row, or takes one over under a new key. */
static int continue_row(struct tracks *tracks, struct track *t, struct known *row, usec_t now,
                        struct track_changes *changes) {
        usec_t deadline;
        int r;

        if (strcmp(row->key, t->instance->key) != 0) {
                r = store_rename_instance(tracks->store, row->key, t->instance->key);
                if (r < 0)
                        return r;
        }
        adopt(t, row);
        if (row->retired || t->history.n_have != row->history.n_have)
                t->dirty = true;
        if (is_edited(t->instance, row))
                t->history.passed = (struct deadline){}; /* what had passed is another one */
        deadline = row_of(tracks, t).deadline;
        if (deadline == t->deadline)
                return 0;
        t->dirty = true;
        planner_update(tracks->planner, t->instance->index, &t->history, now);
        r = track_begin_episode(tracks, t, EPISODE_DEADLINE_CHANGED, now,
                                send_instant_in_window(tracks->model->calendar, now));
        return r < 0 ? r : report_change(changes, TRACK_MOVED, t, row);
}

static int begin_row(struct tracks *tracks, struct track *t, usec_t now, bool fresh,
                     struct track_changes *changes) {
        t->history = HISTORY_INIT;
        t->history.first_known = t->history.episode_began = now;
        t->dirty = true;
        track_link(t);
        (void)tracks;
        return fresh ? 0 : report_change(changes, TRACK_ADDED, t, NULL);
}

static int retire(struct tracks *tracks, struct known *row, struct track_changes *changes) {
        struct stored_instance gone = {.key = row->key,
                                       .task = row->task,
                                       .unit = row->unit,
                                       .label = row->label,
                                       .stated = row->stated,
                                       .time_of_day = -1,
                                       .deadline = row->deadline,
                                       .retired = true,
                                       .history = row->history};
        int r;

        gone.history.have = row->have;
        r = store_put_instance(tracks->store, &gone);
        return r < 0 ? r : report_change(changes, TRACK_DROPPED, NULL, row);
}

static int match_all(struct tracks *tracks, struct known_list *known, usec_t now,
                     struct track_changes *changes) {
        _cleanup_(strmap_free_p) struct strmap *by_key = strmap_new();
        bool fresh = known->n == 0;
        int r = by_key ? 0 : -ENOMEM;

        for (size_t k = 0; r == 0 && k < known->n; k++)
                r = strmap_put(by_key, known->items[k].key, &known->items[k]);
        /* First those that kept their key, so that what remains is what was removed and added. */
        for (size_t i = 0; r == 0 && i < tracks->n; i++) {
                struct known *row = strmap_get(by_key, tracks->items[i].instance->key);

                if (row)
                        r = continue_row(tracks, &tracks->items[i], row, now, changes);
        }
        for (size_t i = 0; r == 0 && i < tracks->n; i++) {
                struct track *t = &tracks->items[i];
                struct known *row;

                if (t->stored)
                        continue;
                row = find_edited(tracks, known, t);
                r = row ? continue_row(tracks, t, row, now, changes)
                        : begin_row(tracks, t, now, fresh, changes);
        }
        for (size_t k = 0; r == 0 && k < known->n; k++)
                if (!known->items[k].taken && !known->items[k].retired)
                        r = retire(tracks, &known->items[k], changes);
        return r;
}

int tracks_new(const struct model *model, const struct instance_set *instances, struct store *store,
               usec_t now, struct tracks **ret, struct track_changes *ret_changes) {
        _cleanup_(tracks_free_p) struct tracks *tracks = calloc(1, sizeof(*tracks));
        _cleanup_(known_list_done) struct known_list known = {};
        int r;

        if (!tracks)
                return -ENOMEM;
        *tracks = (struct tracks){
                .model = model, .instances = instances, .store = store, .n = instances->n};
        tracks->items = calloc(instances->n + 1, sizeof(*tracks->items));
        tracks->planner = planner_new(model, instances);
        if (!tracks->items || !tracks->planner)
                return -ENOMEM;
        for (size_t i = 0; i < tracks->n; i++) {
                struct track *t = &tracks->items[i];

                t->instance = &instances->items[i];
                t->have = calloc(t->instance->n_requirements + 1, sizeof(*t->have));
                if (!t->have)
                        return -ENOMEM;
        }
        r = store_load_instances(store, on_stored, &known);
        if (r < 0)
                return r;
        r = store_begin(store);
        if (r < 0)
                return r;
        r = match_all(tracks, &known, now, ret_changes);
        if (r == 0)
                r = tracks_save(tracks);
        if (r == 0)
                r = store_commit(store);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        for (size_t i = 0; i < tracks->n; i++)
                planner_update(tracks->planner, i, &tracks->items[i].history, now);
        *ret = steal_ptr(tracks);
        return 0;
}
