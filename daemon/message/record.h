/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The record of reminders: who was told what, when, and what the server said. Gathered by the caller; written by
 * record-body.c. A value; all borrowed.
 */

#include <stddef.h>

#include "base/clock.h"
#include "core/model.h"

enum record_fate {
        FATE_ACCEPTED,
        FATE_DOUBT, /* sent again, under the same Message-ID */
        FATE_PARKED,
        FATE_WITHDRAWN,
        _FATE_MAX
};

/* Why a mail was withdrawn, as the ledger has it; a record says it in the language of the office. */
#define WHY_UNASKED "it is no longer asked for"
#define WHY_SETTLED "it was settled meanwhile"
#define WHY_LATER "a later reminder takes its place"
#define WHY_DROPPED "dropped by " /* and a name */

/* One copy of a mail. */
struct record_mail {
        usec_t at;
        enum record_fate fate;
        const char *address, *subject, *answer; /* answer: "250 2.0.0 OK", WHY_…; "" */
};

/* Copies about what a unit owes, whoever got them. */
struct record_count {
        size_t n[_FATE_MAX];
};

#define RECORD_MAX_MAILS 300 /* the rest is counted, and in the ledger */

struct record_list {
        const struct record_mail *items;
        size_t n, all; /* all ≥ n */
};

struct record_page {
        usec_t from, until;
        const struct record_count *units; /* per unit of the model */
        struct record_count total;        /* each copy once */
        struct record_list accepted, others;
};
