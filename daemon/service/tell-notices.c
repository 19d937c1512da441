/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/zone.h"
#include "service/events.h"
#include "service/tell-internal.h"
#include "service/trouble.h"

/* Notices that wait for their flush: everything but reminders and reports. */

static usec_t now_of(const struct tell *t) { return clock_now(t->clock); }

enum timing { AT_ANY_HOUR, IN_THE_WINDOW, AT_SEND_AT };

/* Section 5: when. */
static enum timing timing_of(enum notice_kind kind) {
        switch (kind) {
        case NOTICE_TROUBLE:
        case NOTICE_TEST:
                return AT_ANY_HOUR;
        case NOTICE_REOPENED:
        case NOTICE_DEADLINE_CHANGED:
        case NOTICE_CRITERIA_CHANGED:
        case NOTICE_UNDELIVERABLE:
                return IN_THE_WINDOW;
        case NOTICE_REMINDER:
        case NOTICE_RECEIVED:
        case NOTICE_COMPLETE:
        case NOTICE_REFUSED:
        case NOTICE_LADDER_ENDED:
        case NOTICE_UNASSIGNED:
        case NOTICE_EXPLAINED:
        case NOTICE_REPORT:
        case _NOTICE_KIND_MAX:
                break;
        }
        return AT_SEND_AT;
}

static usec_t leave_of(const struct tell *t, enum notice_kind kind, usec_t now) {
        enum timing timing = timing_of(kind);

        return timing == AT_ANY_HOUR     ? now
               : timing == IN_THE_WINDOW ? send_instant_in_window(t->model->calendar, now)
                                         : send_instant_next(t->model->calendar, now);
}

usec_t tell_leaves_late(const struct tell *t, usec_t due, usec_t now) {
        const struct calendar *cal = t->model->calendar;

        if (due > now)
                return due;
        if (now - due <= PLANNER_PROMPT && send_instant_in_window(cal, now) == now)
                return now;
        return send_instant_caught_up(cal, now);
}

usec_t tell_notice_leaves(const struct tell *t, enum notice_kind kind, usec_t due, usec_t now) {
        return timing_of(kind) == AT_SEND_AT ? tell_leaves_late(t, due, now)
                                             : leave_of(t, kind, now);
}

/* Written by hand: one is made for every file. */
static void write_file(struct strbuf *b, const struct file_note *file) {
        strbuf_add_member(b, "\"path\":", file->path);
        strbuf_addf(b, ",\"size\":%ju,\"at\":%jd", (uintmax_t)file->size, (intmax_t)file->at);
        strbuf_add_member(b, ",\"verdict\":", verdict_to_string(file->verdict));
        strbuf_add_member(b, ",\"sha256\":", file->sha256);
        strbuf_add_member(b, ",\"requirement\":", file->requirement);
        strbuf_add_member(b, ",\"detail\":", file->detail);
        strbuf_add_member(b, ",\"folder\":", file->folder);
}

static int write_words(struct strbuf *b, const struct tell_words *words) {
        const char *between = "";

        strbuf_addc(b, '{');
        if (words->file && words->file->path) {
                write_file(b, words->file);
                between = ",";
        }
        if (words->text) {
                strbuf_adds(b, between);
                strbuf_add_member(b, "\"text\":", words->text);
                between = ",";
        }
        if (words->trouble) {
                _cleanup_free_ char *trouble = trouble_dump(words->trouble);

                if (!trouble)
                        return -ENOMEM;
                strbuf_addf(b, "%s\"trouble\":%s", between, trouble);
                between = ",";
        }
        if (words->old_deadline)
                strbuf_addf(b, "%s\"old_deadline\":%jd", between, (intmax_t)words->old_deadline);
        strbuf_addc(b, '}');
        return strbuf_error(b);
}

int tell_notice(struct tell *t, enum notice_kind kind, const struct track *track,
                const struct unit *unit, const struct tell_words *words) {
        _cleanup_(strbuf_done) struct strbuf detail = STRBUF_INIT;
        usec_t now = now_of(t);
        int r = write_words(&detail, words);

        if (r < 0)
                return r;
        return store_add_notice(
                t->store, &(struct stored_notice){.kind = kind,
                                                  .instance = track ? track->instance->key : NULL,
                                                  .unit = track  ? track->instance->unit->id
                                                          : unit ? unit->id
                                                                 : NULL,
                                                  .created = now,
                                                  .leave = leave_of(t, kind, now),
                                                  .detail = strbuf_str(&detail)});
}

int tell_trouble(struct tell *t, const struct trouble *trouble) {
        _cleanup_free_ char *text = compose_trouble(t->templates, LANGUAGE_EN, trouble);
        int r = text ? store_begin(t->store) : -ENOMEM;

        if (r == 0)
                r = tell_notice(t, NOTICE_TROUBLE, NULL, NULL,
                                &(struct tell_words){.text = text, .trouble = trouble});
        if (r == 0)
                r = store_commit(t->store);
        if (r < 0) {
                store_rollback(t->store);
                return log_error_errno(
                        r, "Failed to write down a notice for the administrator ('%s'): %m",
                        text ? text : trouble_kind_to_string(trouble->kind));
        }
        log_event(LOG_WARNING, EVENT_TROUBLE, NULL, "%s", text);
        return 0;
}

static const struct track *any_track_of(const struct tell *t, const char *task, const char *unit) {
        for (size_t i = 0; i < t->tracks->n; i++)
                if (strcmp(t->tracks->items[i].instance->task->id, task) == 0 &&
                    strcmp(t->tracks->items[i].instance->unit->id, unit) == 0)
                        return &t->tracks->items[i];
        return NULL;
}

static int tell_change(struct tell *t, const struct track_change *c) {
        _cleanup_free_ char *text = NULL;

        if (c->kind == TRACK_MOVED)
                return tell_notice(t, NOTICE_DEADLINE_CHANGED, c->track, NULL,
                                   &(struct tell_words){.old_deadline = c->old_deadline});
        if (asprintf(&text, "%c %s", c->kind == TRACK_ADDED ? '+' : '-', c->key) < 0)
                return -ENOMEM;
        if (c->kind == TRACK_ADDED)
                return tell_notice(t, NOTICE_CRITERIA_CHANGED, c->track, NULL,
                                   &(struct tell_words){.text = text});
        return tell_notice(t, NOTICE_CRITERIA_CHANGED, any_track_of(t, c->task, c->unit),
                           model_find_unit(t->model, c->unit), &(struct tell_words){.text = text});
}

int tell_changes(struct tell *t, const struct track_changes *changes) {
        int r = 0;

        for (size_t i = 0; i < changes->n && r == 0; i++)
                r = tell_change(t, &changes->items[i]);
        return r;
}

/* The stand-in of the configuration for a task that names no unit. */
static bool is_nobody(const struct unit *unit) { return strcmp(unit->id, "-") == 0; }

static int tell_unassigned_once(struct tell *t, const struct track *track) {
        _cleanup_free_ char *name = NULL;
        int64_t told;
        int r;

        if (asprintf(&name, "unassigned-told:%s", track->instance->task->id) < 0)
                return -ENOMEM;
        r = store_get_i64(t->store, name, &told);
        if (r != -ENOENT)
                return r;
        r = tell_notice(t, NOTICE_UNASSIGNED, track, NULL, &(struct tell_words){});
        return r < 0 ? r : store_set_i64(t->store, name, now_of(t));
}

int tell_unassigned(struct tell *t) {
        int r = store_begin(t->store);

        for (size_t i = 0; i < t->tracks->n && r == 0; i++) {
                const struct track *track = &t->tracks->items[i];

                if (is_nobody(track->instance->unit) && !track->instance->task->unassigned)
                        r = tell_unassigned_once(t, track);
        }
        if (r == 0)
                r = store_commit(t->store);
        if (r < 0)
                store_rollback(t->store);
        return r;
}
