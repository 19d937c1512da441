/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is in one folder now. Decides nothing: neither what is settled nor what changed.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/strbuf.h"

enum { /* ipc/PROTOCOL.md, "folder" */
       ENTRY_REGULAR = 1,
       ENTRY_SETTLED = 2,
       ENTRY_LINK_INSIDE = 4,
       ENTRY_LINK_OUT = 8,
       ENTRY_UNREADABLE = 16,
       ENTRY_QUIET = 32,
       ENTRY_READ = 64, /* told once, with ENTRY_SETTLED, and no part of a fingerprint */
};

struct entry {
        size_t name; /* in listing.names */
        uint64_t size, inode;
        usec_t mtime, changed; /* changed: the later of mtime and ctime */
        uint64_t name_hash, hash;
        uint32_t flags;
};

struct subfolder {
        size_t name;
        uint64_t inode; /* of the entry; a mount point's is the one below */
};

struct listing {
        struct strbuf names;
        struct ARRAY(struct entry) entries;
        struct ARRAY(struct subfolder) folders; /* by name */
        bool capped;                            /* FOLDER_MAX_FILES reached: there are more */
};

void listing_done(struct listing *l);

/* Who we are, to tell from a file's mode whether it can be read. */
struct credentials {
        uid_t uid;
        gid_t *groups; /* owned */
        size_t n_groups;
};

int credentials_init(struct credentials *ret);
void credentials_done(struct credentials *c);

struct look {
        int root_fd;           /* borrowed */
        const char *root_path; /* without links */
        const char *path;      /* of the folder, relative to the root */
        const struct credentials *who;
};

/**
 * look_at() - list an open folder
 * @dir_fd: open for reading; taken over
 *
 * A file that vanishes meanwhile is not there. Any error in between fails the whole: half a listing is none.
 * Return: 0, -errno.
 */
int look_at(const struct look *look, int dir_fd, struct listing *ret);
/** look_at_one() - at one name of an open folder (borrowed); added to @l if it is there. Return: 0, -errno. */
int look_at_one(const struct look *look, int dir_fd, const char *name, struct listing *l);
