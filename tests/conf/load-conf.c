/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Loads each configuration as the service would, and accepts one finding only: that mail goes into a folder.
 */

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "core/model.h"

static int load_one(const char *path) {
        struct config_options options = {.today = DATE_NONE};
        struct findings findings = FINDINGS_INIT;
        struct model *model = NULL;

        int r = config_load(path, &options, &model, &findings);
        bool as_expected = r == 0 && findings.n == 1 &&
                           findings.items[0].severity == FINDING_WARNING &&
                           strstr(findings.items[0].text, "nobody is mailed yet");
        if (!as_expected)
                fprintf(stderr,
                        "%s: expected the one warning that nobody is mailed yet, got %zu "
                        "findings:\n",
                        path, findings.n);
        findings_print(&findings, stderr);
        findings_done(&findings);
        model_free(model);
        return as_expected ? 0 : -1;
}

int main(int argc, char **argv) {
        int failed = 0;

        for (int i = 1; i < argc; i++)
                failed |= load_one(argv[i]) < 0;
        return failed || argc < 2;
}
