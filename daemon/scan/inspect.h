/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a file is, by its content: type, wholeness, digest, signed or not. Reads hostile bytes, allocates little, never
 * writes; every loop is bounded by the size of the file and by the caller's clock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/digest.h"
#include "core/model.h"
#include "scan/bytes.h"

struct content {
        enum file_type type;
        bool whole;      /* a type without a form of its own (text, unknown) is always whole */
        bool signed_pdf; /* carries a PDF signature; whether it is valid is not examined */
};

/** inspect_content() - everything but the digest. Return: 0, -errno of reading, or what bytes.tick returned. */
int inspect_content(struct bytes *source, struct content *ret);

enum inspect_status {
        INSPECT_OK,
        INSPECT_CHANGED, /* size or mtime differ from those asked for, or changed meanwhile */
        INSPECT_GONE,
        INSPECT_UNREADABLE,
        INSPECT_TOO_LARGE,
        INSPECT_TIMEOUT,
        _INSPECT_STATUS_MAX
};
const char *inspect_status_to_string(enum inspect_status status); /* as in ipc/PROTOCOL.md */

struct inspect_request {
        int root_fd;           /* borrowed */
        const char *root_path; /* without links */
        const char *path;      /* relative to the root, as bytes */
        uint64_t size, max_bytes;
        usec_t mtime;
        usec_t deadline;             /* CLOCK_MONOTONIC */
        int (*tick)(void *userdata); /* called every few hundred KiB; < 0 ends it */
        void *userdata;
};

struct inspection {
        enum inspect_status status;
        struct content content;
        uint8_t sha256[SHA256_SIZE];
        uint64_t size, inode;  /* as found */
        usec_t mtime, changed; /* changed: the later of mtime and ctime */
};

/** inspect_file() - Return: 0 (see ret->status), or what @tick returned. */
int inspect_file(const struct inspect_request *request, struct inspection *ret);
