/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Headers and bodies of a mail in their transfer form: RFC 5322, 2045-2047 and 2231. Pure. Everything is 7-bit with CRLF, and
 * whatever a value holds, it stays inside its header: control characters become spaces, what is no UTF-8 becomes U+FFFD.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "core/model.h"

/** mime_header() - a header of free words: folded, encoded words where needed. @name: ours, ASCII. */
void mime_header(struct strbuf *out, const char *name, const char *value);
/** mime_header_addresses() - a list of mailboxes; those that are none are left out, those with a local part beyond
 *  ASCII named in an empty group. Without any: "undisclosed-recipients:;". */
void mime_header_addresses(struct strbuf *out, const char *name, const struct address *const *items,
                           size_t n);
/** mime_header_ids() - Message-IDs, one or several; NULLs and those with anything but printable ASCII are left out, and without any
 *  there is no header */
void mime_header_ids(struct strbuf *out, const char *name, const char *const *ids, size_t n);
/** mime_header_date() - Date, in the organisation's zone */
void mime_header_date(struct strbuf *out, usec_t at);
/** mime_header_list_id() - "Words <label.domain>"; @id: printable ASCII */
void mime_header_list_id(struct strbuf *out, const char *words, const char *id);

/** mime_spec_is_safe() - may the address stand between '<' and '>' as it is? */
bool mime_spec_is_safe(const char *spec);
/** mime_id_is_safe() - "<…@…>" of printable ASCII without blanks, at most 900 bytes */
bool mime_id_is_safe(const char *id);

#define MIME_BOUNDARY 48 /* with NUL */
/** mime_boundary() - for the @part-th multipart of a mail: the same each time, and in no transfer-encoded body.
 *  Return: 0 or -errno. */
int mime_boundary(const char *message_id, unsigned part, char ret[MIME_BOUNDARY]);

/**
 * mime_part() - Content-Type, Content-Transfer-Encoding, (with a name) Content-Disposition: attachment, blank line, body
 * @type:     "text/plain"
 * @filename: UTF-8; NULL: none, it is part of the text
 * @text:     UTF-8, lines end in LF or CRLF; quoted-printable or base64, whichever is shorter
 */
void mime_part(struct strbuf *out, const char *type, const char *filename, const char *text);
