/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan-driver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

struct scan *scan_prepare(struct scan *s) {
        *s = (struct scan){.pid = -1};
        snprintf(s->root, sizeof(s->root), "/tmp/evidenced-scan-XXXXXX");
        assert_non_null(mkdtemp(s->root));
        assert_int_equal(chmod(s->root, 0755), 0);
        return s;
}

static void run_child(int fd, const struct scan_options *o) {
        char argument[32];

        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
        if (o->environment)
                putenv((char *)o->environment);
        if (o->as_nobody && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
                _exit(99);
        snprintf(argument, sizeof(argument), "--fd=%d", fd);
        execl(SCANNER, SCANNER, argument, NULL);
        _exit(98);
}

static void exchange_hello(struct scan *s) {
        json_t *hello = scan_next(s, PATIENCE),
               *theirs = hello ? json_object_get(hello, "hello") : NULL;

        assert_non_null(theirs);
        assert_string_equal(json_string_value(json_object_get(theirs, "program")),
                            "evidenced-scan");
        scan_send(s, json_pack("{s{ss sO sO}}", "hello", "program", "evidenced", "version",
                               json_object_get(theirs, "version"), "protocol",
                               json_object_get(theirs, "protocol")));
        json_decref(hello);
}

void scan_start(struct scan *s, const struct scan_options *o) {
        json_t *watch = json_pack("{ss ss sI sI sI}", "verb", "watch", "root", s->root, "settle",
                                  (json_int_t)(o->settle ? o->settle : 200 * USEC_PER_MSEC), "poll",
                                  (json_int_t)(o->poll ? o->poll : USEC_PER_HOUR), "rescan",
                                  (json_int_t)(o->rescan ? o->rescan : USEC_PER_HOUR));
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        assert_int_equal(fcntl(fds[0], F_SETFD, FD_CLOEXEC), 0);
        if (o->small_buffer)
                assert_int_equal(
                        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)), 0);
        s->pid = fork();
        assert_true(s->pid >= 0);
        if (s->pid == 0)
                run_child(fds[1], o);
        close(fds[1]);
        s->peer = framer_new(fds[0]);
        assert_non_null(s->peer);
        exchange_hello(s);
        if (o->known)
                json_object_set_new(watch, "known", o->known);
        scan_send(s, watch);
}

void scan_stop(struct scan *s) {
        int status;

        s->peer = framer_free(s->peer);
        assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
        s->pid = -1;
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

void scan_done(struct scan *s) {
        char command[PATH_MAX];

        if (s->pid > 0)
                scan_stop(s);
        snprintf(command, sizeof(command), "chmod -R u+rwx '%s' 2>/dev/null; rm -rf '%s'", s->root,
                 s->root);
        assert_int_equal(system(command), 0);
}

void scan_send(struct scan *s, json_t *message) {
        assert_non_null(message);
        assert_int_equal(framer_send_all(s->peer, message, NULL, 0, PATIENCE), 0);
        json_decref(message);
}

json_t *scan_next(struct scan *s, usec_t timeout) {
        struct message m;
        int r = framer_receive(s->peer, timeout, &m);

        if (r < 0)
                return NULL;
        s->told = clock_monotonic();
        return m.json;
}

json_t *scan_expect(struct scan *s, const char *key, const char *value, const char *path) {
        usec_t end = clock_monotonic() + PATIENCE;

        while (clock_monotonic() < end) {
                json_t *m = scan_next(s, end - clock_monotonic());

                if (!m)
                        break;
                if (streq_ptr(json_string_value(json_object_get(m, key)), value) &&
                    (!path || streq_ptr(json_string_value(json_object_get(m, "path")), path)))
                        return m;
                json_decref(m);
        }
        fail_msg("no message with %s %s%s%s", key, value, path ? " of " : "", path ? path : "");
        return NULL;
}

json_t *scan_file(const json_t *event, const char *name) {
        json_t *files = json_object_get(event, "files");

        for (size_t i = 0; i + 4 < json_array_size(files); i += 5)
                if (streq_ptr(json_string_value(json_array_get(files, i)), name))
                        return json_array_get(files, i);
        return NULL;
}

static bool is_settled(const json_t *event) {
        return streq_ptr(json_string_value(json_object_get(event, "event")), "settled");
}

int scan_all_flags(const json_t *event, const char *name) {
        json_t *files = json_object_get(event, "files");
        size_t values = is_settled(event) ? 2 : 5;

        for (size_t i = 0; i + values <= json_array_size(files); i += values)
                if (streq_ptr(json_string_value(json_array_get(files, i)), name))
                        return (int)json_integer_value(json_array_get(files, i + values - 1));
        return -1;
}

int scan_flags(const json_t *event, const char *name) {
        int flags = scan_all_flags(event, name);

        return flags < 0 ? flags : flags & ~(SCAN_QUIET | SCAN_READ);
}

void scan_expect_file(struct scan *s, const char *path, const char *name, int flags) {
        usec_t end = clock_monotonic() + PATIENCE;
        int seen = -2;

        while (clock_monotonic() < end) {
                json_t *m = scan_next(s, end - clock_monotonic());

                if (!m)
                        break;
                if (streq_ptr(json_string_value(json_object_get(m, "path")), path) &&
                    (streq_ptr(json_string_value(json_object_get(m, "event")), "folder") ||
                     (is_settled(m) && scan_flags(m, name) >= 0)))
                        seen = scan_flags(m, name);
                json_decref(m);
                if (seen == flags)
                        return;
        }
        fail_msg("'%s' in '%s': flags %d, not %d", name, path, seen, flags);
}

void scan_expect_silence(struct scan *s, usec_t duration) {
        usec_t end = clock_monotonic() + duration;

        while (clock_monotonic() < end) {
                json_t *m = scan_next(s, end - clock_monotonic());
                _cleanup_free_ char *text = NULL;

                if (!m)
                        continue;
                text = json_dumps(m, JSON_COMPACT);
                json_decref(m);
                fail_msg("told what is no news: %s", text);
        }
}

void scan_expect_walk(struct scan *s) { json_decref(scan_expect(s, "event", "scanned", NULL)); }

const char *scan_path(struct scan *s, const char *name) {
        static char buffers[4][PATH_MAX];
        static unsigned turn;
        char *buffer = buffers[turn++ % 4];

        snprintf(buffer, PATH_MAX, "%s/%s", s->root, name);
        return buffer;
}

void scan_write(struct scan *s, const char *name, const char *text) {
        _cleanup_(fclose_p) FILE *f = fopen(scan_path(s, name), "w");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
}

void scan_mkdir(struct scan *s, const char *name) {
        assert_int_equal(mkdir(scan_path(s, name), 0755), 0);
}

void scan_rename(struct scan *s, const char *from, const char *to) {
        assert_int_equal(rename(scan_path(s, from), scan_path(s, to)), 0);
}

void scan_unlink(struct scan *s, const char *name) {
        assert_int_equal(unlink(scan_path(s, name)), 0);
}
