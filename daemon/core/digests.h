/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How the notices of one flush become mails: who gets them, what is merged, in which order. Pure.
 * Rules: docs/semantics.md, section 5.
 */

#include "core/notice.h"

/* One mail. Owns its arrays; notices are in the mail's order. */
struct digest {
        enum notice_kind kind;
        enum notice_class class;
        enum language language;
        usec_t at; /* the flush */
        struct recipients to, cc;
        struct digest_items ARRAY(struct notice) items;
        const struct report *report; /* of a report; else NULL */
        const struct unit *unit;     /* of a per-unit mail; else NULL */
};
void digest_done(struct digest *digest);

struct digest_list ARRAY(struct digest);
void digest_list_done(struct digest_list *list);

/**
 * digests_build() - notices of one flush to mails
 * @ret: added to, in order of kind and To
 *
 * What becomes one mail (the table of section 5):
 *         reminders                               the same set of To
 *         received, complete, refused             the same unit; kind: that of all items, else received
 *         reopened; criteria changed              the same unit
 *         deadline changed                        the same set of To
 *         undeliverable                           all
 *         trouble; test                           each alone
 *         ladder ended, unassigned, explained     all; kind: that of all items, else the first of the three that occurs
 *         report                                  the same report and unit; a notice without instance makes no line
 * Cc is the union without To; most severe first (overdue by most working days, nearest deadline, most points, id in natural
 * order; in a report what is filed or decided comes last). Addresses beyond the fence are left out.
 * Return: 0 or -ENOMEM.
 */
int digests_build(const struct model *model, const struct notice *notices, size_t n, usec_t now,
                  struct digest_list *ret);
