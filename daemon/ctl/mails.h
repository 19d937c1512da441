/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mails to come as a table: for release and simulate. */

#include <jansson.h>

/** print_mails() - @mails: objects of time, kind, to, cc, subject, and items or their number n_items. Return: 0 or EXIT_FAILURE (said). */
int print_mails(const json_t *mails);
