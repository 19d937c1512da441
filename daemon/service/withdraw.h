/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reminders that wait in the outbox and are no longer true: a server that was down for a week must not pour out what was settled
 * meanwhile, nor six reminders where the seventh says it all.
 */

#include "service/tell.h"

/** withdraw_outdated() - reminders none of whose items is worth saying any more; own transaction, with the reason in the ledger.
 *  @ret_n: entries withdrawn. Return: 0 or -errno. */
int withdraw_outdated(struct tell *tell, size_t *ret_n);
