/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * load-memory CONFIG: KiB resident at the beginning, at the peak, with the model alone, and after that is freed as well.
 */

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "core/model.h"

/* A line of /proc/self/status, in KiB; -1 when there is none. */
static long status_kib(const char *name) {
        char line[256];
        long value = -1;
        FILE *f = fopen("/proc/self/status", "re");

        if (!f)
                return -1;
        while (value < 0 && fgets(line, sizeof(line), f))
                if (strncmp(line, name, strlen(name)) == 0)
                        (void)sscanf(line + strlen(name), ": %ld", &value);
        (void)fclose(f);
        return value;
}

int main(int argc, char **argv) {
        struct findings findings = FINDINGS_INIT;
        struct model *model = NULL;
        long before = status_kib("VmRSS"), peak, kept;

        if (argc != 2 || config_load(argv[1], NULL, &model, &findings) < 0)
                return 1;
        findings_done(&findings);
        peak = status_kib("VmHWM");
        kept = status_kib("VmRSS");
        model_free(model);
        malloc_trim(0);
        printf("%ld %ld %ld %ld\n", before, peak, kept, status_kib("VmRSS"));
        return 0;
}
