/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/track-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/zone.h"

void track_changes_done(struct track_changes *changes) {
        for (size_t i = 0; i < changes->n; i++) {
                free(changes->items[i].key);
                free(changes->items[i].task);
                free(changes->items[i].unit);
        }
        array_done(changes);
}

void track_link(struct track *t) {
        t->history.have = t->have;
        t->history.n_have = t->instance->n_requirements;
        t->history.records = t->records.items;
        t->history.n_records = t->records.n;
}

enum state track_state(const struct tracks *tracks, const struct track *track, usec_t now) {
        return instance_state(tracks->model->calendar, track->instance, &track->history, now);
}

struct stored_instance track_row(const struct tracks *tracks, const struct track *t) {
        const struct instance *i = t->instance;

        return (struct stored_instance){
                .key = i->key,
                .task = i->task->id,
                .unit = i->unit->id,
                .label = i->has_deadline ? i->due.label : NULL,
                .stated = i->has_deadline ? i->due.date : DATE_NONE,
                .time_of_day = i->has_deadline ? i->due.time_of_day : -1,
                .due_word = i->task->due_word,
                .shift = i->task->shift,
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
                row = track_row(tracks, t);
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
                struct stored_instance row = track_row(tracks, track);

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

/* A restored store waits for its release, too; but time in which nothing could leave takes nobody down the ladder. */
static bool was_mailed(const struct track *t) {
        for (size_t i = 0; i < t->records.n; i++)
                if (t->records.items[i].kind == RECORD_SENT)
                        return true;
        return false;
}

int tracks_first_known(struct tracks *tracks, usec_t now) {
        for (size_t i = 0; i < tracks->n; i++) {
                struct track *t = &tracks->items[i];

                if (was_mailed(t))
                        continue;
                t->history.first_known = now;
                t->history.episode_began = now;
                track_changed(tracks, t, now);
        }
        return 0;
}

/* A deadline that has passed stays as it was: no later change of the calendar moves it. */
static void note_passed(struct tracks *tracks, struct track *t, usec_t now, usec_t *next) {
        struct deadline d;

        if (!t->instance->has_deadline || t->history.passed.instant != 0)
                return;
        d = instance_deadline(tracks->model->calendar, t->instance, &t->history);
        if (d.instant > now) {
                *next = d.instant < *next ? d.instant : *next;
                return;
        }
        t->history.passed = d;
        track_changed(tracks, t, now);
}

int track_decision_ended(struct tracks *tracks, const struct track *t, const char *event,
                         date_t until, usec_t now) {
        char detail[sizeof("{\"until\":\"\"}") + DATE_BUFFER], day[DATE_BUFFER];

        snprintf(detail, sizeof(detail), "{\"until\":\"%s\"}", date_format(until, day));
        return store_ledger_add(tracks->store, &(struct ledger_row){.at = now,
                                                                    .event = event,
                                                                    .instance = t->instance->key,
                                                                    .task = t->instance->task->id,
                                                                    .unit = t->instance->unit->id,
                                                                    .detail = detail});
}

/* The end of one waiver or snooze. */
static int expire_one(struct tracks *tracks, struct track *t, usec_t *end, enum episode_cause cause,
                      usec_t now, const struct track_expiry *expiry, usec_t *next) {
        int r;

        if (*end == 0 || *end == USEC_INFINITY)
                return 0;
        if (*end > now) {
                *next = *end < *next ? *end : *next;
                return 0;
        }
        r = track_decision_ended(tracks, t, episode_cause_to_string(cause), zone_civil(*end).date,
                                 now);
        if (r < 0)
                return r;
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

                note_passed(tracks, t, now, &next);
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
