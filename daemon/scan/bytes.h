/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Bytes at offsets, from a file or from memory: what the inspectors read, so that they can be fuzzed without files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BYTES_BUFFER ((size_t)64 * 1024)

struct bytes {
        int fd;              /* borrowed; -1: memory */
        const uint8_t *data; /* borrowed */
        uint64_t size;
        int (*tick)(
                void *userdata); /* may be NULL; called before each read of the file; < 0 ends it */
        void *userdata;
        int error; /* the first one; every later read fails with it */

        /* the latest piece of the file */
        uint64_t at;
        size_t have;
        uint8_t buffer[BYTES_BUFFER];
};

void bytes_init_memory(struct bytes *s, const void *data, size_t size);
void bytes_init_fd(struct bytes *s, int fd, uint64_t size);

/**
 * bytes_read() - exactly @len bytes at @offset
 * Return: true; false beyond the end or after an error (bytes.error tells which).
 */
bool bytes_read(struct bytes *s, uint64_t offset, void *ret, size_t len);
/** bytes_piece() - whatever lies at @offset, up to BYTES_BUFFER bytes; borrowed until the next call. NULL: none. */
const uint8_t *bytes_piece(struct bytes *s, uint64_t offset, size_t *ret_len);

/* Numbers; 0 beyond the end: check with bytes_read() where 0 would mean something. */
uint16_t bytes_le16(struct bytes *s, uint64_t offset);
uint32_t bytes_le32(struct bytes *s, uint64_t offset);
uint64_t bytes_le64(struct bytes *s, uint64_t offset);
uint16_t bytes_be16(struct bytes *s, uint64_t offset);
uint32_t bytes_be32(struct bytes *s, uint64_t offset);

/** bytes_find_last() - the last place of @needle within the last @window bytes. Return: offset, -1. */
int64_t bytes_find_last(struct bytes *s, const void *needle, size_t len, size_t window);
