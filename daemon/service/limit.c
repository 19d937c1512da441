/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/limit.h"

#include "base/zone.h"

bool limit_concerns(enum notice_kind kind) {
        return kind == NOTICE_RECEIVED || kind == NOTICE_COMPLETE || kind == NOTICE_REFUSED ||
               kind == NOTICE_REPORT;
}

int limit_reached(struct tell *tell, const struct address_list *addresses, usec_t now) {
        uint64_t limit = tell->model->mail.daily_limit;
        usec_t midnight = zone_instant(zone_civil(now).date, 0);

        for (size_t i = 0; limit > 0 && i < addresses->n; i++) {
                uint64_t n = 0;
                int r = store_count_mails(tell->store, addresses->items[i].spec, midnight, &n);

                if (r < 0)
                        return r;
                if (n >= limit)
                        return 1;
        }
        return 0;
}
