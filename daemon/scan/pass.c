/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/beneath.h"
#include "scan/scanner.h"
#include "scan/settle.h"

#define RETRY_SOON USEC_PER_SEC
#define RETRY_MOST (10 * USEC_PER_SEC)
#define BUSY_USEC USEC_PER_SEC           /* looks nearer than this make a folder a busy one */
#define EVENT_PACE (200 * USEC_PER_MSEC) /* between two looks at a busy folder */
#define EVENT_PACE_MOST (2 * USEC_PER_SEC)

/* --- the pass ------------------------------------------------------------------------------------------------- */

/* Watches go first: what happens to a root that is gone or hangs is no news. */
static void lose_root(struct scanner *s) {
        for (struct folder *f = s->top; f; f = folder_next(f, s->top)) {
                watcher_remove(s->watcher, f);
                agenda_drop(&s->agenda, f);
        }
        s->walking = false;
        s->walk_at = USEC_INFINITY;
}

int pass_begin(struct scanner *s) {
        enum root_state before = s->root.state;
        bool changed;
        int fd, r;

        if (s->root_fd >= 0)
                return 1;
        r = s->root.remote ? report_busy(s) : 0;
        if (r < 0)
                return r;
        fd = root_open(&s->root, &changed);
        if (fd == -ENOMEM || s->root.mount_changed)
                return fd < 0 ? fd : -ESTALE;
        s->root_fd = fd < 0 ? -1 : fd;
        if (fd < 0 && before == ROOT_OK)
                lose_root(s);
        if (changed) {
                r = report_root(s);
                if (r < 0)
                        return r;
        }
        if (fd < 0) {
                s->retry_at = clock_monotonic() + s->retry_wait;
                s->retry_wait = 2 * s->retry_wait < RETRY_MOST ? 2 * s->retry_wait : RETRY_MOST;
                return 0;
        }
        s->retry_at = USEC_INFINITY;
        s->retry_wait = RETRY_SOON / 2;
        if (before != ROOT_OK)
                s->walk_at = 0;
        return 1;
}

void pass_end(struct scanner *s) {
        if (s->root_fd >= 0)
                close(s->root_fd);
        s->root_fd = -1;
}

int pass_walk(struct scanner *s) {
        agenda_mark_walk(&s->agenda, s->top);
        s->walking = true;
        s->walk_at = USEC_INFINITY;
        return 0;
}

/* --- folders that come and go --------------------------------------------------------------------------------- */

static void forget(struct scanner *s, struct folder *folder) {
        for (struct folder *f = folder; f; f = folder_next(f, folder)) {
                watcher_remove(s->watcher, f);
                agenda_drop(&s->agenda, f);
                s->n_folders -= f->looked;
                s->n_files -= f->n_files;
                s->n_unwatched -= f->unwatched;
        }
        folder_detach(folder);
        folder_free(folder);
}

static int remove_folder(struct scanner *s, struct folder *folder) {
        _cleanup_(strbuf_done) struct strbuf path = STRBUF_INIT;
        int r = folder_path(folder, &path);

        if (r < 0)
                return r;
        forget(s, folder);
        return report_gone(s, strbuf_str(&path));
}

/* What is not there any more: the parent's listing will say the same. */
static int vanished(struct scanner *s, struct folder *folder) {
        int r;

        if (folder->parent)
                return remove_folder(s, folder);
        pass_end(s);
        r = pass_begin(s);
        if (r > 0)
                s->walk_at = 0; /* another one stands in its place already */
        return r < 0 ? r : 0;
}

static bool is_root_trouble(int error) {
        return error == EIO || error == ESTALE || error == ENOTCONN || error == ETIMEDOUT ||
               error == EHOSTDOWN || error == EHOSTUNREACH || error == ENODEV || error == ENXIO;
}

/* Said once; the folder's last listing stands, and it is tried again. */
static int troubled(struct scanner *s, struct folder *folder, const char *path, int error) {
        bool told = folder->trouble == error;
        int r = 0;

        if (error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR)
                return pass_plan(s, folder, clock_monotonic() + RETRY_SOON);
        folder->trouble = error;
        if (!told)
                r = report_trouble(s, path, error);
        if (r == 0)
                r = pass_plan(s, folder, usec_add(clock_monotonic(), s->poll));
        if (r == 0 && is_root_trouble(error)) {
                pass_end(s);
                r = pass_begin(s);
        }
        return r < 0 ? r : 0;
}

/* A new folder, or one of a walk, is looked at next. */
static int visit_child(struct scanner *s, struct folder *child, bool in_walk, bool below,
                       bool replaced) {
        child->force |= below;
        child->below |= below;
        if (in_walk)
                agenda_mark_walk(&s->agenda, child);
        else if (below || replaced || !child->looked)
                agenda_queue(&s->agenda, child);
        return 0;
}

static int add_child(struct scanner *s, struct folder *folder, const char *name,
                     struct folder **ret) {
        if (s->n_folders + s->agenda.n_in_walk >= FOLDER_MAX) /* looked at, and about to be */
                return -EFBIG;
        return folder_new(folder, name, ret);
}

/* From the last to the first, so that the first one is looked at first. */
static int meet_children(struct scanner *s, struct folder *folder, const struct listing *l,
                         bool in_walk, bool below) {
        for (size_t i = l->folders.n; i > 0; i--) {
                const struct subfolder *sub = &l->folders.items[i - 1];
                struct folder *child = folder_child(folder, l->names.data + sub->name);
                bool replaced = child && child->entry_inode != sub->inode;
                int r = child ? 0 : add_child(s, folder, l->names.data + sub->name, &child);

                if (r == -EFBIG) {
                        folder->trouble = EFBIG;
                        continue;
                }
                if (r < 0)
                        return r;
                child->entry_inode = sub->inode;
                r = visit_child(s, child, in_walk, below, replaced);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Those that the listing does not have; both are in order of name. */
static int part_children(struct scanner *s, struct folder *folder, const struct listing *l) {
        size_t i = folder->n_children, k = l->folders.n;

        while (i > 0) {
                struct folder *child = folder->children[i - 1];
                int order = 1, r;

                while (k > 0 && (order = strcmp(l->names.data + l->folders.items[k - 1].name,
                                                child->name)) > 0)
                        k--;
                i--;
                if (k > 0 && order == 0)
                        continue;
                r = remove_folder(s, child);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- one folder ----------------------------------------------------------------------------------------------- */

/* Watch first, then list: what is made in between is seen twice, not never. */
static int watch(struct scanner *s, struct folder *folder, int fd) {
        int r = watcher_add(s->watcher, folder, fd);
        bool unwatched = r < 0;

        if (unwatched == folder->unwatched)
                return 0;
        folder->unwatched = unwatched;
        s->n_unwatched += unwatched ? 1 : (uint64_t)-1;
        if (!unwatched || s->n_unwatched > 1)
                return 0;
        return report_limit(
                s, "watches",
                r == -ENOSPC
                        ? "fs.inotify.max_user_watches is reached: folders beyond it are polled"
                        : strerror(-r));
}

static int check_device(struct scanner *s, struct folder *folder, int fd) {
        struct statfs fs;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (folder->looked && folder->device == st.st_dev)
                return 0;
        if (folder->looked && folder->device != st.st_dev && root_check_mounts(&s->root))
                return -EREMCHG;
        folder->device = st.st_dev;
        if (folder->parent && folder->parent->looked && folder->parent->device == st.st_dev) {
                folder->remote = folder->parent->remote;
                return 0;
        }
        if (fstatfs(fd, &fs) < 0)
                return -errno;
        folder->remote = is_remote_filesystem((uint64_t)fs.f_type);
        return 0;
}

static struct fingerprint fingerprint(const struct listing *l, uint32_t more_flags) {
        struct fingerprint print = {};

        for (size_t i = 0; i < l->entries.n; i++)
                fingerprint_add(&print, l->entries.items[i].hash,
                                (l->entries.items[i].flags & ~(uint32_t)ENTRY_READ) | more_flags);
        return print;
}

static bool is_known(const struct folder *folder, const struct fingerprint *print) {
        return folder->known && memcmp(print, &folder->fingerprint, sizeof(*print)) == 0;
}

/* After a restart: is it all as the decider has it, and settled? */
static bool settles_as_known(const struct folder *folder, const struct listing *l) {
        struct fingerprint print;

        if (folder->looked || !folder->known || folder->n_hints > 0 || folder->blurred > 0)
                return false;
        print = fingerprint(l, ENTRY_SETTLED);
        return is_known(folder, &print);
}

static struct settle settle_now(const struct scanner *s) {
        return (struct settle){
                .time = s->settle,
                .quiet = s->quiet,
                .writer_limit = s->rescan > 10 * s->settle ? s->rescan : 10 * s->settle,
                .now = clock_monotonic(),
                .now_real = clock_realtime(),
        };
}

static int settle(struct scanner *s, struct folder *folder, struct listing *l) {
        struct settle settle = settle_now(s);

        return settles_as_known(folder, l) ? settle_all(folder, l)
                                           : settle_apply(folder, l, &settle);
}

static int tell(struct scanner *s, struct folder *folder, const char *path, const struct listing *l,
                bool force) {
        struct fingerprint print = fingerprint(l, 0);

        s->n_files += l->entries.n - (uint64_t)folder->n_files;
        folder->n_files = (uint32_t)l->entries.n;
        if (!force && is_known(folder, &print))
                return 0;
        folder->fingerprint = print;
        folder->known = true;
        return report_folder(s, path, folder, l);
}

/* The look took from @began until now: one that is busy is left alone for a while, the longer it takes the longer. */
static void set_pace(const struct scanner *s, struct folder *folder, usec_t began) {
        usec_t now = clock_monotonic(), rest = 10 * (now - began), pace;

        folder->busy =
                folder->looked && began - folder->looked_at < BUSY_USEC ? folder->busy + 1 : 0;
        folder->looked_at = now;
        pace = EVENT_PACE << (folder->busy < 4 ? folder->busy : 4);
        if (pace > EVENT_PACE_MOST)
                pace = EVENT_PACE_MOST;
        if (pace > s->settle / 2)
                pace = s->settle / 2;
        folder->no_event_before = now + (rest > pace ? rest : pace);
        folder->no_settle_before = now + rest; /* those that settle are gathered: scan/settle.c */
}

static int turn_again(struct scanner *s, struct folder *folder) {
        if (folder->settle_at < folder->no_settle_before)
                folder->settle_at = folder->no_settle_before;
        return pass_plan(s, folder, USEC_INFINITY);
}

static int look_again(struct scanner *s, struct folder *folder) {
        int r = turn_again(s, folder);

        /* The whole root is walked at every poll when it is remote: see scanner.c. */
        if (r == 0 && (folder->unwatched || (folder->remote && !s->root.remote)))
                r = pass_plan(s, folder, usec_add(clock_monotonic(), s->poll));
        return r;
}

static int conclude(struct scanner *s, struct folder *folder, const char *path, struct listing *l,
                    bool in_walk, bool force, bool below) {
        int trouble = folder->trouble, r;

        folder->trouble = l->capped ? EFBIG : 0;
        s->n_folders += !folder->looked;
        r = settle(s, folder, l);
        if (r == 0)
                r = part_children(s, folder, l);
        if (r == 0)
                r = tell(s, folder, path, l, force);
        folder->looked = true;
        if (r == 0)
                r = look_again(s, folder);
        if (r == 0)
                r = meet_children(s, folder, l, in_walk, below);
        if (r == 0 && folder->trouble != trouble)
                r = report_trouble(s, path, folder->trouble);
        return r;
}

/* Return: 1, 0 when it can not be opened, which was dealt with, -errno. */
static int open_folder(struct scanner *s, struct folder *folder, const char *path, int *ret_fd) {
        _cleanup_close_ int fd =
                open_beneath(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
        int r;

        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
                return vanished(s, folder);
        if (fd < 0)
                return troubled(s, folder, path, -fd);
        r = check_device(s, folder, fd);
        if (r < 0)
                return r == -EREMCHG ? -ESTALE : troubled(s, folder, path, -r);
        *ret_fd = steal_fd(&fd);
        return 1;
}

static struct look how_to_look(const struct scanner *s, const char *path) {
        return (struct look){
                .root_fd = s->root_fd, .root_path = s->root.real, .path = path, .who = &s->who};
}

static int look(struct scanner *s, struct folder *folder, const char *path, bool in_walk,
                bool force, bool below) {
        _cleanup_(listing_done) struct listing l = {};
        _cleanup_close_ int fd = -1;
        const struct look at = how_to_look(s, path);
        usec_t began = clock_monotonic();
        int r = open_folder(s, folder, path, &fd);

        if (r <= 0)
                return r;
        r = watch(s, folder, fd);
        if (r < 0)
                return r;
        r = look_at(&at, steal_fd(&fd), &l);
        if (r < 0)
                return troubled(s, folder, path, -r);
        set_pace(s, folder, began);
        return conclude(s, folder, path, &l, in_walk, force, below);
}

/* --- those that may have settled ------------------------------------------------------------------------------ */

/* Return: 1 they are in @ret, 0 one is not there any more, -errno. */
static int look_at_settling(const struct scanner *s, const struct folder *folder, const char *path,
                            int fd, const struct settle *settle, struct listing *ret) {
        const struct look at = how_to_look(s, path);
        size_t n = 0;

        for (size_t i = 0; i < folder->n_pending; i++) {
                const struct pending *p = &folder->pending[i];
                int r;

                if (!settle_is_over(folder, p, settle))
                        continue;
                r = look_at_one(&at, fd, folder->pending_names + p->name, ret);
                if (r < 0)
                        return r;
                n++;
        }
        return ret->entries.n == n;
}

/* Nothing else is known to have happened in the folder: it is enough to look at these. Any surprise makes it a look at all. */
static int settle_pending(struct scanner *s, struct folder *folder) {
        _cleanup_(strbuf_done) struct strbuf path = STRBUF_INIT;
        _cleanup_(listing_done) struct listing l = {};
        _cleanup_close_ int fd = -1;
        struct settle settle = settle_now(s);
        usec_t now;
        int r = folder_path(folder, &path);

        if (r == 0)
                r = open_folder(s, folder, strbuf_str(&path), &fd);
        if (r <= 0)
                return r;
        folder_hints_by_name(folder);
        r = look_at_settling(s, folder, strbuf_str(&path), fd, &settle, &l);
        if (r < 0 && r != -ENOMEM)
                return troubled(s, folder, strbuf_str(&path), -r);
        if (r > 0)
                r = settle_confirm(folder, &l, &settle);
        if (r < 0)
                return r;
        if (r == 0)
                return pass_plan(s, folder, settle.now);
        now = clock_monotonic();
        folder->no_settle_before = now + 10 * (now - settle.now);
        r = l.entries.n > 0 ? report_settled(s, strbuf_str(&path), folder, &l) : 0;
        return r < 0 ? r : turn_again(s, folder);
}

static int end_of_walk(struct scanner *s) {
        usec_t wait = s->root.remote && s->poll < s->rescan ? s->poll : s->rescan;

        if (!s->walking || s->agenda.n_in_walk > 0)
                return 0;
        s->walking = false;
        if (s->walk_at == USEC_INFINITY)
                s->walk_at = usec_add(clock_monotonic(), wait);
        return report_scanned(s);
}

static int look_at_all(struct scanner *s, struct folder *folder) {
        _cleanup_(strbuf_done) struct strbuf path = STRBUF_INIT;
        bool in_walk = folder->in_walk, force = folder->force, below = folder->below;
        int r = folder_path(folder, &path);

        if (r < 0)
                return r;
        agenda_drop(&s->agenda, folder);
        folder->look_at = folder->look_by = folder->settle_at = USEC_INFINITY;
        folder->force = folder->below = false;
        r = path.len >= PATH_MAX ? troubled(s, folder, strbuf_str(&path), ENAMETOOLONG)
                                 : look(s, folder, strbuf_str(&path), in_walk, force, below);
        return r < 0 ? r : end_of_walk(s);
}

int pass_plan(struct scanner *s, struct folder *folder, usec_t look_at) {
        if (look_at < folder->look_at)
                folder->look_at = look_at;
        if (look_at < folder->look_by)
                folder->look_by = look_at;
        return agenda_due(&s->agenda, folder,
                          folder->look_at < folder->settle_at ? folder->look_at
                                                              : folder->settle_at);
}

int pass_look(struct scanner *s, struct folder *folder) {
        usec_t now = clock_monotonic(), quiet_at = usec_add(s->last_write, s->quiet);

        if (folder->queued || folder->look_by <= now || (folder->look_at <= now && quiet_at <= now))
                return look_at_all(s, folder);
        agenda_drop(&s->agenda, folder);
        if (folder->look_at <= now) /* those who write need the machine more than we do */
                folder->look_at = quiet_at < folder->look_by ? quiet_at : folder->look_by;
        if (folder->settle_at > now)
                return pass_plan(s, folder, USEC_INFINITY);
        folder->settle_at = USEC_INFINITY;
        return settle_pending(s, folder);
}

int pass_list(struct scanner *s, const char *path) {
        struct folder *nearest = s->top, *folder = folder_find(s->top, path, &nearest);

        if (!folder)
                folder = nearest; /* its listing says what became of the rest */
        folder->force = folder->below = true;
        if (folder == s->top)
                return pass_walk(s);
        agenda_queue(&s->agenda, folder);
        return 0;
}
