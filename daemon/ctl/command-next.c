/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/output.h"

#define DEFAULT_LIMIT 20

/* RFC 3339 with whatever offset: compared as instants, since an offset changes twice a year. */
static int compare_times(const void *pa, const void *pb) {
        const json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
        usec_t ta = 0, tb = 0;

        if (zone_parse(text_of(a, "time"), &ta) < 0 || zone_parse(text_of(b, "time"), &tb) < 0)
                return strcmp(text_of(a, "time"), text_of(b, "time"));
        return ta != tb ? (ta > tb) - (ta < tb)
                        : text_natural_compare(text_of(a, "instance"), text_of(b, "instance"));
}

/* The first @limit of @mails in order of time. New reference. */
static json_t *first_ones(json_t *mails, size_t limit) {
        size_t n = json_array_size(mails);
        _cleanup_free_ json_t **items = calloc(n + 1, sizeof(*items));
        json_t *first = json_array();

        if (!items) {
                json_decref(first);
                return NULL;
        }
        for (size_t i = 0; i < n; i++)
                items[i] = json_array_get(mails, i);
        qsort(items, n, sizeof(*items), compare_times);
        for (size_t i = 0; i < n && i < limit; i++)
                json_array_append(first, items[i]);
        return first;
}

static int print_next(const json_t *mails) {
        static const struct column columns[] = {{"TIME", 0, 0},
                                                {"STEP", 0, COLUMN_RIGHT},
                                                {"INSTANCE", 0.4, COLUMN_CUT},
                                                {"UNIT", 0, 0}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *mail;
        char when[32];
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(mails, i, mail)
                table_row(t,
                          (const char *const[]){format_when(json_object_get(mail, "time"), when),
                                                text_of(mail, "step"), text_of(mail, "instance"),
                                                text_of(mail, "unit")},
                          0, NULL);
        return table_print(t);
}

int command_next(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL, *mails = NULL;
        uint64_t limit;
        int r = option_number(in, "limit", DEFAULT_LIMIT, &limit);

        if (r == 0)
                r = call(in, "Next", json_pack("{s:I}", "limit", (json_int_t)limit), &answer);
        if (r != 0)
                return r;
        mails = first_ones(json_object_get(answer, "mails"), limit > 0 ? limit : SIZE_MAX);
        if (!mails)
                return no_memory();
        if (option_given(in, "json"))
                return print_json(mails);
        if (json_array_size(mails) > 0)
                return print_next(mails);
        puts("No reminder is to come.");
        return 0;
}
