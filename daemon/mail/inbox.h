/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The decider's end of the sender: what it wants, also while a transaction goes on. At most one message is under way
 * and two more wait; a fourth is a peer that does not know the protocol.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "ipc/frame.h"

#define INBOX_ALIVE_USEC (20 * USEC_PER_SEC)

#define INBOX_WAITING 3 /* while nothing is under way; else one less */

struct inbox {
        struct framer *peer; /* borrowed */
        int signal_fd;       /* owned: SIGTERM, for the service's own end; -1: none */
        struct message waiting[INBOX_WAITING]; /* owned */
        size_t n_waiting, n_waiting_aborted;   /* the first ones of them are not to be begun */
        bool busy;    /* one is under way: from inbox_wait() to inbox_answer() */
        bool aborted; /* the decider wants that one ended */
        bool stopped; /* hung up, told to end, or broken: nothing further is taken */
        bool broken;  /* it does not speak the protocol */
        usec_t polled_at, alive_at;
};

int inbox_init(struct inbox *in, struct framer *peer);
void inbox_done(struct inbox *in);

/**
 * inbox_wait() - the next message to send; from here on it is the one under way
 * @timeout_usec: -1: for ever
 *
 * Return: 1, 0 after the time, -EPIPE when there will be no more (in->stopped). What waited when it was stopped still comes, as aborted,
 * so that it can be answered.
 */
int inbox_wait(struct inbox *in, int64_t timeout_usec, struct message *ret);
/** inbox_poll() - look, without waiting, whether the transaction is still wanted; says "alive" now and then */
void inbox_poll(struct inbox *in);
/**
 * inbox_await() - the same while there is a descriptor to wait for
 * @events: POLLIN, POLLOUT
 * @until:  CLOCK_MONOTONIC
 *
 * Return: 1 when @fd is ready, 0 when the time is over or something else has happened (inbox_unwanted()?), -errno.
 */
int inbox_await(struct inbox *in, int fd, short events, usec_t until);
bool inbox_unwanted(const struct inbox *in);
/** inbox_answer() - @json, an object, is taken over; NULL: -ENOMEM. Return: 0 or -errno (the peer is gone). */
int inbox_answer(struct inbox *in, char *json);
