/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole files, safely: read with a cap, replace atomically. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * read_file() - a regular file, whole
 * @max_bytes: -EFBIG beyond
 * @ret:       owned, with a NUL behind the last byte
 * Return: 0 or -errno; -EISDIR for a directory, -EINVAL for any other non-regular file (never blocks on a FIFO).
 */
int read_file(const char *path, size_t max_bytes, char **ret, size_t *ret_size);
/** write_file_atomic() - temporary file beside @path, fsync, rename. Return: 0 or -errno. */
int write_file_atomic(const char *path, const void *data, size_t size, mode_t mode);
/** replace_file() - the same without fsync, for what is made anew after a crash: a reader sees the old file or the new one */
int replace_file(const char *path, const void *data, size_t size, mode_t mode);
int mkdir_p(const char *path, mode_t mode);
