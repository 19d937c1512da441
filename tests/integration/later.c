/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded into a program, it is later than it is: by as many seconds as the file $EVTEST_LATER says, read at each look at the
 * clock. For what happens after a quarter of an hour or on the next morning. Steps of the kernel's own clock are tested elsewhere.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long seconds_later(void) {
        const char *path = getenv("EVTEST_LATER");
        FILE *file = path ? fopen(path, "re") : NULL;
        long seconds = 0;

        if (!file)
                return 0;
        if (fscanf(file, "%ld", &seconds) != 1)
                seconds = 0;
        fclose(file);
        return seconds;
}

int clock_gettime(clockid_t id, struct timespec *ret) {
        int r = (int)syscall(SYS_clock_gettime, id, ret);

        if (r == 0 && id == CLOCK_REALTIME)
                ret->tv_sec += seconds_later();
        return r;
}
