/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/templates-place.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "ctl/output.h"
#include "message/compose.h"

static char *beside_program(void) {
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *path = NULL, *slash;

        if (n <= 0)
                return NULL;
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (!slash || asprintf(&path, "%.*s/templates", (int)(slash - self), self) < 0)
                return NULL;
        if (access(path, X_OK) < 0) {
                free(path);
                return NULL;
        }
        return path;
}

static void on_error(void *userdata, const char *file, unsigned line, const char *text) {
        (void)userdata;
        complain("%s:%u: error: %s", file, line, text);
}

int find_templates(const char *config, struct templates **ret) {
        const char *set = getenv("EVIDENCED_TEMPLATES"), *slash = strrchr(config, '/'), *dir;
        _cleanup_free_ char *beside = set ? NULL : beside_program(), *override = NULL;
        int r;

        dir = set ? set : beside ? beside : EVIDENCED_DATADIR "/templates";
        if (asprintf(&override, "%.*s/templates", slash ? (int)(slash - config) : 1,
                     slash ? config : ".") < 0)
                return no_memory();
        r = templates_load(dir, override, on_error, NULL, ret);
        if (r == 0)
                return 0;
        if (r == -ENOMEM)
                return no_memory();
        complain("failed to read the templates in '%s'%s%s", dir, r == -EINVAL ? "" : ": ",
                 r == -EINVAL ? "" : strerror(-r));
        return EX_CONFIG;
}
