/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "ctl/commands.h"
#include "ctl/new-file.h"
#include "ctl/output.h"
#include "ctl/starter.h"

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
                        error = write_new_file(path, f->text);
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
