/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/pass-lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "service/events.h"

void pass_lines_add(struct pass_lines *lines, const struct instance *instance,
                    enum notice_kind kind, const char *path) {
        struct pass_line *last = lines->n > 0 ? &lines->items[lines->n - 1] : NULL, line;

        if (last && last->instance == instance && last->kind == kind && last->path && path) {
                last->n_more++;
                return;
        }
        line = (struct pass_line){
                .instance = instance, .kind = kind, .path = path ? strdup(path) : NULL};
        if ((path && !line.path) || array_push(lines, line) < 0) {
                free(line.path);
                log_oom();
        }
}

static void log_line(const struct pass_line *line) {
        const char *key = line->instance->key, *kind = notice_kind_to_string(line->kind);
        const struct event_fields fields = {.instance = key, .unit = line->instance->unit->id};

        if (line->n_more > 0)
                log_event(LOG_INFO, NULL, &fields, "%s: %s %s and %zu more", key, kind, line->path,
                          line->n_more);
        else
                log_event(LOG_INFO, NULL, &fields, "%s: %s%s%s", key, kind, line->path ? " " : "",
                          line->path ? line->path : "");
}

void pass_lines_log(struct pass_lines *lines) {
        for (size_t i = 0; i < lines->n; i++)
                log_line(&lines->items[i]);
        pass_lines_drop(lines);
}

void pass_lines_drop(struct pass_lines *lines) {
        for (size_t i = 0; i < lines->n; i++)
                free(lines->items[i].path);
        array_done(lines);
}
