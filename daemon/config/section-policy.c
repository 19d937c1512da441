/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/sections.h"

#include <string.h>
#include <strings.h>

#include "config/value.h"

#define POLICIES_MAX 1000
#define OFFSET_WORDS "an offset such as \"-3wd\", \"0\", \"+1wd\", \"-2w\" or \"-4h\""

static bool check_offset(struct reader *rd, const config_setting_t *s, const struct key *key,
                         const char *text) {
        struct offset offset;

        if (offset_parse(text, &offset) == 0)
                return true;
        rd_error(rd, s,
                 "\"%s\" is no offset for '%s': write \"-3wd\" or \"-3d\" (before), \"0\" (on the "
                 "day), \"+1wd\" (after), units h d wd w",
                 text, key->name);
        return false;
}

static void parse_offsets(struct reader *rd, const config_setting_t *s, const struct key *key,
                          void *target) {
        struct step *step = target;
        struct string_list texts = {};

        if (!value_texts(rd, s, key, check_offset, &texts) && texts.n == 0)
                return;
        struct offset *items = arena_new_array(rd->arena, struct offset, texts.n);
        for (size_t i = 0; i < texts.n; i++)
                (void)offset_parse(texts.items[i], &items[i]);
        if (texts.n == 0)
                rd_error(rd, s, "'%s' is empty: it takes %s", key->name, key_words(key));
        step->at = items;
        step->n_at = texts.n;
}

static void parse_every(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        const char *text = value_text(rd, s, key);
        struct step *step = target;

        if (!text)
                return;
        if (offset_parse_distance(text, &step->every) < 0)
                rd_error(rd, s,
                         "\"%s\" is no distance for 'every': write it as \"1wd\", \"2d\", \"1w\" "
                         "or \"4h\"",
                         text);
        else
                step->has_every = true;
}

static void parse_until(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        const char *text = value_text(rd, s, key);
        struct step *step = target;

        if (text && check_offset(rd, s, key, text))
                step->has_until = offset_parse(text, &step->until) == 0;
}

static void parse_to(struct reader *rd, const config_setting_t *s, const struct key *key,
                     void *target) {
        struct step *step = target;
        struct string_list list = {};

        if (value_texts(rd, s, key, NULL, &list) && list.n == 0)
                rd_error(rd, s, "'to' is empty: name at least one role such as \"unit\"");
        step->to = list.items;
        step->n_to = list.n;
}

static void parse_cc(struct reader *rd, const config_setting_t *s, const struct key *key,
                     void *target) {
        struct step *step = target;
        struct string_list list = {};

        (void)value_texts(rd, s, key, NULL, &list);
        step->cc = list.items;
        step->n_cc = list.n;
}

#define ROLE_WORDS .words = "a list of roles such as [ \"unit\", \"head\" ]"
static const struct key step_keys[] = {
        {"at", KEY_SPECIAL, KEY_REQUIRED, 0, parse_offsets,
         .words = OFFSET_WORDS " or a list of them"},
        {"to", KEY_SPECIAL, KEY_REQUIRED, 0, parse_to, ROLE_WORDS},
        {"cc", KEY_SPECIAL, 0, 0, parse_cc, ROLE_WORDS},
        {"every", KEY_SPECIAL, 0, 0, parse_every, .words = "a distance such as \"1wd\""},
        {"until", KEY_SPECIAL, 0, 0, parse_until, .fallback = "60 firings", .words = OFFSET_WORDS},
};
const struct section section_step = {"policies.steps", step_keys, ELEMENTSOF(step_keys),
                                     SECTION_REPEATED};

struct step_list {
        struct step *items;
        size_t n;
};

static void read_step(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        struct step_list *list = target;
        struct step *step = &list->items[list->n];

        *step = (struct step){.file = rd->file, .line = config_setting_source_line(s)};
        (void)read_group(rd, s, key->inner, step);
        list->n++;
}

static void parse_steps(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct policy *policy = target;
        struct step_list list = {.items = arena_new_array(rd->arena, struct step, list_length(s))};

        read_list(rd, s, key, read_step, &list);
        if (list.n == 0 && !rd->bad)
                rd_error(rd, s, "'steps' is empty: nobody would ever be reminded");
        policy->steps = list.items;
        policy->n_steps = list.n;
}

static const struct key policy_keys[] = {
        KEY(ID, "id", struct policy_draft, policy.id, .flags = KEY_REQUIRED),
        KEY(LIST, "steps", struct policy_draft, policy, .parse = parse_steps, .flags = KEY_REQUIRED,
            .inner = &section_step,
            .words = "a list of steps such as ( { at = \"-3wd\"; to = [ \"unit\" ]; } )"),
};
const struct section section_policy = {"policies", policy_keys, ELEMENTSOF(policy_keys),
                                       SECTION_REPEATED};

static void read_policy(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct policy_draft *draft = arena_alloc(rd->scratch, sizeof(*draft));

        (void)target;
        draft->source = rd_source(rd, s);
        rd->bad = false;
        (void)read_group(rd, s, key->inner, draft);
        draft->bad = rd->bad;
        if (rd->policies.n >= POLICIES_MAX)
                rd_error(rd, s, "there are more than %d policies: share some", POLICIES_MAX);
        else if (draft->policy.id)
                rd_check_oom(rd, array_push(&rd->policies, draft));
}

void read_policies(struct reader *rd, const config_setting_t *s, const struct key *key,
                   void *target) {
        read_list(rd, s, key, read_policy, target);
}

static const char *const scope_words[] = {"all", "unit"};
static const char *const content_words[] = {"evidence", "reminders"};
static const char *const only_when_words[] = {"always", "changed"};

static const struct key report_keys[] = {
        KEY(ID, "id", struct report_draft, report.id, .flags = KEY_REQUIRED),
        TEXT("repeat", struct report_draft, repeat, .flags = KEY_REQUIRED,
             .words = "a rule in double quotes such as \"FREQ=WEEKLY;BYDAY=MO\""),
        KEY(DATE, "date", struct report_draft, report.from),
        KEY(TIME, "at", struct report_draft, report.at, .fallback = "calendar.send_at"),
        KEY(TEXTS, "to", struct report_draft, report.to, .flags = KEY_REQUIRED, ROLE_WORDS),
        KEY(TEXTS, "cc", struct report_draft, report.cc, ROLE_WORDS),
        KEY(CHOICE, "scope", struct report_draft, report.per_unit, CHOICES(scope_words),
            .flags = KEY_TO_BOOL, .fallback = "all", .words = "\"all\" or \"unit\""),
        KEY(CHOICE, "content", struct report_draft, report.of_reminders, CHOICES(content_words),
            .flags = KEY_TO_BOOL, .fallback = "evidence", .words = "\"evidence\" or \"reminders\""),
        KEY(CHOICE, "only_when", struct report_draft, report.only_when_changed,
            CHOICES(only_when_words), .flags = KEY_TO_BOOL, .fallback = "always",
            .words = "\"always\" or \"changed\""),
};
const struct section section_report = {"reports", report_keys, ELEMENTSOF(report_keys),
                                       SECTION_REPEATED};

/* A rule that counts needs a date to count from. */
static bool needs_date(const char *rule) {
        const char *interval = strcasestr(rule, "INTERVAL=");

        return strcasestr(rule, "COUNT=") || (interval && strcmp(interval, "INTERVAL=1") != 0 &&
                                              strncmp(interval, "INTERVAL=1;", 11) != 0);
}

static bool yields_nothing(const struct report *report) {
        date_t date;

        return recurrence_expand(report->repeat, report->from != DATE_NONE ? report->from : 0,
                                 date_from_ymd(DATE_MAX_YEAR, 12, 31), &date, 1) == 0;
}

static void read_report(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct report_draft *draft = arena_alloc(rd->scratch, sizeof(*draft));
        const char *error = NULL;

        (void)target;
        draft->report = (struct report){.from = DATE_NONE, .at = -1, .source = rd_source(rd, s)};
        rd->bad = false;
        (void)read_group(rd, s, key->inner, draft);
        if (draft->report.id && draft->report.to.n == 0 && !rd->bad)
                rd_error(rd, s, "'to' is empty: name at least one role such as \"director\"");
        if (draft->repeat &&
            recurrence_parse(rd->arena, draft->repeat, &draft->report.repeat, &error) < 0)
                rd_error(rd, s, "the rule \"%s\" of report '%s': %s", draft->repeat,
                         draft->report.id ? draft->report.id : "?", error);
        else if (draft->repeat && draft->report.from == DATE_NONE && needs_date(draft->repeat))
                rd_error(rd, s,
                         "a rule with INTERVAL or COUNT needs a day to count from: add date = "
                         "\"2018-01-01\"");
        else if (draft->report.repeat && yields_nothing(&draft->report))
                rd_error(rd, s, "the rule \"%s\" of report '%s' gives no date at all",
                         draft->repeat, draft->report.id ? draft->report.id : "?");
        if (draft->report.of_reminders &&
            (draft->report.per_unit || draft->report.only_when_changed))
                rd_error(rd, s,
                         "a report of reminders is about all units and says so when there were "
                         "none: leave out scope and only_when");
        draft->bad = rd->bad;
        if (draft->report.id)
                rd_check_oom(rd, array_push(&rd->reports, draft));
}

void read_reports(struct reader *rd, const config_setting_t *s, const struct key *key,
                  void *target) {
        read_list(rd, s, key, read_report, target);
}
