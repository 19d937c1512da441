/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/output.h"

static const char *mail_colour(const char *state) {
        return strcmp(state, "parked") == 0  ? "red"
               : strcmp(state, "doubt") == 0 ? "yellow"
               : strcmp(state, "sent") == 0  ? "green"
                                             : NULL;
}

static bool is_waiting(const json_t *mail) {
        return json_is_null(json_object_get(mail, "finished"));
}

/* "550 5.1.1 no such user"; cut where the table has to be. */
static const char *answer_of(const json_t *mail, char *buf, size_t size) {
        const char *enhanced = text_of(mail, "enhanced");
        char code[32] = "";

        if (int_of(mail, "code") > 0)
                snprintf(code, sizeof(code), "%lld ", int_of(mail, "code"));
        snprintf(buf, size, "%s%s%s%s", code, enhanced, *enhanced ? " " : "",
                 text_of(mail, "reply"));
        return buf;
}

static int print_queue(const json_t *mails) {
        static const struct column columns[] = {{"N", 0, COLUMN_RIGHT},
                                                {"STATE", 0, 0},
                                                {"TRIES", 0, COLUMN_RIGHT},
                                                {"ANSWERED OR NEXT", 0, 0},
                                                {"RECIPIENT", 0.25, COLUMN_CUT},
                                                {"SUBJECT", 0.25, COLUMN_CUT},
                                                {"SERVER'S WORDS", 0.2, COLUMN_CUT}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *m;
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(mails, i, m) {
                char id[32], tries[32], when[32], answer[640];

                snprintf(id, sizeof(id), "%lld", int_of(m, "id"));
                snprintf(tries, sizeof(tries), "%lld", int_of(m, "tries"));
                table_row(t,
                          (const char *const[]){
                                  id, text_of(m, "state"), tries,
                                  format_when(json_object_get(m, is_waiting(m) ? "next_try"
                                                                               : "finished"),
                                              when),
                                  text_of(m, "recipient"), text_of(m, "subject"),
                                  answer_of(m, answer, sizeof(answer))},
                          1, mail_colour(text_of(m, "state")));
        }
        return table_print(t);
}

/* "retry 3 4": each on its own; the first that fails decides the status, the others are tried as well. */
static int act(const struct invocation *in) {
        static const char *const actions[] = {"retry", "drop", "hold"};
        const char *action = NULL, *nearest;
        int status = 0;

        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (strcmp(actions[i], in->words[0]) == 0)
                        action = actions[i];
        if (!action) {
                nearest = text_nearest(in->words[0], actions, ELEMENTSOF(actions));
                complain("queue: '%s' is not retry, drop or hold%s%s%s", in->words[0],
                         nearest ? ", did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'?" : "");
                return EX_USAGE;
        }
        if (in->n_words < 2) {
                complain("queue %s needs the number of a mail (evidencectl queue)", action);
                return EX_USAGE;
        }
        for (size_t i = 1; i < in->n_words; i++) {
                uint64_t id;

                if (parse_u64(in->words[i], &id) < 0 || id == 0 || id > INT64_MAX) {
                        complain("queue: '%s' is no number of a mail", in->words[i]);
                        return EX_USAGE;
                }
        }
        for (size_t i = 1; i < in->n_words; i++) {
                _cleanup_(json_decrefp) json_t *answer = NULL;
                uint64_t id = 0;
                int r;

                (void)parse_u64(in->words[i], &id);
                r = call(in, "QueueAction",
                         json_pack("{s:s, s:I}", "action", action, "id", (json_int_t)id), &answer);
                status = status != 0 ? status : r;
        }
        return status;
}

int command_queue(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *mails = NULL;
        int r;

        if (in->n_words > 0)
                return act(in);
        r = call_pages(in, "Queue", json_pack("{s:b}", "finished", option_given(in, "all")),
                       "mails", &mails);
        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(mails);
        if (json_array_size(mails) > 0)
                return print_queue(mails);
        puts("The queue is empty.");
        return 0;
}
