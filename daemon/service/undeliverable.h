/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A mail that a server refused for good, or that was tried for mail.retry_for: the head of the unit gets it instead, and people
 * are told of the address that does not work.
 */

#include "service/tell.h"

/** undeliverable() - inside the transaction that parks the entry. Return: 0 or -errno. */
int undeliverable(struct tell *tell, const struct outbox_entry *entry);
