/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Mail addresses as they stand in MAIL and RCPT, where they are written as they are: a line end in one would be a command of its own.
 */

#include <stdbool.h>

/**
 * mailbox_prepare() - check an address, its domain in ASCII (IDNA 2008, UTS 46)
 * @ret_address:  owned
 * @ret_utf8:     its local part needs SMTPUTF8
 * @ret_why:      static text for people on -EINVAL
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int mailbox_prepare(const char *address, char **ret_address, bool *ret_utf8, const char **ret_why);
