/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Gives what waits in the store's outbox to the senders and writes down what the servers answered. Chooses the server, the
 * moment of the next try, and when to give up; composes nothing. What it hands out is marked first, what it hears is
 * written before anything else is handed out: docs/architecture.md, "The promise about mail".
 */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "core/model.h"
#include "store/store.h"

struct outbox;

struct outbox_callbacks {
        /** A mail was refused for good or given up; inside the transaction that records it. Return: 0 or -errno. */
        int (*on_parked)(void *userdata, const struct outbox_entry *entry);
        void (*on_changed)(void *userdata); /* counts changed */
};

/* Borrowed: everything in it must outlive the outbox. */
struct outbox_config {
        sd_event *event;
        const struct clock *clock;
        const struct model *model;
        struct store *store;
        const char *socket;      /* of evidenced-mail; NULL: spawn it */
        const char *executable;  /* evidenced-mail */
        const char *environment; /* for a spawned sender, see ipc/peer.h */
};

int outbox_new(const struct outbox_config *config, const struct outbox_callbacks *callbacks,
               void *userdata, struct outbox **ret);
struct outbox *outbox_free(struct outbox *outbox);

/** outbox_kick() - something was queued or released */
void outbox_kick(struct outbox *outbox);
/** outbox_retry() - a person wants a try now: servers that are known to be down are asked again, too */
void outbox_retry(struct outbox *outbox);
void outbox_hold(struct outbox *outbox, bool hold); /* while held nothing is handed out but tests */
/** outbox_leaves_at() - when an entry that waits is tried: its next_try, or the start of the window that comes after it */
usec_t outbox_leaves_at(const struct outbox *outbox, const struct outbox_entry *entry);
/** outbox_stop() - hand out nothing more, let senders abort or finish (2 s), mark the rest in doubt. Returns when done. */
void outbox_stop(struct outbox *outbox);
/** Nothing is with a sender, and nothing may be handed out now. */
bool outbox_is_idle(const struct outbox *outbox);

struct outbox_server {
        const char *url, *text; /* text: the last trouble; NULL */
        const char *state;      /* "unknown", "ok", "down" */
};
size_t outbox_servers(const struct outbox *outbox, struct outbox_server *ret, size_t max);
/** Since when no mail could be sent although some wanted to; 0: all is well. */
usec_t outbox_failing_since(const struct outbox *outbox);
