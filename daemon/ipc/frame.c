/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/frame.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"

#define READ_SIZE ((size_t)256 << 10)
#define KEEP_SIZE READ_SIZE        /* a larger buffer is given back once it is empty */
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

struct buffer {
        struct ARRAY(char) bytes;
        size_t start; /* what lies before was taken already */
};

struct framer {
        int fd; /* owned */
        size_t max_json, max_body;
        struct buffer in, out;
        size_t scanned;    /* bytes of the JSON text, from in.start, known to hold no NUL */
        json_t *pending;   /* owned; its body is not whole yet */
        size_t body_bytes; /* of pending */
        bool bad;          /* nothing after a bad message can be trusted */
};

static size_t buffer_len(const struct buffer *b) { return b->bytes.n - b->start; }

static void buffer_take(struct buffer *b, size_t n) {
        b->start += n;
        if (b->start < b->bytes.n)
                return;
        b->start = b->bytes.n = 0;
        if (b->bytes.cap > KEEP_SIZE)
                array_done(&b->bytes);
}

/* Room for @more bytes at the end; moves what is left to the front when that costs less than it frees. */
static int buffer_reserve(struct buffer *b, size_t more) {
        if (b->start > 0 && b->start >= buffer_len(b)) {
                memmove(b->bytes.items, b->bytes.items + b->start, buffer_len(b));
                b->bytes.n -= b->start;
                b->start = 0;
        }
        return array_reserve(&b->bytes, more);
}

static int buffer_add(struct buffer *b, const void *data, size_t size) {
        int r = buffer_reserve(b, size);

        if (r < 0)
                return r;
        if (size > 0)
                memcpy(b->bytes.items + b->bytes.n, data, size);
        b->bytes.n += size;
        return 0;
}

void message_done(struct message *m) {
        if (!m)
                return;
        json_decref(m->json);
        free(m->body);
        *m = (struct message){};
}

struct framer *framer_new(int fd) {
        struct framer *f = calloc(1, sizeof(*f));
        int flags = fcntl(fd, F_GETFL);

        if (!f || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
                free(f);
                if (fd >= 0)
                        close(fd);
                return NULL;
        }
        f->fd = fd;
        f->max_json = FRAME_MAX_JSON;
        f->max_body = FRAME_MAX_BODY;
        return f;
}

struct framer *framer_free(struct framer *f) {
        if (!f)
                return NULL;
        close(f->fd);
        json_decref(f->pending);
        array_done(&f->in.bytes);
        array_done(&f->out.bytes);
        free(f);
        return NULL;
}

int framer_fd(const struct framer *f) { return f->fd; }

void framer_set_limits(struct framer *f, size_t max_json, size_t max_body) {
        assert(max_json <= FRAME_MAX_JSON && max_body <= FRAME_MAX_BODY);
        f->max_json = max_json;
        f->max_body = max_body;
}

int framer_fill(struct framer *f) {
        ssize_t n;
        int r;

        if (buffer_len(&f->in) > f->max_json + f->max_body)
                return -ENOBUFS;
        r = buffer_reserve(&f->in, READ_SIZE);
        if (r < 0)
                return r;
        do
                n = read(f->fd, f->in.bytes.items + f->in.bytes.n, READ_SIZE);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
                return -EPIPE;
        f->in.bytes.n += (size_t)n;
        return 1;
}

/* jansson recurses, up to 2048 levels of its own stack frames; nothing of ours needs that. */
static bool depth_ok(const char *text, size_t len) {
        bool in_string = false;
        int depth = 0;

        for (size_t i = 0; i < len; i++) {
                if (in_string) {
                        if (text[i] == '\\')
                                i++;
                        else if (text[i] == '"')
                                in_string = false;
                } else if (text[i] == '"')
                        in_string = true;
                else if (text[i] == '{' || text[i] == '[') {
                        if (++depth > FRAME_MAX_DEPTH)
                                return false;
                } else if (text[i] == '}' || text[i] == ']')
                        depth--;
        }
        return true;
}

/* Takes "body_bytes" out of the text: pending and body_bytes are set. */
static int parse_text(struct framer *f, const char *text, size_t len) {
        json_t *json, *size;

        if (!depth_ok(text, len))
                return -EBADMSG;
        json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        if (!json)
                return -EBADMSG;
        size = json_is_object(json) ? json_object_get(json, "body_bytes") : NULL;
        if (!json_is_object(json) ||
            (size && (!json_is_integer(size) || json_integer_value(size) < 0 ||
                      (uint64_t)json_integer_value(size) > f->max_body))) {
                json_decref(json);
                return -EBADMSG;
        }
        f->pending = json;
        f->body_bytes = size ? (size_t)json_integer_value(size) : 0;
        return 0;
}

/* Return: 1 pending is set, 0 the text is not whole, -EBADMSG. */
static int next_text(struct framer *f) {
        const char *text = f->in.bytes.items + f->in.start;
        size_t len = buffer_len(&f->in);
        const char *end = len > f->scanned ? memchr(text + f->scanned, 0, len - f->scanned) : NULL;
        int r;

        if (!end) {
                f->scanned = len;
                return len > f->max_json ? -EBADMSG : 0;
        }
        f->scanned = 0;
        len = (size_t)(end - text);
        r = len > f->max_json ? -EBADMSG : parse_text(f, text, len);
        buffer_take(&f->in, len + 1);
        return r < 0 ? r : 1;
}

int framer_next(struct framer *f, struct message *ret) {
        struct message m = {};
        int r;

        if (f->bad)
                return -EBADMSG;
        if (!f->pending) {
                r = next_text(f);
                f->bad = r < 0;
                if (r <= 0)
                        return r;
        }
        if (buffer_len(&f->in) < f->body_bytes)
                return 0;
        if (f->body_bytes > 0) {
                m.body = malloc(f->body_bytes + 1);
                if (!m.body)
                        return -ENOMEM;
                memcpy(m.body, f->in.bytes.items + f->in.start, f->body_bytes);
                m.body[f->body_bytes] = 0;
                m.body_size = f->body_bytes;
                buffer_take(&f->in, f->body_bytes);
        }
        m.json = steal_ptr(f->pending);
        f->body_bytes = 0;
        *ret = m;
        return 1;
}

static int on_dump(const char *data, size_t size, void *userdata) {
        return buffer_add(userdata, data, size) < 0 ? -1 : 0;
}

/* The object to write: @json itself, or a copy that says how long the body is. New reference. */
static int with_body_bytes(json_t *json, size_t body_size, json_t **ret) {
        json_t *size = json_object_get(json, "body_bytes"), *copy;

        if (size && (!json_is_integer(size) || json_integer_value(size) != (json_int_t)body_size))
                return -EINVAL;
        if (size || body_size == 0) {
                *ret = json_incref(json);
                return 0;
        }
        copy = json_copy(json);
        if (!copy ||
            json_object_set_new(copy, "body_bytes", json_integer((json_int_t)body_size)) < 0) {
                json_decref(copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

/* Ends the text that was queued behind @before bytes. */
static int queue_body(struct framer *f, size_t before, const void *body, size_t body_size) {
        size_t text_size;

        if (buffer_add(&f->out, "", 1) < 0)
                return -ENOMEM;
        text_size = buffer_len(&f->out) - before;
        if (text_size > FRAME_MAX_JSON + 1u || body_size > FRAME_MAX_BODY)
                return -EMSGSIZE;
        if (before + text_size + body_size > FRAME_MAX_QUEUE)
                return -ENOBUFS;
        return buffer_add(&f->out, body, body_size);
}

int framer_send(struct framer *f, json_t *json, const void *body, size_t body_size) {
        size_t before = buffer_len(&f->out);
        json_t *full;
        int r;

        assert(json_is_object(json));
        r = with_body_bytes(json, body_size, &full);
        if (r < 0)
                return r;
        r = json_dump_callback(full, on_dump, &f->out, JSON_COMPACT) < 0
                    ? -ENOMEM
                    : queue_body(f, before, body, body_size);
        if (r < 0)
                f->out.bytes.n = f->out.start + before;
        json_decref(full);
        return r;
}

int framer_send_text(struct framer *f, const char *text, const void *body, size_t body_size) {
        size_t before = buffer_len(&f->out);
        int r = buffer_add(&f->out, text, strlen(text));

        if (r == 0)
                r = queue_body(f, before, body, body_size);
        if (r < 0)
                f->out.bytes.n = f->out.start + before;
        return r;
}

int framer_flush(struct framer *f) {
        while (buffer_len(&f->out) > 0) {
                const char *data = f->out.bytes.items + f->out.start;
                ssize_t n = send(f->fd, data, buffer_len(&f->out), MSG_NOSIGNAL);

                if (n < 0 && errno == ENOTSOCK)
                        n = write(f->fd, data, buffer_len(&f->out));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                buffer_take(&f->out, (size_t)n);
        }
        return 1;
}

bool framer_wants_write(const struct framer *f) { return buffer_len(&f->out) > 0; }

size_t framer_queued(const struct framer *f) { return buffer_len(&f->out); }

/* Return: 0 something happened (or a signal came), -ETIMEDOUT, -errno. @end: CLOCK_MONOTONIC, USEC_INFINITY: for ever. */
static int wait_for(struct framer *f, short events, usec_t end) {
        struct pollfd fd = {.fd = f->fd, .events = events};
        int timeout = -1, n;

        if (end != USEC_INFINITY) {
                usec_t left = end - clock_monotonic();

                if (left <= 0)
                        return -ETIMEDOUT;
                timeout = left > 60 * USEC_PER_SEC ? 60000 : (int)((left + 999) / USEC_PER_MSEC);
        }
        n = poll(&fd, 1, timeout);
        return n < 0 && errno != EINTR ? -errno : 0;
}

static usec_t end_of(int64_t timeout_usec) {
        return timeout_usec < 0 ? USEC_INFINITY : usec_add(clock_monotonic(), timeout_usec);
}

int framer_receive(struct framer *f, int64_t timeout_usec, struct message *ret) {
        usec_t end = end_of(timeout_usec);
        int r;

        for (;;) {
                r = framer_next(f, ret);
                if (r != 0)
                        return r < 0 ? r : 0;
                r = framer_flush(f);
                if (r < 0)
                        return r;
                r = framer_fill(f);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = wait_for(f, framer_wants_write(f) ? POLLIN | POLLOUT : POLLIN, end);
                if (r < 0)
                        return r;
        }
}

int framer_flush_all(struct framer *f, int64_t timeout_usec) {
        usec_t end = end_of(timeout_usec);
        int r = 0;

        while (r >= 0) {
                r = framer_flush(f);
                if (r != 0)
                        return r < 0 ? r : 0;
                r = wait_for(f, POLLOUT, end);
        }
        return r;
}

int framer_send_all(struct framer *f, json_t *json, const void *body, size_t body_size,
                    int64_t timeout_usec) {
        int r = framer_send(f, json, body, body_size);

        return r < 0 ? r : framer_flush_all(f, timeout_usec);
}

/* Fit to be shown, and not to be taken for the hex form. */
static bool plain_name(const char *bytes) {
        if (!utf8_valid(bytes, strlen(bytes)) || startswith(bytes, REPLACEMENT))
                return false;
        for (const unsigned char *p = (const unsigned char *)bytes; *p; p++)
                if (*p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0)) /* C0, DEL, C1 */
                        return false;
        return true;
}

json_t *frame_name(const char *bytes) {
        size_t len = strlen(bytes);
        _cleanup_free_ char *hex = NULL;

        if (plain_name(bytes))
                return json_stringn(bytes, len);
        hex = malloc(strlen(REPLACEMENT) + 2 * len + 1);
        if (!hex)
                return NULL;
        memcpy(hex, REPLACEMENT, strlen(REPLACEMENT));
        hex_encode((const uint8_t *)bytes, len, hex + strlen(REPLACEMENT));
        return json_string(hex);
}

char *frame_name_decode(const json_t *value) {
        const char *s = json_string_value(value), *hex;
        _cleanup_free_ char *bytes = NULL;
        size_t len;

        if (!s || json_string_length(value) != strlen(s))
                return NULL;
        if (!startswith(s, REPLACEMENT))
                return strdup(s);
        hex = s + strlen(REPLACEMENT);
        len = strlen(hex) / 2;
        bytes = calloc(1, len + 1);
        if (!bytes || hex_decode(hex, (uint8_t *)bytes, len) < 0 || strlen(bytes) != len)
                return NULL;
        return steal_ptr(bytes);
}
