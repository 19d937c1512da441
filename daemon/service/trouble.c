/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/trouble.h"

#include <errno.h>
#include <string.h>

#include "service/json.h"

char *trouble_dump(const struct trouble *t) {
        json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "kind",
                              trouble_kind_to_string(t->kind), "path", json_text(t->path), "state",
                              json_text(t->state), "detail", json_text(t->detail), "about",
                              json_text(t->about), "since", (json_int_t)t->since, "until",
                              (json_int_t)t->until, "n", (json_int_t)t->n);
        char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

        json_decref(j);
        return text;
}

static int kind_from_string(const char *s, enum trouble_kind *ret) {
        for (int i = 0; i < _TROUBLE_KIND_MAX; i++)
                if (strcmp(trouble_kind_to_string((enum trouble_kind)i), s) == 0) {
                        *ret = (enum trouble_kind)i;
                        return 0;
                }
        return -EINVAL;
}

int trouble_from_json(const json_t *json, struct trouble *ret) {
        const char *kind = json_string_value(json_object_get(json, "kind"));
        struct trouble t = {
                .path = json_string_value(json_object_get(json, "path")),
                .state = json_string_value(json_object_get(json, "state")),
                .detail = json_string_value(json_object_get(json, "detail")),
                .about = json_string_value(json_object_get(json, "about")),
                .since = json_integer_value(json_object_get(json, "since")),
                .until = json_integer_value(json_object_get(json, "until")),
                .n = (uint64_t)json_integer_value(json_object_get(json, "n")),
        };

        if (!kind || kind_from_string(kind, &t.kind) < 0)
                return -EINVAL;
        *ret = t;
        return 0;
}
