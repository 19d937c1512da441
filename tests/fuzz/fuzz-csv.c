/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A spreadsheet's text file: read or refused; what is read and written again is the same, and what the import makes of it is
 * text that libconfig reads.
 */

#include <errno.h>
#include <libconfig.h>

#include "base/text.h"
#include "ctl/import.h"
#include "fuzz.h"

static bool is_kept(const char *cell) {
        for (const char *c = cell; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        return false;
        return !strchr("=+-@", *cell) || !*cell;
}

/* Cells that are no formulas and have no control characters come back as they were. */
static void write_again(const struct csv *csv) {
        struct strbuf b = STRBUF_INIT;
        struct csv again = {};
        const char *error = NULL;
        unsigned row = 0;

        for (size_t i = 0; i < csv->n; i++)
                csv_add_row(&b, (const char *const *)csv->rows[i].cells, csv->rows[i].n);
        if (csv_parse(strbuf_str(&b), b.len, ',', &again, &row, &error) == 0) {
                CHECK(again.n == csv->n);
                for (size_t i = 0; i < csv->n; i++)
                        for (size_t k = 0; k < csv->rows[i].n && k < again.rows[i].n; k++)
                                CHECK(!is_kept(csv->rows[i].cells[k]) ||
                                      strcmp(csv->rows[i].cells[k], again.rows[i].cells[k]) == 0);
                csv_done(&again);
        } else
                CHECK(b.len > CSV_MAX_BYTES / 2); /* an apostrophe or a quote too many for a cap */
        strbuf_done(&b);
}

static void on_problem(void *userdata, unsigned row, bool error, const char *text) {
        size_t *n_errors = userdata;

        (void)row;
        CHECK(text && *text);
        *n_errors += error;
}

static void import(const struct csv *csv) {
        struct strbuf out = STRBUF_INIT;
        size_t n_errors = 0;
        int r = import_tasks(csv, "x.csv", on_problem, &n_errors, &out);
        config_t config;

        CHECK(r == 0 || r == -EINVAL);
        CHECK((r == 0) == (n_errors == 0));
        if (r == 0) {
                CHECK(utf8_valid(strbuf_str(&out), out.len));
                config_init(&config);
                CHECK(config_read_string(&config, strbuf_str(&out)) == CONFIG_TRUE);
                config_destroy(&config);
        } else
                CHECK(out.len == 0);
        strbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = fuzz_string(data, size), delimiter = csv_guess_delimiter(text, size);
        struct csv csv = {};
        const char *error = NULL;
        unsigned row = 0;
        int r = csv_parse(text, size, delimiter, &csv, &row, &error);

        CHECK(strchr("\t;,", delimiter) && delimiter);
        CHECK(r == 0 || ((r == -EINVAL || r == -E2BIG) && error && !csv.arena));
        if (r == 0) {
                write_again(&csv);
                import(&csv);
                csv_done(&csv);
        }
        free(text);
        return 0;
}
