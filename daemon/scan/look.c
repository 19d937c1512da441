/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/beneath.h"
#include "scan/fingerprint.h"
#include "scan/folder.h"

#define STATX_WANTED                                                                               \
        (STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_SIZE | STATX_MTIME |              \
         STATX_CTIME | STATX_INO)

void listing_done(struct listing *l) {
        strbuf_done(&l->names);
        array_done(&l->entries);
        array_done(&l->folders);
}

int credentials_init(struct credentials *ret) {
        struct credentials c = {.uid = geteuid()};
        int n = getgroups(0, NULL);

        if (n < 0)
                return -errno;
        c.groups = calloc((size_t)n + 1, sizeof(*c.groups));
        if (!c.groups)
                return -ENOMEM;
        n = getgroups(n, c.groups);
        if (n < 0) {
                credentials_done(&c);
                return -errno;
        }
        c.groups[n] = getegid();
        c.n_groups = (size_t)n + 1;
        *ret = c;
        return 0;
}

void credentials_done(struct credentials *c) {
        free(c->groups);
        *c = (struct credentials){};
}

static bool in_group(const struct credentials *who, gid_t gid) {
        for (size_t i = 0; i < who->n_groups; i++)
                if (who->groups[i] == gid)
                        return true;
        return false;
}

/* The mode mostly answers without a system call; what it refuses an access list may still allow. */
static bool may_read(const struct credentials *who, int dir_fd, const char *name,
                     const struct statx *st) {
        if (who->uid == 0)
                return true;
        if (st->stx_uid == who->uid) {
                if (st->stx_mode & S_IRUSR)
                        return true;
        } else if (in_group(who, st->stx_gid)) {
                if (st->stx_mode & S_IRGRP)
                        return true;
        } else if (st->stx_mode & S_IROTH) {
                return true;
        }
        return faccessat(dir_fd, name, R_OK, AT_EACCESS) == 0;
}

static usec_t statx_usec(const struct statx_timestamp *t) {
        return t->tv_sec * USEC_PER_SEC + t->tv_nsec / 1000;
}

static void fill_regular(struct entry *e, const struct statx *st) {
        usec_t ctime = statx_usec(&st->stx_ctime);

        e->size = st->stx_size;
        e->inode = st->stx_ino;
        e->mtime = statx_usec(&st->stx_mtime);
        e->changed = ctime > e->mtime ? ctime : e->mtime;
}

/* A link counts as the regular file it leads to, when both are inside the root. */
static int fill_link(const struct look *look, int dir_fd, const char *name, struct entry *e) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        struct stat st;
        struct statx stx;

        if (asprintf(&path, "%s%s%s", look->path, look->path[0] ? "/" : "", name) < 0)
                return -ENOMEM;
        fd = resolve_beneath(look->root_fd, look->root_path, path, &st);
        if (fd < 0) {
                e->flags = ENTRY_LINK_OUT;
                return 0;
        }
        e->flags = ENTRY_LINK_INSIDE;
        if (!S_ISREG(st.st_mode))
                return 0;
        if (statx(fd, "", AT_EMPTY_PATH, STATX_WANTED, &stx) < 0)
                return -errno;
        fill_regular(e, &stx);
        e->flags |= ENTRY_REGULAR;
        if (!may_read(look->who, dir_fd, name, &stx))
                e->flags |= ENTRY_UNREADABLE;
        return 0;
}

static int add_entry(struct listing *l, const char *name, struct entry *e) {
        if (l->entries.n >= FOLDER_MAX_FILES) {
                l->capped = true;
                return 0;
        }
        e->name = l->names.len;
        strbuf_add(&l->names, name, strlen(name) + 1);
        e->name_hash = hash_bytes(name, strlen(name));
        e->hash = file_hash(e->name_hash, e->size, e->mtime, e->inode);
        return array_push(&l->entries, *e);
}

static int add_folder(struct listing *l, const char *name, uint64_t inode) {
        struct subfolder f = {.name = l->names.len, .inode = inode};

        if (l->folders.n >= FOLDER_MAX) {
                l->capped = true;
                return 0;
        }
        strbuf_add(&l->names, name, strlen(name) + 1);
        return array_push(&l->folders, f);
}

static int add_file(const struct look *look, int dir_fd, const char *name, const struct statx *st,
                    struct listing *l) {
        struct entry e = {};
        int r;

        if (S_ISLNK(st->stx_mode)) {
                r = fill_link(look, dir_fd, name, &e);
                return r < 0 ? r : add_entry(l, name, &e);
        }
        fill_regular(&e, st);
        if (S_ISREG(st->stx_mode))
                e.flags = ENTRY_REGULAR |
                          (may_read(look->who, dir_fd, name, st) ? 0 : ENTRY_UNREADABLE);
        return add_entry(l, name, &e);
}

static int add_one(const struct look *look, int dir_fd, const struct dirent *d, struct listing *l) {
        struct entry e = {};
        struct statx st;

        if (d->d_type == DT_DIR)
                return add_folder(l, d->d_name, d->d_ino);
        if (statx(dir_fd, d->d_name, AT_SYMLINK_NOFOLLOW, STATX_WANTED, &st) < 0) {
                if (errno == ENOENT)
                        return 0;
                if (errno != EACCES && errno != EPERM)
                        return -errno;
                /* A folder that may be read but not searched says nothing of its files. */
                if (faccessat(dir_fd, ".", X_OK, AT_EACCESS) < 0)
                        return -errno;
                e.inode = d->d_ino;
                e.flags = ENTRY_UNREADABLE | (d->d_type == DT_REG ? ENTRY_REGULAR : 0);
                return add_entry(l, d->d_name, &e);
        }
        if (S_ISDIR(st.stx_mode))
                return add_folder(l, d->d_name, d->d_ino);
        return add_file(look, dir_fd, d->d_name, &st, l);
}

int look_at_one(const struct look *look, int dir_fd, const char *name, struct listing *l) {
        struct statx st;
        int r;

        if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_WANTED, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.stx_mode))
                return 0;
        r = add_file(look, dir_fd, name, &st, l);
        return r < 0 ? r : strbuf_error(&l->names);
}

static int compare_subfolders(const void *a, const void *b, void *names) {
        const struct subfolder *x = a, *y = b;

        return strcmp((const char *)names + x->name, (const char *)names + y->name);
}

static int read_all(const struct look *look, DIR *dir, struct listing *l) {
        for (;;) {
                const struct dirent *d;
                int r;

                errno = 0;
                d = readdir(dir);
                if (!d)
                        return -errno;
                if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                        continue;
                r = add_one(look, dirfd(dir), d, l);
                if (r < 0)
                        return r;
                if (strbuf_error(&l->names) < 0)
                        return -ENOMEM;
        }
}

int look_at(const struct look *look, int dir_fd, struct listing *ret) {
        _cleanup_(listing_done) struct listing l = {};
        _cleanup_(closedir_p) DIR *dir = fdopendir(dir_fd);
        int r;

        if (!dir) {
                r = -errno;
                close(dir_fd);
                return r;
        }
        r = read_all(look, dir, &l);
        if (r < 0)
                return r;
        if (l.folders.n > 1)
                qsort_r(l.folders.items, l.folders.n, sizeof(*l.folders.items), compare_subfolders,
                        l.names.data);
        *ret = l;
        l = (struct listing){};
        return 0;
}
