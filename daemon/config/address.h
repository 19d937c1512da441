/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Mail addresses and domains as people configure them. The subset of RFC 5322 mailboxes that can neither surprise a
 * server nor a mail header: `local@domain` or `Name <local@domain>`, dot-atom local parts in NFC (beyond ASCII: RFC 6531),
 * domains through IDNA 2008. No groups, comments, quoted local parts or address literals.
 */

#include "base/arena.h"
#include "core/model.h"

/**
 * address_parse() - @text to an address in the arena
 * @text:      valid UTF-8
 * @ret_error: on failure, what is wrong, in words; static
 *
 * Return: 0 or -EINVAL.
 */
int address_parse(struct arena *arena, const char *text, struct address *ret,
                  const char **ret_error);

/** address_key() - what a spec is compared by: without case. Return: owned; NULL when out of memory or no UTF-8. */
char *address_key(const char *spec);
/** address_is_ascii() - else only a server that offers SMTPUTF8 takes mail to it */
bool address_is_ascii(const struct address *address);

/**
 * domain_parse() - a domain in lower-case ASCII (IDNA where it is not)
 * Return: 0 or -EINVAL; errors as address_parse().
 */
int domain_parse(struct arena *arena, const char *text, const char **ret, const char **ret_error);
