/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/zone.h"
#include "service/events.h"
#include "service/manager.h"

/* What people decide: each in one transaction with its row in the ledger. */

static const char *const decision_names[_DECISION_MAX] = {
        [DECISION_WAIVE] = "waive",
        [DECISION_SNOOZE] = "snooze",
        [DECISION_EXTEND] = "extend",
        [DECISION_REOPEN] = "reopen",
};

const char *decision_to_string(enum decision decision) { return decision_names[decision]; }

int decision_from_string(const char *s, enum decision *ret) {
        for (int i = 0; i < _DECISION_MAX; i++)
                if (strcmp(s, decision_names[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

static int add_row(struct manager *m, const char *event, const struct track *track,
                   json_t *detail) {
        _cleanup_free_ char *text =
                detail ? json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

        json_decref(detail);
        if (!text)
                return -ENOMEM;
        return store_ledger_add(
                m->store, &(struct ledger_row){.at = manager_now(m),
                                               .event = event,
                                               .instance = track ? track->instance->key : NULL,
                                               .task = track ? track->instance->task->id : NULL,
                                               .unit = track ? track->instance->unit->id : NULL,
                                               .detail = text});
}

/* Ends the transaction: commits on success, takes back on failure. */
static int end(struct manager *m, int r) {
        if (r == 0)
                r = store_commit(m->store);
        if (r < 0)
                store_rollback(m->store);
        return r;
}

int manager_release(struct manager *m, const char *author) {
        usec_t now = manager_now(m);
        int r;

        if (m->released)
                return -EALREADY;
        r = store_begin(m->store);
        if (r == 0)
                r = store_set_i64(m->store, "released_at", now);
        if (r == 0 && m->tracks)
                r = tracks_first_known(m->tracks, now); /* first known counts from the release */
        if (r == 0 && m->tracks)
                r = tracks_save(m->tracks);
        if (r == 0)
                r = add_row(m, "released", NULL, json_pack("{s:s}", "by", author));
        r = end(m, r);
        if (r < 0)
                return log_error_errno(r, "Failed to write down the release: %m");
        m->released = true;
        m->planned =
                false; /* the outbox is let go once a new plan was made, and withdrew what is no longer true */
        if (m->outbox)
                manager_turn(m);
        return 0;
}

int manager_confirm(struct manager *m, const char *author) {
        int n, r = store_begin(m->store);

        if (r == 0)
                r = add_row(m, "confirmed", NULL, json_pack("{s:s}", "by", author));
        r = end(m, r);
        if (r < 0)
                return r;
        n = evidence_confirm(m->evidence);
        return n;
}

static bool is_done(enum state state) { return state == STATE_COMPLETE || state == STATE_LATE; }

/* The change in memory. Return: 0, or -EINVAL with words. */
static int change(struct manager *m, enum decision decision, struct track *t, date_t until,
                  const char **ret_error) {
        struct history *h = &t->history;
        date_t today = zone_civil(manager_now(m)).date;
        const struct calendar *cal = m->model->calendar;
        struct due due = {.date = until, .time_of_day = -1};
        struct deadline resolved;

        switch (decision) {
        case DECISION_WAIVE:
                if (until != DATE_NONE && until <= today)
                        break;
                h->waived_until = until == DATE_NONE
                                          ? USEC_INFINITY
                                          : zone_instant(until, calendar_settings(cal)->send_at);
                return 0;
        case DECISION_SNOOZE:
                if (until == DATE_NONE || until <= today)
                        break;
                h->snoozed_until = zone_instant(until, calendar_settings(cal)->send_at);
                return 0;
        case DECISION_EXTEND:
                if (!t->instance->has_deadline) {
                        *ret_error = "it has no deadline that could be extended";
                        return -EINVAL;
                }
                due.date = until;
                if (until != DATE_NONE &&
                    deadline_resolve(cal, &due, DUE_WORD_BY, t->instance->task->shift, &resolved) <
                            0) {
                        *ret_error = "no working day lies near that day";
                        return -EINVAL;
                }
                if (until == DATE_NONE || resolved.instant <= t->instance->deadline.instant) {
                        *ret_error = "the new last day must be after the deadline it replaces";
                        return -EINVAL;
                }
                h->extended_to = until;
                h->passed = (struct deadline){}; /* what had passed is open again */
                return 0;
        case DECISION_REOPEN:
                if (!h->waived_until && !h->snoozed_until && !h->explained) {
                        *ret_error = "it is not waived, snoozed or explained";
                        return -EINVAL;
                }
                if (h->explained) /* the file lies there still, and is overruled */
                        h->overruled_at = manager_now(m);
                h->waived_until = h->snoozed_until = 0;
                h->explained = false;
                return 0;
        case _DECISION_MAX:
                break;
        }
        *ret_error = "the day must be in the future";
        return -EINVAL;
}

static int after_change(struct manager *m, enum decision decision, struct track *t,
                        const struct tell_words *words) {
        usec_t now = manager_now(m), leave = send_instant_in_window(m->model->calendar, now);
        int r;

        if (decision == DECISION_REOPEN) {
                r = track_begin_episode(m->tracks, t, EPISODE_REOPENED, now, leave);
                return r < 0 ? r : tell_notice(&m->tell, NOTICE_REOPENED, t, NULL, words);
        }
        if (decision != DECISION_EXTEND || is_done(track_state(m->tracks, t, now)))
                return 0;
        r = track_begin_episode(m->tracks, t, EPISODE_DEADLINE_CHANGED, now, leave);
        return r < 0 ? r : tell_notice(&m->tell, NOTICE_DEADLINE_CHANGED, t, NULL, words);
}

int manager_decide(struct manager *m, enum decision decision, struct track *t, const char *reason,
                   date_t until, const char *author, const char **ret_error) {
        struct history before = t->history;
        size_t n_records = t->records.n;
        usec_t old_deadline = instance_deadline(m->model->calendar, t->instance, &before).instant;
        char day[DATE_BUFFER] = "";
        int r = change(m, decision, t, until, ret_error);

        if (r < 0)
                return r;
        if (until != DATE_NONE)
                date_format(until, day);
        r = store_begin(m->store);
        if (r == 0)
                r = add_row(
                        m, decision_to_string(decision), t,
                        json_pack("{s:s, s:s, s:s}", "by", author, "reason", reason, "until", day));
        track_changed(m->tracks, t, manager_now(m));
        if (r == 0)
                r = after_change(
                        m, decision, t,
                        &(struct tell_words){.text = reason, .old_deadline = old_deadline});
        if (r == 0)
                r = tracks_save(m->tracks);
        r = end(m, r);
        if (r < 0) {
                t->history = before;
                t->records.n = n_records;
                track_changed(m->tracks, t, manager_now(m));
                return r;
        }
        log_event(LOG_NOTICE, EVENT_DECISION, &(struct event_fields){.instance = t->instance->key},
                  "%s: %s by %s: %s", t->instance->key, decision_to_string(decision), author,
                  reason);
        manager_turn(m);
        return 0;
}
