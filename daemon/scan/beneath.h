/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Opening what lies beneath a root, and nothing else: openat2(2) (without it, scan/stepwise.h) keeps every step of a
 * path inside, whatever anybody renames meanwhile. Read-only, never blocking, never following the last link.
 */

#include <sys/stat.h>

/** open_beneath() - Return: a descriptor, -errno (-ELOOP: a symbolic link on the way, -EXDEV: it would leave the root). */
int open_beneath(int root_fd, const char *path, int flags);

/**
 * resolve_beneath() - what the symbolic link @path leads to, when that is inside the root
 * @root_path: of the root, without links, for links written as absolute paths; may be NULL
 * @ret:       of the target
 *
 * Return: an O_PATH descriptor, -errno (-EXDEV: it leaves the root).
 */
int resolve_beneath(int root_fd, const char *root_path, const char *path, struct stat *ret);

/** open_file_beneath() - a regular file, or a link inside the root to one, for reading. Return: a descriptor, -errno. */
int open_file_beneath(int root_fd, const char *root_path, const char *path);
