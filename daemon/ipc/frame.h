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

#define FRAME_MAX_JSON (16u << 20)   /* bytes of one JSON text */
#define FRAME_MAX_DEPTH 32           /* objects and arrays inside each other */
#define FRAME_MAX_BODY (64u << 20)   /* bytes of one body */
#define FRAME_MAX_QUEUE (256u << 20) /* bytes waiting to be written */

struct message {
        json_t *json; /* owned reference; always an object */
        char *body;   /* owned, with a NUL behind it; NULL: none */
        size_t body_size;
};
void message_done(struct message *m); /* empties it; m may be NULL or empty */

struct framer; /* one connection's two buffers; non-blocking */

/** framer_new() - takes the descriptor over (also on failure), makes it non-blocking and CLOEXEC. Return: owned, or NULL. */
struct framer *framer_new(int fd);
struct framer *framer_free(struct framer *f);
int framer_fd(const struct framer *f);

/**
 * framer_set_limits() - expect less than FRAME_MAX_JSON and FRAME_MAX_BODY from this peer
 *
 * For sockets that anybody may connect to: parsed JSON takes up to 40 times the memory of its text.
 */
void framer_set_limits(struct framer *f, size_t max_json, size_t max_body);

/**
 * framer_fill() - read what is there, one read() of up to 256 KiB
 *
 * Whole messages read before the end of the file are still in the buffer after -EPIPE: call framer_next() until it
 * gives 0, then hang up.
 * Return: 1 read something, 0 nothing now, -EPIPE at end of file, -ENOBUFS when nobody takes the messages, -errno.
 */
int framer_fill(struct framer *f);
/**
 * framer_next() - the next whole message
 * @ret: owned by the caller (message_done()); untouched unless 1
 *
 * Return: 1, 0 (none whole yet), -EBADMSG for ever after text that is no JSON object, has a key twice, or is over a cap.
 */
int framer_next(struct framer *f, struct message *ret);
/**
 * framer_send() - queue a message
 * @json: borrowed, an object; "body_bytes" need not be in it
 * @body: copied; may be NULL
 *
 * Return: 0, -EMSGSIZE when the message alone is over a cap, -ENOBUFS when the queue is, -EINVAL when a "body_bytes" in
 * @json is not @body_size, -ENOMEM. Nothing is queued on failure.
 */
int framer_send(struct framer *f, json_t *json, const void *body, size_t body_size);
/** framer_send_text() - as framer_send(), for what is sent often: @text is the object, written by the caller with its "body_bytes" */
int framer_send_text(struct framer *f, const char *text, const void *body, size_t body_size);
/** framer_flush() - write what can be written. Return: 1 all written, 0 more to write (wait for POLLOUT), -errno. Raises no SIGPIPE on sockets. */
int framer_flush(struct framer *f);
bool framer_wants_write(const struct framer *f);
size_t framer_queued(const struct framer *f); /* bytes waiting to be written */

/* Blocking forms for workers and evidencectl: -ETIMEDOUT after @timeout_usec (-1: for ever). Signals do not end them. */
int framer_receive(struct framer *f, int64_t timeout_usec, struct message *ret);
int framer_flush_all(struct framer *f, int64_t timeout_usec);
int framer_send_all(struct framer *f, json_t *json, const void *body, size_t body_size,
                    int64_t timeout_usec);

/* A file name in JSON: as it is when it is valid UTF-8 without control characters, else U+FFFD and its bytes in hex. */
json_t *frame_name(const char *bytes); /* new reference; NULL when out of memory */
char *
frame_name_decode(const json_t *value); /* owned; NULL when it is none (never holds a NUL inside) */
