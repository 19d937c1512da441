/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One function a family of types, called when the first bytes say so. Each sets type and whole (and signed_pdf) of
 * @c, which comes in as { OTHER, not whole }. Errors are left in bytes.error.
 */

#include "scan/inspect.h"

void inspect_pdf(struct bytes *s, uint64_t header, struct content *c); /* @header: where %PDF- is */
void inspect_zip(struct bytes *s, struct content *c);
void inspect_ole(struct bytes *s, struct content *c);
void inspect_jpg(struct bytes *s, struct content *c);
void inspect_png(struct bytes *s, struct content *c);
void inspect_tif(struct bytes *s, struct content *c);
void inspect_rar(struct bytes *s, struct content *c);
void inspect_7z(struct bytes *s, struct content *c);
void inspect_text(struct bytes *s,
                  struct content *c); /* anything else: text of some sort, or unknown */
