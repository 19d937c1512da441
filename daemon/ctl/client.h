/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A call to the daemon: Varlink over its control socket, one call at a time. What goes wrong is said on stderr, in a
 * sentence, and becomes an exit status (sysexits.h).
 */

#include <jansson.h>

#include "ctl/arguments.h"

/**
 * call() - connect, ask, hang up
 * @in:         for --socket; else $EVIDENCED_SOCKET, else /run/evidenced/org.evidenced
 * @method:     of org.evidenced
 * @parameters: reference taken over, also on failure; NULL: they could not be made (jansson takes UTF-8 only), a usage error
 * @ret:        new reference to the answer's parameters; untouched unless 0
 *
 * Return: 0, or the exit status after the reason was printed.
 */
int call(const struct invocation *in, const char *method, json_t *parameters, json_t **ret);

/**
 * call_pages() - an answer that comes in pages, in as many calls as it takes
 * @parameters: of the first page; the call takes it over, NULL as above
 * @member:     of the answers: the array whose pages are put together
 * @ret:        new reference to an array; untouched unless 0
 */
int call_pages(const struct invocation *in, const char *method, json_t *parameters,
               const char *member, json_t **ret);
