/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * /proc/self/mountinfo, as far as it concerns one path: mounting over a watched folder gives no inotify event, so this is
 * where mounts under a root are noticed (POLLPRI on the descriptor).
 */

#include <stdint.h>

struct mount_view {
        uint64_t
                hash; /* of the mount that holds the path and of all those below the path; options do not count */
        char *source, *fstype; /* owned; of the mount that holds the path */
};

void mount_view_done(struct mount_view *view);

/** mounts_open() - Return: a descriptor to poll for POLLPRI, -errno. */
int mounts_open(void);
/** mounts_read() - @path: absolute, without symbolic links. Return: 0, -errno; @ret untouched on failure. */
int mounts_read(int fd, const char *path, struct mount_view *ret);
/** mounts_parse() - the same from a text, which is changed. For tests. */
int mounts_parse(char *text, const char *path, struct mount_view *ret);
