/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctl/commands.h"
#include "ctl/output.h"

static int run(const struct invocation *in) {
        int status;

        if (in->version) {
                puts("evidencectl " EVIDENCED_VERSION);
                return 0;
        }
        if (in->help) {
                arguments_help(&evidencectl_commands, in->command, stdout);
                return 0;
        }
        status = in->command->run(in);
        if (status == EX_USAGE)
                fprintf(stderr, "Try 'evidencectl %s --help'.\n", in->command->name);
        return status;
}

int main(int argc, char *argv[]) {
        _cleanup_(invocation_done) struct invocation in = {};
        _cleanup_free_ char *error = NULL;
        int status, r;

        log_init("evidencectl");
        output_init();
        r = arguments_parse(&evidencectl_commands, argc, argv, &in, &error);
        if (r < 0) {
                complain("%s", error ? error : "out of memory");
                if (r != -EINVAL)
                        return EXIT_FAILURE;
                fprintf(stderr, "Try 'evidencectl --help'.\n");
                return EX_USAGE;
        }
        status = run(&in);
        r = output_done();
        return status != 0 ? status : r;
}
