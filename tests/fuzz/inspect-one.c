/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One content check by itself, INSPECT, whatever the first bytes are: fuzz-inspect spends most of its time on finding the
 * first bytes of a format, here all of it goes into what comes after them.
 */

#include "fuzz.h"
#include "scan/inspect-types.h"

static inline uint64_t header_of(const struct bytes *s) {
        const uint8_t *header = s->size > 0 ? memmem(s->data, s->size, "%PDF-", 5) : NULL;

        return header ? (uint64_t)(header - s->data) : 0;
}

/* the one that is told where the format begins */
#define inspect_pdf(s, c) inspect_pdf(s, header_of(s), c)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct bytes bytes;
        struct content c = {.type = FILE_TYPE_OTHER};

        bytes_init_memory(&bytes, data, size);
        INSPECT(&bytes, &c);
        CHECK(bytes.error == 0);
        CHECK(c.type < _FILE_TYPE_MAX);
        CHECK(!c.signed_pdf || (c.type == FILE_TYPE_PDF && c.whole));
        CHECK(size > 0 || !c.whole || c.type == FILE_TYPE_OTHER);
        return 0;
}
