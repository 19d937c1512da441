/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which mail server is tried next: the first in order that is not known to be down. Remembers troubles with back-off; says
 * nothing about single mails.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "core/model.h"

struct mail_server_state {
        usec_t down_until; /* 0: not known to be down */
        unsigned failures;
        bool seen_ok;
        char *text; /* owned; last trouble; NULL */
};

struct mail_servers {
        const struct model *model;       /* borrowed */
        struct mail_server_state *items; /* owned; model.mail.n_servers */
};

int mail_servers_init(struct mail_servers *servers, const struct model *model);
void mail_servers_done(struct mail_servers *servers);

/** mail_servers_choose() - Return: index, or SIZE_MAX when all are down: @ret_until says until when. */
size_t mail_servers_choose(const struct mail_servers *servers, usec_t now, usec_t *ret_until);
/** mail_servers_try_all() - a person asked for a try: none is waited for; each is down until it was talked to */
void mail_servers_try_all(struct mail_servers *servers, usec_t now);
/** mail_servers_heard() - what came of talking to one: @trouble NULL when it could be talked to;
 *  troubles of one that is known to be down count as the same one */
void mail_servers_heard(struct mail_servers *servers, size_t index, const char *trouble,
                        usec_t now);

/** @t ± 20 %, so that many that failed together do not come back together */
usec_t jitter(usec_t t);
/** first, 2 × first, 4 × first … max */
usec_t back_off(usec_t first, usec_t max, unsigned n);

/** mail_server_json() - as ipc/PROTOCOL.md has it, added to @b */
void mail_server_json(struct strbuf *b, const struct mail_server *server);
