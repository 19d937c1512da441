/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of a mail, in the ledger: one row for each thing it was about, so that "was this unit told?" has an answer. */

#include "store/store.h"

/** mail_ledger() - the entry as the store has it now: accepted, in doubt, parked or withdrawn; inside the caller's transaction.
 *  @why: more words; NULL. Return: 0 or -errno. */
int mail_ledger(struct store *store, const struct outbox_entry *entry, usec_t now, const char *why);

/** mail_answer() - what the server said of a mail: "550 5.1.1 no such user". Return: owned, "" when nothing; NULL: out of memory. */
char *mail_answer(const struct outbox_entry *entry);

/** mail_log_refused() - a line in the journal for a mail that did not arrive yet, or will not; a store_outbox_fn */
int mail_log_refused(void *userdata, const struct outbox_entry *entry);
