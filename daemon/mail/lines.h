/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Line ends of a message. Every CR LF, lone CR and lone LF is one line end: what a server might take for a line end of its own
 * ("\n.\n") is one for us as well, and its dot is stuffed. The last line has an end, too.
 */

#include <stddef.h>

/** lines_to_file() - with LF. Return: 0 or -ENOMEM; @ret: owned, ends in NUL. */
int lines_to_file(const char *text, size_t size, char **ret, size_t *ret_size);
/** lines_to_smtp() - what follows DATA: CR LF, dots stuffed, and the final dot. Return: as above. */
int lines_to_smtp(const char *text, size_t size, char **ret, size_t *ret_size);
