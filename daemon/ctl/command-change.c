/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/date.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/mails.h"
#include "ctl/output.h"

#define MAX_REASON 1000 /* bytes; the daemon's limit */

/* ---- decisions ---- */

static int check_decision(const struct invocation *in) {
        const char *kind = in->command->name, *reason = option_value(in, "reason"),
                   *until = option_value(in, "until");
        bool needs_day = strcmp(kind, "snooze") == 0 || strcmp(kind, "extend") == 0;
        date_t day;

        if (!reason || !*reason) {
                complain("%s needs a reason: --reason TEXT", kind);
                return EX_USAGE;
        }
        if (strlen(reason) > MAX_REASON || !utf8_valid(reason, strlen(reason))) {
                complain("%s: the reason must be UTF-8 of at most %d bytes", kind, MAX_REASON);
                return EX_USAGE;
        }
        if (needs_day && !until) {
                complain("%s needs a day: --until DATE", kind);
                return EX_USAGE;
        }
        if (until && date_parse(until, &day) < 0) {
                complain("%s: '--until %s' is no date: write it like 2018-11-30", kind, until);
                return EX_USAGE;
        }
        return 0;
}

int command_decide(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        json_t *p, *instance;
        int r = check_decision(in);

        if (r != 0)
                return r;
        p = json_pack("{s:s, s:s, s:s}", "kind", in->command->name, "id", in->words[0], "reason",
                      option_value(in, "reason"));
        if (p && option_value(in, "until"))
                json_object_set_new(p, "until", json_string(option_value(in, "until")));
        r = call(in, "Decide", p, &answer);
        if (r != 0)
                return r;
        instance = json_object_get(answer, "instance");
        if (option_given(in, "json"))
                return print_json(instance);
        printf("%s is %s now%s%s.\n", text_of(instance, "instance"), text_of(instance, "state"),
               *text_of(instance, "due") ? ", due " : "", text_of(instance, "due"));
        return 0;
}

/* ---- mail ---- */

int command_send_test(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "SendTest", json_pack("{s:s}", "address", in->words[0]), &answer);

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        printf("A test mail to %s is in the queue: %s\nevidencectl queue --all tells what became "
               "of it.\n",
               in->words[0], text_of(answer, "message_id"));
        return 0;
}

/* Return: 1 yes, 0 no. */
static int ask_yes(const char *question) {
        char line[16];

        printf("%s [y/N] ", question);
        fflush(stdout);
        return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int show_first(const struct invocation *in, json_t **ret) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        json_t *mails;
        int r = call(in, "Release", json_pack("{s:b}", "show", 1), &answer);

        if (r != 0)
                return r;
        mails = json_object_get(answer, "mails");
        *ret = json_incref(mails ? mails : answer);
        return 0;
}

int command_release(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *mails = NULL, *answer = NULL;
        bool show = option_given(in, "show"), json = option_given(in, "json");
        int r = show_first(in, &mails);

        if (r != 0)
                return r;
        if (json && show)
                return print_json(mails);
        if (!json) {
                printf(json_array_size(mails) > 0 ? "These mails go first:\n\n"
                                                  : "No mail is due now.\n");
                if (json_array_size(mails) > 0 && print_mails(mails) != 0)
                        return EXIT_FAILURE;
        }
        if (show)
                return 0;
        if (!option_given(in, "yes")) {
                if (!isatty(STDIN_FILENO)) {
                        complain("release asks on a terminal; without one it needs --yes");
                        return EX_USAGE;
                }
                if (!ask_yes("\nLet mail flow?")) {
                        puts("Mail stays held.");
                        return EXIT_FAILURE;
                }
        }
        r = call(in, "Release", json_pack("{s:b}", "show", 0), &answer);
        if (r != 0)
                return r;
        if (json)
                return print_json(json_object_get(answer, "mails"));
        puts("Mail flows from now on.");
        return 0;
}

/* ---- the service ---- */

static void print_lines(const json_t *list) {
        json_t *line;
        size_t i;

        json_array_foreach(list, i, line) {
                _cleanup_free_ char *clean = clean_text(json_string_value(line));

                puts(clean ? clean : "?");
        }
}

int command_reload(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        json_t *changes;
        int r = call(in, "Reload", json_object(), &answer);

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        changes = json_object_get(answer, "changes");
        print_lines(json_object_get(answer, "warnings"));
        print_lines(changes);
        puts(json_array_size(changes) > 0 ? "The new configuration runs."
                                          : "The new configuration runs; no deadline changed.");
        return 0;
}

int command_confirm(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        int r = call(in, "Confirm", json_object(), &answer);
        json_t *instances;
        long long n;

        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        instances = json_object_get(answer, "instances");
        print_lines(instances);
        n = json_is_array(instances) ? (long long)json_array_size(instances)
                                     : json_integer_value(instances);
        if (n == 0)
                puts("The evidence roots are taken as they are; no deadline was waiting to "
                     "reopen.");
        else
                printf("%lld may reopen.\n", n);
        return 0;
}
