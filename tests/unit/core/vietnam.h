/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The calendar of Vietnam in 2018, as the government published it, and a way to write dates and instants in tables. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/calendar.h"

#define WEEKDAYS_MON_FRI 0x1fU
#define AT(hour, minute) ((hour)*3600 + (minute)*60)

static inline date_t day(const char *s) {
        date_t date;

        if (date_parse(s, &date) < 0)
                fail_msg("'%s' is no date", s);
        return date;
}

static inline usec_t instant(const char *s) {
        usec_t t;

        if (zone_parse(s, &t) < 0)
                fail_msg("'%s' is no instant", s);
        return t;
}

static inline const struct calendar *vietnam_2018(struct arena *arena) {
        const struct day_range off[] = {
                {day("2018-01-01"), day("2018-01-01"), "Tết Dương lịch"},
                {day("2018-02-14"), day("2018-02-20"), "Tết Nguyên đán"},
                {day("2018-04-25"), day("2018-04-25"), "Giỗ Tổ Hùng Vương"},
                {day("2018-04-30"), day("2018-05-01"), NULL},
                {day("2018-09-02"), day("2018-09-03"), "Quốc khánh"},
                {day("2018-12-31"), day("2019-01-01"), "Tết Dương lịch"},
        };
        const struct day_range work[] = {
                {day("2019-01-05"), day("2019-01-05"), "Làm bù cho 31/12/2018"},
        };

        return calendar_new(arena, &(struct calendar_settings){
                                           .workdays = WEEKDAYS_MON_FRI,
                                           .off = off,
                                           .n_off = ELEMENTSOF(off),
                                           .work = work,
                                           .n_work = ELEMENTSOF(work),
                                           .send_at = AT(7, 30),
                                           .window_start = AT(7, 0),
                                           .window_end = AT(18, 0),
                                           .close_of_day = AT(24, 0),
                                   });
}

#define _cleanup_arena_ _cleanup_(arena_release)

static inline void arena_release(struct arena **arena) { arena_free(*arena); }
