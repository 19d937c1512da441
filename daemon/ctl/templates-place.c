/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/templates-place.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "config/findings.h"
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

/* Return: owned. */
static char *templates_dir(void) {
        const char *set = getenv("EVIDENCED_TEMPLATES");
        char *beside = set ? NULL : beside_program();

        return beside ? beside : strdup(set ? set : EVIDENCED_DATADIR "/templates");
}

static void on_error(void *userdata, const char *file, unsigned line, const char *text) {
        (void)userdata;
        complain("%s:%u: error: %s", file, line, text);
}

int find_templates(const char *config, struct templates **ret) {
        _cleanup_free_ char *dir = templates_dir();
        int r = dir ? templates_load_beside(dir, config, on_error, NULL, ret) : -ENOMEM;

        if (r == 0)
                return 0;
        if (r == -ENOMEM)
                return no_memory();
        complain("failed to read the templates in '%s'%s%s", dir, r == -EINVAL ? "" : ": ",
                 r == -EINVAL ? "" : strerror(-r));
        return EX_CONFIG;
}

static void on_finding(void *userdata, const char *file, unsigned line, const char *text) {
        findings_add(userdata, FINDING_ERROR, file, line, "%s", text);
}

int check_templates(const char *config, struct findings *findings) {
        _cleanup_free_ char *dir = templates_dir();
        struct templates *templates = NULL;
        int r = dir ? templates_load_beside(dir, config, on_finding, findings, &templates)
                    : -ENOMEM;

        templates_free(templates);
        findings_sort(findings);
        return r;
}
