/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/new-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

int write_new_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        size_t left = strlen(text);
        int r = 0;

        if (fd < 0)
                return -errno;
        while (left > 0) {
                ssize_t n = write(fd, text, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        r = -errno;
                        unlink(path);
                        return r;
                }
                text += n;
                left -= (size_t)n;
        }
        return 0;
}
