/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The root itself: is it there, can it be read, and is it the same file system as before? Keeps its path, never a
 * descriptor into it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "scan/mounts.h"

enum root_state { ROOT_UNKNOWN, ROOT_OK, ROOT_MISSING, ROOT_UNREADABLE, _ROOT_STATE_MAX };
const char *root_state_to_string(enum root_state state); /* as in ipc/PROTOCOL.md */

struct root {
        char *path; /* owned; as configured */
        char *real; /* owned; without links, as last resolved */
        enum root_state state;
        int error; /* errno of what is wrong; 0 */
        char fsid
                [17]; /* hex; "" where the kernel makes it up at each mount (remote file systems) */
        bool remote;  /* what other machines change gives no event here */
        struct mount_view mount;
        int mounts_fd;      /* owned; /proc/self/mountinfo; -1: none */
        bool mount_changed; /* a mount at, above or below the root is not the one we began with: only a new process may see it */
};

int root_init(struct root *root, const char *path);
void root_done(struct root *root);

/**
 * root_open() - look at the root anew
 * @ret_changed: something that the decider should know is different from last time
 *
 * Return: an O_PATH descriptor for one pass when the state is ROOT_OK; -errno otherwise, also when mount_changed is set.
 */
int root_open(struct root *root, bool *ret_changed);
/** root_check_mounts() - after POLLPRI. Return: root.mount_changed. */
bool root_check_mounts(struct root *root);

/** Is this a file system on which changes made elsewhere are silent? @f_type of statfs(2). */
bool is_remote_filesystem(uint64_t f_type);
