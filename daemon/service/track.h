/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The living side of instances: for each the history that the planner reads, kept equal to the store. Knows how histories
 * begin, change and are matched to an edited configuration; knows no evidence and no mail.
 */

#include "base/array.h"
#include "core/planner.h"
#include "store/store.h"

struct track_records ARRAY(struct record);

struct track {
        const struct instance *instance;
        struct history history; /* have and records point to the two below */
        uint32_t *have;         /* owned; instance->n_requirements */
        struct track_records records;
        usec_t deadline; /* the deadline instant last known to the store; 0: none yet */
        bool stored, dirty;
};

struct tracks {
        const struct model *model;
        const struct instance_set *instances;
        struct store *store;
        struct planner *planner; /* owned */
        struct track *items;     /* owned; one for each instance, same index */
        size_t n;
};

/* What a new configuration did to what was known. */
struct track_change {
        enum { TRACK_ADDED, TRACK_DROPPED, TRACK_MOVED } kind;
        const struct track *track; /* NULL for dropped */
        char *key;                 /* owned */
        char *task, *unit;         /* owned; of a dropped or moved one */
        usec_t old_deadline;       /* moved */
};
struct track_changes {
        struct track_change *items; /* owned; an array (base/array.h) */
        size_t n, cap;
        bool silent; /* set by the caller: gathered only, nobody is told and nothing counts as told */
};
void track_changes_done(struct track_changes *changes);

/**
 * tracks_new() - histories of all instances, from the store where it has them
 * @instances: borrowed; an instance whose date was edited gets the key back that it had
 * @now: service time; the first-known instant of what is new
 *
 * Inside the caller's transaction, in which it also tells people of the changes: a deadline that changed begins an episode
 * whose first steps count as told. With @ret_changes NULL, or silent, nobody is told, and nothing counts so.
 * Rules: docs/semantics.md, section 2 (edited dates).
 * Return: 0 or -errno. @ret_changes is empty when the store knew nothing at all.
 */
int tracks_new(const struct model *model, struct instance_set *instances, struct store *store,
               usec_t now, struct tracks **ret, struct track_changes *ret_changes);
struct tracks *tracks_free(struct tracks *tracks);
struct track *tracks_find(const struct tracks *tracks, const char *key);

/** track_changed() - after any edit of a history: to be written, and planned anew */
void track_changed(struct tracks *tracks, struct track *track, usec_t now);
/** tracks_save() - writes what is dirty; inside the caller's transaction */
int tracks_save(struct tracks *tracks);

/** track_record() - one more record, in memory and in the store; inside the caller's transaction. @message: rowid or 0 */
int track_record(struct tracks *tracks, struct track *track, const struct record *record,
                 int64_t message);

/** track_begin_episode() - a new episode; the notice about it leaves at @leave and covers what has fired by then;
 *  0: there is none */
int track_begin_episode(struct tracks *tracks, struct track *track, enum episode_cause cause,
                        usec_t now, usec_t leave);

/** tracks_first_known() - all that nobody was mailed about is first known at @now: the moment of release */
int tracks_first_known(struct tracks *tracks, usec_t now);

/* Who is told of the end of a snooze or waiver. */
struct track_expiry {
        int (*fn)(void *userdata, struct track *track, enum episode_cause cause); /* 0 or -errno */
        void *userdata;
};
/** tracks_expire() - what time alone does by @now: snoozes and waivers end, deadlines pass. @ret_next: the next of these
 *  Inside the caller's transaction: an end has its row in the ledger. Saves nothing else. */
int tracks_expire(struct tracks *tracks, usec_t now, const struct track_expiry *expiry,
                  usec_t *ret_next);

enum state track_state(const struct tracks *tracks, const struct track *track, usec_t now);
