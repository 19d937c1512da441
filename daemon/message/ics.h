/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * iCalendar (RFC 5545) for deadlines: each is a VTODO that ends at its instant and an all-day VEVENT on its day, so that both
 * kinds of calendar show it. UIDs come from the key of the instance, so that a later file with a higher sequence moves what an
 * earlier one put there. A plain calendar without METHOD: that would make it a message of RFC 5546, which holds one kind of
 * entry only and names an ORGANIZER, and whoever opens it would have a meeting that somebody else owns. Pure. Used for the attachment of a mail and for the published calendars.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/strbuf.h"

/* One deadline. Borrowed UTF-8 texts. */
struct ics_item {
        const char *key; /* of the instance */
        const char *summary;
        const char *description; /* may have lines; NULL: none */
        date_t day;              /* effective date */
        usec_t due;              /* deadline instant */
        uint32_t sequence;
        bool done;
};

struct ics_calendar {
        const char *name;   /* shown by calendars that subscribe; NULL: none (an attachment) */
        const char *domain; /* of the UIDs: printable ASCII */
        usec_t stamp;       /* DTSTAMP */
};

void ics_begin(struct strbuf *out, const struct ics_calendar *calendar);
/** Return: 0 or -errno (no digest to be had). */
int ics_add(struct strbuf *out, const struct ics_calendar *calendar, const struct ics_item *item);
void ics_end(struct strbuf *out);

#define ICS_KEY_HASH 33 /* with NUL */
/** ics_key_hash() - what stands for an instance in UIDs and in References. Return: 0 or -errno. */
int ics_key_hash(const char *key, char ret[ICS_KEY_HASH]);
