/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What openat2(2) with RESOLVE_BENEATH does, one component at a time, for where there is no openat2: systemd's
 * RestrictSUIDSGID= takes it away, since a filter of system calls can not look into its arguments. Slower, and in one
 * thing stricter: ".." leads back to where we came from, also when that folder was moved meanwhile.
 */

#include <stdbool.h>

/**
 * open_stepwise() - open what lies beneath a root
 * @path:   relative to @root_fd; "" is the root itself
 * @flags:  as for open(2); O_CLOEXEC and O_NOCTTY are added
 * @follow: symbolic links on the way (and the last one, without O_NOFOLLOW) are followed while they stay inside
 *
 * Return: a descriptor, -errno: -ELOOP (a link where none is followed, or too many), -EXDEV (it would leave the root; an
 * absolute link always does), -ENAMETOOLONG (links make it too long or too deep).
 */
int open_stepwise(int root_fd, const char *path, int flags, bool follow);
