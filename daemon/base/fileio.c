/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define READ_STEP ((size_t)64 * 1024)

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

int read_file(const char *path, size_t max_bytes, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *data = NULL;
        size_t n = 0, cap;
        struct stat st;

        fd = open_regular(path, &st);
        if (fd < 0)
                return fd;
        if (st.st_size > 0 && (uintmax_t)st.st_size > max_bytes)
                return -EFBIG;

        /* The size is only a hint (/proc says 0, and the file may be growing): read to the end. */
        cap = (size_t)st.st_size + READ_STEP / 16;
        data = malloc(cap + 1);
        if (!data)
                return -ENOMEM;
        for (;;) {
                ssize_t k;

                if (n == cap) {
                        char *grown = realloc(data, cap + READ_STEP + 1);

                        if (!grown)
                                return -ENOMEM;
                        data = grown;
                        cap += READ_STEP;
                }
                k = read(fd, data + n, cap - n);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
                if (n > max_bytes)
                        return -EFBIG;
        }
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

static int fill_and_rename(int fd, const char *temporary, const char *path, const void *data,
                           size_t size, mode_t mode) {
        int r;

        r = write_all(fd, data, size);
        if (r < 0)
                return r;
        if (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temporary, path) < 0)
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

int write_file_atomic(const char *path, const void *data, size_t size, mode_t mode) {
        _cleanup_free_ char *temporary = temporary_name(path);
        _cleanup_close_ int fd = -1;
        int r;

        if (!temporary)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fill_and_rename(fd, temporary, path, data, size, mode);
        if (r < 0)
                unlink(temporary);
        return r;
}

static int mkdir_one(const char *path, mode_t mode) {
        struct stat st;

        if (mkdir(path, mode) == 0)
                return 0;
        if (errno != EEXIST && errno != EROFS && errno != EACCES && errno != EPERM)
                return -errno;
        /* A parent that exists is fine even where we could not have made it. */
        int error = errno;
        if (stat(path, &st) < 0)
                return -error;
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
