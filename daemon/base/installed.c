/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/installed.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

char *installed_path(const char *variable, const char *name, const char *probe,
                     const char *installed) {
        const char *set = getenv(variable);
        char self[PATH_MAX], *path = NULL;
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        _cleanup_free_ char *beside = NULL;

        if (set)
                return strdup(set);
        if (n > 0) {
                self[n] = '\0';
                *strrchr(self, '/') = '\0';
                if (asprintf(&beside, "%s%s", self, probe) >= 0 && access(beside, X_OK) == 0)
                        return asprintf(&path, "%s%s", self, name) < 0 ? NULL : path;
        }
        return strdup(installed);
}
