/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which reports a flush carries, and the memory of when each was last looked at. When and what: core/report.h. What a unit's
 * page says of files that do not count comes from here, since core knows no files.
 */

#include "core/report.h"
#include "service/limit.h"
#include "service/tell-internal.h"

/* What is to be remembered once the mails are written. */
struct report_mark {
        char *name; /* owned; of the store's value */
        int64_t value;
};
struct report_marks ARRAY(struct report_mark);
void report_marks_done(struct report_marks *marks);

/* What notices say of files: owned, and to be kept as long as they are. */
struct report_files ARRAY(struct tell_files);
void report_files_done(struct report_files *files);

/**
 * reports_gather() - lines of all reports due at @now
 * @reminders: the mails that leave at the same time
 * @limit:     holds the page of a unit back until the next day's; one of all leaves in any case
 * @ret:       added to
 * @ret_files: added to; @ret borrows from it
 * @ret_marks: added to; to be written with report_marks_write() in the transaction that writes the mails
 *
 * A report missed while the service was down is sent once. Return: 0 or -errno.
 */
int reports_gather(struct tell *tell, usec_t now, const struct digest_list *reminders,
                   struct limit *limit, struct notice_list *ret, struct report_files *ret_files,
                   struct report_marks *ret_marks);
int report_marks_write(struct store *store, const struct report_marks *marks);
/** When the next report is due; USEC_INFINITY. One that was never looked at counts from @now. */
usec_t reports_next(struct tell *tell, usec_t now);
