/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/stepwise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAX_DEPTH 64 /* folders below the root that are open at a time */
#define MAX_LINKS 40 /* as in the kernel */

struct walk {
        int root_fd; /* borrowed */
        int fds[MAX_DEPTH];
        size_t depth;
        char rest[PATH_MAX]; /* what is still to be walked */
        unsigned n_links;
};

static void walk_done(struct walk *w) {
        while (w->depth > 0)
                close(w->fds[--w->depth]);
}

static int walk_top(const struct walk *w) {
        return w->depth > 0 ? w->fds[w->depth - 1] : w->root_fd;
}

/* Takes the first component off @w->rest. Return: its length, 0 at the end. */
static size_t next_component(struct walk *w, char ret[NAME_MAX + 1]) {
        char *start = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(start, "/");

        if (n > NAME_MAX)
                return n;
        memcpy(ret, start, n);
        ret[n] = '\0';
        memmove(w->rest, start + n, strlen(start + n) + 1);
        return n;
}

static bool is_last(const struct walk *w) { return w->rest[strspn(w->rest, "/")] == '\0'; }

static int follow_link(struct walk *w, int link_fd) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(link_fd, "", target, sizeof(target));
        size_t left = strlen(w->rest);

        if (n < 0)
                return -errno;
        if (++w->n_links > MAX_LINKS)
                return -ELOOP;
        if (n == 0 || target[0] == '/')
                return -EXDEV;
        if ((size_t)n + left + 2 > sizeof(w->rest))
                return -ENAMETOOLONG;
        memmove(w->rest + n + 1, w->rest, left + 1);
        memcpy(w->rest, target, (size_t)n);
        w->rest[n] = '/';
        return 0;
}

/* One component that is not the last, or the last of a path whose links are followed. */
static int step(struct walk *w, const char *name, bool follow) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        if (strcmp(name, ".") == 0)
                return 0;
        if (strcmp(name, "..") == 0) {
                if (w->depth == 0)
                        return -EXDEV;
                close(w->fds[--w->depth]);
                return 0;
        }
        fd = openat(walk_top(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return follow ? follow_link(w, fd) : -ELOOP;
        if (w->depth == MAX_DEPTH)
                return -ENAMETOOLONG;
        w->fds[w->depth++] = steal_fd(&fd);
        return 0;
}

static int open_name(const struct walk *w, const char *name, int flags) {
        int fd = openat(walk_top(w), name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);

        return fd < 0 ? -errno : fd;
}

/* Return: a descriptor, or -errno. */
static int walk_run(struct walk *w, int flags, bool follow) {
        bool last_is_opened = !follow || (flags & O_NOFOLLOW);
        char name[NAME_MAX + 1];
        size_t n;
        int fd;

        while ((n = next_component(w, name)) > 0) {
                int r;

                if (n > NAME_MAX)
                        return -ENAMETOOLONG;
                /* "." and ".." are steps in any place: openat() would leave the root by them. */
                if (last_is_opened && is_last(w) && strcmp(name, ".") != 0 &&
                    strcmp(name, "..") != 0)
                        return open_name(w, name, flags);
                r = step(w, name, follow);
                if (r < 0)
                        return r;
        }
        /* Opened anew by ".", which no link can stand for; a file that was walked to is only held, never read. */
        if (!(flags & O_PATH))
                return open_name(w, ".", flags);
        fd = fcntl(walk_top(w), F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

int open_stepwise(int root_fd, const char *path, int flags, bool follow) {
        struct walk w = {.root_fd = root_fd};
        int r;

        if (strlen(path) >= sizeof(w.rest))
                return -ENAMETOOLONG;
        strcpy(w.rest, path);
        r = walk_run(&w, flags, follow);
        walk_done(&w);
        return r;
}
