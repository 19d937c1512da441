/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/scanner.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/worker.h"
#include "scan/inspect.h"
#include "scan/settle.h"

#define SLICE_USEC (20 * USEC_PER_MSEC)   /* of work between two looks at the descriptors */
#define EVENT_DELAY (100 * USEC_PER_MSEC) /* a file event rarely comes alone */
#define QUIET (USEC_PER_SEC / 2) /* when nobody writes for so long, what was written is looked at */
#define CONTENT (IN_MODIFY | IN_CREATE | IN_CLOSE_WRITE)
#define MORE_EVENTS_USEC (2 * USEC_PER_MSEC)
#define LINGER_USEC (20 * USEC_PER_MSEC)
#define REPLIES_TOGETHER 1024u /* bytes: as few as leave the peer something to do meanwhile */
#define LONG_READ (64u << 10)  /* bytes of a file: answers do not wait for its end */
#define QUEUE_TOLD_EVERY (10 * USEC_PER_SEC) /* an overflow rarely comes alone */
#define RETRY_FIRST (USEC_PER_SEC / 2)
#define MAX_JOBS 1024u /* waiting inspections; beyond, the peer's messages wait in the socket */
#define DEFAULT_TIMEOUT (10 * USEC_PER_MINUTE)
#define MAX_TIME (365 * USEC_PER_DAY)

/* --- events -------------------------------------------------------------------------------------------------------- */

static usec_t earliest(usec_t a, usec_t b) { return a < b ? a : b; }

static usec_t later(usec_t a, usec_t b) { return a > b ? a : b; }

static void look_soon(struct scanner *s, struct folder *folder, usec_t at) {
        if (pass_plan(s, folder, later(at, folder->no_event_before)) < 0)
                s->lost_events = true; /* out of memory: a whole walk needs none */
}

/* Something is being written: not before all is quiet, unless it can have settled. */
static void look_when_quiet(struct scanner *s, struct folder *folder, usec_t at) {
        usec_t from = later(at + s->quiet, folder->no_event_before),
               by = later(at + s->settle, folder->no_event_before);

        s->last_write = at;
        if (from < folder->look_at)
                folder->look_at = from;
        if (by < folder->look_by)
                folder->look_by = by;
        if (pass_plan(s, folder, USEC_INFINITY) < 0)
                s->lost_events = true;
}

static void on_folder_event(struct scanner *s, struct folder *folder, uint32_t mask, usec_t at) {
        if (mask & IN_UNMOUNT)
                s->root.mount_changed = true;
        if (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
                if (folder->parent)
                        look_soon(s, folder->parent, at);
                else
                        pass_end(s); /* is it still there under its name? */
        }
        look_soon(s, folder, at);
}

static void on_event(void *userdata, struct folder *folder, uint32_t mask, const char *name,
                     usec_t at) {
        struct scanner *s = userdata;

        if (!name) {
                on_folder_event(s, folder, mask, at);
                return;
        }
        if (mask & IN_ISDIR) {
                look_soon(s, folder, at); /* at once: a new folder wants its watch */
                return;
        }
        if (mask & (CONTENT | IN_MOVED_TO))
                folder_hint(folder,
                            &(struct hint){
                                    .name_hash = hash_bytes(name, strlen(name)),
                                    .at = at,
                                    .modified = mask & (IN_MODIFY | IN_CREATE | IN_MOVED_TO),
                                    .writing = mask & IN_MODIFY,
                            });
        if (mask & CONTENT)
                look_when_quiet(s, folder, at);
        else
                look_soon(s, folder, at + earliest(s->settle / 2, EVENT_DELAY));
}

int scanner_drain(struct scanner *s) {
        int r = watcher_read(s->watcher, on_event, s);

        if (r > 0)
                s->lost_events = true;
        return r < 0 ? r : 0;
}

int scanner_tick(struct scanner *s) {
        int r = scanner_drain(s);

        return r < 0 ? r : report_alive(s);
}

/* Events are gone for good: who is writing is not known, and everything is looked at again. */
static int after_overflow(struct scanner *s) {
        usec_t now = clock_monotonic();

        s->lost_events = false;
        for (struct folder *f = s->top; f; f = folder_next(f, s->top))
                folder_forget_writers(f);
        if (s->root.state == ROOT_OK)
                pass_walk(s);
        if (s->queue_told > 0 && now - s->queue_told < QUEUE_TOLD_EVERY)
                return 0;
        s->queue_told = now;
        return report_limit(s, "queue",
                            "inotify lost events (fs.inotify.max_queued_events): everything is "
                            "looked at again");
}

/* --- messages ------------------------------------------------------------------------------------------------------ */

static usec_t get_time(const json_t *m, const char *key, usec_t otherwise) {
        const json_t *value = json_object_get(m, key);
        json_int_t v = json_integer_value(value);

        if (!json_is_integer(value))
                return otherwise;
        return v < 0 ? 0 : v > MAX_TIME ? MAX_TIME : v;
}

static int add_known(struct scanner *s, const char *key, const json_t *value) {
        _cleanup_free_ char *path = NULL;
        json_t *name = json_string(key);
        struct folder *folder;
        struct fingerprint print;
        int r;

        path = name ? frame_name_decode(name) : NULL;
        json_decref(name);
        if (!path || !json_is_string(value) ||
            fingerprint_from_string(json_string_value(value), &print) < 0)
                return 0; /* then it is sent as if it were new */
        r = folder_make(s->top, path, &folder);
        if (r < 0)
                return r == -EINVAL ? 0 : r;
        folder->known = true;
        folder->fingerprint = print;
        return 0;
}

static int on_watch(struct scanner *s, json_t *m) {
        const char *root = json_string_value(json_object_get(m, "root")), *key;
        json_t *known = json_object_get(m, "known"), *value;
        int r;

        if (s->watching || !root || root[0] != '/')
                return -EBADMSG;
        r = root_init(&s->root, root);
        if (r < 0)
                return log_error_errno(r, "Failed to open /proc/self/mountinfo: %m, ending");
        s->settle = get_time(m, "settle", 5 * USEC_PER_SEC);
        s->poll = get_time(m, "poll", 5 * USEC_PER_MINUTE);
        s->rescan = get_time(m, "rescan", USEC_PER_HOUR);
        s->quiet = earliest(s->settle / 4, QUIET);
        json_object_foreach(known, key, value) {
                r = add_known(s, key, value);
                if (r < 0)
                        return r;
        }
        s->watching = true;
        s->retry_at = 0;
        return 0;
}

static int on_list(struct scanner *s, json_t *m) {
        _cleanup_free_ char *path = frame_name_decode(json_object_get(m, "path"));

        if (!path || !s->watching)
                return -EBADMSG;
        return s->root.state == ROOT_OK ? pass_list(s, path) : 0;
}

static int on_inspect(struct scanner *s, json_t *m) {
        json_t *id = json_object_get(m, "id");
        struct job job = {
                .id = json_integer_value(id),
                .path = frame_name_decode(json_object_get(m, "path")),
                .size = (uint64_t)json_integer_value(json_object_get(m, "size")),
                .max_bytes = UINT64_MAX,
                .mtime = json_integer_value(json_object_get(m, "mtime")),
                .timeout = get_time(m, "timeout", DEFAULT_TIMEOUT),
        };
        json_t *max = json_object_get(m, "max_bytes");

        if (!json_is_integer(id) || !job.path || !s->watching) {
                free(job.path);
                return -EBADMSG;
        }
        if (json_integer_value(max) > 0)
                job.max_bytes = (uint64_t)json_integer_value(max);
        if (array_push(&s->jobs, job) < 0) {
                free(job.path);
                return -ENOMEM;
        }
        return 0;
}

static int on_message(struct scanner *s, json_t *m) {
        const char *verb = json_string_value(json_object_get(m, "verb"));

        if (streq_ptr(verb, "watch"))
                return on_watch(s, m);
        if (streq_ptr(verb, "list"))
                return on_list(s, m);
        if (streq_ptr(verb, "inspect"))
                return on_inspect(s, m);
        return -EBADMSG;
}

static size_t n_jobs(const struct scanner *s) { return s->jobs.n - s->next_job; }

static int receive(struct scanner *s) {
        while (n_jobs(s) < MAX_JOBS) {
                _cleanup_(message_done) struct message m = {};
                int r = framer_next(s->peer, &m);

                if (r > 0)
                        r = on_message(s, m.json);
                else if (r == 0) {
                        r = framer_fill(s->peer);
                        if (r == 0)
                                return 0;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- inspections ----------------------------------------------------------------------------------------------------- */

static int on_inspect_tick(void *userdata) { return scanner_tick(userdata); }

static int reply(struct scanner *s, const struct job *job, const struct inspection *found) {
        json_t *json = json_pack("{sI ss sI sI}", "reply", (json_int_t)job->id, "status",
                                 inspect_status_to_string(found->status), "size",
                                 (json_int_t)found->size, "mtime", (json_int_t)found->mtime);
        char hex[SHA256_HEX];
        int r;

        if (json && found->status == INSPECT_OK &&
            json_object_update_new(
                    json,
                    json_pack("{ss sb sb ss}", "type", file_type_to_string(found->content.type),
                              "whole", found->content.whole, "signed", found->content.signed_pdf,
                              "sha256", hex_encode(found->sha256, SHA256_SIZE, hex))) < 0) {
                json_decref(json);
                json = NULL;
        }
        r = report_queue(s, json);
        if (r == 0 && (n_jobs(s) == 0 || framer_queued(s->peer) >= REPLIES_TOGETHER))
                r = report_flush(s);
        return r;
}

static struct folder *folder_of(const struct scanner *s, const char *path) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *dir = strndup(path, slash ? (size_t)(slash - path) : 0);

        return dir ? folder_find(s->top, dir, NULL) : NULL;
}

/* What the peer knows of the file is old: it gets the folder's listing anew, even if that is as we know it. */
static void look_at_folder_of(struct scanner *s, const char *path) {
        struct folder *folder = folder_of(s, path);

        if (!folder)
                return;
        folder->force = true;
        look_soon(s, folder, clock_monotonic());
}

/* It may have been asked for before it has settled: the answer stands if nothing happens to the file until then. */
static void note_read(const struct scanner *s, const char *path, usec_t at,
                      const struct inspection *found) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        struct folder *folder = folder_of(s, path);

        if (folder && folder->n_pending > 0)
                settle_note_read(folder,
                                 file_hash(hash_bytes(name, strlen(name)), found->size,
                                           found->mtime, found->inode),
                                 at, found->changed);
}

static int run_job(struct scanner *s, const struct job *job) {
        struct inspect_request request = {
                .root_fd = s->root_fd,
                .root_path = s->root.real,
                .path = job->path,
                .size = job->size,
                .mtime = job->mtime,
                .max_bytes = job->max_bytes,
                .deadline = usec_add(clock_monotonic(), job->timeout),
                .tick = on_inspect_tick,
                .userdata = s,
        };
        struct inspection found = {.status = INSPECT_UNREADABLE}; /* the root is not there */
        usec_t began = clock_monotonic();
        int r = job->size > LONG_READ ? report_flush(s) : 0;

        if (r == 0 && s->root_fd >= 0)
                r = inspect_file(&request, &found);
        if (r < 0)
                return r;
        if (found.status == INSPECT_OK)
                note_read(s, job->path, began, &found);
        if (found.status == INSPECT_CHANGED || found.status == INSPECT_GONE)
                look_at_folder_of(s, job->path);
        return reply(s, job, &found);
}

static int next_job(struct scanner *s) {
        struct job job = s->jobs.items[s->next_job++];
        int r = run_job(s, &job);

        free(job.path);
        if (s->next_job == s->jobs.n)
                s->jobs.n = s->next_job = 0;
        return r;
}

/* --- the loop -------------------------------------------------------------------------------------------------------- */

static usec_t next_work(const struct scanner *s) {
        if (!s->watching)
                return USEC_INFINITY;
        if (n_jobs(s) > 0 || s->lost_events)
                return 0;
        if (s->root.state != ROOT_OK)
                return s->retry_at;
        return earliest(s->walk_at, agenda_next(&s->agenda));
}

/* One thing to do. Return: 1, 0 when there is none now, -errno. */
static int work_once(struct scanner *s, bool *inspected) {
        usec_t now = clock_monotonic();
        struct folder *folder;
        int r;

        if (!s->watching || now < next_work(s))
                return 0;
        if (s->lost_events)
                r = after_overflow(s);
        else
                r = 0;
        if (r == 0)
                r = pass_begin(s);
        if (r < 0)
                return r;
        if (r > 0 && now >= s->walk_at)
                pass_walk(s);
        folder = r > 0 ? agenda_first(&s->agenda, now) : NULL;
        /* In turns: neither a long walk nor many inspections keep the other from going on. */
        if (n_jobs(s) > 0 && (!folder || !*inspected)) {
                *inspected = true;
                r = next_job(s);
        } else if (folder) {
                *inspected = false;
                r = folder->remote ? report_busy(s) : 0;
                if (r == 0)
                        r = pass_look(s, folder);
        }
        return r < 0 ? r : 1;
}

static int work(struct scanner *s) {
        usec_t end = clock_monotonic() + SLICE_USEC;
        bool inspected = false;
        int r;

        do {
                r = scanner_drain(s);
                if (r == 0)
                        r = work_once(s, &inspected);
                /* Only with work: a mount elsewhere on the machine wakes us, and need not wake the decider. */
                if (r > 0) {
                        int alive = report_alive(s);

                        r = alive < 0 ? alive : r;
                }
        } while (r > 0 && clock_monotonic() < end && !s->root.mount_changed);
        return r < 0 ? r : report_flush(s);
}

/* Return: 0 nothing for so long, 1 something came, -errno. @wait: USEC_INFINITY: for ever. */
static int wait_for(struct scanner *s, usec_t wait) {
        struct pollfd fds[] = {
                {.fd = framer_fd(s->peer), .events = n_jobs(s) < MAX_JOBS ? POLLIN : 0},
                {.fd = s->root.mounts_fd, .events = POLLPRI},
                {.fd = watcher_fd(s->watcher), .events = POLLIN},
        };
        struct timespec ts = {.tv_sec = wait / USEC_PER_SEC, .tv_nsec = wait % USEC_PER_SEC * 1000};
        const struct timespec more = {.tv_nsec = MORE_EVENTS_USEC * 1000};
        int n = ppoll(fds, ELEMENTSOF(fds), wait == USEC_INFINITY ? NULL : &ts, NULL);

        /* Those who write at full speed need the processor more than we need each event at once. */
        if (n == 1 && fds[2].revents && wait > MORE_EVENTS_USEC && ppoll(fds, 2, &more, NULL) < 0)
                n = -1;
        if (n < 0)
                return errno == EINTR ? 1 : -errno;
        if (fds[1].revents && root_check_mounts(&s->root))
                return -ESTALE;
        if (fds[0].revents & (POLLERR | POLLHUP) && !(fds[0].revents & POLLIN))
                return -EPIPE;
        return n > 0;
}

static usec_t time_to_work(const struct scanner *s) {
        usec_t next = next_work(s), now = clock_monotonic();

        if (next == USEC_INFINITY)
                return USEC_INFINITY;
        return next > now ? next - now : 0;
}

static int wait_for_news(struct scanner *s) {
        usec_t wait = time_to_work(s);
        int r;

        /* A pass ends a little after its last work: the next question mostly follows on the heels of the answer. */
        if (s->root_fd >= 0) {
                r = wait_for(s, earliest(wait, LINGER_USEC));
                if (r != 0 || wait <= LINGER_USEC)
                        return r < 0 ? r : 0;
                wait = time_to_work(s);
        }
        if (wait > 0) {
                pass_end(s);
                r = report_idle(s);
                if (r < 0)
                        return r;
        }
        r = wait_for(s, wait);
        return r < 0 ? r : 0;
}

static int run(struct scanner *s) {
        for (;;) {
                int r = receive(s);

                if (r == 0)
                        r = work(s);
                if (r == 0 && s->root.mount_changed)
                        r = -ESTALE;
                if (r == 0)
                        r = wait_for_news(s);
                if (r < 0)
                        return r;
        }
}

static unsigned limit_from(const char *variable) {
        const char *value = getenv(variable);
        int32_t n = 0;

        if (value && (parse_i32(value, &n) < 0 || n < 1))
                log_warning("%s=%s is no number from 1 up, ignoring it", variable, value);
        return n > 0 ? (unsigned)n : 0;
}

static void scanner_done(struct scanner *s) {
        pass_end(s);
        for (; s->next_job < s->jobs.n; s->next_job++)
                free(s->jobs.items[s->next_job].path);
        array_done(&s->jobs);
        agenda_done(&s->agenda);
        watcher_free(s->watcher);
        folder_free(s->top);
        credentials_done(&s->who);
        root_done(&s->root);
}

static int scanner_init(struct scanner *s, struct framer *peer) {
        int r;

        *s = (struct scanner){
                .peer = peer,
                .root = {.mounts_fd = -1},
                .root_fd = -1,
                .retry_at = USEC_INFINITY,
                .retry_wait = RETRY_FIRST,
                .walk_at = USEC_INFINITY,
                .last_sent = clock_monotonic(),
        };
        r = credentials_init(&s->who);
        if (r == 0)
                r = folder_new(NULL, "", &s->top);
        if (r == 0)
                r = watcher_new(limit_from("EVIDENCED_SCAN_MAX_WATCHES"),
                                limit_from("EVIDENCED_SCAN_MAX_QUEUE"), &s->watcher);
        return r;
}

int scanner_serve(struct framer *peer) {
        _cleanup_(scanner_done) struct scanner s;
        int r = scanner_init(&s, peer);

        if (r == 0)
                r = run(&s);
        switch (r) {
        case -EPIPE:
        case -ECONNRESET:
                return EXIT_SUCCESS;
        case -ESTALE:
                log_notice("A mount at '%s' changed: ending, the next scanner sees the new one",
                           s.root.path);
                return WORKER_EXIT_RENEW;
        case -EBADMSG:
                log_error("A message that is none of the protocol, ending");
                return EX_PROTOCOL;
        default:
                log_error_errno(r, "Failed to watch '%s': %m, ending",
                                s.root.path ? s.root.path : "");
                return EX_OSERR;
        }
}
