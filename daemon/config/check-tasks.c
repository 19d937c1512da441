/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/resolve.h"
#include "config/sections.h"

#define POINTS_BUFFER 24

/* "12.5", "10": what a person would write. */
static const char *format_points(int64_t points, char buf[POINTS_BUFFER]) {
        int n = snprintf(buf, POINTS_BUFFER, "%lld.%02lld", (long long)(points / 100),
                         (long long)(points % 100));

        while (n > 0 && buf[n - 1] == '0')
                buf[--n] = '\0';
        if (n > 0 && buf[n - 1] == '.')
                buf[n - 1] = '\0';
        return buf;
}

struct area_count {
        int64_t points;
        size_t n_tasks, n_tracked, n_without_unit;
};

static bool lacks_unit(const struct task *task) {
        return task->unit && strcmp(task->unit->id, STAND_IN_ID) == 0;
}

static void check_area(struct reader *rd, const struct area *area, const struct area_count *count) {
        char stated[POINTS_BUFFER], sum[POINTS_BUFFER];

        if (!area->source.file)
                return;
        if (count->n_tasks == 0) {
                rd_warning_at(rd, area->source,
                              "area '%s' has no task: add its tasks, or remove it", area->id);
                return;
        }
        if (count->points != area->points)
                rd_warning_at(rd, area->source,
                              "area '%s' states %s points but its tasks add up to %s: correct one "
                              "of the two",
                              area->id, format_points(area->points, stated),
                              format_points(count->points, sum));
        if (count->n_tracked > 0 && count->n_without_unit == count->n_tracked && !area->unassigned)
                rd_warning_at(rd, area->source,
                              "nobody owns area '%s': the coordinator is reminded instead; give "
                              "its tasks a 'unit', or set "
                              "unassigned = true",
                              area->id);
}

static void check_task(struct reader *rd, const struct task *task, const struct area_count *area) {
        if (!task->tracked)
                return;
        bool whole_area = task->area->source.file && area->n_without_unit == area->n_tracked;

        if (lacks_unit(task) && !task->unassigned && !whole_area)
                rd_warning_at(rd, task->source,
                              "nobody owns task '%s': the coordinator is reminded instead; add "
                              "'unit' (or 'each_unit'), or "
                              "set unassigned = true",
                              task->id);
        if (task->due_word == DUE_WORD_BEFORE && task->shift == SHIFT_LATER)
                rd_warning_at(rd, task->source,
                              "task '%s' is due \"before\" a date but shifted to a later day, past "
                              "what the letter "
                              "says: use shift = \"earlier\"",
                              task->id);
        if (task->n_needs == 0)
                rd_warning_at(rd, task->source,
                              "task '%s' asks for no evidence, so no file can end its reminders: "
                              "add 'evidence', or set "
                              "tracked = false",
                              task->id);
        if (task->opens != DATE_NONE && task->closes != DATE_NONE && task->opens > task->closes)
                rd_warning_at(rd, task->source,
                              "task '%s' closes before it opens: it is never reminded; correct one "
                              "of the two",
                              task->id);
}

static void check_total(struct reader *rd) {
        char stated[POINTS_BUFFER], sum_text[POINTS_BUFFER];
        const struct model *m = &rd->m;
        int64_t sum = 0;

        for (size_t i = 0; i < m->n_areas; i++)
                sum += m->areas[i].points;
        if (m->organization.points >= 0 && sum != m->organization.points)
                rd_warning_at(rd, rd_place(rd, &section_organization, "points"),
                              "the areas add up to %s points but 'organization.points' is %s: "
                              "correct one of the two",
                              format_points(sum, sum_text),
                              format_points(m->organization.points, stated));
}

void check_tasks(struct reader *rd, struct source main) {
        const struct model *m = &rd->m;
        struct area_count *counts = calloc(m->n_areas + 1, sizeof(*counts));

        if (!counts) {
                rd->findings->failed = true;
                return;
        }
        for (size_t i = 0; i < m->n_tasks; i++) {
                struct area_count *count = &counts[m->tasks[i].area - m->areas];

                count->points += m->tasks[i].points;
                count->n_tasks++;
                count->n_tracked += m->tasks[i].tracked;
                count->n_without_unit += lacks_unit(&m->tasks[i]);
        }
        for (size_t i = 0; i < m->n_tasks; i++)
                check_task(rd, &m->tasks[i], &counts[m->tasks[i].area - m->areas]);
        if (rd->findings->n_errors ==
            0) { /* a task left out for an error would make every sum wrong */
                for (size_t i = 0; i < m->n_areas; i++)
                        check_area(rd, &m->areas[i], &counts[i]);
                check_total(rd);
                if (m->n_tasks == 0)
                        rd_warning_at(rd, main,
                                      "there are no tasks, so nothing is ever asked for: add them "
                                      "in tasks.d");
        }
        free(counts);
}
