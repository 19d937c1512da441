/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

#define VALUE_MAX 1000 /* bytes */
#define TEXT_MAX 4096  /* bytes, as much as the log takes of a line */

enum { N_FIELDS = 8 };

struct field_list {
        const char *items[N_FIELDS + 1]; /* NULL-ended, as log_fields() wants it */
        char text[N_FIELDS][VALUE_MAX + 40];
        size_t n;
};

static void field_add(struct field_list *l, const char *name, const char *value, size_t length) {
        char *text = l->text[l->n];

        if (!value)
                return;
        if (length > VALUE_MAX)
                length = VALUE_MAX;
        snprintf(text, sizeof(l->text[0]), "%s=%.*s", name, (int)length, value);
        for (char *p = text; *p; p++)
                if ((unsigned char)*p < ' ')
                        *p = ' ';
        l->items[l->n++] = text;
}

static void field_add_text(struct field_list *l, const char *name, const char *value) {
        field_add(l, name, value, value ? strlen(value) : 0);
}

void log_event(int level, const char *id, const struct event_fields *fields, const char *format,
               ...) {
        const struct event_fields none = {};
        struct field_list list = {};
        char text[TEXT_MAX];
        va_list ap;

        if (!fields)
                fields = &none;
        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        field_add_text(&list, "MESSAGE_ID", id);
        field_add_text(&list, "EVIDENCED_INSTANCE", fields->instance);
        if (fields->instance)
                field_add(&list, "EVIDENCED_TASK", fields->instance,
                          strcspn(fields->instance, "@"));
        field_add_text(&list, "EVIDENCED_UNIT", fields->unit);
        field_add_text(&list, "EVIDENCED_ROOT", fields->root);
        field_add_text(&list, "EVIDENCED_RECIPIENT", fields->recipient);
        field_add_text(&list, "EVIDENCED_MESSAGE_ID", fields->message_id);
        field_add_text(&list, "EVIDENCED_SERVER", fields->server);
        log_fields(level, list.items, "%s", text);
}
