/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "scan/fingerprint.h"

#define MAX_BYTES ((size_t)16 << 20)

/* One line; the fields point into it. proc(5), /proc/pid/mountinfo. */
struct mount {
        char *id, *parent, *device, *root, *point, *fstype, *source;
};

void mount_view_done(struct mount_view *view) {
        free(view->source);
        free(view->fstype);
        *view = (struct mount_view){};
}

int mounts_open(void) {
        int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* Blanks and backslashes are written as three octal digits. */
static void unescape(char *s) {
        char *to = s;

        for (; *s; s++) {
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
                    s[3] >= '0' && s[3] <= '7') {
                        *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 3;
                } else {
                        *to++ = *s;
                }
        }
        *to = '\0';
}

static bool parse_line(char *line, struct mount *ret) {
        char *rest, **fields[] = {&ret->id, &ret->parent, &ret->device, &ret->root, &ret->point};
        char *dash = strstr(line, " - ");

        if (!dash)
                return false;
        *dash = '\0';
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                *fields[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
                if (!*fields[i])
                        return false;
        }
        ret->fstype = strtok_r(dash + 3, " ", &rest);
        ret->source = ret->fstype ? strtok_r(NULL, " ", &rest) : NULL;
        if (!ret->source)
                return false;
        unescape(ret->point);
        unescape(ret->source);
        return true;
}

static bool is_at_or_below(const char *path, const char *above) {
        size_t len = strlen(above);

        if (strcmp(above, "/") == 0)
                return true;
        return strncmp(path, above, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static uint64_t mount_hash(const struct mount *m) {
        const char *const fields[] = {m->id,    m->parent, m->device, m->root,
                                      m->point, m->fstype, m->source};
        uint64_t hashes[ELEMENTSOF(fields)];

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                hashes[i] = hash_bytes(fields[i], strlen(fields[i]));
        return hash_bytes(hashes, sizeof(hashes));
}

int mounts_parse(char *text, const char *path, struct mount_view *ret) {
        struct mount holder = {};
        uint64_t below = 0;
        char *rest;

        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                struct mount m;

                if (!parse_line(line, &m))
                        continue;
                /* Of several mounted at one place the last one is seen. */
                if (is_at_or_below(path, m.point)) {
                        if (!holder.point || strlen(m.point) >= strlen(holder.point))
                                holder = m;
                } else if (is_at_or_below(m.point, path)) {
                        below += mount_hash(&m);
                }
        }
        if (!holder.point)
                return -ENOENT;
        struct mount_view view = {
                .hash = mount_hash(&holder) ^ below,
                .source = strdup(holder.source),
                .fstype = strdup(holder.fstype),
        };
        if (!view.source || !view.fstype) {
                mount_view_done(&view);
                return -ENOMEM;
        }
        *ret = view;
        return 0;
}

int mounts_read(int fd, const char *path, struct mount_view *ret) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;
        char buffer[8192];
        ssize_t n;

        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
                strbuf_add(&text, buffer, (size_t)n);
                if (text.len > MAX_BYTES)
                        return -EFBIG;
        }
        if (n < 0)
                return -errno;
        if (strbuf_error(&text) < 0)
                return -ENOMEM;
        return text.len == 0 ? -ENOENT : mounts_parse(text.data, path, ret);
}
