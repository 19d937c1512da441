/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mail.daily_limit: mails an address may get on one day before received, refused and report mails wait for the next day.
 * Reminders and escalations are never held back. Rules: docs/semantics.md, section 5.
 */

#include "service/tell.h"

bool limit_concerns(enum notice_kind kind);
/** limit_reached() - has any of the addresses had as many mails today as it may have? Return: 1, 0, or -errno. */
int limit_reached(struct tell *tell, const struct address_list *addresses, usec_t now);
