/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages on every socket of the project: one JSON object ending in NUL (Varlink's framing), followed, where the object
 * has "body_bytes", by that many raw bytes. No event loop in here: bytes in, messages out, and the other way round.
 * Descriptors are never passed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/strbuf.h"

#define FRAME_MAX_JSON (16u << 20)  /* bytes of one JSON text */
#define FRAME_MAX_BODY (64u << 20)  /* bytes of one body */
#define FRAME_MAX_QUEUE (256u << 20) /* bytes waiting to be written */

struct message {
        json_t *json; /* owned reference */
        char *body;   /* owned; NULL: none */
        size_t body_size;
};
void message_done(struct message *m);

struct framer; /* one connection's two buffers; non-blocking */

struct framer *framer_new(int fd); /* takes the descriptor over, makes it non-blocking */
struct framer *framer_free(struct framer *f);
int framer_fd(const struct framer *f);

/** framer_fill() - read what is there. Return: 1 read something, 0 nothing now, -EPIPE at end of file, -errno. */
int framer_fill(struct framer *f);
/** framer_next() - the next whole message. Return: 1, 0 (none whole yet), -EBADMSG (not JSON, over a cap, not an object). */
int framer_next(struct framer *f, struct message *ret);
/** framer_send() - queue a message; @json is borrowed, @body copied. Return: 0, -ENOBUFS over the cap, -ENOMEM. */
int framer_send(struct framer *f, json_t *json, const void *body, size_t body_size);
/** framer_flush() - write what can be written. Return: 1 all written, 0 more to write (wait for POLLOUT), -errno. */
int framer_flush(struct framer *f);
bool framer_wants_write(const struct framer *f);

/* Blocking forms for workers and evidencectl: -ETIMEDOUT after @timeout_usec (-1: for ever). */
int framer_receive(struct framer *f, int64_t timeout_usec, struct message *ret);
int framer_send_all(struct framer *f, json_t *json, const void *body, size_t body_size, int64_t timeout_usec);

/* A file name in JSON: as it is when it is valid UTF-8 without control characters, else "\\uFFFD" and its bytes in hex. */
json_t *frame_name(const char *bytes);            /* new reference; NULL when out of memory */
char *frame_name_decode(const json_t *value);     /* owned; NULL when it is none */
