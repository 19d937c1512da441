/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The worker's side: a master that takes the listening socket of systemd (LISTEN_FDS), forks a child for each
 * connection and ends when idle; or one connection on an inherited descriptor (--fd=N, spawned by evidenced).
 * A child is killed when its peer hangs up (the kernel's POLLRDHUP seen by the master, which keeps a duplicate), so that a child
 * that hangs in a dead file system does not outlive its work where it can be killed at all.
 */

#include "ipc/frame.h"

#define WORKER_PROTOCOL 1
#define WORKER_IDLE_SEC 30

/** One connection, in its own process: the hello was exchanged. Return: exit status of the process. */
typedef int (*worker_serve_fn)(struct framer *peer);

/**
 * worker_main() - main() of a worker
 * @program: "evidenced-scan", "evidenced-mail"
 *
 * Understands --version, --help, --fd=N; without --fd it wants LISTEN_FDS=1 (Accept=no), else exit 64. Exchanges hello: each side sends
 * {"hello":{"program":…,"version":…,"protocol":1}}; on mismatch says so and ends with 76.
 */
int worker_main(int argc, char *argv[], const char *program, worker_serve_fn serve);
