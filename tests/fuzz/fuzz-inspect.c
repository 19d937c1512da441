/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file of any content, as somebody may put it into an evidence folder. An answer in bounded time, and a sensible one. */

#include "fuzz.h"
#include "scan/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct bytes bytes;
        struct content c = {.type = _FILE_TYPE_MAX};

        bytes_init_memory(&bytes, data, size);
        CHECK(inspect_content(&bytes, &c) == 0);
        CHECK(c.type < _FILE_TYPE_MAX);
        CHECK(!c.signed_pdf || (c.type == FILE_TYPE_PDF && c.whole));
        CHECK(c.whole || (c.type != FILE_TYPE_TXT));
        /* nothing with a form of its own is whole in no bytes at all */
        CHECK(size > 0 || c.type == FILE_TYPE_OTHER);
        return 0;
}
