/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/stepwise.h"

#define LEASE_TRIES 20 /* times 50 ms: a file server takes that long to give a lease up */

static int open_resolved(int root_fd, const char *path, int flags, uint64_t resolve) {
        struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve,
        };
        long fd;

        do
                fd = syscall(SYS_openat2, root_fd, path[0] ? path : ".", &how, sizeof(how));
        while (fd < 0 && (errno == EINTR || errno == EAGAIN) && (flags & O_PATH));
        if (fd < 0 && errno == ENOSYS)
                return open_stepwise(root_fd, path, flags, !(resolve & RESOLVE_NO_SYMLINKS));
        return fd < 0 ? -errno : (int)fd;
}

int open_beneath(int root_fd, const char *path, int flags) {
        return open_resolved(root_fd, path, flags | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
}

/* An absolute link that points inside, as a path from the root. */
static int inside_of_link(int root_fd, const char *root_path, const char *path,
                          char target[PATH_MAX]) {
        _cleanup_close_ int fd = open_resolved(root_fd, path, O_PATH | O_NOFOLLOW, 0);
        size_t len = root_path ? strlen(root_path) : 0;
        ssize_t n;

        if (fd < 0 || len == 0)
                return fd < 0 ? fd : -EXDEV;
        n = readlinkat(fd, "", target, PATH_MAX);
        if (n < 0 || n >= PATH_MAX)
                return n < 0 ? -errno : -ENAMETOOLONG;
        target[n] = '\0';
        if (strncmp(target, root_path, len) != 0 || target[len] != '/')
                return -EXDEV;
        memmove(target, target + len + 1, (size_t)n - len);
        return 0;
}

int resolve_beneath(int root_fd, const char *root_path, const char *path, struct stat *ret) {
        _cleanup_close_ int fd = open_resolved(root_fd, path, O_PATH, 0);
        char target[PATH_MAX];

        if (fd == -EXDEV) {
                int r = inside_of_link(root_fd, root_path, path, target);

                if (r < 0)
                        return r;
                fd = open_resolved(root_fd, target, O_PATH, 0);
        }
        if (fd < 0)
                return fd;
        if (fstat(fd, ret) < 0)
                return -errno;
        return steal_fd(&fd);
}

/* Where a descriptor really is, as a path from the root: one that no link is part of. */
static int real_path(int fd, const char *root_path, char ret[PATH_MAX]) {
        char link[sizeof("/proc/self/fd/") + 12];
        size_t len = strcmp(root_path, "/") == 0 ? 0 : strlen(root_path);
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, ret, PATH_MAX);
        if (n < 0 || n >= PATH_MAX)
                return n < 0 ? -errno : -ENAMETOOLONG;
        ret[n] = '\0';
        if (strncmp(ret, root_path, len) != 0 || ret[len] != '/')
                return -EXDEV;
        memmove(ret, ret + len + 1, (size_t)n - len);
        return 0;
}

static int open_for_reading(int root_fd, const char *path) {
        int fd;

        for (unsigned i = 0; i < LEASE_TRIES; i++) {
                fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK);
                if (fd != -EAGAIN && fd != -EINTR)
                        break;
                poll(NULL, 0, 50);
        }
        return fd;
}

/* Nothing but a regular file is opened for reading: opening a device can do things. */
static int check_regular(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

int open_file_beneath(int root_fd, const char *root_path, const char *path) {
        _cleanup_close_ int fd = open_beneath(root_fd, path, O_PATH);
        char target[PATH_MAX];
        struct stat st;
        int r;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode)) {
                close(fd);
                fd = resolve_beneath(root_fd, root_path, path, &st);
                if (fd < 0)
                        return fd;
                r = real_path(fd, root_path, target);
                if (r < 0)
                        return r;
                path = target;
        }
        r = check_regular(fd);
        if (r < 0)
                return r;
        close(fd);
        fd = open_for_reading(root_fd, path);
        if (fd < 0)
                return fd;
        r = check_regular(fd);
        return r < 0 ? r : steal_fd(&fd);
}
