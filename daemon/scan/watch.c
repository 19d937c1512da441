/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"

/* IN_EXCL_UNLINK: what is written to a file that was deleted is no news. */
#define EVENTS                                                                                     \
        (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE |        \
         IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)
#define READ_SIZE ((size_t)64 * 1024)
#define MAX_READS 64 /* at one go: who writes without end must not keep us from looking */

/* Watch descriptor → folder: open addressing, at most half full. */
struct slot {
        struct folder *folder; /* the first of a chain; NULL: free */
        int wd;
};

struct watcher {
        int fd;             /* owned; -1: no more instances to be had */
        int error;          /* why */
        struct slot *slots; /* owned */
        size_t n_slots, n_watches;
        unsigned max_watches, max_queue;
        usec_t last_at;
        char *buffer; /* owned; READ_SIZE */
};

static size_t place_of(const struct watcher *w, int wd) {
        size_t at = (uint32_t)wd * 2654435769u & (w->n_slots - 1);

        while (w->slots[at].folder && w->slots[at].wd != wd)
                at = (at + 1) & (w->n_slots - 1);
        return at;
}

static int grow(struct watcher *w) {
        struct watcher bigger = *w;

        bigger.n_slots = w->n_slots > 0 ? 2 * w->n_slots : 64;
        bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
        if (!bigger.slots)
                return -ENOMEM;
        for (size_t i = 0; i < w->n_slots; i++)
                if (w->slots[i].folder)
                        bigger.slots[place_of(&bigger, w->slots[i].wd)] = w->slots[i];
        free(w->slots);
        *w = bigger;
        return 0;
}

/* Closes the gap, so that every entry is still found from its place on. */
static void free_slot(struct watcher *w, size_t gap) {
        w->n_watches--;
        w->slots[gap].folder = NULL;
        for (size_t at = (gap + 1) & (w->n_slots - 1); w->slots[at].folder;
             at = (at + 1) & (w->n_slots - 1)) {
                struct slot moved = w->slots[at];

                w->slots[at].folder = NULL;
                w->slots[place_of(w, moved.wd)] = moved;
        }
}

int watcher_new(unsigned max_watches, unsigned max_queue, struct watcher **ret) {
        struct watcher *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->max_watches = max_watches;
        w->max_queue = max_queue;
        w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        w->buffer = malloc(READ_SIZE);
        w->error = w->fd < 0 ? errno : 0;
        if (!w->buffer || grow(w) < 0) {
                watcher_free(w);
                return -ENOMEM;
        }
        *ret = w;
        return 0;
}

struct watcher *watcher_free(struct watcher *w) {
        if (!w)
                return NULL;
        if (w->fd >= 0)
                close(w->fd);
        free(w->slots);
        free(w->buffer);
        free(w);
        return NULL;
}

int watcher_fd(const struct watcher *w) { return w->fd; }

/* @folder joins those of @wd. */
static void enter(struct watcher *w, struct folder *folder, int wd) {
        size_t at = place_of(w, wd);

        if (!w->slots[at].folder)
                w->n_watches++;
        folder->wd = wd;
        folder->wd_next = w->slots[at].folder;
        w->slots[at] = (struct slot){.folder = folder, .wd = wd};
}

int watcher_add(struct watcher *w, struct folder *folder, int fd) {
        char path[sizeof("/proc/self/fd/") + 12];
        int wd = -1, error = ENOSPC;

        if (w->fd < 0)
                return -w->error;
        if (2 * (w->n_watches + 1) > w->n_slots && grow(w) < 0)
                return -ENOMEM;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (folder->wd >= 0 || w->max_watches == 0 || w->n_watches < w->max_watches) {
                wd = inotify_add_watch(w->fd, path, EVENTS);
                error = errno;
        }
        if (wd >= 0 && wd == folder->wd)
                return 0;
        watcher_remove(w, folder);
        if (wd < 0)
                return -error;
        enter(w, folder, wd);
        return 0;
}

void watcher_remove(struct watcher *w, struct folder *folder) {
        struct folder **link;
        size_t at;

        if (folder->wd < 0)
                return;
        at = place_of(w, folder->wd);
        for (link = &w->slots[at].folder; *link && *link != folder;)
                link = &(*link)->wd_next;
        assert(*link == folder);
        if (w->slots[at].folder == folder && !folder->wd_next) {
                inotify_rm_watch(w->fd, folder->wd);
                free_slot(w, at);
        } else {
                *link = folder->wd_next;
        }
        folder->wd = -1;
        folder->wd_next = NULL;
}

/* The kernel has removed the watch already. */
static void on_ignored(struct watcher *w, int wd, usec_t at, on_watch_event on_event,
                       void *userdata) {
        size_t place = place_of(w, wd);
        struct folder *folder = w->slots[place].folder, *next;

        if (folder)
                free_slot(w, place);
        for (; folder; folder = next) {
                next = folder->wd_next;
                folder->wd = -1;
                folder->wd_next = NULL;
                on_event(userdata, folder, IN_IGNORED, NULL, at);
        }
}

static void on_one(struct watcher *w, const struct inotify_event *e, usec_t now,
                   on_watch_event on_event, void *userdata) {
        w->last_at = now > w->last_at ? now : w->last_at + 1;
        if (e->mask & IN_IGNORED) {
                on_ignored(w, e->wd, w->last_at, on_event, userdata);
                return;
        }
        /* A watch that was removed can still have events in the queue. */
        for (struct folder *f = w->slots[place_of(w, e->wd)].folder; f; f = f->wd_next)
                on_event(userdata, f, e->mask, e->len > 0 ? e->name : NULL, w->last_at);
}

int watcher_read(struct watcher *w, on_watch_event on_event, void *userdata) {
        unsigned n_events = 0;
        bool lost = false;

        for (unsigned i = 0; i < MAX_READS && w->fd >= 0; i++) {
                ssize_t n = read(w->fd, w->buffer, READ_SIZE);
                usec_t now = clock_monotonic();

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        return -errno;
                if (n <= 0)
                        break;
                for (char *p = w->buffer; p < w->buffer + n;) {
                        const struct inotify_event *e = (const void *)p;

                        p += sizeof(*e) + e->len;
                        if (e->mask & IN_Q_OVERFLOW ||
                            (w->max_queue > 0 && ++n_events > w->max_queue))
                                lost = true;
                        if (!lost || e->mask & IN_IGNORED) /* the watch itself must not be lost */
                                on_one(w, e, now, on_event, userdata);
                }
        }
        return lost;
}
