/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Line ends of a message. Every CR LF, lone CR and lone LF is one line end: what a server might take for a line end of its own
 * ("\n.\n") is one for us as well, and its dot is stuffed.
 */

#include <stddef.h>

/** lines_convert() - @end ("\r\n", "\n") at every line's end, the last one's too. Return: 0 or -ENOMEM; @ret: owned, ends in NUL. */
int lines_convert(const char *text, size_t size, const char *end, char **ret, size_t *ret_size);
