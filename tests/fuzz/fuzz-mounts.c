/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* First line a path, the rest a mountinfo. Read or refused; what is read has a source and a type. */

#include "fuzz.h"
#include "scan/mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *path = fuzz_string(data, size), *text = strchr(path, '\n');
        struct mount_view view = {};

        if (text) {
                *text++ = '\0';
                if (mounts_parse(text, path, &view) == 0)
                        CHECK(view.source && view.fstype);
                else
                        CHECK(!view.source && !view.fstype);
                mount_view_done(&view);
        }
        free(path);
        return 0;
}
