/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mails.h"

#include "base/cleanup.h"
#include "ctl/output.h"

int print_mails(const json_t *mails) {
        static const struct column columns[] = {{"TIME", 0, 0},
                                                {"KIND", 0, 0},
                                                {"TO", 0.3, COLUMN_CUT},
                                                {"CC", 0.15, COLUMN_CUT},
                                                {"ITEMS", 0, COLUMN_RIGHT},
                                                {"SUBJECT", 0.3, COLUMN_CUT}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *m;
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(mails, i, m) {
                _cleanup_free_ char *to = joined(m, "to", ", "), *cc = joined(m, "cc", ", ");
                char when[32], items[32];

                snprintf(items, sizeof(items), "%lld",
                         json_object_get(m, "items")
                                 ? (long long)json_array_size(json_object_get(m, "items"))
                                 : int_of(m, "n_items"));
                table_row(t,
                          (const char *const[]){format_when(json_object_get(m, "time"), when),
                                                text_of(m, "kind"), to, cc, items,
                                                text_of(m, "subject")},
                          0, NULL);
        }
        return table_print(t);
}
