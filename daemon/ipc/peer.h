/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The decider's side of a worker, on an sd_event loop: connects to the worker's socket, or starts the worker itself on a
 * socketpair when no socket is configured; never falls back from one to the other. Exchanges hello, delivers messages, and
 * replaces a worker that died, or said nothing for 60 s while something was expected of it, with back-off
 * (1, 2, 4 … 60 s).
 */

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "ipc/frame.h"

#define PEER_SILENCE_USEC (60 * 1000000LL)

struct peer;

struct peer_config {
        const char *name;        /* for logs: "scanner of /srv/evidence"; copied */
        const char *program;     /* "evidenced-scan" */
        const char *socket;      /* path to connect to; NULL: spawn */
        const char *executable;  /* path to spawn; used when socket is NULL */
        const char *environment; /* NULL, or one more "NAME=value" for the spawned worker (CREDENTIALS_DIRECTORY=… for the sender) */
};

enum peer_state { PEER_DOWN, PEER_CONNECTING, PEER_UP, _PEER_STATE_MAX };

struct peer_callbacks {
        void (*on_up)(struct peer *p, void *userdata);                       /* hello done: send your work */
        void (*on_message)(struct peer *p, struct message *m, void *userdata); /* m is yours to take (message_done is called after) */
        void (*on_down)(struct peer *p, const char *why, void *userdata);    /* work given out is to be done again; reconnects by itself */
};

int peer_new(sd_event *event, const struct peer_config *config, const struct peer_callbacks *callbacks, void *userdata,
             struct peer **ret);
struct peer *peer_free(struct peer *p); /* hangs up; a spawned child gets SIGTERM by hang-up and is reaped */
enum peer_state peer_state(const struct peer *p);
/** peer_send() - queue and flush. Return: 0, -ENOTCONN when not up, -ENOBUFS. */
int peer_send(struct peer *p, json_t *json, const void *body, size_t body_size);
/** peer_expect() - while > 0, silence of PEER_SILENCE_USEC is a hang; every message received restarts the time. */
void peer_expect(struct peer *p, int change);
/** peer_restart() - hang up and connect again at once */
void peer_restart(struct peer *p, const char *why);
