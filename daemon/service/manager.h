/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The service: owns the configuration, the store and all rooms of the house, and runs them on one event loop. Everything that
 * people can ask for over the control socket is a function here (service/control.h only speaks Varlink).
 */

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "config/config.h"
#include "service/care.h"
#include "service/evidence.h"
#include "service/outbox.h"
#include "service/pass-lines.h"
#include "service/tell.h"
#include "service/track.h"

struct control;
struct publish;

struct manager_options {
        const char *config;    /* evidenced.conf */
        const char *state;     /* folder */
        const char *socket;    /* of control; NULL: none */
        const char *libexec;   /* where the workers are, when no socket is set */
        const char *templates; /* folder of templates */
        bool once;
        bool now_given;
        usec_t now; /* where the clock starts */
};

struct manager {
        struct manager_options options;
        sd_event *event;
        struct clock clock;
        char *scan_program, *mail_program, *mail_environment; /* owned */
        struct model *model;
        struct instance_set *instances;
        struct templates *templates;
        struct store *store;
        struct tracks *tracks;
        struct evidence *evidence;
        struct outbox *outbox;
        struct control *control;
        struct publish *publish;              /* owned; NULL before the first pass */
        struct tell tell;                     /* borrows the above */
        sd_event_source *turn, *wake, *start; /* owned */
        usec_t started;                       /* monotonic */
        bool released;   /* mail may leave as far as release goes; mail.hold is apart */
        bool start_over; /* slow roots have had their time */
        bool planned;    /* a plan was made since the start */
        struct pass_lines pass_lines;
        bool ahead_of_store; /* what evidence found could not be written: all is made anew at once */
        usec_t first_pass;   /* of the evidence made then, monotonic: not before */
        usec_t next;         /* next instant at which a mail may be due; USEC_INFINITY */
        usec_t next_change;  /* next instant at which a decision ends or a deadline passes */
        char *status;        /* owned; last STATUS= */
        struct care care;
        usec_t next_care; /* when care_look() wants to be called again */
        int exit_status;
};

/** manager_new() - all but running. Return: 0; -EBUSY another evidenced runs (said); -EINVAL configuration (said); -errno (said). */
int manager_new(const struct manager_options *options, struct manager **ret);
struct manager *manager_free(struct manager *m);
/** manager_run() - until SIGTERM, or until --once is done. Return: exit status, or -errno. */
int manager_run(struct manager *m);

bool manager_is_held(const struct manager *m);
usec_t manager_now(const struct manager *m);
/** manager_turn() - look again soon: something changed */
void manager_turn(struct manager *m);

/* What people can ask for. Each returns 0 or -errno; @author is written into the ledger ("uid 1000 (an)"). */

/** @ret_findings: filled when the configuration is refused (-EINVAL); @ret_changes: lines that say what changed. Both the caller's. */
int manager_reload(struct manager *m, struct findings *ret_findings,
                   struct track_changes *ret_changes);
int manager_release(struct manager *m, const char *author);
int manager_confirm(struct manager *m, const char *author);

enum decision { DECISION_WAIVE, DECISION_SNOOZE, DECISION_EXTEND, DECISION_REOPEN, _DECISION_MAX };
const char *decision_to_string(enum decision decision);
int decision_from_string(const char *s, enum decision *ret);
/**
 * manager_decide() - a person's decision on one instance
 * @until: waive: DATE_NONE for good; snooze: its day; extend: the new last day; reopen: ignored
 * @ret_error: static words on -EINVAL
 */
int manager_decide(struct manager *m, enum decision decision, struct track *track,
                   const char *reason, date_t until, const char *author, const char **ret_error);

/* Numbers for STATUS= and `status`. */
struct manager_counts {
        size_t by_state[_STATE_MAX];
        size_t tasks, overdue_tasks; /* a task counts once, however many of its instances are */
        struct outbox_counts outbox;
};
void manager_count(struct manager *m, struct manager_counts *ret);
