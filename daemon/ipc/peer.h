/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The decider's side of a worker, on an sd_event loop: connects to the worker's socket, or starts the worker itself on a
 * socketpair when no socket is configured; never falls back from one to the other. Exchanges hello, delivers messages, and
 * replaces a worker that died, or said nothing for 60 s while something was expected of it, with back-off
 * (1, 2, 4 … 60 s).
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "ipc/frame.h"

#define PEER_SILENCE_USEC (60 * 1000000LL)
#define PEER_RETRY_USEC (1 * 1000000LL)      /* doubles with every failure … */
#define PEER_RETRY_MAX_USEC (60 * 1000000LL) /* … up to this */
#define PEER_STEADY_USEC (60 * 1000000LL) /* up for so long: the next failure is the first again */
#define PEER_HELLO_USEC (30 * 1000000LL)

struct peer;

struct peer_config {
        const char *name;       /* for logs: "scanner of /srv/evidence"; copied */
        const char *program;    /* "evidenced-scan" */
        const char *socket;     /* path to connect to; NULL: spawn */
        const char *executable; /* path to spawn; used when socket is NULL */
        const char *
                environment; /* NULL, or one more "NAME=value" for the spawned worker (CREDENTIALS_DIRECTORY=… for the sender) */
        int64_t silence_usec; /* 0: PEER_SILENCE_USEC */
        int64_t retry_usec;   /* the first back-off; 0: PEER_RETRY_USEC */
};

enum peer_state { PEER_DOWN, PEER_CONNECTING, PEER_UP, _PEER_STATE_MAX };

struct peer_callbacks {
        void (*on_up)(struct peer *p, void *userdata); /* hello done: send your work */
        void (*on_message)(struct peer *p, struct message *m,
                           void *userdata); /* m is yours to take (message_done is called after) */
        /* Work given out is to be done again; reconnects by itself. Also called for every attempt that fails before
         * on_up, so that people can be told why; nothing expected is left (peer_expect). */
        void (*on_down)(struct peer *p, const char *why, void *userdata);
};

/**
 * peer_new() - connects from the event loop: no callback is called in here
 * @config: copied
 *
 * In every callback all functions below are allowed, peer_free() too.
 * Return: 0 or -errno. Trouble with the worker itself is on_down's.
 */
int peer_new(sd_event *event, const struct peer_config *config,
             const struct peer_callbacks *callbacks, void *userdata, struct peer **ret);
struct peer *
peer_free(struct peer *p); /* hangs up; a spawned child gets SIGTERM by hang-up and is reaped */
enum peer_state peer_state(const struct peer *p);
/** peer_send() - queue and flush. Return: 0, -ENOTCONN when not up, or what framer_send() says (nothing was queued). No callback is called in here. */
int peer_send(struct peer *p, json_t *json, const void *body, size_t body_size);
/** peer_send_text() - as peer_send(), by framer_send_text(); @more: another follows at once, with which it is sent */
int peer_send_text(struct peer *p, const char *text, const void *body, size_t body_size, bool more);
/** peer_expect() - while > 0, silence of PEER_SILENCE_USEC is a hang; every message received restarts the time. Zero again after on_down. */
void peer_expect(struct peer *p, int change);
/**
 * peer_wait() - serve these peers alone until one of them had something, from inside an event handler, where the loop can not run
 * Callbacks are called in here. Return: how many had something; 0: @timeout_usec is over; -ENOTCONN: none is connected; -errno.
 */
int peer_wait(struct peer *const *peers, size_t n, int64_t timeout_usec);
/** peer_restart() - hang up (on_down is called in here when it was up) and connect again at once: as soon as a spawned worker is gone */
void peer_restart(struct peer *p, const char *why);
