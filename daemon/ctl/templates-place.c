/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/templates-place.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/installed.h"
#include "config/findings.h"
#include "ctl/output.h"
#include "message/compose.h"

static char *templates_dir(void) {
        return installed_path("EVIDENCED_TEMPLATES", "/templates", "/templates",
                              EVIDENCED_DATADIR "/templates");
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
