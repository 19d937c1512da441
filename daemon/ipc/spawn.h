/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A worker started by the decider itself, on one end of a socketpair, and the certainty that it is reaped: also when
 * the owner has lost interest. Needs no SIGCHLD handling (a pidfd watches the child).
 */

#include <systemd/sd-event.h>

struct spawned;

struct spawn_config {
        const char *executable;  /* path */
        const char *program;     /* argv[0] */
        const char *environment; /* NULL, or one "NAME=value" more */
};

/** @status: as waitpid() gives it. The object may be freed in here. */
typedef void (*spawned_exit_fn)(struct spawned *s, int status, void *userdata);

/**
 * spawned_new() - start a worker with --fd=3
 * @ret_fd: our end of the socketpair, owned by the caller
 *
 * NOTIFY_SOCKET, LISTEN_*, WATCHDOG_* and CREDENTIALS_DIRECTORY are taken out of its environment, signals are as a
 * program expects them, only stdout, stderr and the socket stay open, and it dies with this process.
 * Return: 0 or -errno; a program that cannot be executed after all ends with status 127.
 */
int spawned_new(sd_event *event, const struct spawn_config *config, spawned_exit_fn on_exit,
                void *userdata, struct spawned **ret, int *ret_fd);
/** spawned_stop() - SIGTERM now, SIGKILL when it is still there after WORKER_GRACE_USEC */
void spawned_stop(struct spawned *s);
/** spawned_free() - forget it: one that still runs is stopped, and reaped by the event loop. Return: NULL. */
struct spawned *spawned_free(struct spawned *s);
