/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/instance-text.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/outlook.h"
#include "core/requirement.h"
#include "ctl/output.h"

static void field(const char *name, const char *value) {
        _cleanup_free_ char *clean = clean_text(value);

        printf("%-10s %s\n", name, clean ? clean : "?");
}

void print_instance(const json_t *i) {
        bool extended = json_is_true(json_object_get(i, "extended")),
             unverified = json_is_true(json_object_get(i, "unverified"));
        const char *state = text_of(i, "state");
        char points[32], when[32];

        printf("%s%s%s\n", colour("bold"), text_of(i, "instance"), PLAIN);
        field("Title", text_of(i, "title"));
        printf("%-10s %s (area %s), owed by %s\n", "Points",
               format_points(json_object_get(i, "points"), points), text_of(i, "area"),
               text_of(i, "unit"));
        printf("%-10s %s%s%s, %lld of %lld%s\n", "State", colour(state_colour(state)), state,
               state_colour(state) ? PLAIN : "", int_of(i, "have"), int_of(i, "need"),
               unverified ? ", not verified: its evidence root can not be looked at now" : "");
        if (*text_of(i, "due")) {
                printf("%-10s %s, last working day %s%s", "Due", text_of(i, "stated"),
                       text_of(i, "due"), extended ? " (extended)" : "");
                printf(", ends %s\n", format_when(json_object_get(i, "deadline"), when));
        } else {
                field("Due", "no deadline: only reports show it");
        }
        if (json_is_string(json_object_get(i, "dir")))
                field("Folder", *text_of(i, "dir") ? text_of(i, "dir") : "(the root itself)");
}

static void print_decision(const json_t *d) {
        static const struct {
                const char *kind, *words;
        } kinds[] = {{"waive", "Waived"}, {"snooze", "Snoozed"}, {"extend", "Extended"}};
        _cleanup_free_ char *by = clean_text(text_of(d, "by")),
                            *reason = clean_text(text_of(d, "reason"));
        const char *kind = text_of(d, "kind"), *until = text_of(d, "until"), *words = kind;
        char at[32], ends[32];

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (strcmp(kinds[i].kind, kind) == 0)
                        words = kinds[i].words;
        printf("%s%s%s by %s on %s: %s\n", words, strcmp(kind, "extend") == 0 ? " to " : "",
               strcmp(kind, "extend") == 0 ? until : "", by ? by : "?",
               format_when(json_object_get(d, "at"), at), reason ? reason : "?");
        if (json_is_string(json_object_get(d, "ends")))
                printf("That ends by itself: %s\n", format_when(json_object_get(d, "ends"), ends));
}

void print_decisions(const json_t *decisions) {
        json_t *d;
        size_t i;

        json_array_foreach(decisions, i, d) print_decision(d);
}

int print_steps(const json_t *steps) {
        static const struct column columns[] = {{"STEP", 0, COLUMN_RIGHT}, {"AT", 0, 0},
                                                {"STATUS", 0, 0},          {"RECORDED", 0, 0},
                                                {"TO", 0.25, COLUMN_CUT},  {"CC", 0.2, COLUMN_CUT}};
        struct table *t = table_new(columns, ELEMENTSOF(columns));
        json_t *s;
        size_t i;

        if (!t)
                return EXIT_FAILURE;
        json_array_foreach(steps, i, s) {
                _cleanup_free_ char *to = joined(s, "to", ", "), *cc = joined(s, "cc", ", ");
                const char *status = text_of(s, "status");
                char at[32], recorded[32];

                table_row(t,
                          (const char *const[]){
                                  text_of(s, "step"), format_when(json_object_get(s, "at"), at),
                                  status, format_when(json_object_get(s, "recorded"), recorded), to,
                                  cc},
                          2,
                          strcmp(status, "sent") == 0  ? "green"
                          : strcmp(status, "due") == 0 ? "yellow"
                                                       : NULL);
        }
        return table_print(t);
}

static const char *const verdicts[_VERDICT_MAX] = {
        [VERDICT_COUNTED] = "counted",
        [VERDICT_NOT_REGULAR] = ("it is no regular file, or a link that leads out of the evidence "
                                 "folders: put the file itself there"),
        [VERDICT_IGNORED] = ("its name is on the list of names that never count (lock files, "
                             "partial downloads, hidden files)"),
        [VERDICT_NAME] = "its name matches no pattern: rename it",
        [VERDICT_BAD_NAME] = "its name is no valid UTF-8: rename it",
        [VERDICT_UNSETTLED] = "it is still being written: wait a moment",
        [VERDICT_EMPTY] = "it is empty",
        [VERDICT_TOO_SMALL] = "it is smaller than the requirement asks for",
        [VERDICT_UNREADABLE] = "it can not be read: look at its permissions",
        [VERDICT_TOO_LARGE] = "it is larger than evidence.max_size and was not examined",
        [VERDICT_TYPE] = "its content is of another type than asked for, whatever its name says",
        [VERDICT_BROKEN] = "it is not whole: copy it again",
        [VERDICT_UNSIGNED] = "it carries no digital signature, and one is asked for",
        [VERDICT_STALE] = "it is older than the requirement allows",
        [VERDICT_DUPLICATE] = "its content is the same as that of a file already counted here",
        [VERDICT_SURPLUS] = "it would count, but every place it fits is taken",
        [VERDICT_EXPLANATION] = "it explains why there is no evidence",
};

const char *verdict_words(const char *verdict) {
        enum verdict v;

        return verdict_from_string(verdict, &v) == 0 ? verdicts[v] : verdict;
}

static const char *const statuses[_LADDER_STATUS_MAX] = {
        [LADDER_SENT] = "was sent",
        [LADDER_COVERED] = "was covered by another mail",
        [LADDER_SUPERSEDED] = "was passed over, a later step took its place",
        [LADDER_MISSED] = "passed without a mail",
        [LADDER_DUE] = "is due",
        [LADDER_COMING] = "is to come",
};

const char *step_words(const char *status) {
        for (size_t i = 0; i < _LADDER_STATUS_MAX; i++)
                if (strcmp(ladder_status_to_string((enum ladder_status)i), status) == 0)
                        return statuses[i];
        return status;
}

static const char *const states[_STATE_MAX] = {
        [STATE_UNKNOWN] = ("its folder was never seen, so nobody is reminded; the administrator is "
                           "told"),
        [STATE_COMPLETE] = "everything asked for was filed in time",
        [STATE_LATE] = "everything asked for was filed, but after the deadline",
        [STATE_WAIVED] = "a person decided that it does not apply",
        [STATE_EXPLAINED] = "a file in its folder explains why there is no evidence",
        [STATE_SNOOZED] = "a person silenced its reminders for a while",
        [STATE_OVERDUE] = "its deadline has passed and something is missing",
        [STATE_PARTIAL] = "some of what is asked for was filed, and the deadline is to come",
        [STATE_OPEN] = "nothing that counts was filed, and the deadline is to come",
        [STATE_PLANNED] = "it is too early: reminders have not begun",
};

const char *state_words(const char *state) {
        for (size_t i = 0; i < _STATE_MAX; i++)
                if (strcmp(state_to_string((enum state)i), state) == 0)
                        return states[i];
        return state;
}

static const char *const causes[_EPISODE_CAUSE_MAX] = {
        [EPISODE_FIRST_KNOWN] = "the service first knew of it",
        [EPISODE_REOPENED] = "it was reopened (by a person, or since counted evidence went away)",
        [EPISODE_DEADLINE_CHANGED] = "its deadline changed",
        [EPISODE_SNOOZE_ENDED] = "its snooze ended",
        [EPISODE_WAIVER_ENDED] = "its waiver ended",
        [EPISODE_EXPLANATION_ENDED] = "the explanation in its folder went away",
};

const char *cause_words(const char *cause) {
        enum episode_cause c;

        return episode_cause_from_string(cause, &c) == 0 ? causes[c] : cause;
}
