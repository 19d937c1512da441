/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * evidenced.conf as anybody may write it: a model without errors, or errors without a model, each with its place and in words
 * that can be printed.
 */

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "core/model.h"
#include "fuzz.h"

/* libconfig leaves something behind after an error of syntax. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libconfig.so"; }

static void check_findings(const struct findings *findings) {
        size_t n_errors = 0;

        for (size_t i = 0; i < findings->n; i++) {
                const struct finding *f = &findings->items[i];

                CHECK(f->file && f->text && *f->text);
                CHECK(utf8_valid(f->text, strlen(f->text)));
                for (const char *c = f->text; *c; c++)
                        CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
                n_errors += f->severity == FINDING_ERROR;
                CHECK(i == 0 || findings->items[i - 1].severity <= f->severity); /* errors first */
        }
        CHECK(n_errors == findings->n_errors || findings->n == FINDINGS_MAX);
}

static int load(const char *path, date_t today) {
        const struct config_options options = {.today = today};
        struct findings findings = FINDINGS_INIT;
        struct model *model = NULL;
        int r = config_load(path, &options, &model, &findings);

        CHECK(r == 0 || r == -EINVAL);
        CHECK((r == 0) == (model != NULL));
        CHECK((r == 0) == (findings.n_errors == 0));
        check_findings(&findings);
        findings_done(&findings);
        model_free(model);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        int fd = memfd_create("fuzz", MFD_CLOEXEC);
        char path[64];

        CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        CHECK(load(path, DATE_NONE) == load(path, 17500)); /* what is past or near is no error */
        close(fd);
        return 0;
}
