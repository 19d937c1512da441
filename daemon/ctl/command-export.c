/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ledger.h"
#include "ctl/output.h"

/* One part after the other: each is sound in itself, the whole is no snapshot. */
static int gather(const struct invocation *in, json_t *all) {
        static const struct {
                const char *method, *pages_of, *name; /* pages_of NULL: one answer, all of it */
        } parts[] = {
                {"Status", NULL, "status"},
                {"Report", NULL, "report"},
                {"Queue", "mails", "queue"},
                {"List", "instances", "list"},
        };
        json_t *rows = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                json_t *part = NULL;

                r = parts[i].pages_of ? call_pages(in, parts[i].method, json_object(),
                                                   parts[i].pages_of, &part)
                                      : call(in, parts[i].method, json_object(), &part);
                if (r != 0)
                        return r;
                if (json_object_set_new(all, parts[i].name, part) < 0)
                        return no_memory();
        }
        r = read_ledger(in, 0, &rows);
        if (r != 0)
                return r;
        return json_object_set_new(all, "log", rows) < 0 ? no_memory() : 0;
}

int command_export(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *all =
                json_pack("{s:s, s:i}", "program", "evidenced", "format", 1);
        const char *output = option_value(in, "output");
        _cleanup_free_ char *text = NULL;
        int r;

        if (!all)
                return no_memory();
        r = gather(in, all);
        if (r != 0)
                return r;
        if (!output)
                return print_json(all);
        text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        if (!text)
                return no_memory();
        r = write_file_atomic(output, text, strlen(text), 0644);
        if (r < 0) {
                complain("failed to write '%s': %s", output, strerror(-r));
                return EXIT_FAILURE;
        }
        return 0;
}
