/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The templates of all languages and the phrases that go into them. Read and parsed once (templates_load() in
 * message/compose.h); afterwards nothing here touches a file.
 *
 *         DIR/NAME.mustache, DIR/LANG/NAME.mustache    layouts; that of a language comes before the common one
 *         DIR/LANG/strings                             phrases: "key = text", each text a template of its own; a line that
 *                                                      begins with a blank goes on with the text before; '#' comments
 *
 * The override folder has the same form and wins file by file (phrases: one by one).
 */

#include "base/strbuf.h"
#include "core/model.h"
#include "message/compose.h"
#include "message/mustache.h"

/* How a language writes numbers: the phrases count-digits and decimal. */
struct numerals {
        int digits; /* at least, of a count */
        char decimal;
        int error; /* 0, or why a phrase of them could not be rendered: as templates_render() */
};
const struct numerals *templates_numerals(const struct templates *templates,
                                          enum language language);

/** templates_have() - is there a phrase or layout of this name? */
bool templates_have(const struct templates *templates, enum language language, const char *name);

/**
 * templates_render() - a phrase or layout into @ret
 * @html: escape {{x}}; false: plain text
 * Return: 0, -ENOENT (no such name), or as mustache_render().
 */
int templates_render(const struct templates *templates, enum language language, const char *name,
                     bool html, const struct value *context, struct strbuf *ret);
