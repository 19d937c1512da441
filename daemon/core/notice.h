/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is to be told to whom, and how single notices become one mail. Pure.
 * Rules: docs/semantics.md, section 5.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "core/instance.h"
#include "core/requirement.h"

enum notice_kind {
        NOTICE_REMINDER,
        NOTICE_RECEIVED,
        NOTICE_COMPLETE,
        NOTICE_REFUSED,
        NOTICE_REOPENED,
        NOTICE_DEADLINE_CHANGED,
        NOTICE_CRITERIA_CHANGED,
        NOTICE_LADDER_ENDED,
        NOTICE_UNASSIGNED,
        NOTICE_EXPLAINED,
        NOTICE_REPORT, /* daily of a unit, or weekly of all */
        NOTICE_TROUBLE,
        NOTICE_TEST,
        _NOTICE_KIND_MAX
};
const char *notice_kind_to_string(enum notice_kind kind);
int notice_kind_from_string(const char *s, enum notice_kind *ret);

/* The tone of a mail; of a digest, that of its most severe item. Ascending severity. */
enum notice_class {
        NOTICE_CLASS_INFO,
        NOTICE_CLASS_LEAD,      /* before the deadline */
        NOTICE_CLASS_DUE_TODAY,
        NOTICE_CLASS_OVERDUE,   /* to the unit's head and below */
        NOTICE_CLASS_ESCALATION, /* to leaders: roles of the organisation */
        _NOTICE_CLASS_MAX
};

/* A file that a notice speaks of. Strings borrowed. */
struct file_note {
        const char *path; /* relative to its root; sanitised UTF-8 */
        uint64_t size;
        usec_t at; /* received, refused or missed at */
        enum verdict verdict;
        const char *sha256; /* hex; NULL when not known */
        const char *requirement; /* name of the requirement it counts for; NULL: none */
        const char *detail;      /* more words on the verdict, for instance the other instance's key; NULL */
};

/* The step that comes next if nothing is filed. */
struct next_step {
        bool exists;
        struct offset offset;
        usec_t at;
        const struct step *step;
};

/* One line of a mail. */
struct notice {
        enum notice_kind kind;
        const struct instance *instance; /* NULL where the notice is not about one */
        const struct history *history;   /* NULL as above; borrowed */
        const struct unit *unit;         /* the unit concerned; NULL: none */
        enum state state;
        struct deadline deadline; /* that counts now */
        /* reminders */
        const struct rung *rung;
        usec_t fired;         /* firing instant of the rung */
        int days_left;        /* working days from today to E: 0 on E; negative = overdue by that many */
        struct next_step next;
        unsigned n_reminded;  /* reminders recorded as sent before */
        usec_t last_reminded; /* 0: never */
        /* files: why present ones do not count (reminder), received, refused, missing */
        const struct file_note *files;
        size_t n_files;
        const char *text; /* free words: reason of a decision, cause of a trouble; NULL */
        usec_t old_deadline; /* deadline changed; 0 */
};

/* Sorted by key, each address once. Items borrowed from the model. */
struct recipients ARRAY(const struct address *);

/* One mail. Owns its arrays; notices are in the mail's order. */
struct digest {
        enum notice_kind kind;
        enum notice_class class;
        enum language language;
        usec_t at; /* the flush */
        struct recipients to, cc;
        struct digest_items ARRAY(struct notice) items;
        const struct report *report; /* of a report; else NULL */
        const struct unit *unit;     /* of a per-unit mail; else NULL */
};
void digest_done(struct digest *digest);

/**
 * recipients_resolve() - roles of one instance to addresses
 * @roles:    role names of a step, a report or the table of notices
 * @unit, @task: whose roles; either may be NULL
 * @ret:      added to, sorted, unique
 *
 * Each role: unit, owner, co_units, else looked up in the unit's roles, then the organisation's; the fence applied;
 * an empty one falls back to coordinator, then administrator. Return: 0 or -ENOMEM; never leaves @ret empty when the model
 * has any administrator (the check makes sure that it has).
 */
int recipients_resolve(const struct model *model, const char *const *roles, size_t n_roles, const struct unit *unit,
                       const struct task *task, struct recipients *ret);

enum notice_class notice_class_of(const struct model *model, const struct notice *notice, usec_t now);

struct digest_list ARRAY(struct digest);
void digest_list_done(struct digest_list *list);

/**
 * digests_build() - notices of one flush to mails
 *
 * Same kind family and same set of To: one mail; Cc is the union without To; most severe first (overdue by most working
 * days, nearest deadline, most points, id in natural order). Received and complete share a digest, as the table says.
 * Return: 0 or -ENOMEM.
 */
int digests_build(const struct model *model, const struct notice *notices, size_t n, usec_t now,
                  struct digest_list *ret);
