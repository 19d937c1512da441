/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The worker's side: a master that takes the listening socket of systemd (LISTEN_FDS), forks a child for each
 * connection and ends when idle; or one connection on an inherited descriptor (--fd=N, spawned by evidenced).
 * A child is killed when its peer hangs up (the kernel's POLLRDHUP seen by the master, which keeps a duplicate), so that a child
 * that hangs in a dead file system does not outlive its work where it can be killed at all.
 */

#include <stdint.h>

#include "ipc/frame.h"

#define WORKER_PROTOCOL 1
#define WORKER_IDLE_SEC 30
#define WORKER_MAX_CHILDREN 64 /* further connections wait in the socket's backlog */
#define WORKER_GRACE_USEC (3 * INT64_C(1000000)) /* between SIGTERM and SIGKILL */

#define WORKER_EXIT_PROTOCOL                                                                       \
        76 /* EX_PROTOCOL: the two sides do not speak the same protocol or version */
#define WORKER_EXIT_RENEW                                                                          \
        79 /* what this process sees of the machine is out of date: all of it shall start anew */

/**
 * One connection, in its own process: the hello was exchanged. SIGPIPE is ignored; SIGTERM (the peer hung up, or the
 * service stops) is as a program starts with it. The first messages may have been read together with the hello: framer_next() comes
 * before any poll() of one's own (framer_receive() does so). Whoever wants to end in an orderly way has WORKER_GRACE_USEC for it.
 * The framer stays the caller's. Return: exit status of the process.
 */
typedef int (*worker_serve_fn)(struct framer *peer);

/**
 * worker_main() - main() of a worker
 * @program: "evidenced-scan", "evidenced-mail"
 *
 * Understands --version, --help, --fd=N; without --fd it wants LISTEN_FDS=1 (Accept=no), else exit 64. Exchanges hello: each side sends
 * {"hello":{"program":…,"version":…,"protocol":1}}; on mismatch says so and ends with 76. A master whose child ended with 76 takes no
 * more connections and ends with its last child, so that the next connection starts the program that is installed now. One whose
 * child ended with WORKER_EXIT_RENEW ends all of them and itself: mounts, for one, are only as read-only as the unit's start made them.
 */
int worker_main(int argc, char *argv[], const char *program, worker_serve_fn serve);

/**
 * worker_run_master() - serve a listening socket until nobody came for @idle_usec
 * @listen_fd: taken over
 *
 * Return: exit status of the process: 0 idle or SIGTERM, 1 on trouble (which was logged).
 */
int worker_run_master(int listen_fd, const char *program, worker_serve_fn serve, int64_t idle_usec);

/** worker_run_connection() - hello, then @serve. @fd: taken over. Return: exit status of the process. */
int worker_run_connection(int fd, const char *program, worker_serve_fn serve);

/* The hello of both sides. */
json_t *worker_hello(const char *program); /* new reference; NULL when out of memory */
/**
 * worker_check_hello() - is this the peer that was expected?
 * @program: what it has to be, NULL: any
 * @ret_why: owned text for people when it is not
 *
 * Return: 0, -EPROTO (no hello, or another protocol, version or program), -ENOMEM.
 */
int worker_check_hello(const json_t *json, const char *program, char **ret_why);
