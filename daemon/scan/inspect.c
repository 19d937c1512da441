/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "scan/beneath.h"
#include "scan/inspect-types.h"

#define PDF_HEADER_WITHIN 1024 /* bytes of junk that readers of PDF put up with */

static const char *const status_names[_INSPECT_STATUS_MAX] = {
        [INSPECT_OK] = "ok",
        [INSPECT_CHANGED] = "changed",
        [INSPECT_GONE] = "gone",
        [INSPECT_UNREADABLE] = "unreadable",
        [INSPECT_TOO_LARGE] = "too-large",
        [INSPECT_TIMEOUT] = "timeout",
};

const char *inspect_status_to_string(enum inspect_status status) {
        return (unsigned)status < _INSPECT_STATUS_MAX ? status_names[status] : NULL;
}

static const struct {
        const char *bytes;
        size_t len;
        void (*inspect)(struct bytes *s, struct content *c);
} signatures[] = {
        {"PK\x03\x04", 4, inspect_zip},
        {"PK\x05\x06", 4, inspect_zip}, /* an empty one */
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, inspect_ole},
        {"\xff\xd8\xff", 3, inspect_jpg},
        {"\x89PNG\r\n\x1a\n", 8, inspect_png},
        {"II*\0", 4, inspect_tif},
        {"MM\0*", 4, inspect_tif},
        {"Rar!\x1a\x07", 6, inspect_rar},
        {"7z\xbc\xaf\x27\x1c", 6, inspect_7z},
};

int inspect_content(struct bytes *source, struct content *ret) {
        struct content c = {.type = FILE_TYPE_OTHER};
        uint8_t head[PDF_HEADER_WITHIN + 5];
        size_t n = source->size < sizeof(head) ? (size_t)source->size : sizeof(head);
        const uint8_t *pdf;

        if (!bytes_read(source, 0, head, n))
                return source->error;
        for (size_t i = 0; i < ELEMENTSOF(signatures); i++)
                if (n >= signatures[i].len &&
                    memcmp(head, signatures[i].bytes, signatures[i].len) == 0) {
                        signatures[i].inspect(source, &c);
                        goto done;
                }
        pdf = memmem(head, n, "%PDF-", 5);
        if (pdf)
                inspect_pdf(source, (uint64_t)(pdf - head), &c);
        else
                inspect_text(source, &c);
done:
        if (source->error < 0)
                return source->error;
        *ret = c;
        return 0;
}

static int digest_content(struct bytes *s, uint8_t ret[SHA256_SIZE]) {
        struct sha256 *digest = sha256_new();
        int r = digest ? 0 : -ENOMEM;

        for (uint64_t at = 0; r == 0 && at < s->size;) {
                size_t n;
                const uint8_t *piece = bytes_piece(s, at, &n);

                if (!piece)
                        r = s->error;
                else
                        r = sha256_update(digest, piece, n);
                at += piece ? n : 0;
        }
        if (r == 0)
                r = sha256_final(digest, ret);
        sha256_free(digest);
        return r;
}

static usec_t usec_of(const struct timespec *t) {
        return t->tv_sec * USEC_PER_SEC + t->tv_nsec / 1000;
}

static usec_t mtime_of(const struct stat *st) { return usec_of(&st->st_mtim); }

static enum inspect_status status_of_error(int error) {
        switch (error) {
        case ENOENT:
        case ENOTDIR:
        case ELOOP:
                return INSPECT_GONE;
        case EINVAL: /* no regular file any more */
        case ENODATA:
                return INSPECT_CHANGED;
        default:
                return INSPECT_UNREADABLE;
        }
}

struct guard {
        const struct inspect_request *request;
        int ended; /* what the caller's tick returned */
};

static int on_tick(void *userdata) {
        struct guard *guard = userdata;

        if (clock_monotonic() >= guard->request->deadline)
                return -ETIME;
        guard->ended = guard->request->tick ? guard->request->tick(guard->request->userdata) : 0;
        return guard->ended < 0 ? guard->ended : 0;
}

static bool is_as_before(int fd, const struct stat *before) {
        struct stat after;

        return fstat(fd, &after) == 0 && after.st_size == before->st_size &&
               mtime_of(&after) == mtime_of(before);
}

static int read_file_at(const struct inspect_request *q, int fd, const struct stat *st,
                        struct inspection *result) {
        _cleanup_free_ struct bytes *source = malloc(sizeof(*source));
        struct guard guard = {.request = q};
        int r;

        if (!source)
                return -ENOMEM;
        bytes_init_fd(source, fd, (uint64_t)st->st_size);
        source->tick = on_tick;
        source->userdata = &guard;
        r = inspect_content(source, &result->content);
        if (r == 0)
                r = digest_content(source, result->sha256);
        if (guard.ended < 0)
                return guard.ended;
        if (!is_as_before(fd, st))
                result->status = INSPECT_CHANGED;
        else if (r == -ETIME)
                result->status = INSPECT_TIMEOUT;
        else if (r < 0)
                result->status = status_of_error(-r);
        return 0;
}

int inspect_file(const struct inspect_request *request, struct inspection *ret) {
        _cleanup_close_ int fd =
                open_file_beneath(request->root_fd, request->root_path, request->path);
        struct inspection result = {.status = INSPECT_OK};
        struct stat st;
        int r = 0;

        if (fd < 0 || fstat(fd, &st) < 0) {
                result.status = status_of_error(fd < 0 ? -fd : errno);
        } else {
                result.size = (uint64_t)st.st_size;
                result.inode = st.st_ino;
                result.mtime = mtime_of(&st);
                result.changed = usec_of(&st.st_ctim);
                if (result.changed < result.mtime)
                        result.changed = result.mtime;
                if (result.size != request->size || result.mtime != request->mtime)
                        result.status = INSPECT_CHANGED;
                else if (result.size > request->max_bytes)
                        result.status = INSPECT_TOO_LARGE;
                else
                        r = read_file_at(request, fd, &st, &result);
        }
        if (r == 0)
                *ret = result;
        return r;
}
