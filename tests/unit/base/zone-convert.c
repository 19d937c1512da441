/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts for compare-zones.py. Argument: a zone. Input, a line each: "i SECOND" prints date, second of the day and
 * offset of that instant; "c DATE SECOND" prints the instant of that civil time, in seconds.
 */

#include <inttypes.h>
#include <stdio.h>

#include "base/zone.h"

int main(int argc, char **argv) {
        char line[128], buf[DATE_BUFFER];

        if (argc != 2 || zone_init(argv[1]) < 0)
                return 77;
        while (fgets(line, sizeof(line), stdin)) {
                int second;
                int64_t instant;
                date_t date;

                if (sscanf(line, "i %" SCNd64, &instant) == 1) {
                        struct civil c = zone_civil(instant * USEC_PER_SEC);

                        printf("%s %d %d\n", date_format(c.date, buf), c.second, c.utc_offset);
                } else if (sscanf(line, "c %10s %d", buf, &second) == 2 &&
                           date_parse(buf, &date) == 0) {
                        printf("%" PRId64 "\n", zone_instant(date, second) / USEC_PER_SEC);
                } else {
                        return 1;
                }
        }
        return 0;
}
