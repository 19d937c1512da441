/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/strbuf.h"
#include "mail/lines.h"

#define NAME_SIZE 192

static char *folder_path(const char *name) {
        const char *base = getenv("EVIDENCED_MAIL_DIR"), *state = getenv("STATE_DIRECTORY");
        char *path = NULL;
        int r;

        if (base && *base)
                r = asprintf(&path, "%s/%s", base, name);
        else if (state && *state)
                r = asprintf(&path, "%.*s/%s", (int)strcspn(state, ":"), state, name);
        else
                r = asprintf(&path, "./%s", name);
        return r < 0 ? NULL : path;
}

/* time.M<usec>P<pid>Q<count>R<random>.host, as the format's description has it */
static void unique_name(char ret[NAME_SIZE]) {
        static unsigned n_delivered;
        usec_t now = clock_realtime();
        char host[64] = "localhost";
        uint32_t random = 0;

        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
                random = (uint32_t)clock_monotonic();
        if (gethostname(host, sizeof(host) - 1) < 0 || strpbrk(host, "/:"))
                strcpy(host, "localhost");
        snprintf(ret, NAME_SIZE, "%lld.M%06dP%dQ%uR%08x.%s", (long long)(now / USEC_PER_SEC),
                 (int)(now % USEC_PER_SEC), (int)getpid(), n_delivered++, (unsigned)random, host);
}

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

static int write_durably(int folder, const char *name, const char *data, size_t size) {
        _cleanup_close_ int fd =
                openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, data, size);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(folder, name, 0);
        return r;
}

static int open_folder(const char *path, const char *name, int *ret) {
        _cleanup_free_ char *whole = NULL;
        int r;

        if (asprintf(&whole, "%s/%s", path, name) < 0) {
                whole = NULL;
                return -ENOMEM;
        }
        r = mkdir_p(whole, 0700);
        if (r < 0)
                return r;
        *ret = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *ret < 0 ? -errno : 0;
}

static int store(const char *path, const char *data, size_t size, char ret_name[NAME_SIZE]) {
        _cleanup_close_ int tmp = -1, new = -1, cur = -1;
        int r = open_folder(path, "tmp", &tmp);

        if (r == 0)
                r = open_folder(path, "new", &new);
        if (r == 0)
                r = open_folder(path, "cur", &cur); /* readers expect it */
        if (r < 0)
                return r;
        unique_name(ret_name);
        r = write_durably(tmp, ret_name, data, size);
        if (r < 0)
                return r;
        if (renameat(tmp, ret_name, new, ret_name) < 0) {
                r = -errno;
                unlinkat(tmp, ret_name, 0);
                return r;
        }
        return fsync(new) < 0 ? -errno : 0;
}

void maildir_deliver(const struct mail_request *request, struct mail_outcome *ret) {
        _cleanup_(strbuf_done) struct strbuf file = STRBUF_INIT;
        _cleanup_free_ char *path = folder_path(request->server.folder), *body = NULL;
        char name[NAME_SIZE];
        size_t size;
        int r = path ? lines_to_file(request->body, request->body_size, &body, &size) : -ENOMEM;

        if (r == 0) {
                strbuf_addf(&file, "Return-Path: <%s>\nDelivered-To: %s\n", request->from,
                            request->to);
                strbuf_add(&file, body, size);
                r = strbuf_error(&file);
        }
        if (r == 0)
                r = store(path, file.data, file.len, name);
        if (r < 0) {
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_DATA, true,
                            "the folder '%s' can not be written: %s",
                            path ? path : request->server.folder, strerror(-r));
                return;
        }
        outcome_set(ret, MAIL_SENT, MAIL_STAGE_DOT, false, "stored as %s", name);
        ret->code = 250;
        memcpy(ret->enhanced, "2.0.0", sizeof("2.0.0"));
}
