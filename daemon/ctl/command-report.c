/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/output.h"

static const struct {
        const char *key, *heading;
} parts[] = {
        {"points_max", "MAX"},           {"points_complete", "COMPLETE"},
        {"points_pending", "PENDING"},   {"points_due_soon", "DUE SOON"},
        {"points_overdue", "OVERDUE"},   {"points_waived", "WAIVED"},
        {"points_surveyed", "SURVEYED"},
};

static void add_score(struct table *t, const char *id, const char *title, const json_t *score) {
        char points[ELEMENTSOF(parts)][32];
        const char *cells[ELEMENTSOF(parts) + 2] = {id};
        double overdue = json_number_value(json_object_get(score, "points_overdue"));

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                cells[i + 1] = format_points(json_object_get(score, parts[i].key), points[i]);
        cells[ELEMENTSOF(parts) + 1] = title;
        table_row(t, cells, 5, overdue > 0 ? "red" : NULL);
}

static int print_scores(const char *what, const json_t *scores, const json_t *total) {
        struct column columns[ELEMENTSOF(parts) + 2] = {{what, 0, 0}};
        struct table *t;
        json_t *score;
        size_t i;

        for (i = 0; i < ELEMENTSOF(parts); i++)
                columns[i + 1] = (struct column){parts[i].heading, 0, COLUMN_RIGHT};
        columns[ELEMENTSOF(parts) + 1] = (struct column){"NAME", 0.1, COLUMN_CUT};
        t = table_new(columns, ELEMENTSOF(columns));
        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(scores, i, score)
                add_score(t, text_of(score, "id"), text_of(score, "title"), score);
        if (total)
                add_score(t, "total", text_of(total, "title"), total);
        return table_print(t);
}

int command_report(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "Report", json_object(), &answer);

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        r = print_scores("AREA", json_object_get(answer, "areas"),
                         json_object_get(answer, "total"));
        if (r == 0) {
                putchar('\n');
                r = print_scores("UNIT", json_object_get(answer, "units"), NULL);
        }
        return r;
}
