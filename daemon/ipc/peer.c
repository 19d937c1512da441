/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/peer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/spawn.h"
#include "ipc/worker.h"

#define WHY_SIZE 512
#define SEND_TOGETHER ((size_t)32 << 10)
#define EXIT_STATUS_USEC                                                                           \
        (1 * USEC_PER_SEC) /* how long a closed connection waits for its process to say why */

struct peer {
        sd_event *event;                                          /* ref */
        char *name, *program, *socket, *executable, *environment; /* owned */
        int64_t silence_usec, retry_usec;
        struct peer_callbacks callbacks;
        void *userdata; /* borrowed */

        enum peer_state state;
        struct framer *framer;  /* owned; NULL when down */
        sd_event_source *io;    /* owned */
        sd_event_source *timer; /* owned; what it means depends on the state: see on_timer() */
        struct spawned *child;  /* owned; may outlive the connection */
        bool closed;            /* the worker hung up; its exit status is waited for */
        bool reading;           /* what the callbacks send leaves together, behind them */
        int n_expected;
        int n_failures;
        usec_t heard_at, up_at, retry_at; /* CLOCK_MONOTONIC */
        unsigned generation;              /* of the connection */

        int n_busy; /* event handlers on the stack: peer_free() waits for them */
        bool freed;
};

static void peer_arm(struct peer *p, usec_t at) {
        sd_event_source_set_time(p->timer, (uint64_t)at);
        sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static void peer_disarm(struct peer *p) { sd_event_source_set_enabled(p->timer, SD_EVENT_OFF); }

static void peer_enter_state(struct peer *p, enum peer_state state) {
        log_debug("%s: state %d to %d", p->name, (int)p->state, (int)state);
        p->state = state;
}

static void hang_up(struct peer *p) {
        p->generation++;
        p->closed = p->reading = false;
        p->n_expected = 0;
        p->io = sd_event_source_disable_unref(p->io);
        p->framer = framer_free(p->framer);
        if (p->child)
                spawned_stop(p->child);
}

static usec_t next_delay(struct peer *p) {
        usec_t delay = p->retry_usec;

        if (p->state == PEER_UP && clock_monotonic() - p->up_at >= PEER_STEADY_USEC)
                p->n_failures = 0;
        for (int i = 0; i < p->n_failures && delay < PEER_RETRY_MAX_USEC; i++)
                delay *= 2;
        p->n_failures++;
        return delay < PEER_RETRY_MAX_USEC ? delay : PEER_RETRY_MAX_USEC;
}

/* The only way down. A spawned worker that is still there is waited for: never two for the same work. */
static void peer_go_down(struct peer *p, const char *why, usec_t delay) {
        hang_up(p);
        peer_enter_state(p, PEER_DOWN);
        p->retry_at = usec_add(clock_monotonic(), delay);
        if (p->child)
                peer_disarm(p);
        else
                peer_arm(p, p->retry_at);
        p->callbacks.on_down(p, why, p->userdata);
}

static void peer_fail(struct peer *p, const char *why) { peer_go_down(p, why, next_delay(p)); }

static void peer_greet(struct peer *p, const struct message *m) {
        _cleanup_free_ char *why = NULL;
        int r = worker_check_hello(m->json, p->program, &why);

        if (r < 0) {
                peer_fail(p, why ? why : strerror(-r));
                return;
        }
        peer_disarm(p);
        p->up_at = clock_monotonic();
        peer_enter_state(p, PEER_UP);
        p->callbacks.on_up(p, p->userdata);
}

/* The connection is at its end. A process that is ending as well says more by its status than the hang-up does. */
static void peer_closed(struct peer *p, const char *why) {
        if (!p->child) {
                peer_fail(p, why);
                return;
        }
        p->closed = true;
        p->io = sd_event_source_disable_unref(p->io);
        peer_arm(p, usec_add(clock_monotonic(), EXIT_STATUS_USEC));
}

/* An error of writing is seen again, and dealt with, by on_io(). */
static void peer_flush(struct peer *p) {
        if (framer_flush(p->framer) != 1)
                sd_event_source_set_io_events(p->io, EPOLLIN | EPOLLOUT);
}

/* Delivers what can be read at once. Return: 0, or what framer_fill() said; -ESTALE when this connection is no more. */
static int peer_read(struct peer *p) {
        unsigned generation = p->generation;
        int filled = framer_fill(p->framer), r;

        p->reading = true;
        for (;;) {
                _cleanup_(message_done) struct message m = {};

                r = framer_next(p->framer, &m);
                if (r <= 0)
                        break;
                p->heard_at = clock_monotonic();
                if (p->state == PEER_CONNECTING)
                        peer_greet(p, &m);
                else
                        p->callbacks.on_message(p, &m, p->userdata);
                if (p->freed || p->generation != generation)
                        return -ESTALE;
        }
        p->reading = false;
        if (p->io && framer_wants_write(p->framer))
                peer_flush(p);
        return r < 0 ? r : filled;
}

static void peer_leave(struct peer *p);

static void peer_serve(struct peer *p, uint32_t revents) {
        int r;

        p->n_busy++;
        r = framer_flush(p->framer);
        if (r > 0)
                sd_event_source_set_io_events(p->io, EPOLLIN);
        /* What the worker still said before it hung up counts, whatever writing meets. */
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                r = peer_read(p);
        if (r == -EBADMSG)
                peer_fail(p, "sent something that is no message");
        else if (r < 0 && r != -ESTALE)
                peer_closed(p, r == -EPIPE ? "hung up" : strerror(-r));
        peer_leave(p);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void)source, (void)fd;
        peer_serve(userdata, revents);
        return 0;
}

int peer_wait(struct peer *const *peers, size_t n, int64_t timeout_usec) {
        _cleanup_free_ struct pollfd *fds = calloc(n + 1, sizeof(*fds));
        const struct timespec timeout = {.tv_sec = timeout_usec / USEC_PER_SEC,
                                         .tv_nsec = timeout_usec % USEC_PER_SEC * 1000};
        size_t n_open = 0;
        int r;

        if (!fds)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                fds[i].fd = peers[i]->io ? framer_fd(peers[i]->framer) : -1;
                fds[i].events = POLLIN;
                if (peers[i]->io && framer_wants_write(peers[i]->framer))
                        fds[i].events |= POLLOUT;
                n_open += fds[i].fd >= 0;
        }
        if (n_open == 0)
                return -ENOTCONN;
        r = ppoll(fds, n, &timeout, NULL);
        if (r < 0)
                return -errno;
        for (size_t i = 0; i < n; i++) /* a callback may have ended another one's connection */
                if (fds[i].revents && peers[i]->io && framer_fd(peers[i]->framer) == fds[i].fd)
                        peer_serve(peers[i], (uint32_t)fds[i].revents);
        return r;
}

static void describe_exit(int status, char *ret, size_t size) {
        if (WIFSIGNALED(status))
                snprintf(ret, size, "was killed by signal %d", WTERMSIG(status));
        else if (WEXITSTATUS(status) == WORKER_EXIT_PROTOCOL)
                snprintf(ret, size, "ended: it is of another version, or speaks another protocol");
        else if (WEXITSTATUS(status) == 127)
                snprintf(ret, size, "could not be executed");
        else
                snprintf(ret, size, "ended with status %d", WEXITSTATUS(status));
}

static void on_child_exit(struct spawned *s, int status, void *userdata) {
        struct peer *p = userdata;
        char why[WHY_SIZE];
        int r = 1;

        p->n_busy++;
        p->child = spawned_free(s);
        if (p->state == PEER_DOWN)
                peer_arm(p, p->retry_at);
        else {
                describe_exit(status, why, sizeof(why));
                while (r > 0 && !p->closed)
                        r = peer_read(p);
                if (r != -ESTALE)
                        peer_fail(p, why);
        }
        peer_leave(p);
}

static int connect_socket(const char *path, int *ret) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        *ret = steal_fd(&fd);
        return 0;
}

static int peer_open(struct peer *p, int *ret_fd) {
        const struct spawn_config config = {
                .executable = p->executable,
                .program = p->program,
                .environment = p->environment,
        };

        if (p->socket)
                return connect_socket(p->socket, ret_fd);
        return spawned_new(p->event, &config, on_child_exit, p, &p->child, ret_fd);
}

static int peer_start(struct peer *p) {
        json_t *hello;
        int fd, r;

        r = peer_open(p, &fd);
        if (r < 0)
                return r;
        p->framer = framer_new(fd);
        if (!p->framer)
                return -ENOMEM;
        hello = worker_hello("evidenced");
        if (!hello)
                return -ENOMEM;
        r = framer_send(p->framer, hello, NULL, 0);
        json_decref(hello);
        if (r < 0)
                return r;
        return sd_event_add_io(p->event, &p->io, fd, EPOLLIN | EPOLLOUT, on_io, p);
}

static void peer_connect(struct peer *p) {
        char why[WHY_SIZE];
        int r;

        peer_enter_state(p, PEER_CONNECTING);
        r = peer_start(p);
        if (r < 0) {
                snprintf(why, sizeof(why), "cannot be %s '%s': %s",
                         p->socket ? "reached at" : "started as",
                         p->socket ? p->socket : p->executable, strerror(-r));
                peer_fail(p, why);
                return;
        }
        peer_arm(p, usec_add(clock_monotonic(), PEER_HELLO_USEC));
}

static void check_silence(struct peer *p) {
        usec_t end = usec_add(p->heard_at, p->silence_usec);
        char why[WHY_SIZE];

        if (p->n_expected == 0)
                return;
        if (clock_monotonic() < end) {
                peer_arm(p, end);
                return;
        }
        snprintf(why, sizeof(why), "said nothing for %lld s",
                 (long long)(p->silence_usec / USEC_PER_SEC));
        peer_fail(p, why);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct peer *p = userdata;

        (void)source, (void)usec;
        p->n_busy++;
        if (p->closed)
                peer_fail(p, "hung up");
        else if (p->state == PEER_DOWN)
                peer_connect(p);
        else if (p->state == PEER_CONNECTING)
                peer_fail(p, "did not say hello");
        else
                check_silence(p);
        peer_leave(p);
        return 0;
}

static void peer_destroy(struct peer *p) {
        sd_event_source_disable_unref(p->timer);
        sd_event_unref(p->event);
        free(p->name);
        free(p->program);
        free(p->socket);
        free(p->executable);
        free(p->environment);
        free(p);
}

static void peer_leave(struct peer *p) {
        if (--p->n_busy == 0 && p->freed)
                peer_destroy(p);
}

struct peer *peer_free(struct peer *p) {
        if (!p || p->freed)
                return NULL;
        p->freed = true;
        hang_up(p);
        p->child = spawned_free(p->child);
        p->state = PEER_DOWN;
        if (p->timer)
                peer_disarm(p);
        if (p->n_busy == 0)
                peer_destroy(p);
        return NULL;
}

static bool copy_string(const char *s, char **ret) {
        *ret = s ? strdup(s) : NULL;
        return !s || *ret;
}

static int on_timer_init(struct peer *p) {
        return sd_event_add_time(p->event, &p->timer, CLOCK_MONOTONIC, 0, 10 * USEC_PER_MSEC,
                                 on_timer, p);
}

DEFINE_CLEANUP(struct peer *, peer_free)

int peer_new(sd_event *event, const struct peer_config *config,
             const struct peer_callbacks *callbacks, void *userdata, struct peer **ret) {
        _cleanup_(peer_free_p) struct peer *p = calloc(1, sizeof(*p));
        int r;

        assert(config->socket || config->executable);
        assert(callbacks->on_up && callbacks->on_message && callbacks->on_down);
        if (!p)
                return -ENOMEM;
        p->event = sd_event_ref(event);
        p->callbacks = *callbacks;
        p->userdata = userdata;
        p->silence_usec = config->silence_usec > 0 ? config->silence_usec : PEER_SILENCE_USEC;
        p->retry_usec = config->retry_usec > 0 ? config->retry_usec : PEER_RETRY_USEC;
        if (!copy_string(config->name, &p->name) || !copy_string(config->program, &p->program) ||
            !copy_string(config->socket, &p->socket) ||
            !copy_string(config->executable, &p->executable) ||
            !copy_string(config->environment, &p->environment))
                return -ENOMEM;
        r = on_timer_init(p);
        if (r < 0)
                return r;
        *ret = steal_ptr(p);
        return 0;
}

enum peer_state peer_state(const struct peer *p) { return p->state; }

static bool peer_can_send(const struct peer *p) { return p->state == PEER_UP && !p->closed; }

/* @r: of queueing */
static int peer_queued(struct peer *p, int r) {
        if (r < 0)
                return r;
        if (!p->reading || framer_queued(p->framer) > SEND_TOGETHER)
                peer_flush(p);
        return 0;
}

int peer_send(struct peer *p, json_t *json, const void *body, size_t body_size) {
        return peer_can_send(p) ? peer_queued(p, framer_send(p->framer, json, body, body_size))
                                : -ENOTCONN;
}

int peer_send_text(struct peer *p, const char *text, const void *body, size_t body_size,
                   bool more) {
        int r = peer_can_send(p) ? framer_send_text(p->framer, text, body, body_size) : -ENOTCONN;

        return more ? r : peer_queued(p, r);
}

void peer_expect(struct peer *p, int change) {
        bool before = p->n_expected > 0;

        if (p->state != PEER_UP)
                return; /* on_down has set it back, and with it what was given out */
        p->n_expected += change;
        assert(p->n_expected >= 0);
        if (p->closed || before == (p->n_expected > 0))
                return;
        if (before) {
                peer_disarm(p);
                return;
        }
        p->heard_at = clock_monotonic();
        peer_arm(p, usec_add(p->heard_at, p->silence_usec));
}

void peer_restart(struct peer *p, const char *why) {
        if (p->state != PEER_DOWN)
                peer_go_down(p, why, 0);
        else {
                p->retry_at = clock_monotonic();
                if (!p->child)
                        peer_arm(p, p->retry_at);
        }
}
