/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strmap.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/track-internal.h"

/* Finds, for every instance of a configuration, the history that the store has of it. */

/* A row of the store while it is being matched with the configuration. */
struct known {
        char *key, *task, *unit, *label; /* owned */
        const char *copy;                /* the unit, where the key names it; else "" */
        date_t stated;
        int time_of_day;
        enum due_word due_word;
        enum shift shift;
        usec_t deadline;
        bool retired;
        struct track *taken;    /* by whom; NULL */
        struct history history; /* have and records owned by the two below */
        uint32_t *have;
        struct track_records records;
};
struct known_list ARRAY(struct known);

/* One matching. */
struct match {
        struct tracks *tracks;
        struct instance_set *instances; /* of tracks, to be changed */
        struct known_list known;
        struct known **rows;    /* owned: known, in order of task, copy and date */
        struct track **members; /* owned: tracks, likewise */
        char **own_keys; /* owned, with its strings: keys as configured, by index; NULL: it has that */
        struct strmap *by_key; /* owned: struct known by the key it has now */
        usec_t now;
        struct track_changes *changes; /* NULL: nobody is told */
};

/* The deadlines of one task, or of one unit's copy of it: what was known of them, and what is configured. */
struct group {
        struct known **rows;
        size_t n_rows;
        struct track **tracks;
        size_t n_tracks;
};

static void known_done(struct known *k) {
        free(k->key);
        free(k->task);
        free(k->unit);
        free(k->label);
        free(k->have);
        array_done(&k->records);
}

static void match_done(struct match *m) {
        for (size_t i = 0; i < m->known.n; i++)
                known_done(&m->known.items[i]);
        array_done(&m->known);
        free(m->rows);
        free(m->members);
        for (size_t i = 0; m->own_keys && i < m->tracks->n; i++)
                free(m->own_keys[i]);
        free(m->own_keys);
        strmap_free(m->by_key);
}

/* ---- what was known ---- */

/* "1.6@2018-04-27/VP" is a copy of VP. */
static const char *copy_of(const char *key, const char *unit) {
        size_t n = strlen(key), m = strlen(unit);

        return n > m && key[n - m - 1] == '/' && strcmp(key + n - m, unit) == 0 ? unit : "";
}

static int fill_known(struct known *k, const struct stored_instance *row) {
        k->key = strdup(row->key);
        k->task = strdup(row->task);
        k->unit = strdup(row->unit);
        k->label = row->label ? strdup(row->label) : NULL;
        k->have = calloc(row->history.n_have + 1, sizeof(*k->have));
        if (!k->key || !k->task || !k->unit || (row->label && !k->label) || !k->have)
                return -ENOMEM;
        k->copy = copy_of(k->key, k->unit);
        if (row->history.n_have)
                memcpy(k->have, row->history.have, row->history.n_have * sizeof(*k->have));
        for (size_t i = 0; i < row->history.n_records; i++) {
                int r = array_push(&k->records, row->history.records[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int on_stored(void *userdata, const struct stored_instance *row) {
        struct match *m = userdata;
        struct known k = {.stated = row->stated,
                          .time_of_day = row->time_of_day,
                          .due_word = row->due_word,
                          .shift = row->shift,
                          .deadline = row->deadline,
                          .retired = row->retired,
                          .history = row->history};
        int r = fill_known(&k, row);

        if (r == 0)
                r = array_push(&m->known, k);
        if (r < 0)
                known_done(&k);
        return r;
}

/* ---- keys ---- */

/* Gives an instance another key than its date would. */
static int set_key(struct match *m, const struct track *t, const char *key) {
        const struct instance *instance = t->instance;
        char **own = &m->own_keys[instance->index];

        if (strcmp(instance->key, key) == 0)
                return 0;
        if (!*own)
                *own = strdup(instance->key);
        if (!*own)
                return -ENOMEM;
        return instance_set_rename(m->instances, instance->index, key);
}

static const char *own_key(const struct match *m, const struct track *t) {
        const char *own = m->own_keys[t->instance->index];

        return own ? own : t->instance->key;
}

static int rename_row(struct match *m, struct known *row, const char *key) {
        char *copy = strdup(key);
        int r = copy ? store_rename_instance(m->tracks->store, row->key, key) : -ENOMEM;

        if (r == 0) {
                strmap_remove(m->by_key, row->key);
                r = strmap_put(m->by_key, key, row);
        }
        if (r < 0) {
                free(copy);
                return r;
        }
        free(row->key);
        row->key = copy;
        row->copy = copy_of(row->key, row->unit);
        return 0;
}

/* A key under which nobody looks: of a history that nothing continues. */
static int put_aside(struct match *m, struct known *row) {
        char *key = NULL;
        int r = -EEXIST;

        for (unsigned i = 2; r == -EEXIST && i < 10000; i++) {
                free(key);
                if (asprintf(&key, "%s~%u", row->key, i) < 0)
                        return -ENOMEM;
                r = strmap_get(m->by_key, key) ? -EEXIST : rename_row(m, row, key);
        }
        free(key);
        return r;
}

/*
 * A new deadline stands on a date that one which was edited has its key of: that one gives it up, and has the key of its own
 * date from then on. Keys of dates are all different, so this comes to an end.
 */
static int free_key(struct match *m, const char *key) {
        struct known *row = strmap_get(m->by_key, key);
        const char *own;
        int r;

        if (!row)
                return 0;
        if (!row->taken)
                return put_aside(m, row);
        own = own_key(m, row->taken);
        r = free_key(m, own);
        if (r == 0)
                r = rename_row(m, row, own);
        return r < 0 ? r : set_key(m, row->taken, own);
}

/* ---- what continues what ---- */

static const char *label_of(const struct track *t) {
        return t->instance->has_deadline ? t->instance->due.label : NULL;
}

static bool same_date(const struct known *row, const struct track *t) {
        return row->stated == (t->instance->has_deadline ? t->instance->due.date : DATE_NONE);
}

typedef bool (*matches_fn)(const struct known *row, const struct track *t);

static bool is_unchanged(const struct known *row, const struct track *t) {
        return !row->retired && same_date(row, t) && streq_ptr(row->label, label_of(t));
}

static bool has_label(const struct known *row, const struct track *t) {
        return !row->retired && row->label && label_of(t) && strcmp(row->label, label_of(t)) == 0;
}

static bool has_date(const struct known *row, const struct track *t) {
        return !row->retired && same_date(row, t);
}

/* One that was there before, or has the key that this one would get. */
static bool is_back(const struct known *row, const struct track *t) {
        return (row->retired && same_date(row, t)) || strcmp(row->key, t->instance->key) == 0;
}

static void take_row(struct track *t, struct known *row) {
        row->taken = t;
        t->stored = true;
}

/* Both sides stand in order of date, so the next partner stands near the last one. */
static void match_round(const struct group *g, matches_fn matches) {
        size_t start = 0;

        for (size_t i = 0; i < g->n_tracks; i++) {
                struct track *t = g->tracks[i];

                for (size_t n = 0; !t->stored && n < g->n_rows; n++) {
                        size_t k = (start + n) % g->n_rows;

                        if (g->rows[k]->taken || !matches(g->rows[k], t))
                                continue;
                        take_row(t, g->rows[k]);
                        start = k + 1;
                }
        }
}

/* The only one removed beside the only one added. */
static void match_only(const struct group *g) {
        struct known *removed = NULL;
        struct track *added = NULL;
        size_t n_removed = 0, n_added = 0;

        for (size_t k = 0; k < g->n_rows; k++)
                if (!g->rows[k]->taken && !g->rows[k]->retired && g->rows[k]->stated != DATE_NONE) {
                        removed = g->rows[k];
                        n_removed++;
                }
        for (size_t i = 0; i < g->n_tracks; i++)
                if (!g->tracks[i]->stored && g->tracks[i]->instance->has_deadline) {
                        added = g->tracks[i];
                        n_added++;
                }
        if (n_removed == 1 && n_added == 1)
                take_row(added, removed);
}

/* ---- what follows from it ---- */

static int report_change(const struct match *m, int kind, const struct track *t,
                         const struct known *row) {
        struct track_change c = {.kind = kind, .track = t};
        const char *key = row ? row->key : t->instance->key;

        if (!m->changes)
                return 0;
        c.key = strdup(key);
        c.old_deadline = row ? row->deadline : 0;
        if (row) {
                c.task = strdup(row->task);
                c.unit = strdup(row->unit);
        }
        if (!c.key || (row && (!c.task || !c.unit)) || array_push(m->changes, c) < 0) {
                free(c.key);
                free(c.task);
                free(c.unit);
                return -ENOMEM;
        }
        return 0;
}

/* An endless rule is known up to a horizon that moves on from start to start: that changes no criterion. */
static bool is_beyond_horizon(const struct group *g, const struct track *t) {
        if (!t->instance->task->repeat || !recurrence_is_endless(t->instance->task->repeat) ||
            g->n_rows == 0)
                return false;
        for (size_t k = 0; k < g->n_rows; k++)
                if (!g->rows[k]->retired && g->rows[k]->stated >= t->instance->due.date)
                        return false;
        return true;
}

static bool was_beyond_horizon(const struct group *g, const struct known *row) {
        const struct track *last = g->n_tracks > 0 ? g->tracks[g->n_tracks - 1] : NULL;

        return last && last->instance->task->repeat &&
               recurrence_is_endless(last->instance->task->repeat) &&
               row->stated > last->instance->due.date;
}

static void adopt(struct track *t, struct known *row) {
        size_t n = t->instance->n_requirements;

        if (row->history.n_have == n && n > 0)
                memcpy(t->have, row->have, n * sizeof(*t->have));
        t->history = row->history;
        t->records = row->records;
        row->records = (struct track_records){};
        t->deadline = row->deadline;
        track_link(t);
}

/* A deadline that passed while nobody looked passed as it was last known. */
static void keep_passed(struct track *t, const struct known *row, usec_t now) {
        date_t day;

        if (t->history.passed.instant != 0 || row->deadline <= 0 || row->deadline > now)
                return;
        day = zone_civil(row->deadline - 1).date; /* 24:00 belongs to the day before */
        t->history.passed =
                (struct deadline){.last = day, .effective = day, .instant = row->deadline};
}

/* What had passed is another deadline now; and an extension that a later date has overtaken is none. */
static int forget_passed(struct match *m, struct track *t) {
        date_t until = t->history.extended_to;

        t->history.passed = (struct deadline){};
        if (until == DATE_NONE ||
            instance_deadline(m->tracks->model->calendar, t->instance, &t->history).instant >
                    t->instance->deadline.instant)
                return 0;
        t->history.extended_to = DATE_NONE;
        return track_decision_ended(m->tracks, t, "extension-ended", until, m->now);
}

/* It was not asked for, or not of this unit, until now: people know nothing of it. */
static int begin_anew(struct match *m, struct track *t) {
        t->history.first_known = m->now;
        return track_begin_episode(m->tracks, t, EPISODE_FIRST_KNOWN, m->now, 0);
}

static int change_hands(struct match *m, struct track *t, const struct known *row, bool silent) {
        int r = begin_anew(m, t);

        if (r == 0 && !row->retired)
                r = report_change(m, TRACK_DROPPED, NULL, row);
        return r < 0 || silent ? r : report_change(m, TRACK_ADDED, t, NULL);
}

/* Is the deadline stated otherwise than it was? Where only the calendar is another one, it is not. */
static bool is_edited(const struct known *row, const struct instance *i) {
        if (!i->has_deadline)
                return false;
        return row->stated != i->due.date || row->time_of_day != i->due.time_of_day ||
               (row->due_word != _DUE_WORD_MAX && row->due_word != i->task->due_word) ||
               (row->shift != _SHIFT_MAX && row->shift != i->task->shift);
}

static int continue_row(struct match *m, const struct group *g, struct track *t,
                        struct known *row) {
        const struct instance *i = t->instance;
        struct tracks *tracks = m->tracks;
        bool edited = is_edited(row, i);
        bool anew = row->retired || strcmp(row->unit, i->unit->id) != 0;
        int r = 0;

        adopt(t, row);
        t->dirty = edited || anew || row->due_word == _DUE_WORD_MAX ||
                   t->history.n_have != row->history.n_have || !streq_ptr(row->label, label_of(t));
        if (edited)
                r = forget_passed(m, t);
        if (r < 0)
                return r;
        if (track_row(tracks, t).deadline != t->deadline && !edited && i->has_deadline)
                keep_passed(t, row, m->now);
        if (anew)
                return change_hands(m, t, row, row->retired && is_beyond_horizon(g, t));
        if (track_row(tracks, t).deadline == t->deadline)
                return 0;
        t->dirty = true;
        /* Without a notice nothing is told, and so nothing is covered. What is complete has no ladder. */
        r = t->history.complete_at
                    ? 0
                    : track_begin_episode(
                              tracks, t, EPISODE_DEADLINE_CHANGED, m->now,
                              m->changes && !m->changes->silent
                                      ? send_instant_in_window(tracks->model->calendar, m->now)
                                      : 0);
        return r < 0 ? r : report_change(m, TRACK_MOVED, t, row);
}

static int begin_row(struct match *m, const struct group *g, struct track *t) {
        int r = free_key(m, t->instance->key);

        if (r < 0)
                return r;
        t->history = HISTORY_INIT;
        t->history.first_known = t->history.episode_began = m->now;
        t->dirty = true;
        track_link(t);
        return m->known.n == 0 || is_beyond_horizon(g, t) ? 0
                                                          : report_change(m, TRACK_ADDED, t, NULL);
}

static int retire(struct match *m, const struct group *g, struct known *row) {
        struct stored_instance gone = {.key = row->key,
                                       .task = row->task,
                                       .unit = row->unit,
                                       .label = row->label,
                                       .stated = row->stated,
                                       .time_of_day = row->time_of_day,
                                       .due_word = row->due_word,
                                       .shift = row->shift,
                                       .deadline = row->deadline,
                                       .retired = true,
                                       .history = row->history};
        int r;

        gone.history.have = row->have;
        r = store_put_instance(m->tracks->store, &gone);
        return r < 0 || was_beyond_horizon(g, row) ? r : report_change(m, TRACK_DROPPED, NULL, row);
}

static int match_group(struct match *m, const struct group *g) {
        int r = 0;

        match_round(g, is_unchanged);
        match_round(g, has_label);
        match_round(g, has_date);
        match_only(g);
        match_round(g, is_back);
        for (size_t k = 0; k < g->n_rows && r == 0; k++)
                if (g->rows[k]->taken)
                        r = set_key(m, g->rows[k]->taken, g->rows[k]->key);
        for (size_t i = 0; i < g->n_tracks && r == 0; i++)
                if (!g->tracks[i]->stored)
                        r = begin_row(m, g, g->tracks[i]);
        for (size_t k = 0; k < g->n_rows && r == 0; k++) {
                struct known *row = g->rows[k];

                if (row->taken)
                        r = continue_row(m, g, row->taken, row);
                else if (!row->retired)
                        r = retire(m, g, row);
        }
        return r;
}

/* ---- groups ---- */

static int compare_group(const char *task, const char *copy, const char *other_task,
                         const char *other_copy) {
        int order = strcmp(task, other_task);

        return order ? order : strcmp(copy, other_copy);
}

static const char *copy_of_track(const struct track *t) {
        return t->instance->task->n_each_unit > 0 ? t->instance->unit->id : "";
}

static int compare_rows(const void *a, const void *b) {
        const struct known *x = *(struct known *const *)a, *y = *(struct known *const *)b;
        int order = compare_group(x->task, x->copy, y->task, y->copy);

        if (order == 0)
                order = (x->stated > y->stated) - (x->stated < y->stated);
        return order ? order : strcmp(x->key, y->key);
}

static int compare_members(const void *a, const void *b) {
        const struct track *x = *(struct track *const *)a, *y = *(struct track *const *)b;
        int order = compare_group(x->instance->task->id, copy_of_track(x), y->instance->task->id,
                                  copy_of_track(y));

        return order ? order
                     : (x->instance->index > y->instance->index) -
                               (x->instance->index < y->instance->index);
}

static int sort_all(struct match *m) {
        m->rows = calloc(m->known.n + 1, sizeof(*m->rows));
        m->members = calloc(m->tracks->n + 1, sizeof(*m->members));
        m->own_keys = calloc(m->tracks->n + 1, sizeof(*m->own_keys));
        m->by_key = strmap_new();
        if (!m->rows || !m->members || !m->own_keys || !m->by_key)
                return -ENOMEM;
        for (size_t i = 0; i < m->known.n; i++) {
                m->rows[i] = &m->known.items[i];
                if (strmap_put(m->by_key, m->rows[i]->key, m->rows[i]) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < m->tracks->n; i++)
                m->members[i] = &m->tracks->items[i];
        qsort(m->rows, m->known.n, sizeof(*m->rows), compare_rows);
        qsort(m->members, m->tracks->n, sizeof(*m->members), compare_members);
        return 0;
}

static int match_all(struct match *m) {
        struct known **row = m->rows, **rows_end = m->rows + m->known.n;
        struct track **t = m->members, **end = m->members + m->tracks->n;
        int r = 0;

        while (r == 0 && (row < rows_end || t < end)) {
                struct group g = {.rows = row, .tracks = t};
                int order = row == rows_end ? 1
                            : t == end      ? -1
                                            : compare_group((*row)->task, (*row)->copy,
                                                            (*t)->instance->task->id, copy_of_track(*t));
                const char *task = order <= 0 ? (*row)->task : (*t)->instance->task->id;
                const char *copy = order <= 0 ? (*row)->copy : copy_of_track(*t);

                while (row < rows_end && compare_group((*row)->task, (*row)->copy, task, copy) == 0)
                        row++;
                while (t < end &&
                       compare_group((*t)->instance->task->id, copy_of_track(*t), task, copy) == 0)
                        t++;
                g.n_rows = (size_t)(row - g.rows);
                g.n_tracks = (size_t)(t - g.tracks);
                r = match_group(m, &g);
        }
        return r;
}

DEFINE_CLEANUP(struct tracks *, tracks_free)

static int make_tracks(const struct model *model, const struct instance_set *instances,
                       struct store *store, struct tracks **ret) {
        _cleanup_(tracks_free_p) struct tracks *tracks = calloc(1, sizeof(*tracks));

        if (!tracks)
                return -ENOMEM;
        *tracks = (struct tracks){.model = model, .instances = instances, .store = store};
        tracks->items = calloc(instances->n + 1, sizeof(*tracks->items));
        tracks->planner = planner_new(model, instances);
        if (!tracks->items || !tracks->planner)
                return -ENOMEM;
        for (; tracks->n < instances->n; tracks->n++) {
                struct track *t = &tracks->items[tracks->n];

                t->instance = &instances->items[tracks->n];
                t->have = calloc(t->instance->n_requirements + 1, sizeof(*t->have));
                if (!t->have)
                        return -ENOMEM;
        }
        *ret = steal_ptr(tracks);
        return 0;
}

int tracks_new(const struct model *model, struct instance_set *instances, struct store *store,
               usec_t now, struct tracks **ret, struct track_changes *ret_changes) {
        _cleanup_(tracks_free_p) struct tracks *tracks = NULL;
        int r = make_tracks(model, instances, store, &tracks);
        _cleanup_(match_done) struct match m = {
                .tracks = tracks, .instances = instances, .now = now, .changes = ret_changes};

        if (r == 0)
                r = store_load_instances(store, on_stored, &m);
        if (r == 0)
                r = sort_all(&m);
        if (r == 0)
                r = match_all(&m);
        if (r == 0)
                r = tracks_save(tracks);
        if (r < 0)
                return r;
        for (size_t i = 0; i < tracks->n; i++)
                planner_update(tracks->planner, i, &tracks->items[i].history, now);
        *ret = steal_ptr(tracks);
        return 0;
}
