/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/commands.h"

#include "base/cleanup.h"

#define CONFIG_OPTION                                                                              \
        { "config", "FILE", "configuration (default " EVIDENCED_SYSCONFDIR "/evidenced.conf)" }
#define JSON_OPTION                                                                                \
        { "json", NULL, "JSON instead of a table" }
#define REASON_OPTION                                                                              \
        { "reason", "TEXT", "why; recorded with who and when" }

static const struct option_spec common[] = {
        {"socket", "PATH",
         "control socket (default $EVIDENCED_SOCKET or /run/evidenced/org.evidenced)"},
};

static const struct option_spec json_options[] = {JSON_OPTION};
static const struct option_spec list_options[] = {
        {"state", "STATE[,STATE...]", "only these: overdue, open, partial, complete, ..."},
        {"unit", "UNIT", "only what this unit owes"},
        {"area", "AREA", "only this area"},
        {"task", "TASK", "only this task"},
        JSON_OPTION,
};
static const struct option_spec next_options[] = {
        {"limit", "N", "at most so many (default 20)"},
        JSON_OPTION,
};
static const struct option_spec log_options[] = {
        {"instance", "ID", "only rows about this deadline"},
        {"task", "TASK", "only rows about this task"},
        {"unit", "UNIT", "only rows about this unit"},
        {"address", "ADDRESS", "only rows about mail to this address"},
        {"event", "EVENT", "only rows of this kind"},
        {"since", "TIME", "not before: a date, or an RFC 3339 time"},
        {"until", "TIME", "before it: a date is its beginning"},
        {"limit", "N", "the last N of them (default 50; 0: all)"},
        {"csv", NULL, "for a spreadsheet (RFC 4180) instead of a table"},
        {"verify", NULL, "check the chain of rows instead: 0 sound, 1 broken"},
        JSON_OPTION,
};
static const struct option_spec queue_options[] = {
        {"all", NULL, "finished mails, too"},
        JSON_OPTION,
};
static const struct option_spec preview_options[] = {
        {"step", "STEP", "the mail of this step, such as -3wd (default: the next one)"},
        {"eml", NULL, "the very bytes of the message"},
        JSON_OPTION,
};
static const struct option_spec simulate_options[] = {
        CONFIG_OPTION,
        {"from", "TIME", "the service first starts here: a date, or an RFC 3339 time"},
        {"to", "TIME", "and is looked at until here, this instant not included"},
        {"complete", "ID=TIME", "a deadline's evidence is filed then; may be repeated"},
        {"json", NULL, "one JSON line a mail"},
};
static const struct option_spec release_options[] = {
        {"show", NULL, "only show what would go first"},
        {"yes", NULL, "do not ask"},
        JSON_OPTION,
};
static const struct option_spec check_options[] = {
        CONFIG_OPTION,
        {"strict", NULL, "warnings count as errors"},
        JSON_OPTION,
};
static const struct option_spec export_options[] = {
        {"output", "FILE", "write here instead of to the standard output"},
};
static const struct option_spec import_options[] = {
        {"output", "FILE", "write here (never over a file) instead of to the standard output"},
};
static const struct option_spec waive_options[] = {
        REASON_OPTION,
        {"until", "DATE", "it applies again from the morning of this day on (default: never)"},
        JSON_OPTION,
};
static const struct option_spec snooze_options[] = {
        REASON_OPTION,
        {"until", "DATE", "the day on which reminders begin again"},
        JSON_OPTION,
};
static const struct option_spec extend_options[] = {
        REASON_OPTION,
        {"until", "DATE", "the new last day"},
        JSON_OPTION,
};
static const struct option_spec reopen_options[] = {REASON_OPTION, JSON_OPTION};

#define OPTIONS(o) (o), ELEMENTSOF(o)
static const struct command commands[] = {
        {"status", "", 0, 0, "Is the service well, and what waits", OPTIONS(json_options),
         command_status},
        {"list", "", 0, 0, "Every deadline with its state", OPTIONS(list_options), command_list},
        {"show", "ID", 1, 1, "One deadline: requirements, files, steps, history",
         OPTIONS(json_options), command_show},
        {"explain", "ID", 1, 1, "Why is it in this state, who is told when, what would change it",
         OPTIONS(json_options), command_explain},
        {"next", "", 0, 0, "The reminders that come next if nothing is filed",
         OPTIONS(next_options), command_next},
        {"log", "", 0, 0, "The ledger: what was counted, sent, decided", OPTIONS(log_options),
         command_log},
        {"queue", "[retry|drop|hold N...]", 0, 100,
         "Mail that waits; send it now, drop it, hold it", OPTIONS(queue_options), command_queue},
        {"report", "", 0, 0, "Points won, pending and at risk, by area and unit",
         OPTIONS(json_options), command_report},
        {"preview", "ID", 1, 1, "The mail about a deadline as it would leave",
         OPTIONS(preview_options), command_preview},
        {"simulate", "", 0, 0, "Every mail of a span of time, without daemon and evidence",
         OPTIONS(simulate_options), command_simulate},
        {"send-test", "ADDRESS", 1, 1, "Send a test mail", OPTIONS(json_options),
         command_send_test},
        {"reload", "", 0, 0, "Read the configuration again, and say what changed",
         OPTIONS(json_options), command_reload},
        {"release", "", 0, 0, "Let mail flow for the first time", OPTIONS(release_options),
         command_release},
        {"confirm", "", 0, 0, "Take the roots as they are; let many deadlines reopen",
         OPTIONS(json_options), command_confirm},
        {"check", "", 0, 0, "Every finding about the configuration, without the daemon",
         OPTIONS(check_options), command_check},
        {"init", "DIR", 1, 1, "Write a commented configuration to start from into a folder", NULL,
         0, command_init},
        {"export", "", 0, 0, "Everything as one JSON object", OPTIONS(export_options),
         command_export},
        {"waive", "ID", 1, 1, "It does not apply", OPTIONS(waive_options), command_decide},
        {"snooze", "ID", 1, 1, "No reminders until a day", OPTIONS(snooze_options), command_decide},
        {"extend", "ID", 1, 1, "Give it a later last day", OPTIONS(extend_options), command_decide},
        {"reopen", "ID", 1, 1, "End a waiver, a snooze or an explanation", OPTIONS(reopen_options),
         command_decide},
        {"import", "FILE.csv|tsv", 1, 1, "A spreadsheet's rows as a file for tasks.d",
         OPTIONS(import_options), command_import},
};

const struct command_table evidencectl_commands = {
        .program = "evidencectl",
        .summary = "Asks and tells evidenced, which reminds who still owes evidence.",
        .commands = commands,
        .n_commands = ELEMENTSOF(commands),
        .common = common,
        .n_common = ELEMENTSOF(common),
};
