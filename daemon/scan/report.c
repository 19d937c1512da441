/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/scanner.h"

#define FILES_PER_MESSAGE 4096
#define SETTLED_TOGETHER 8192u /* bytes: the peer writes down the first while we look at the next */

/* Nothing is queued up for a peer that does not read: the walk waits, and goes on noticing events. */
int report_flush(struct scanner *s) {
        for (;;) {
                struct pollfd fds[] = {
                        {.fd = framer_fd(s->peer), .events = POLLOUT},
                        {.fd = s->watcher ? watcher_fd(s->watcher) : -1, .events = POLLIN},
                };
                int r = framer_flush(s->peer);

                if (r != 0)
                        return r < 0 ? r : 0;
                if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                        return -errno;
                r = s->watcher ? scanner_drain(s) : 0;
                if (r < 0)
                        return r;
        }
}

int report_queue(struct scanner *s, json_t *json) {
        int r;

        if (!json)
                return -ENOMEM;
        r = framer_send(s->peer, json, NULL, 0);
        json_decref(json);
        if (r == 0)
                s->last_sent = clock_monotonic();
        return r;
}

int report_json(struct scanner *s, json_t *json) {
        int r = report_queue(s, json);

        return r < 0 ? r : report_flush(s);
}

int report_root(struct scanner *s) {
        const struct root *root = &s->root;
        /* what is mounted can be named as badly as a file */
        json_t *source = frame_name(root->mount.source ? root->mount.source : "");
        json_t *type = frame_name(root->mount.fstype ? root->mount.fstype : "");

        if (!source || !type) {
                json_decref(source);
                json_decref(type);
                return -ENOMEM;
        }
        return report_json(s, json_pack("{ss ss ss so so sb ss}", "event", "root", "state",
                                        root_state_to_string(root->state), "fsid", root->fsid,
                                        "source", source, "fstype", type, "remote", root->remote,
                                        "text", root->error ? strerror(root->error) : ""));
}

static int add_file(json_t *files, const struct listing *l, const struct entry *e) {
        if (json_array_append_new(files, frame_name(l->names.data + e->name)) < 0 ||
            json_array_append_new(files, json_integer((json_int_t)e->size)) < 0 ||
            json_array_append_new(files, json_integer(e->mtime)) < 0 ||
            json_array_append_new(files, json_integer((json_int_t)e->inode)) < 0 ||
            json_array_append_new(files, json_integer(e->flags)) < 0)
                return -ENOMEM;
        return 0;
}

static int add_settled(json_t *files, const struct listing *l, const struct entry *e) {
        if (json_array_append_new(files, frame_name(l->names.data + e->name)) < 0 ||
            json_array_append_new(files, json_integer(e->flags)) < 0)
                return -ENOMEM;
        return 0;
}

/* Those from @first to before @end, each as @add has it. */
static json_t *list_files(const struct listing *l, size_t first, size_t end,
                          int (*add)(json_t *files, const struct listing *l,
                                     const struct entry *e)) {
        json_t *files = json_array();

        for (size_t i = first; files && i < end; i++)
                if (add(files, l, &l->entries.items[i]) < 0) {
                        json_decref(files);
                        files = NULL;
                }
        return files;
}

static int report_chunk(struct scanner *s, const char *path, const char *fingerprint,
                        const struct listing *l, size_t first, size_t end) {
        json_t *files = list_files(l, first, end, add_file), *name = frame_name(path);

        if (!files || !name) {
                json_decref(files);
                json_decref(name);
                return -ENOMEM;
        }
        return report_json(s, json_pack("{ss so ss so sb sI sI}", "event", "folder", "path", name,
                                        "fingerprint", fingerprint, "files", files, "more",
                                        end < l->entries.n, "n_folders", (json_int_t)s->n_folders,
                                        "n_files", (json_int_t)s->n_files));
}

int report_folder(struct scanner *s, const char *path, const struct folder *folder,
                  const struct listing *listing) {
        char fingerprint[FINGERPRINT_TEXT];
        size_t first = 0, n = listing->entries.n;
        int r;

        fingerprint_to_string(&folder->fingerprint, fingerprint);
        do {
                size_t end = n - first > FILES_PER_MESSAGE ? first + FILES_PER_MESSAGE : n;

                r = report_chunk(s, path, fingerprint, listing, first, end);
                first = end;
        } while (r == 0 && first < n);
        return r;
}

static int report_settled_chunk(struct scanner *s, const char *path, const char *fingerprint,
                                const struct listing *l, size_t first, size_t end) {
        json_t *files = list_files(l, first, end, add_settled), *name = frame_name(path);

        if (!files || !name) {
                json_decref(files);
                json_decref(name);
                return -ENOMEM;
        }
        return report_queue(s, json_pack("{ss so ss so}", "event", "settled", "path", name,
                                         "fingerprint", fingerprint, "files", files));
}

int report_settled(struct scanner *s, const char *path, const struct folder *folder,
                   const struct listing *settled) {
        char fingerprint[FINGERPRINT_TEXT];
        size_t n = settled->entries.n;
        int r = 0;

        fingerprint_to_string(&folder->fingerprint, fingerprint);
        for (size_t first = 0, end; r == 0 && first < n; first = end) {
                end = n - first > FILES_PER_MESSAGE ? first + FILES_PER_MESSAGE : n;
                r = report_settled_chunk(s, path, fingerprint, settled, first, end);
        }
        return r == 0 && framer_queued(s->peer) >= SETTLED_TOGETHER ? report_flush(s) : r;
}

int report_gone(struct scanner *s, const char *path) {
        json_t *name = frame_name(path);

        if (!name)
                return -ENOMEM;
        return report_json(s,
                           json_pack("{ss so sI sI}", "event", "gone", "path", name, "n_folders",
                                     (json_int_t)s->n_folders, "n_files", (json_int_t)s->n_files));
}

int report_scanned(struct scanner *s) {
        return report_json(s, json_pack("{ss sI sI}", "event", "scanned", "folders",
                                        (json_int_t)s->n_folders, "files", (json_int_t)s->n_files));
}

int report_limit(struct scanner *s, const char *kind, const char *text) {
        return report_json(s,
                           json_pack("{ss ss ss}", "event", "limit", "kind", kind, "text", text));
}

int report_trouble(struct scanner *s, const char *path, int error) {
        json_t *name = frame_name(path);

        if (!name)
                return -ENOMEM;
        return report_json(s, json_pack("{ss so si ss}", "event", "trouble", "path", name, "errno",
                                        error, "text", error ? strerror(error) : ""));
}

int report_busy(struct scanner *s) {
        if (s->told_busy)
                return 0;
        s->told_busy = true;
        return report_json(s, json_pack("{ss}", "event", "busy"));
}

int report_idle(struct scanner *s) {
        if (!s->told_busy)
                return 0;
        s->told_busy = false;
        return report_json(s, json_pack("{ss}", "event", "idle"));
}

int report_alive(struct scanner *s) {
        if (clock_monotonic() - s->last_sent < ALIVE_USEC)
                return 0;
        return report_json(s, json_pack("{ss}", "event", "alive"));
}
