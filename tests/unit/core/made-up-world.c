/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/zone.h"
#include "core/made-up-world.h"

static uint64_t state;

void world_seed(uint64_t seed) { state = seed; }

int any(int n) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (int)(state % (uint64_t)n);
}

int between(int low, int high) { return low + any(high - low + 1); }

static const char *some_offset(char *buf, size_t size, int sign) {
        static const char *const units[] = {"wd", "wd", "d", "w", "h"};
        static const int most[] = {20, 8, 25, 4, 90};
        int unit = any(5);

        snprintf(buf, size, "%s%d%s", sign < 0 ? "-" : "+", between(1, most[unit]), units[unit]);
        return buf;
}

static void some_policy(struct builder *b, const char *id) {
        static const char *const to[] = {"unit", "head", "unit,owner", "deputy"};
        char text[512] = "", offset[16];
        int n = between(1, 5);

        for (int i = 0; i < n; i++) {
                char *end = text + strlen(text);

                if (any(8) == 0)
                        sprintf(end, "%s0 > unit", i ? " | " : "");
                else if (any(4) == 0)
                        sprintf(end, "%s+%dwd every %dwd until +%dwd > head", i ? " | " : "",
                                between(1, 3), between(1, 4), between(4, 20));
                else
                        sprintf(end, "%s%s > %s ; coordinator", i ? " | " : "",
                                some_offset(offset, sizeof(offset), any(3) ? -1 : 1), to[any(4)]);
        }
        builder_policy(b, id, text);
}

static const char *some_day(char *buf, int from, int days) {
        return date_format(date_from_ymd(2018, 1, 1) + from + any(days), buf);
}

static void some_calendar(struct builder *b) {
        char first[DATE_BUFFER], last[DATE_BUFFER];
        struct calendar_settings *c = &b->calendar;
        date_t day;

        if (any(3) == 0) {
                c->workdays = 0;
                for (int i = 0; i < 3; i++)
                        c->workdays |= 1u << any(7);
        }
        for (int i = any(8); i > 0; i--) {
                some_day(first, 0, 420);
                assert_int_equal(date_parse(first, &day), 0);
                builder_off(b, first, date_format(day + any(6), last));
        }
        if (any(2) == 0)
                builder_work(b, some_day(first, 0, 420));
        if (any(2) == 0) {
                c->window_start = between(0, 8 * 3600);
                c->send_at = c->window_start + any(3 * 3600);
                c->window_end = any(6) ? between(c->send_at, 86399) : 86400;
                c->close_of_day = any(2) ? 86400 : between(12 * 3600, 86400);
        }
}

static void some_task(struct builder *b, int i) {
        static const char *const units[] = {"VP", "KHTC", "TTTK"};
        char id[8], due[64], day[DATE_BUFFER];
        struct task *task;

        snprintf(id, sizeof(id), "%d", i);
        some_day(day, 20, 330);
        if (any(4) == 0)
                snprintf(due, sizeof(due), "%s %02d:%02d", day, any(24), any(60));
        else
                snprintf(due, sizeof(due), "%s", day);
        task = builder_task(b, arena_strdup(b->arena, id), units[any(3)], due);
        task->points = any(4) * 125;
        task->area = &b->model->areas[any(N_AREAS)];
        if (any(5) == 0)
                task->each_unit = builder_units(b, "VP,KHTC", &task->n_each_unit);
        task->due_word = any(2) ? DUE_WORD_BY : DUE_WORD_BEFORE;
        task->shift = (enum shift)any(3);
        task->policy = &b->policies[any((int)b->model->n_policies)];
        if (any(5) == 0)
                task->opens = date_from_ymd(2018, 1, 1) + any(330);
        if (any(5) == 0)
                task->closes = date_from_ymd(2018, 3, 1) + any(330);
        if (any(3) == 0)
                task->owner = builder_addresses(b, "an@d.example");
}

usec_t some_instant(const struct world *w, usec_t from, int days) {
        const struct instance *instance = &w->set->items[any((int)w->set->n)];
        struct history history = history_at(w->start ? w->start : from);
        struct climb_buffer buffer;
        usec_t near = from;

        assert_int_equal(climb_init(&buffer, w->model, instance, &history), 0);
        if (any(2) && buffer.climb.n > 0)
                near = buffer.climb.firings[any((int)buffer.climb.n)].instant +
                       between(-25, 25) * USEC_PER_MINUTE;
        climb_done(&buffer);
        return near > from ? near : from + (usec_t)any(days * 86400) * USEC_PER_SEC;
}

void world_init(struct world *w) {
        static const char *const zones[] = {"Asia/Ho_Chi_Minh", "Europe/Berlin", "America/Havana"};
        int n_tasks = between(1, 6), n_policies = between(1, 3);

        memset(w, 0, sizeof(*w));
        builder_init(&w->b);
        assert_int_equal(zone_init(zones[any(3)]), 0);
        for (int i = 0; i < n_policies; i++)
                some_policy(&w->b, "p");
        some_calendar(&w->b);
        w->b.model->areas = arena_new_array(w->b.arena, struct area, N_AREAS);
        w->b.model->n_areas = N_AREAS;
        if (any(4) == 0)
                w->b.model->organization.closes = date_from_ymd(2018, 9, 1) + any(120);
        for (int i = 0; i < n_tasks; i++)
                some_task(&w->b, i);
        w->model = builder_finish(&w->b);
        w->set = builder_instances(w->model);
        assert_true(w->set->n <= MAX_INSTANCES);
        w->start = some_instant(w, zone_instant(date_from_ymd(2018, 1, 1), 0), 200);
        w->end = zone_instant(date_from_ymd(2019, 3, 1), 0);
        for (size_t i = 0; i < w->set->n; i++)
                w->complete[i] = any(2) ? USEC_INFINITY : some_instant(w, w->start, 300);
}

void world_done(struct world *w) {
        instance_set_free(w->set);
        builder_done(&w->b);
}
