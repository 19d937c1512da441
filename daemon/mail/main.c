/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/resource.h>

#include "ipc/worker.h"
#include "mail/serve.h"

int main(int argc, char *argv[]) {
        /* This process holds passwords: they shall not lie about in core files. */
        setrlimit(RLIMIT_CORE, &(const struct rlimit){});
        return worker_main(argc, argv, "evidenced-mail", mail_serve);
}
