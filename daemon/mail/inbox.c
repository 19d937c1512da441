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
                misunderstood(in, "a third message before the first was answered");
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

/* Return: 0, or -errno when the waiting itself failed. */
static int look(struct inbox *in, int timeout_msec) {
        struct pollfd fds[] = {
                {.fd = framer_fd(in->peer), .events = POLLIN | POLLRDHUP},
                {.fd = in->signal_fd, .events = POLLIN},
        };

        if (poll(fds, ELEMENTSOF(fds), timeout_msec) < 0 && errno != EINTR)
                return -errno;
        if (fds[1].revents) {
                struct signalfd_siginfo info;

                if (read(in->signal_fd, &info, sizeof(info)) > 0)
                        stop(in);
        }
        if (fds[0].revents)
                read_peer(in);
        return 0;
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
        if (in->n_waiting > 0 && look(in, 0) < 0)
                stop(in);
        while (!in->stopped && in->n_waiting == 0) {
                usec_t left = end == USEC_INFINITY ? 0 : end - clock_monotonic();

                if (left <= 0 && end != USEC_INFINITY)
                        return 0;
                if (look(in, end == USEC_INFINITY ? -1 : (int)((left + 999) / USEC_PER_MSEC)) < 0)
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

void inbox_poll(struct inbox *in) {
        usec_t now = clock_monotonic();

        if (now - in->polled_at < POLL_EVERY_USEC)
                return;
        in->polled_at = now;
        if (!in->stopped && look(in, 0) < 0)
                stop(in);
        if (!in->stopped && now - in->alive_at >= INBOX_ALIVE_USEC) {
                in->alive_at = now;
                say_alive(in);
        }
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
