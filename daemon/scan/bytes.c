/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/bytes.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

void bytes_init_memory(struct bytes *s, const void *data, size_t size) {
        s->fd = -1;
        s->data = data;
        s->size = size;
        s->tick = NULL;
        s->userdata = NULL;
        s->error = 0;
        s->at = 0;
        s->have = 0;
}

void bytes_init_fd(struct bytes *s, int fd, uint64_t size) {
        bytes_init_memory(s, NULL, 0);
        s->fd = fd;
        s->size = size;
}

/* Around @offset into the buffer. */
static bool fill(struct bytes *s, uint64_t offset) {
        uint64_t left = s->size - offset;
        size_t want = left < BYTES_BUFFER ? (size_t)left : BYTES_BUFFER;
        ssize_t n;

        s->have = 0;
        if (s->tick) {
                s->error = s->tick(s->userdata);
                if (s->error < 0)
                        return false;
                s->error = 0;
        }
        do
                n = pread(s->fd, s->buffer, want, (off_t)offset);
        while (n < 0 && errno == EINTR);
        if (n <= 0) {
                s->error = n < 0 ? -errno : -ENODATA; /* shorter than it was: it changed */
                return false;
        }
        s->at = offset;
        s->have = (size_t)n;
        return true;
}

const uint8_t *bytes_piece(struct bytes *s, uint64_t offset, size_t *ret_len) {
        if (s->error < 0 || offset >= s->size)
                return NULL;
        if (s->fd < 0) {
                uint64_t left = s->size - offset;

                *ret_len = left < BYTES_BUFFER ? (size_t)left : BYTES_BUFFER;
                return s->data + offset;
        }
        if ((offset < s->at || offset >= s->at + s->have) && !fill(s, offset))
                return NULL;
        *ret_len = (size_t)(s->at + s->have - offset);
        return s->buffer + (offset - s->at);
}

bool bytes_read(struct bytes *s, uint64_t offset, void *ret, size_t len) {
        uint8_t *to = ret;

        if (offset > s->size || len > s->size - offset)
                return false;
        while (len > 0) {
                size_t n;
                const uint8_t *piece = bytes_piece(s, offset, &n);

                if (!piece)
                        return false;
                n = n < len ? n : len;
                memcpy(to, piece, n);
                to += n;
                offset += n;
                len -= n;
        }
        return true;
}

uint16_t bytes_le16(struct bytes *s, uint64_t offset) {
        uint16_t v = 0;

        return bytes_read(s, offset, &v, sizeof(v)) ? le16toh(v) : 0;
}

uint32_t bytes_le32(struct bytes *s, uint64_t offset) {
        uint32_t v = 0;

        return bytes_read(s, offset, &v, sizeof(v)) ? le32toh(v) : 0;
}

uint64_t bytes_le64(struct bytes *s, uint64_t offset) {
        uint64_t v = 0;

        return bytes_read(s, offset, &v, sizeof(v)) ? le64toh(v) : 0;
}

uint16_t bytes_be16(struct bytes *s, uint64_t offset) {
        uint16_t v = 0;

        return bytes_read(s, offset, &v, sizeof(v)) ? be16toh(v) : 0;
}

uint32_t bytes_be32(struct bytes *s, uint64_t offset) {
        uint32_t v = 0;

        return bytes_read(s, offset, &v, sizeof(v)) ? be32toh(v) : 0;
}

int64_t bytes_find_last(struct bytes *s, const void *needle, size_t len, size_t window) {
        size_t n = s->size < window ? (size_t)s->size : window;
        _cleanup_free_ uint8_t *tail = malloc(n + 1);

        if (!tail) {
                s->error = -ENOMEM;
                return -1;
        }
        if (!bytes_read(s, s->size - n, tail, n))
                return -1;
        for (size_t i = n + 1; i-- > 0;)
                if (len <= n - i && memcmp(tail + i, needle, len) == 0)
                        return (int64_t)(s->size - n + i);
        return -1;
}
