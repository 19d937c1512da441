/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mail.daily_limit: mails an address may get on one day before received, refused and report mails wait for the next day.
 * Reminders and escalations are never held back, but count. Rules: docs/semantics.md, section 5.
 */

#include "service/tell.h"

/* What each address had today, those of the flush that is being made among it. */
struct limit {
        struct strmap *
                counts; /* owned, with its uint64_t; by key; NULL: not begun, or there is no limit */
};
void limit_done(struct limit *limit);

bool limit_concerns(enum notice_kind kind);
/**
 * limit_begin() - reads what was written today and adds those of @digests that no limit holds back; again: no effect
 *
 * Return: 0 or -errno.
 */
int limit_begin(struct limit *limit, struct tell *tell, usec_t now,
                const struct digest_list *digests);
/** limit_take() - may each of the addresses get one more today? Then they have it. Return: 1 yes, 0 no, -ENOMEM. */
int limit_take(struct limit *limit, const struct model *model, const struct recipients *to);
