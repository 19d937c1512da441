/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * write-files ROOT FOLDERS FIRST STEP END EVERY: files number FIRST, FIRST + STEP … below END at full speed. Number K goes into
 * folder K % FOLDERS, so that every folder gets one before any gets its next; numbers that are EVERY rounds apart are
 * evidence (a text of its own), the others photographs without content. Folder F is ROOT/tA/fB with A = F / 50, B = F % 50.
 * Prints when the last one was closed, and how long it took: microseconds of CLOCK_MONOTONIC.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define FOLDERS_A_TASK 50

static int write_one(const char *root, unsigned folder, unsigned number, int evidence) {
        char path[4096], text[64];
        int fd, n;

        n = snprintf(path, sizeof(path),
                     evidence ? "%s/t%u/f%u/ev-%07u.txt" : "%s/t%u/f%u/IMG_%07u.jpg", root,
                     folder / FOLDERS_A_TASK, folder % FOLDERS_A_TASK, number);
        if (n < 0 || (size_t)n >= sizeof(path))
                return -1;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return -1;
        n = evidence ? snprintf(text, sizeof(text), "record number %u\n", number) : 0;
        if (n > 0 && write(fd, text, (size_t)n) != n) {
                close(fd);
                return -1;
        }
        return close(fd);
}

int main(int argc, char **argv) {
        unsigned v[5];
        usec_t began = clock_monotonic(), ended;

        if (argc != 7)
                return 2;
        for (int i = 0; i < 5; i++)
                v[i] = (unsigned)strtoul(argv[i + 2], NULL, 10);
        if (v[0] == 0 || v[2] == 0 || v[4] == 0)
                return 2;
        for (unsigned k = v[1]; k < v[3]; k += v[2])
                if (write_one(argv[1], k % v[0], k, k / v[0] % v[4] == 0) < 0) {
                        perror("write-files");
                        return 1;
                }
        ended = clock_monotonic();
        printf("%lld %lld\n", (long long)ended, (long long)(ended - began));
        return 0;
}
