/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * When the daily and weekly reports are due, what stands in them, and when one is left out. Pure.
 * Rules: docs/semantics.md, section 5.
 *
 * Whoever sends reports keeps, for each report and (scope "unit") each unit, the last instant looked at and the
 * fingerprint of the last one sent:
 *         at = report_next(model, report, last + 1); when it is reached:
 *         report_fingerprints(), report_is_wanted() for each page, report_notices() for those, digests_build()
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/digests.h"
#include "core/instance.h"
#include "core/notice.h"

struct notice_list ARRAY(struct notice);

/**
 * report_next() - the first instant at or after @from at which the report is due
 * A day off moves to the next working day (where two occurrences that meet are one), an `at` outside the window into it.
 * Return: USEC_INFINITY when the rule has come to its end.
 */
usec_t report_next(const struct model *model, const struct report *report, usec_t from);

/** report_n_pages() - mails an occurrence can become: one, or one for each unit */
size_t report_n_pages(const struct model *model, const struct report *report);

/**
 * report_reminded() - who gets one of these mails as a reminder in To
 * @reminders: the mails that leave at the same time
 * @ret:       added to; borrowed from @reminders' model
 * Return: 0 or -ENOMEM.
 */
int report_reminded(const struct digest_list *reminders, struct recipients *ret);

/**
 * report_fingerprints() - what the pages say, as a number each: equal as long as nothing in them changed, nothing is overdue or
 *                         due soon, and the week (ISO 8601) is the same
 * @histories: one per instance of the set, in its order
 * @reminded:  by report_reminded(): a unit among them gets no page
 * @ret:       room for report_n_pages(); 0 for a unit that owes nothing or gets no page, and for a page of all that is always sent
 *
 * Return: 0 or -ENOMEM.
 */
int report_fingerprints(const struct model *model, const struct instance_set *instances,
                        const struct history *const *histories, const struct report *report,
                        const struct recipients *reminded, usec_t now, uint64_t *ret);

/**
 * report_is_wanted() - is a page to be sent?
 * @fingerprint:  of now
 * @last:         of the last one sent; 0: none was
 */
bool report_is_wanted(const struct report *report, uint64_t fingerprint, uint64_t last);

/**
 * report_notices() - the lines of the pages
 * @wanted: room for report_n_pages()
 * @ret:    added to: for each page a notice without instance, so that a page of all without lines is a mail too; in the page of a unit all that
 *          it owes but what is planned, in that of all what is overdue; a record of reminders has no lines of ours
 *
 * Return: 0 or -ENOMEM.
 */
int report_notices(const struct model *model, const struct instance_set *instances,
                   const struct history *const *histories, const struct report *report,
                   const bool *wanted, usec_t now, struct notice_list *ret);
