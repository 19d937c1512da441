/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One deadline of one unit that owes something for it, what happened to it so far, and the state that follows.
 * Pure: definitions come from the model, histories from the store, nothing here reads a clock.
 * Rules: docs/semantics.md, sections 2, 3 and 6.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"
#include "core/pattern.h"

/* A need of one instance, placeholders replaced, patterns compiled. */
struct requirement {
        const struct need *need;
        const char *asked; /* its patterns, joined by ", "; "" when every name will do */
        const char *name;  /* need.name, or the patterns as in @asked */
        const struct pattern *const *patterns;
        size_t n_patterns;
};

struct instance {
        const char *key; /* TASK@DATE[/UNIT]; TASK[/UNIT] without a deadline */
        const struct task *task;
        const struct unit *unit; /* who owes it; never NULL */
        bool has_deadline;
        struct due due;           /* as stated */
        struct deadline deadline; /* as configured; see history.extended_to */
        const char *title;        /* placeholders replaced; with the label where there is one */
        const char *
                dir; /* relative to a root, normalised, placeholders replaced; "": the root itself; NULL: none */
        const struct requirement *requirements;
        size_t n_requirements;
        uint32_t n_slots; /* sum of counts */
        size_t index;     /* in instance_set.items */
};

enum state {
        STATE_UNKNOWN,
        STATE_COMPLETE,
        STATE_LATE,
        STATE_WAIVED,
        STATE_EXPLAINED,
        STATE_SNOOZED,
        STATE_OVERDUE,
        STATE_PARTIAL,
        STATE_OPEN,
        STATE_PLANNED,
        _STATE_MAX
};
const char *state_to_string(enum state state);

enum episode_cause {
        EPISODE_FIRST_KNOWN,
        EPISODE_REOPENED,
        EPISODE_DEADLINE_CHANGED,
        EPISODE_SNOOZE_ENDED,
        EPISODE_WAIVER_ENDED,
        EPISODE_EXPLANATION_ENDED,
        _EPISODE_CAUSE_MAX
};
const char *episode_cause_to_string(enum episode_cause cause);
int episode_cause_from_string(const char *s, enum episode_cause *ret);

/* What became of one firing of the ladder. */
enum record_kind { RECORD_SENT, RECORD_COVERED, RECORD_SUPERSEDED, _RECORD_KIND_MAX };
struct record {
        uint32_t episode;
        usec_t deadline; /* the deadline instant it was about */
        struct offset offset;
        usec_t fired; /* firing instant */
        usec_t at;    /* when it was recorded */
        enum record_kind kind;
};

/* All that happened to an instance. The arrays are borrowed. */
struct history {
        usec_t first_known; /* from the release on, while mail is held before it */
        uint32_t episode;   /* from 1 */
        usec_t episode_began;
        enum episode_cause cause;
        bool scanned;    /* its folder was seen at least once (else: unknown) */
        bool unverified; /* its root is missing or different now: the last state stands */
        bool explained;
        usec_t overruled_at; /* a person ended an explanation: only what is received later explains; 0: never */
        date_t extended_to; /* last day by an extension; DATE_NONE */
        struct deadline
                passed; /* the deadline as it passed: no calendar moves it again; instant 0: not passed yet */
        usec_t waived_until, snoozed_until; /* 0: not; USEC_INFINITY: without end */
        const uint32_t *have;               /* counted files per requirement, each ≤ need.count */
        size_t n_have;                      /* 0 or instance.n_requirements */
        usec_t complete_at; /* received-at of the file that filled the last slot; 0: not complete */
        const struct record *records;
        size_t n_records;
        unsigned n_forgotten;  /* reminders sent whose records are not among them any more */
        usec_t last_forgotten; /* when the last of those was sent */
        bool ladder_end_told;
};

#define HISTORY_INIT                                                                               \
        (struct history) { .episode = 1, .extended_to = DATE_NONE }

/** The deadline that counts now: the extension's where there is one, the one that passed where one has (docs/semantics.md,
 *  section 2). An extension that no working day follows is refused by the caller (deadline_resolve()) before it is kept. */
struct deadline instance_deadline(const struct calendar *cal, const struct instance *instance,
                                  const struct history *history);
uint32_t history_have(const struct history *history); /* sum of have */
/** instance_opens() - start of the day before which the state is "planned"; 0: always open. */
usec_t instance_opens(const struct calendar *cal, const struct instance *instance,
                      const struct history *history);
/** instance_decided() - unknown, complete, late, waived, explained or snoozed; _STATE_MAX when none of them holds */
enum state instance_decided(const struct instance *instance, const struct history *history,
                            const struct deadline *deadline, usec_t now);
enum state instance_state(const struct calendar *cal, const struct instance *instance,
                          const struct history *history, usec_t now);
/** instance_is_overdue() - is that its state? Cheaper to ask than which it is. */
bool instance_is_overdue(const struct calendar *cal, const struct instance *instance,
                         const struct history *history, usec_t now);
bool state_is_open(
        enum state state); /* overdue, partial, open: reminders may be due (planned: not yet) */

#include "core/instance-set.h"
