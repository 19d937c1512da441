/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/inbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

#define POLL_EVERY_USEC (20 * USEC_PER_MSEC)
#define ANSWER_USEC (30 * USEC_PER_SEC)

static void stop(struct inbox *in) { in->stopped = true; }

static void misunderstood(struct inbox *in, const char *what) {
        log_error("evidenced sent %s: ending", what);
        in->broken = true;
        stop(in);
}

static void take(struct inbox *in, struct message *m) {
        const char *verb = json_string_value(json_object_get(m->json, "verb"));

        if (streq_ptr(verb, "abort")) {
                in->aborted = in->busy;
                in->n_waiting_aborted = in->n_waiting;
        } else if (!streq_ptr(verb, "send") && !streq_ptr(verb, "ping"))
                misunderstood(in, "a verb that is not known");
        else if (in->n_waiting == (in->busy ? INBOX_WAITING - 1 : INBOX_WAITING))
                misunderstood(in, "a fourth message before the first was answered");
        else {
                in->waiting[in->n_waiting++] = *m;
                *m = (struct message){};
        }
}

/* What was read already. */
static void take_all(struct inbox *in) {
        int r;

        do {
                _cleanup_(message_done) struct message m = {};

                r = framer_next(in->peer, &m);
                if (r > 0)
                        take(in, &m);
        } while (r > 0);
        if (r < 0)
                misunderstood(in, "something that is no message");
}

static void read_peer(struct inbox *in) {
        int filled = framer_fill(in->peer);

        take_all(in);
        if (filled < 0)
                stop(in);
}

/* @fd: -1: none. Return: is @fd ready, or -errno when the waiting itself failed. */
static int look(struct inbox *in, int fd, short events, int timeout_msec) {
        struct pollfd fds[] = {
                {.fd = in->stopped ? -1 : framer_fd(in->peer), .events = POLLIN | POLLRDHUP},
                {.fd = in->stopped ? -1 : in->signal_fd, .events = POLLIN},
                {.fd = fd, .events = events},
        };

        if (poll(fds, ELEMENTSOF(fds), timeout_msec) < 0)
                return errno == EINTR ? 0 : -errno;
        if (fds[1].revents) {
                struct signalfd_siginfo info;

                if (read(in->signal_fd, &info, sizeof(info)) > 0)
                        stop(in);
        }
        if (fds[0].revents)
                read_peer(in);
        return fds[2].revents != 0;
}

/* For poll(): rounded up, so that nobody looks too early again and again. */
static int msec_left(usec_t until, usec_t now) {
        usec_t left = until > now ? until - now : 0;

        return (int)(left > USEC_PER_HOUR ? USEC_PER_HOUR / USEC_PER_MSEC
                                          : (left + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

int inbox_init(struct inbox *in, struct framer *peer) {
        sigset_t mask;

        *in = (struct inbox){.peer = peer, .signal_fd = -1};
        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        in->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (in->signal_fd < 0)
                return -errno;
        take_all(in); /* the first message may have come together with the hello */
        return 0;
}

void inbox_done(struct inbox *in) {
        if (in->signal_fd >= 0)
                close(in->signal_fd);
        for (size_t i = 0; i < in->n_waiting; i++)
                message_done(&in->waiting[i]);
        *in = (struct inbox){.signal_fd = -1};
}

int inbox_wait(struct inbox *in, int64_t timeout_usec, struct message *ret) {
        usec_t end = timeout_usec < 0 ? USEC_INFINITY : usec_add(clock_monotonic(), timeout_usec);

        /* What waits is not begun for a peer that has gone meanwhile. */
        if (in->n_waiting > 0 && look(in, -1, 0, 0) < 0)
                stop(in);
        while (!in->stopped && in->n_waiting == 0) {
                usec_t now = clock_monotonic();

                if (now >= end)
                        return 0;
                if (look(in, -1, 0, end == USEC_INFINITY ? -1 : msec_left(end, now)) < 0)
                        stop(in);
        }
        if (in->n_waiting == 0)
                return -EPIPE;
        *ret = in->waiting[0];
        in->n_waiting--;
        memmove(in->waiting, in->waiting + 1, in->n_waiting * sizeof(in->waiting[0]));
        in->busy = true;
        in->aborted = in->stopped || in->n_waiting_aborted > 0;
        if (in->n_waiting_aborted > 0)
                in->n_waiting_aborted--;
        in->alive_at = clock_monotonic();
        return 1;
}

static void say_alive(struct inbox *in) {
        json_t *json = json_pack("{s:s}", "event", "alive");

        /* What cannot be written now waits; a peer that does not read for so long is seen by its own means. */
        if (!json || framer_send(in->peer, json, NULL, 0) < 0 || framer_flush(in->peer) < 0)
                stop(in);
        json_decref(json);
}

static void say_alive_in_time(struct inbox *in, usec_t now) {
        if (in->stopped || now - in->alive_at < INBOX_ALIVE_USEC)
                return;
        in->alive_at = now;
        say_alive(in);
}

void inbox_poll(struct inbox *in) {
        usec_t now = clock_monotonic();

        if (now - in->polled_at < POLL_EVERY_USEC)
                return;
        in->polled_at = now;
        if (!in->stopped && look(in, -1, 0, 0) < 0)
                stop(in);
        say_alive_in_time(in, now);
}

int inbox_await(struct inbox *in, int fd, short events, usec_t until) {
        usec_t now = clock_monotonic(), wake = usec_add(in->alive_at, INBOX_ALIVE_USEC);

        say_alive_in_time(in, now);
        return look(in, fd, events, msec_left(in->stopped || until < wake ? until : wake, now));
}

bool inbox_unwanted(const struct inbox *in) { return in->aborted || in->stopped; }

int inbox_answer(struct inbox *in, char *json) {
        int r;

        in->busy = false;
        if (!json)
                return -ENOMEM;
        r = framer_send_text(in->peer, json, NULL, 0);
        free(json);
        return r < 0 ? r : framer_flush_all(in->peer, ANSWER_USEC);
}
