/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is to be told about an instance, and in which tone. Pure. How notices become mails: core/digests.h, which comes with it.
 * Rules: docs/semantics.md, section 5.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "core/instance.h"
#include "core/recipients.h"
#include "core/requirement.h"
#include "core/trouble.h"

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
        NOTICE_REPORT,        /* daily of a unit, or weekly of all */
        NOTICE_UNDELIVERABLE, /* a server refused a mail for good */
        NOTICE_TROUBLE,
        NOTICE_TEST,
        _NOTICE_KIND_MAX
};
const char *notice_kind_to_string(enum notice_kind kind);
int notice_kind_from_string(const char *s, enum notice_kind *ret);

/* The tone of a mail; of a digest, that of its most severe item. Ascending severity. Only reminders are above INFO. */
enum notice_class {
        NOTICE_CLASS_INFO,
        NOTICE_CLASS_LEAD, /* before the deadline */
        NOTICE_CLASS_DUE_TODAY,
        NOTICE_CLASS_OVERDUE, /* to the unit's head and below */
        NOTICE_CLASS_ESCALATION, /* to leaders: roles of the organisation other than coordinator and administrator */
        _NOTICE_CLASS_MAX
};

/* A file that a notice speaks of. Strings borrowed. */
struct file_note {
        const char *path; /* relative to its root; sanitised UTF-8 */
        uint64_t size;
        usec_t at; /* received, refused or missed at */
        enum verdict verdict;
        const char *sha256;      /* hex; NULL when not known */
        const char *requirement; /* name of the requirement it counts for; NULL: none */
        /* More on the verdict: the key of the instance it was meant for, or whose file has the same content; "jpg, not pdf, docx"
         * of a type; the path of the original of a duplicate; reopened: where it lies now. NULL: nothing */
        const char *detail;
        const char *folder; /* of the other instance, relative to the root; NULL */
        bool unreadable;    /* it counts, and can no longer be read */
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
        date_t stated;            /* of that deadline: the extension's where there is one */
        struct deadline deadline; /* that counts now */
        /* reminders */
        const struct rung *rung;
        usec_t fired;  /* firing instant of the rung */
        int days_left; /* working days from today to E: 0 on E; negative = overdue by that many */
        struct next_step next;
        unsigned n_reminded;  /* reminders recorded as sent before */
        usec_t last_reminded; /* 0: never */
        /* files: why present ones do not count (reminder), received, refused, missing */
        const struct file_note *files;
        size_t n_files, n_more_files; /* more: of the same kind, not in files */
        const char *text; /* free words: reason of a decision, what could not be delivered; NULL */
        const struct trouble *trouble; /* of that kind; NULL: there is text */
        usec_t old_deadline;           /* deadline changed; 0 */
        const struct address_list *
                mailed; /* deadline changed: everybody mailed about it so far; test: the address; NULL; borrowed */
        const struct report *report; /* of a report; else NULL */
};

/**
 * notice_about() - a notice of @kind on one instance: state, deadline, days left and what was mailed before filled in
 * Files and words are added by the caller.
 */
struct notice notice_about(const struct model *model, enum notice_kind kind,
                           const struct instance *instance, const struct history *history,
                           usec_t now);

/** notice_with_state() - notice_about() for a caller that knows the state */
struct notice notice_with_state(const struct model *model, enum notice_kind kind,
                                const struct instance *instance, const struct history *history,
                                enum state state, usec_t now);
/** days_left() - working days from @today to E: 0 on E, negative when overdue by that many */
int days_left(const struct calendar *cal, date_t effective, date_t today);

/** notice_class_late() - of a reminder whose deadline has passed: it depends on its step and unit alone */
enum notice_class notice_class_late(const struct model *model, const struct notice *notice);
/** notice_class_on() - @late: by notice_class_late() */
enum notice_class notice_class_on(const struct notice *notice, enum notice_class late, usec_t now);

#include "core/digests.h"
