/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * inotify: which watch belongs to which folder, and what it says. Events are hints: what is really there is found by
 * looking. Does not look, and keeps no descriptor of a folder.
 */

#include <stdint.h>

#include "scan/folder.h"

struct watcher;

/**
 * watcher_new()
 * @max_watches, @max_queue: limits below the kernel's (for tests); 0: only the kernel's
 *
 * Where no inotify instance is to be had (fs.inotify.max_user_instances) every watcher_add() fails with that error, and all
 * folders are polled. Return: 0 or -ENOMEM.
 */
int watcher_new(unsigned max_watches, unsigned max_queue, struct watcher **ret);
struct watcher *watcher_free(struct watcher *w);
int watcher_fd(const struct watcher *w); /* -1: none */

/**
 * watcher_add() - watch what @fd is open on, as @folder; again is cheap, and follows when another folder took its place
 * Return: 0, -ENOSPC at the limit of watches, -errno. On failure the folder has no watch.
 */
int watcher_add(struct watcher *w, struct folder *folder, int fd);
void watcher_remove(struct watcher *w, struct folder *folder);

/**
 * on_watch_event() - @mask as in inotify(7), @name NULL for the folder itself, @at CLOCK_MONOTONIC and unique
 * With IN_IGNORED the folder's watch is gone already. Must not free folders.
 */
typedef void (*on_watch_event)(void *userdata, struct folder *folder, uint32_t mask,
                               const char *name, usec_t at);

/** watcher_read() - all events there are. Return: 0, 1 when events were lost, -errno. */
int watcher_read(struct watcher *w, on_watch_event on_event, void *userdata);
