/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the control interface shows, as JSON (org.evidenced.varlink has the types). New references; NULL when out of memory.
 */

#include <jansson.h>

#include "service/manager.h"

json_t *json_instant(usec_t instant); /* null for 0 and USEC_INFINITY */
json_t *json_date(date_t date);       /* null for DATE_NONE */
json_t *json_points(points_t points);
json_t *json_text(const char *s); /* sanitised; null for NULL */
json_t *json_instance(struct manager *m, const struct track *track);
json_t *json_files(struct manager *m, const struct track *track);
json_t *json_requirements(const struct track *track);
json_t *json_steps(struct manager *m, const struct track *track);
json_t *json_score(const char *id, const char *title, const struct score *score);
json_t *json_mail(const struct outbox_entry *entry);
json_t *json_row(const struct ledger_row *row);
json_t *json_digests(struct manager *m, const struct digest_list *digests);
