/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The page of points and of what is missing (board.html.mustache): one HTML document without scripts and without anything
 * fetched, in the organisation's language, with nobody's mail address. Pure but for the templates, which were read before.
 */

#include "core/instance.h"
#include "core/score.h"
#include "message/document.h"

#define BOARD_NEXT_DAYS 30
#define BOARD_MAX_ROWS 1000 /* criteria named; of the others the page says how many there are */
#define BOARD_FEW_ROWS 100  /* when their texts are so long that these many do not fit a page */

/* All borrowed. */
struct board {
        const struct model *model;
        const struct templates *templates;
        const struct instance_set *instances;
        const struct history *const *histories; /* one per instance, in its order */
        const struct scoreboard *scores;
        usec_t now;
};

/** board_render() - appends the page. Return: 0, -ENOMEM, -E2BIG, -EINVAL or -ENOENT (a template that fails or is missing). */
int board_render(const struct board *board, struct strbuf *ret);

/** board_describe() - what phrases can say of one instance, into @object; Return: its notice, for state and deadline. */
struct notice board_describe(struct document *doc, const struct board *board, size_t instance,
                             struct value *object);

/** board_curve() - points won over time against the deadlines, as "curve" of the document's root; nothing when there is neither */
int board_curve(struct document *doc, const struct board *board);
