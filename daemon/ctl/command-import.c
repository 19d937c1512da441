/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/csv.h"
#include "ctl/import.h"
#include "ctl/new-file.h"
#include "ctl/output.h"

static void print_problem(const char *path, unsigned row, const char *kind, const char *text) {
        _cleanup_free_ char *clean = clean_text(text);

        if (row > 0)
                fprintf(stderr, "%s: row %u: %s: %s\n", path, row, kind, clean ? clean : "?");
        else
                fprintf(stderr, "%s: %s: %s\n", path, kind, clean ? clean : "?");
}

static void on_problem(void *userdata, unsigned row, bool error, const char *text) {
        print_problem(userdata, row, error ? "error" : "warning", text);
}

static int read_rows(const char *path, struct csv *ret) {
        _cleanup_free_ char *text = NULL;
        const char *error = NULL;
        unsigned row = 0;
        size_t size;
        int r = read_file(path, CSV_MAX_BYTES, &text, &size);

        if (r < 0) {
                complain("import: failed to read '%s': %s", path, strerror(-r));
                return EXIT_FAILURE;
        }
        r = csv_parse(text, size, endswith(path, ".tsv") ? '\t' : csv_guess_delimiter(text, size),
                      ret, &row, &error);
        if (r == -ENOMEM)
                return no_memory();
        if (r < 0) {
                print_problem(path, row, "error", error);
                return EXIT_FAILURE;
        }
        return 0;
}

static int put_out(const struct invocation *in, const char *text) {
        const char *output = option_value(in, "output");
        int r;

        if (!output) {
                fputs(text, stdout);
                return 0;
        }
        r = write_new_file(output, text);
        if (r < 0) {
                complain("import: failed to write '%s': %s", output, strerror(-r));
                return EXIT_FAILURE;
        }
        return 0;
}

int command_import(const struct invocation *in) {
        _cleanup_(csv_done) struct csv csv = {};
        _cleanup_(strbuf_done) struct strbuf out = STRBUF_INIT;
        const char *path = in->words[0], *slash = strrchr(path, '/');
        int r = read_rows(path, &csv);

        if (r != 0)
                return r;
        r = import_tasks(&csv, slash ? slash + 1 : path, on_problem, (void *)path, &out);
        if (r == -ENOMEM)
                return no_memory();
        if (r < 0) {
                complain("import: nothing was written");
                return EXIT_FAILURE;
        }
        return put_out(in, strbuf_str(&out));
}
