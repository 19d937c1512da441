/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pid in the file is for people and for the message; the lock alone decides, and the kernel drops it with its holder. */
static pid_t read_holder(int fd) {
        char text[16] = "";
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

        return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static int write_holder(int fd) {
        char text[16];
        int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

        if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
                return -errno;
        return 0;
}

int store_lock(const char *dir, pid_t *ret_holder) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (asprintf(&path, "%s/lock", dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
                return -errno;
        if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
                if (errno != EAGAIN && errno != EACCES)
                        return -errno;
                if (ret_holder)
                        *ret_holder = read_holder(fd);
                return -EBUSY;
        }
        r = write_holder(fd);
        return r < 0 ? r : steal_fd(&fd);
}
