/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define READ_SLACK ((size_t)4096)

/* O_NONBLOCK: opening a FIFO that somebody left there must not wait for its writer. */
static int open_regular(const char *path, struct stat *ret_st) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd < 0)
                return errno == ENXIO ? -EINVAL : -errno; /* a socket */
        if (fstat(fd, ret_st) < 0)
                return -errno;
        if (S_ISDIR(ret_st->st_mode))
                return -EISDIR;
        if (!S_ISREG(ret_st->st_mode))
                return -EINVAL;
        return steal_fd(&fd);
}

/* @data is owned by the caller all the time, and has room for a NUL behind @n bytes. */
static int read_to_end(int fd, size_t cap, size_t max_bytes, char **data, size_t *n) {
        for (;;) {
                ssize_t k;

                if (!*data || *n == cap) {
                        size_t larger = *data ? cap * 2 : cap + READ_SLACK;
                        char *grown = realloc(*data, larger + 1);

                        if (!grown)
                                return -ENOMEM;
                        *data = grown;
                        cap = larger;
                }
                k = read(fd, *data + *n, cap - *n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        return 0;
                *n += (size_t)k;
                if (*n > max_bytes)
                        return -EFBIG;
        }
}

int read_file(const char *path, size_t max_bytes, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *data = NULL;
        struct stat st = {};
        size_t n = 0;
        int r;

        fd = open_regular(path, &st);
        if (fd < 0)
                return fd;
        if (st.st_size > 0 && (uintmax_t)st.st_size > max_bytes)
                return -EFBIG;
        /* The size is only a hint (/proc says 0, and the file may be growing): read to the end. */
        r = read_to_end(fd, (size_t)st.st_size, max_bytes, &data, &n);
        if (r < 0)
                return r;
        data[n] = '\0';
        *ret = steal_ptr(data);
        if (ret_size)
                *ret_size = n;
        return 0;
}

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t k = write(fd, data, size);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                data += k;
                size -= (size_t)k;
        }
        return 0;
}

struct content {
        const void *data;
        size_t size;
        mode_t mode;
        bool sync;
};

static int fill_and_rename(int fd, const char *temporary, const char *path,
                           const struct content *c) {
        int r;

        r = write_all(fd, c->data, c->size);
        if (r < 0)
                return r;
        if (fchmod(fd, c->mode) < 0 || (c->sync && fsync(fd) < 0) || rename(temporary, path) < 0)
                return -errno;
        return 0;
}

/* ".NAME.XXXXXX" beside @path: hidden from people and from whoever serves the folder. */
static char *temporary_name(const char *path) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        struct strbuf b = STRBUF_INIT;

        strbuf_add(&b, path, (size_t)(name - path));
        strbuf_addf(&b, ".%s.XXXXXX", name);
        return strbuf_steal(&b);
}

static int replace(const char *path, const struct content *content) {
        _cleanup_free_ char *temporary = temporary_name(path);
        _cleanup_close_ int fd = -1;
        int r;

        if (!temporary)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fill_and_rename(fd, temporary, path, content);
        if (r < 0)
                unlink(temporary);
        return r;
}

int write_file_atomic(const char *path, const void *data, size_t size, mode_t mode) {
        return replace(path, &(struct content){data, size, mode, .sync = true});
}

int replace_file(const char *path, const void *data, size_t size, mode_t mode) {
        return replace(path, &(struct content){data, size, mode, .sync = false});
}

static int mkdir_one(const char *path, mode_t mode) {
        struct stat st;

        if (mkdir(path, mode) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        if (stat(path, &st) < 0)
                return -errno; /* a link to nowhere */
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int mkdir_p(const char *path, mode_t mode) {
        char buf[PATH_MAX];
        size_t n = strlen(path);
        int r;

        if (n == 0)
                return -ENOENT;
        if (n >= sizeof(buf))
                return -ENAMETOOLONG;
        memcpy(buf, path, n + 1);
        for (char *p = buf + 1; *p; p++) {
                if (*p != '/' || p[-1] == '/')
                        continue;
                *p = '\0';
                r = mkdir_one(buf, mode);
                if (r < 0)
                        return r;
                *p = '/';
        }
        return mkdir_one(buf, mode);
}
