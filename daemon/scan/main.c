/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* evidenced-scan: looks at the evidence, and is the only one to do so. */

#include "ipc/worker.h"
#include "scan/scanner.h"

int main(int argc, char *argv[]) {
        return worker_main(argc, argv, "evidenced-scan", scanner_serve);
}
