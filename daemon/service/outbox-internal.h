/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by outbox.c (what others call), outbox-turn.c (the store: writes down what was answered, marks and hands out what
 * is next) and outbox-senders.c (the processes: what they have, what they said).
 */

#include <jansson.h>

#include "base/array.h"
#include "ipc/peer.h"
#include "service/mail-result.h"
#include "service/mail-servers.h"
#include "service/outbox.h"

/*
 * One under way and two behind it: a sender need not wait for the disk, and half of what they all have makes a group that is worth
 * a commit. What was sent and is not yet on disk is what a crash can double, so it is no more than these.
 */
#define SENDER_DEPTH 3

struct sender {
        struct outbox *outbox;
        struct peer *peer;                   /* owned; NULL: nothing to do, not started */
        struct mail_work work[SENDER_DEPTH]; /* in the order in which it takes them */
        size_t n_work;
        usec_t idle_since;
};

/* What a sender said of an entry, until it is written down. */
struct answer {
        int64_t entry;
        struct outbox_result result;
        char *reply, *enhanced; /* owned */
        size_t server;
};

struct outbox {
        struct outbox_config config;
        struct outbox_callbacks callbacks;
        void *userdata;
        struct sender *senders; /* model.mail.connections */
        size_t n_senders;
        struct mail_servers servers;
        struct answers ARRAY(struct answer) answers;
        sd_event_source *turn;          /* owned: writes answers, hands out more */
        sd_event_source *group;         /* owned: answers have waited long enough */
        sd_event_source *wake;          /* owned: the next try */
        sd_event_source *idle;          /* owned: ends senders that have nothing to do */
        bool held, stopping, exhausted; /* exhausted: the last look found nothing ready */
        usec_t failing_since;
};

usec_t outbox_now(const struct outbox *outbox);
/** The next turn of the loop is one of the outbox, too. */
void outbox_schedule_turn(struct outbox *outbox);

/** outbox_turn() - in one transaction what was answered is written down and what is next is marked; then it is handed out */
void outbox_turn(struct outbox *outbox);

/** Starts @n of those that are not there yet; what is on its way counts. Return: 0 or -errno, which was logged. */
int outbox_start_senders(struct outbox *outbox, size_t n);
bool outbox_senders_busy(const struct outbox *outbox);
/** outbox_stop_senders() - lets them abort or finish until @end (CLOCK_MONOTONIC); what the rest has is in doubt */
void outbox_stop_senders(struct outbox *outbox, usec_t end);
/** Ends senders that have had nothing to do for a while; of the timer o->idle. */
int outbox_on_idle(sd_event_source *source, uint64_t usec, void *userdata);
