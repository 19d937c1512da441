/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include "ctl/starter.h"

/* Refuses what is there already; what is half written goes away again. Return: 0 or -errno. */
static int write_new(const char *path, const char *text) {
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

static int make_place(const char *path) {
        _cleanup_free_ char *folder = strdup(path);

        if (!folder)
                return -ENOMEM;
        *strrchr(folder, '/') = '\0';
        return mkdir_p(*folder ? folder : "/", 0755);
}

/* Looked at before anything is written, so that a folder in use is left as it is. */
static int find_existing(const char *dir) {
        for (const struct starter_file *f = starter_files; f->path; f++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;

                if (asprintf(&path, "%s/%s", dir, f->path) < 0)
                        return no_memory();
                if (lstat(path, &st) == 0) {
                        complain("init: '%s' exists, nothing was written", path);
                        return EXIT_FAILURE;
                }
        }
        return 0;
}

int command_init(const struct invocation *in) {
        const char *dir = in->words[0];
        int r = find_existing(dir);

        for (const struct starter_file *f = starter_files; r == 0 && f->path; f++) {
                _cleanup_free_ char *path = NULL;
                int error;

                if (asprintf(&path, "%s/%s", dir, f->path) < 0)
                        return no_memory();
                error = make_place(path);
                if (error == 0)
                        error = write_new(path, f->text);
                if (error < 0) {
                        complain("init: failed to write '%s': %s", path, strerror(-error));
                        return EXIT_FAILURE;
                }
        }
        if (r == 0)
                printf("Wrote %s/evidenced.conf, with calendar.d, units.d and tasks.d beside it.\n"
                       "Next: edit it, then evidencectl check --config %s/evidenced.conf\n",
                       dir, dir);
        return r;
}
