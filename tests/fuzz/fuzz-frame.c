/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a peer may write: whole messages come out as sent, anything else ends the connection. */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/frame.h"
#include "fuzz.h"

#define MAX_INPUT 60000 /* fits a socket's buffer: nobody reads while we write */

/* A message that was accepted is printed and read again. */
static void check_again(const struct message *m) {
        struct message again = {};
        struct framer *a, *b;
        int fd[2];

        CHECK(json_is_object(m->json));
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
        a = framer_new(fd[0]);
        b = framer_new(fd[1]);
        CHECK(a && b);
        CHECK(framer_send(a, m->json, m->body, m->body_size) == 0);
        if (framer_flush(a) == 1) {
                while (framer_fill(b) == 1)
                        ;
                CHECK(framer_next(b, &again) == 1);
                CHECK(again.body_size == m->body_size);
                CHECK(m->body_size == 0 || memcmp(again.body, m->body, m->body_size) == 0);
                message_done(&again);
        }
        framer_free(a);
        framer_free(b);
}

static void read_all(const uint8_t *data, size_t size) {
        struct framer *f;
        int fd[2], r;

        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
        f = framer_new(fd[0]);
        CHECK(f);
        CHECK(write(fd[1], data, size) == (ssize_t)size);
        close(fd[1]);
        do {
                struct message m = {};

                r = framer_fill(f);
                CHECK(r <= 1 && r != 0); /* everything is there already: never "nothing now" */
                for (;;) {
                        int k = framer_next(f, &m);

                        if (k < 0)
                                r = k;
                        if (k != 1)
                                break;
                        check_again(&m);
                        message_done(&m);
                }
        } while (r == 1);
        CHECK(r < 0); /* the end, or a message that is none */
        framer_free(f);
}

static void check_name(const uint8_t *data, size_t size) {
        char *name = fuzz_string(data, size), *back;
        json_t *value = frame_name(name);

        CHECK(value);
        back = frame_name_decode(value);
        CHECK(back && strcmp(back, name) == 0);
        free(back);
        json_decref(value);
        free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > MAX_INPUT)
                return 0;
        check_name(data, size);
        read_all(data, size);
        return 0;
}
