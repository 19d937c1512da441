/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/value.h"

static const char *const due_word_words[_DUE_WORD_MAX] = {
        [DUE_WORD_BY] = "by", [DUE_WORD_BEFORE] = "before"};
static const char *const shift_words[_SHIFT_MAX] = {
        [SHIFT_EARLIER] = "earlier",
        [SHIFT_LATER] = "later",
        [SHIFT_NONE] = "none",
};

/* "2018-11-30", "2018-11-30 16:30" or, as ISO 8601 has it, "2018-11-30T16:30" */
static void parse_due_text(struct reader *rd, const config_setting_t *s, const struct key *key,
                           void *target) {
        const char *text = value_text(rd, s, key);
        struct due *due = target;
        char day[DATE_BUFFER] = "";
        int time_of_day = -1;
        date_t date;

        if (!text)
                return;
        bool has_time = strlen(text) > DATE_BUFFER &&
                        (text[DATE_BUFFER - 1] == ' ' || text[DATE_BUFFER - 1] == 'T');
        if (has_time)
                memcpy(day, text, DATE_BUFFER - 1);
        int r = date_parse(has_time ? day : text, &date);
        if (r == -ERANGE) {
                rd_error(rd, s, "there is no day \"%s\" ('%s')", text, key->name);
                return;
        }
        if (r < 0 || (has_time && value_time(text + DATE_BUFFER, &time_of_day) < 0)) {
                rd_error(rd, s,
                         "\"%s\" is no deadline for '%s': write \"2018-11-30\" or \"2018-11-30 "
                         "16:30\"",
                         text, key->name);
                return;
        }
        due->date = date;
        due->time_of_day = time_of_day;
}

/* Empty, a label or a rule is more likely to be a slip than to say that there is none. */
static void parse_not_empty(struct reader *rd, const config_setting_t *s, const struct key *key,
                            void *target) {
        const char *text = value_text(rd, s, key);

        if (text && *text == '\0')
                rd_error(rd, s, "'%s' is empty: remove it", key->name);
        else if (text)
                *(const char **)target = text;
}

#define DUE_WORDS "a deadline such as \"2018-11-30\" or \"2018-11-30 16:30\""
static const struct key due_keys[] = {
        KEY(SPECIAL, "date", struct due_draft, due, .parse = parse_due_text, .flags = KEY_REQUIRED,
            .words = DUE_WORDS),
        KEY(TEXT, "label", struct due_draft, due.label, .parse = parse_not_empty),
};
const struct section section_due = {"tasks.due", due_keys, ELEMENTSOF(due_keys), SECTION_REPEATED};

static void read_due(struct reader *rd, const config_setting_t *s, const struct key *key,
                     struct task_draft *draft) {
        struct due_draft due = {.due = {.date = DATE_NONE, .time_of_day = -1},
                                .line = config_setting_source_line(s)};

        if (config_setting_is_group(s))
                (void)read_group(rd, s, key->inner, &due);
        else if (config_setting_type(s) == CONFIG_TYPE_STRING)
                parse_due_text(rd, s, key, &due.due);
        else
                rd_wrong_type(rd, s, key);
        if (due.due.date != DATE_NONE)
                draft->dues[draft->n_dues++] = due;
}

static void parse_due(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        bool many = config_setting_is_list(s) || config_setting_is_array(s);
        struct task_draft *draft = target;

        draft->dues = arena_new_array(rd->scratch, struct due_draft, list_length(s));
        for (size_t i = 0, n = list_length(s); i < n; i++)
                read_due(rd, many ? config_setting_get_elem(s, (unsigned)i) : s, key, draft);
}

/* needs */

static void parse_types(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        const char *names[_FILE_TYPE_MAX];
        struct string_list list;
        uint32_t bits = 0;

        if (!value_texts(rd, s, key, NULL, &list))
                return;
        for (size_t i = 0; i < list.n; i++) {
                enum file_type type;

                if (file_type_from_string(list.items[i], &type) == 0) {
                        bits |= UINT32_C(1) << type;
                        continue;
                }
                for (size_t t = 0; t < _FILE_TYPE_MAX; t++)
                        names[t] = file_type_to_string(t);
                const char *nearest = text_nearest(list.items[i], names, _FILE_TYPE_MAX);
                rd_error(rd, s,
                         "\"%s\" is no type of file that is recognised%s%s%s: see "
                         "evidenced-tasks(5)",
                         list.items[i], nearest ? ", did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?" : "");
        }
        *(uint32_t *)target = bits;
}

static void parse_match(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct string_list list = {};

        if (!value_texts(rd, s, key, NULL, &list))
                return;
        if (list.n == 0)
                rd_error(rd, s,
                         "'match' is empty: name a pattern such as \"*.pdf\", or remove it for any "
                         "name");
        else
                *(struct string_list *)target = list;
}

static const struct key need_keys[] = {
        TEXT("name", struct need, name, .fallback = "its patterns"),
        KEY(SPECIAL, "match", struct need, match, .parse = parse_match, .fallback = "any name",
            .words = "a list of patterns such as [ \"*BC*.pdf\" ]"),
        KEY(SPECIAL, "type", struct need, types, .parse = parse_types, .fallback = "any type",
            .words = "a list of types such as [ \"pdf\", \"docx\" ]"),
        KEY(INT, "count", struct need, count, .fallback = "1", .min = 1, .max = 10000),
        KEY(SIZE, "min_size", struct need, min_size, .fallback = "not empty", .max = INT64_MAX),
        KEY(DURATION, "fresh", struct need, fresh, .fallback = "any age", .min = USEC_PER_HOUR,
            .max = 36600 * USEC_PER_DAY),
        KEY(DATE, "since", struct need, since),
        KEY(BOOL, "fold", struct need, fold, .fallback = "true"),
        KEY(BOOL, "signed", struct need, signed_only, .fallback = "false"),
        KEY(TEXTS, "only", struct need, only, .fallback = "all occurrences",
            .words = "a list of labels such as [ \"quý I\" ]"),
};
const struct section section_need = {"tasks.evidence.need", need_keys, ELEMENTSOF(need_keys),
                                     SECTION_REPEATED};

struct need_list {
        struct need *items;
        size_t n;
};

static const char *const any_name[] = {"*"};

static void read_need(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        struct need_list *list = target;
        struct need *need = &list->items[list->n++];

        *need = (struct need){
                .name = "",
                .match = {any_name, 1},
                .count = 1,
                .since = DATE_NONE,
                .fold = true,
                .source = rd_source(rd, s),
        };
        (void)read_group(rd, s, key->inner, need);
        if (!need->name) /* given as "" */
                need->name = "";
}

static void parse_needs(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct task *task = target;
        struct need_list list = {.items = arena_new_array(rd->arena, struct need, list_length(s))};

        read_list(rd, s, key, read_need, &list);
        task->needs = list.items;
        task->n_needs = list.n;
}

/* tasks */

static const struct key task_evidence_keys[] = {
        KEY(SPECIAL, "dir", struct task_draft, task.dir, .parse = read_dir, .flags = KEY_REQUIRED,
            .words = "a folder below evidence.roots such as \"1.2/{label}\""),
        KEY(BOOL, "recursive", struct task_draft, task.recursive, .fallback = "true"),
        KEY(LIST, "need", struct task_draft, task, .parse = parse_needs, .flags = KEY_REQUIRED,
            .inner = &section_need,
            .words = "a list of requirements such as ( { name = \"…\"; match = [ \"*.pdf\" ]; } )"),
};
const struct section section_task_evidence = {
        "tasks.evidence",
        task_evidence_keys,
        ELEMENTSOF(task_evidence_keys),
        SECTION_REPEATED,
};

static const struct key task_keys[] = {
        KEY(ID, "id", struct task_draft, task.id, .flags = KEY_REQUIRED),
        KEY(ID, "area", struct task_draft, area),
        TEXT("title", struct task_draft, task.title, .flags = KEY_REQUIRED),
        KEY(POINTS, "points", struct task_draft, task.points, .fallback = "0"),
        KEY(ID, "unit", struct task_draft, unit),
        {.name = "due",
         .type = KEY_SPECIAL,
         .parse = parse_due,
         .inner = &section_due,
         .words = DUE_WORDS ", or a list of those and of { date; label; }"},
        {.name = "evidence",
         .type = KEY_GROUP,
         .inner = &section_task_evidence,
         .words = "a group such as { dir = \"1.2\"; need = ( … ); }"},
        KEY(CHOICE, "due_word", struct task_draft, task.due_word, CHOICES(due_word_words),
            .fallback = "by", .words = "\"by\" or \"before\""),
        KEY(ADDRESSES, "owner", struct task_draft, task.owner),
        KEY(IDS, "co_units", struct task_draft, co_units),
        KEY(IDS, "each_unit", struct task_draft, each_unit),
        KEY(BOOL, "tracked", struct task_draft, task.tracked, .fallback = "true"),
        KEY(BOOL, "unassigned", struct task_draft, task.unassigned,
            .fallback = "false; the area's"),
        KEY(CHOICE, "shift", struct task_draft, task.shift, CHOICES(shift_words),
            .fallback = "earlier", .words = "\"earlier\", \"later\" or \"none\""),
        TEXT("repeat", struct task_draft, repeat, .parse = parse_not_empty,
             .words = "a rule in double quotes such as \"FREQ=MONTHLY;COUNT=12\""),
        KEY(DATE, "opens", struct task_draft, task.opens, .fallback = "the first step"),
        KEY(DATE, "closes", struct task_draft, task.closes, .fallback = "organization.closes"),
        KEY(ID, "policy", struct task_draft, policy, .fallback = "default"),
};
_Static_assert(ELEMENTSOF(task_keys) <= SECTION_KEYS_MAX, "keys of a section are counted in bits");
const struct section section_task = {"tasks", task_keys, ELEMENTSOF(task_keys), SECTION_REPEATED};

static int compare_dues(const void *pa, const void *pb) {
        const struct due_draft *a = pa, *b = pb;

        if (a->due.date != b->due.date)
                return a->due.date < b->due.date ? -1 : 1;
        return (a->line > b->line) - (a->line < b->line);
}

/* Where the group of evidence keys begins is the task itself: its keys know their offsets in the draft. */
static void finish_task(struct reader *rd, const config_setting_t *s, struct task_draft *draft) {
        struct task *task = &draft->task;
        const char *error = NULL;

        if (draft->n_dues > 1)
                qsort(draft->dues, draft->n_dues, sizeof(*draft->dues), compare_dues);
        struct due *dues = arena_new_array(rd->arena, struct due, draft->n_dues);
        for (size_t i = 0; i < draft->n_dues; i++)
                dues[i] = draft->dues[i].due;
        task->dues = dues;
        task->n_dues = draft->n_dues;

        if (!draft->repeat)
                return;
        if (recurrence_parse(rd->arena, draft->repeat, &task->repeat, &error) < 0)
                rd_error(rd, s, "the rule \"%s\" of task '%s': %s", draft->repeat,
                         task->id ? task->id : "?", error);
        else if (draft->n_dues != 1 && !rd->bad)
                rd_error(rd, s,
                         "task '%s' has a rule ('repeat') and %zu deadlines: give it the first "
                         "deadline alone",
                         task->id, draft->n_dues);
}

static void read_task(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        struct task_draft *draft = arena_alloc(rd->scratch, sizeof(*draft));

        (void)target;
        draft->task = (struct task){
                .tracked = true,
                .recursive = true,
                .opens = DATE_NONE,
                .closes = DATE_NONE,
                .source = rd_source(rd, s),
        };
        rd->bad = false;
        (void)read_group(rd, s, key->inner, draft);
        finish_task(rd, s, draft);
        draft->bad = rd->bad;
        if (draft->task.id)
                rd_check_oom(rd, array_push(&rd->tasks, draft));
}

void read_tasks(struct reader *rd, const config_setting_t *s, const struct key *key, void *target) {
        read_list(rd, s, key, read_task, target);
}
