/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests: a folder of configuration files that is removed at the end. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fileio.h"

/* A configuration without findings, once units and roles are added. */
#define ORGANIZATION "organization: { name = \"Sở\"; time_zone = \"Asia/Ho_Chi_Minh\"; };\n"
#define MAIL                                                                                       \
        "mail: { from = \"CCHC <cchc@skhcn.example>\"; servers = ( { url = "                       \
        "\"smtps://mail.skhcn.example\"; } ); };\n"
#define EVIDENCE "evidence: { roots = [ \"/srv/evidence\" ]; };\n"
#define ROLES                                                                                      \
        "roles: { head = \"h@skhcn.example\"; coordinator = \"c@skhcn.example\"; deputy = "        \
        "\"p@skhcn.example\"; "                                                                    \
        "director = \"d@skhcn.example\"; administrator = \"a@skhcn.example\"; };\n"
#define UNITS "units: ( { id = \"VP\"; name = \"Văn phòng\"; mail = \"vp@skhcn.example\"; } );\n"
#define CALENDAR "calendar: { off = ( \"2018-01-01\", \"2017-01-01\", \"2019-01-01\" ); };\n"
#define NEED "evidence: { dir = \"x/{task}/{year}/{month}\"; need = ( { match = \"*.pdf\"; } ); };"
#define TASKS                                                                                      \
        "tasks: ( { id = \"1.1\"; title = \"T\"; unit = \"VP\"; due = \"2018-11-15\"; " NEED       \
        " } );\n"
#define ALL ORGANIZATION CALENDAR MAIL EVIDENCE ROLES UNITS TASKS

struct config_dir {
        char path[128];
        char main[160];
};

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static inline void config_dir_done(struct config_dir *dir) {
        (void)nftw(dir->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void put_bytes(struct config_dir *dir, const char *name, const void *data,
                             size_t size) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", dir->path, name) < 0 ||
            write_file_atomic(path, data, size, 0644) < 0)
                abort();
}

static inline void put(struct config_dir *dir, const char *name, const char *text) {
        put_bytes(dir, name, text, strlen(text));
}

static inline void config_dir_init(struct config_dir *dir, const char *main_text) {
        const char *tmp = getenv("TMPDIR");
        char folder[160];

        snprintf(dir->path, sizeof(dir->path), "%.80s/evidenced-config-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(dir->path))
                abort();
        snprintf(dir->main, sizeof(dir->main), "%s/evidenced.conf", dir->path);
        for (const char *const *name =
                     (const char *const[]){"calendar.d", "units.d", "tasks.d", NULL};
             *name; name++) {
                snprintf(folder, sizeof(folder), "%s/%s", dir->path, *name);
                if (mkdir(folder, 0755) < 0)
                        abort();
        }
        if (main_text)
                put(dir, "evidenced.conf", main_text);
}
