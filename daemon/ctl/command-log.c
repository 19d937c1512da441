/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/zone.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/csv.h"
#include "ctl/ledger.h"
#include "ctl/output.h"

#define DEFAULT_LIMIT 50

/* The detail of a row as words: "by=an (uid 1000) reason=…"; first the address, unless the row is @about it. */
static char *detail_words(const json_t *row, const char *about) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        json_t *detail = json_object_get(row, "detail"), *value;
        const char *key, *address = text_of(row, "address");

        strbuf_adds(&b, "");
        if (*address && strcmp(address, about) != 0)
                strbuf_addf(&b, "address=%s", address);
        json_object_foreach(detail, key, value) {
                char *text = json_is_string(value)
                                     ? strdup(json_string_value(value))
                                     : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
                                                                 JSON_REAL_PRECISION(12));

                if (json_is_null(value)) {
                        free(text);
                        continue;
                }
                strbuf_addf(&b, "%s%s=%s", b.len > 0 ? " " : "", key, text ? text : "?");
                free(text);
        }
        return strbuf_steal(&b);
}

int print_ledger(const json_t *rows) {
        static const struct column columns[] = {{"SEQ", 0, COLUMN_RIGHT},
                                                {"TIME", 0, 0},
                                                {"EVENT", 0, 0},
                                                {"ABOUT", 0.25, COLUMN_CUT},
                                                {"DETAIL", 0.4, COLUMN_CUT}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *row;
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(rows, i, row) {
                const char *about = *text_of(row, "instance")  ? text_of(row, "instance")
                                    : *text_of(row, "task")    ? text_of(row, "task")
                                    : *text_of(row, "address") ? text_of(row, "address")
                                                               : text_of(row, "unit");
                _cleanup_free_ char *detail = detail_words(row, about);
                char when[32], seq[32];

                snprintf(seq, sizeof(seq), "%lld", int_of(row, "seq"));
                table_row(t,
                          (const char *const[]){seq, format_when(json_object_get(row, "at"), when),
                                                text_of(row, "event"), about, detail},
                          0, NULL);
        }
        return table_print(t);
}

/* What stands in the columns of a spreadsheet: members of a row, then of its detail, then all of the detail. */
static const char *const csv_members[] = {"event", "instance", "task", "unit", "address"};
static const char *const csv_details[] = {"kind", "subject", "code", "enhanced", "reply"};
#define CSV_COLUMNS (2 + ELEMENTSOF(csv_members) + ELEMENTSOF(csv_details) + 2)

static void add_csv_head(struct strbuf *b) {
        const char *cells[CSV_COLUMNS] = {"seq", "at"};
        size_t n = 2;

        for (size_t i = 0; i < ELEMENTSOF(csv_members); i++)
                cells[n++] = csv_members[i];
        for (size_t i = 0; i < ELEMENTSOF(csv_details); i++)
                cells[n++] = csv_details[i];
        cells[n++] = "detail";
        cells[n++] = "hash";
        csv_add_row(b, cells, n);
}

static int add_csv_row(struct strbuf *b, const json_t *row) {
        const json_t *detail = json_object_get(row, "detail");
        _cleanup_free_ char *all = json_dumps(detail, JSON_COMPACT | JSON_REAL_PRECISION(12));
        char seq[32], code[32] = "";
        const char *cells[CSV_COLUMNS] = {seq, text_of(row, "at")};
        size_t n = 2;

        if (!all)
                return no_memory();
        snprintf(seq, sizeof(seq), "%lld", int_of(row, "seq"));
        if (int_of(detail, "code") > 0)
                snprintf(code, sizeof(code), "%lld", int_of(detail, "code"));
        for (size_t i = 0; i < ELEMENTSOF(csv_members); i++)
                cells[n++] = text_of(row, csv_members[i]);
        for (size_t i = 0; i < ELEMENTSOF(csv_details); i++)
                cells[n++] = strcmp(csv_details[i], "code") == 0 ? code
                                                                 : text_of(detail, csv_details[i]);
        cells[n++] = all;
        cells[n++] = text_of(row, "hash");
        csv_add_row(b, cells, n);
        return 0;
}

static int print_csv(const json_t *rows) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        json_t *row;
        size_t i;
        int r = 0;

        strbuf_adds(&b, CSV_MARK);
        add_csv_head(&b);
        json_array_foreach(rows, i, row) {
                if (r == 0)
                        r = add_csv_row(&b, row);
        }
        if (r != 0 || strbuf_error(&b) < 0)
                return r != 0 ? r : no_memory();
        fwrite(b.data, 1, b.len, stdout); /* output_done() says whether it went out */
        return 0;
}

/* The filters of the command line as parameters of the call. */
static json_t *parameters_of(const struct invocation *in, long long after) {
        static const char *const names[] = {"instance", "task",  "unit", "address",
                                            "event",    "since", "until"};
        json_t *p = json_pack("{s:I}", "after", (json_int_t)after);

        for (size_t i = 0; p && i < ELEMENTSOF(names); i++) {
                const char *value = option_value(in, names[i]);

                /* A filter that can not be sent must not be left out: everything would match. */
                if (value && json_object_set_new(p, names[i], json_string(value)) < 0) {
                        json_decref(p);
                        p = NULL;
                }
        }
        return p;
}

int read_ledger(const struct invocation *in, uint64_t limit, json_t **ret) {
        _cleanup_(json_decrefp) json_t *all = json_array();
        long long after = 0;
        int r;

        if (!all)
                return no_memory();
        for (;;) {
                _cleanup_(json_decrefp) json_t *answer = NULL;
                json_t *rows;
                size_t n;

                r = call(in, "Log", parameters_of(in, after), &answer);
                if (r != 0)
                        return r;
                rows = json_object_get(answer, "rows");
                if (json_array_size(rows) == 0)
                        break;
                /* A daemon that goes round in circles must not keep us for ever. */
                if (int_of(answer, "last") <= after)
                        break;
                after = int_of(answer, "last");
                if (json_array_extend(all, rows) < 0)
                        return no_memory();
                n = json_array_size(all);
                /* Taken from the front in one go and seldom: each removal moves what is behind it. */
                if (limit > 0 && n > limit) {
                        json_t *tail = json_array();

                        for (size_t i = n - limit; tail && i < n; i++)
                                json_array_append(tail, json_array_get(all, i));
                        if (!tail)
                                return no_memory();
                        json_decref(all);
                        all = tail;
                }
        }
        *ret = steal_ptr(all);
        return 0;
}

static int verify(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "Verify", json_object(), &answer);
        bool sound = r == 0 && json_is_true(json_object_get(answer, "sound"));

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                r = print_json(answer);
        else if (sound)
                printf("Sound: %lld row%s, head %s\n", int_of(answer, "rows"),
                       plural((uintmax_t)int_of(answer, "rows"), "", "s"), text_of(answer, "head"));
        else
                printf("%sBroken%s at row %lld of %lld: it or the row before was changed "
                       "afterwards.\n",
                       colour("red"), PLAIN, int_of(answer, "broken"), int_of(answer, "rows"));
        return r != 0 || !sound ? EXIT_FAILURE : 0;
}

static int check_time(const struct invocation *in, const char *name) {
        const char *text = option_value(in, name);
        usec_t instant;

        if (!text || zone_parse(text, &instant) == 0)
                return 0;
        complain("log: '--%s %s' is neither a date nor an RFC 3339 time", name, text);
        return EX_USAGE;
}

int command_log(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *rows = NULL;
        uint64_t limit;
        int r;

        if (option_given(in, "csv") && (option_given(in, "json") || option_given(in, "verify"))) {
                complain("log: '--csv' does not go with --json or --verify");
                return EX_USAGE;
        }
        if (option_given(in, "verify"))
                return verify(in);
        r = option_number(in, "limit", DEFAULT_LIMIT, &limit);
        if (r == 0)
                r = check_time(in, "since");
        if (r == 0)
                r = check_time(in, "until");
        if (r == 0)
                r = read_ledger(in, limit, &rows);
        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(rows);
        if (option_given(in, "csv"))
                return print_csv(rows);
        if (json_array_size(rows) > 0)
                return print_ledger(rows);
        puts("No rows.");
        return 0;
}
