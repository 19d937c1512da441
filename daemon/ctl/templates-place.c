/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/templates-place.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "ctl/output.h"
#include "message/compose.h"

static void on_error(void *userdata, const char *file, unsigned line, const char *text) {
        (void)userdata;
        complain("%s:%u: error: %s", file, line, text);
}

int find_templates(const char *config, struct templates **ret) {
        _cleanup_free_ char *dir = templates_place();
        int r = dir ? templates_load_beside(dir, config, on_error, NULL, ret) : -ENOMEM;

        if (r == 0)
                return 0;
        if (r == -ENOMEM)
                return no_memory();
        complain("failed to read the templates in '%s'%s%s", dir, r == -EINVAL ? "" : ": ",
                 r == -EINVAL ? "" : strerror(-r));
        return EX_CONFIG;
}
