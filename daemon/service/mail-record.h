/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the record of reminders (message/record.h) says, from the ledger: all that became of mails to people about what is owed,
 * since the last record. Reports, tests and what is for the administrator are left out.
 */

#include "message/record.h"
#include "service/tell.h"

struct mail_record {
        struct record_page page;
        struct record_memory *memory; /* owned: what the page borrows */
};
void mail_record_done(struct mail_record *record);

/**
 * mail_record_gather() - reads on where the last record of @report ended, and remembers how far; inside the caller's transaction
 * @now: the end of the time it is about
 * @ret: mail_record_done(); untouched on failure
 *
 * Return: 0 or -errno.
 */
int mail_record_gather(struct tell *tell, const struct report *report, usec_t now,
                       struct mail_record *ret);
