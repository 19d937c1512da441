/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"
#include "core/lookup.h"

#define MAX_MISSING 20

bool is_stand_in(const char *id) { return strcmp(id, "-") == 0; }

static bool is_filed(enum state state) {
        return state == STATE_COMPLETE || state == STATE_LATE || state == STATE_WAIVED;
}

bool notice_is_overdue(const struct notice *n, usec_t now) {
        return n->instance && n->instance->has_deadline && !is_filed(n->state) &&
               now >= n->deadline.instant;
}

bool notice_is_open(const struct notice *n, usec_t now) {
        (void)now;
        return n->instance && !is_filed(n->state);
}

bool digest_is_single(const struct digest *digest) {
        for (size_t i = 1; i < digest->items.n; i++)
                if (!digest->items.items[i].instance ||
                    digest->items.items[i].instance != digest->items.items[0].instance)
                        return false;
        return digest->items.n > 0;
}

/* A task, and which of its items were seen. */
struct counted {
        const struct task *task;
        bool overdue, today, taken;
};

static void count(struct item_count *count, const struct task *task) {
        count->tasks++;
        count->points += task->points;
}

static struct counted counted_of(const struct document *doc, const struct notice *n) {
        usec_t now = doc->digest->at;
        bool due = n->instance->has_deadline && !is_filed(n->state);

        return (struct counted){
                .task = n->instance->task,
                .overdue = notice_is_overdue(n, now),
                .taken = n->kind != NOTICE_REFUSED,
                .today = due && now < n->deadline.instant && doc->today == n->deadline.effective,
        };
}

struct counting {
        struct counted *tasks; /* owned */
        size_t n;
        struct lookup by_task;
};

static void counting_done(struct counting *c) {
        free(c->tasks);
        lookup_done(&c->by_task);
}

static int add_counted(struct counting *c, struct counted more) {
        uint64_t hash = hash_number(HASH_SEED, (uintptr_t)more.task);
        size_t cursor = 0;
        uint32_t i;

        while ((i = lookup_next(&c->by_task, hash, &cursor)) != LOOKUP_NONE)
                if (c->tasks[i].task == more.task) {
                        c->tasks[i].overdue |= more.overdue;
                        c->tasks[i].today |= more.today;
                        c->tasks[i].taken |= more.taken;
                        return 0;
                }
        c->tasks[c->n] = more;
        return lookup_add(&c->by_task, hash, (uint32_t)c->n++);
}

struct item_counts items_count(struct document *doc) {
        const struct digest *digest = doc->digest;
        _cleanup_(counting_done) struct counting c = {
                .tasks = calloc(digest->items.n + 1, sizeof(*c.tasks)),
        };
        struct item_counts counts = {};
        int r = c.tasks ? lookup_reserve(&c.by_task, digest->items.n) : -ENOMEM;

        for (size_t i = 0; i < digest->items.n && r >= 0; i++)
                if (digest->items.items[i].instance)
                        r = add_counted(&c, counted_of(doc, &digest->items.items[i]));
        if (r < 0) {
                doc->words->error = -ENOMEM;
                return counts;
        }
        for (size_t i = 0; i < c.n; i++) {
                count(&counts.all, c.tasks[i].task);
                if (c.tasks[i].overdue)
                        count(&counts.overdue, c.tasks[i].task);
                if (c.tasks[i].today)
                        count(&counts.today, c.tasks[i].task);
                if (c.tasks[i].taken)
                        count(&counts.taken, c.tasks[i].task);
        }
        return counts;
}

/* ---- deadline ---- */

static void set_date(struct document *doc, struct value *object, const char *name,
                     const char *weekday, date_t date) {
        value_set(doc->pool, object, name, words_date(doc->words, date));
        value_set(doc->pool, object, weekday, words_weekday(doc->words, date));
}

static void set_days(struct document *doc, struct value *object, int days) {
        size_t n = (size_t)(days < 0 ? -days : days);

        value_set(doc->pool, object, "days", words_count(doc->words, n));
        value_set_flag(doc->pool, object, "some_days", n > 0);
        value_set_flag(doc->pool, object, "days_plural", n != 1);
}

static void deadline_basics(struct document *doc, const struct notice *n, struct value *object) {
        date_t stated = n->stated, effective = n->deadline.effective;
        bool extended = n->history && n->history->extended_to != DATE_NONE;
        bool timed = !extended && n->instance->due.time_of_day >= 0;
        bool before = !extended && !timed && n->instance->task->due_word == DUE_WORD_BEFORE;
        bool passed = doc->digest->at >= n->deadline.instant,
             open = notice_is_open(n, doc->digest->at);

        value_set_flag(doc->pool, object, "has_deadline", true);
        set_date(doc, object, "stated", "stated_weekday", stated);
        set_date(doc, object, "effective", "effective_weekday", effective);
        value_set_flag(doc->pool, object, "before", before);
        value_set_flag(doc->pool, object, "moved", before || stated != effective);
        if (timed)
                value_set(doc->pool, object, "hour",
                          words_time(doc->words, n->instance->due.time_of_day));
        if (extended)
                value_set(doc->pool, object, "original",
                          words_date(doc->words, n->instance->due.date));
        set_days(doc, object, n->days_left);
        value_set_flag(doc->pool, object, "overdue", open && passed);
        value_set_flag(doc->pool, object, "due_today", open && !passed && doc->today == effective);
        value_set_flag(doc->pool, object, "ahead", open && !passed && doc->today != effective);
}

void item_basics(struct document *doc, const struct notice *n, struct value *object) {
        const struct instance *instance = n->instance;
        const struct unit *unit = n->unit ? n->unit : instance ? instance->unit : NULL;

        value_set(doc->pool, object, "unit", words_clean(doc->words, unit ? unit->name : NULL));
        if (!instance)
                return;
        value_set(doc->pool, object, "id", words_clean(doc->words, instance->task->id));
        value_set(doc->pool, object, "points", words_points(doc->words, instance->task->points));
        value_set_flag(doc->pool, object, "some_points", instance->task->points > 0);
        value_set(doc->pool, object, "have",
                  words_count(doc->words, n->history ? history_have(n->history) : 0));
        value_set(doc->pool, object, "need", words_count(doc->words, instance->n_slots));
        value_set_flag(doc->pool, object, "needs_evidence", instance->n_slots > 0);
        if (instance->has_deadline)
                deadline_basics(doc, n, object);
}

/* ---- the rest ---- */

/* The requirement has fewer files than it asks for: how many, else 0. */
static uint32_t missing_of(const struct notice *n, size_t i) {
        bool known = n->history && n->history->n_have == n->instance->n_requirements;
        uint32_t have = known ? n->history->have[i] : 0,
                 count = n->instance->requirements[i].need->count;

        return have < count ? count - have : 0;
}

static void describe_missing(struct document *doc, const struct notice *n, struct value *object) {
        const struct instance *instance = n->instance;
        struct value *list = value_list_in(doc->pool, object, "missing"), *last = NULL;
        size_t named = 0;

        for (size_t i = 0; i < instance->n_requirements; i++) {
                const struct requirement *r = &instance->requirements[i];
                uint32_t missing = missing_of(n, i);
                struct value *item;

                if (missing == 0)
                        continue;
                value_set_flag(doc->pool, last, "followed", true);
                item = value_add_object(doc->pool, list);
                last = item;
                if (named++ == MAX_MISSING) {
                        value_set(doc->pool, item, "name", "…");
                        break;
                }
                value_set(doc->pool, item, "name", words_clean(doc->words, r->name));
                value_set(doc->pool, item, "count", words_count(doc->words, missing));
                value_set_flag(doc->pool, item, "counted", r->need->count > 1);
        }
        value_set_flag(doc->pool, object, "some_missing", last);
}

/* Where people find the folder: every root as they know it, with the separator that its name has. */
static const char *folder_words(struct document *doc, const char *dir) {
        const struct evidence_settings *e = &doc->context->model->evidence;
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

        for (size_t i = 0; i < e->roots.n; i++) {
                const char *display = i < e->display.n ? e->display.items[i] : NULL;
                const char *root = display ? display : e->roots.items[i];
                char separator = strchr(root, '\\') && !strchr(root, '/') ? '\\' : '/';
                size_t len = strlen(root);

                if (i > 0)
                        strbuf_adds(&b, " | ");
                strbuf_adds(&b, root);
                if (*dir && (len == 0 || root[len - 1] != separator))
                        strbuf_addc(&b, separator);
                for (const char *c = dir; *c; c++)
                        strbuf_addc(&b, *c == '/' ? separator : *c);
        }
        return words_path(doc->words, strbuf_str(&b));
}

static bool same_roles(const struct step *a, const struct step *b) {
        if (a == b)
                return true;
        if (!a || !b || a->n_to != b->n_to)
                return false;
        for (size_t i = 0; i < a->n_to; i++)
                if (strcmp(a->to[i], b->to[i]) != 0)
                        return false;
        return true;
}

static const char *roles_of(struct document *doc, const struct notice *n, const struct step *step) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        struct value *context = value_object(doc->pool);

        value_set(doc->pool, context, "unit",
                  words_clean(doc->words, n->unit ? n->unit->name : NULL));
        for (size_t i = 0; step && i < step->n_to; i++) {
                strbuf_adds(&b, i > 0 ? ", " : "");
                strbuf_adds(&b, words_have(doc->words, "role-", step->to[i])
                                        ? words_named(doc->words, "role-", step->to[i], context)
                                        : words_clean(doc->words, step->to[i]));
        }
        return words_clean(doc->words, strbuf_str(&b));
}

static void describe_next(struct document *doc, const struct notice *n, struct value *object) {
        struct value *next;
        struct civil civil;
        int days;

        if (!n->next.exists) { /* the end of the policy, or what `closes` leaves of it */
                value_set_flag(doc->pool, object, "last_reminder", n->rung);
                return;
        }
        civil = zone_civil(n->next.at);
        days = calendar_count_workdays(doc->context->model->calendar, doc->today, civil.date);
        next = value_object_in(doc->pool, object, "next");
        value_set(doc->pool, next, "date", words_date(doc->words, civil.date));
        value_set(doc->pool, next, "time", words_time(doc->words, civil.second));
        value_set(doc->pool, next, "roles", roles_of(doc, n, n->next.step));
        set_days(doc, next, days);
        value_set_flag(doc->pool, next, "escalates",
                       n->rung && !same_roles(n->rung->step, n->next.step));
}

static void describe_explanation(struct document *doc, struct value *object) {
        const char *pattern = doc->context->model->evidence.explanation;
        size_t len = pattern ? strlen(pattern) : 0;
        bool prefix = len > 1 && strcspn(pattern, "*?[{") == len - 1 && pattern[len - 1] == '*';
        struct value *explanation;

        if (len == 0)
                return;
        explanation = value_object_in(doc->pool, object, "explanation");
        value_set(doc->pool, explanation, prefix ? "prefix" : "pattern",
                  words_clean(doc->words, value_keep(doc->pool, pattern, prefix ? len - 1 : len)));
}

void item_describe(struct document *doc, const struct notice *n, struct value *object) {
        if (!n->instance)
                return;
        value_set(doc->pool, object, "title", words_clean(doc->words, n->instance->title));
        describe_missing(doc, n, object);
        if (n->instance->dir)
                value_set(doc->pool, object, "folder", folder_words(doc, n->instance->dir));
        describe_next(doc, n, object);
        describe_explanation(doc, object);
        if (n->n_reminded > 0)
                value_set(doc->pool, object, "reminded", words_count(doc->words, n->n_reminded));
        value_set_flag(doc->pool, object, "reminded_plural", n->n_reminded != 1);
        if (n->last_reminded > 0)
                value_set(doc->pool, object, "last_reminded",
                          words_moment(doc->words, n->last_reminded));
        value_set_flag(doc->pool, object, "unverified", n->history && n->history->unverified);
}

void item_head(struct document *doc, const struct notice *n, struct value *item, size_t number,
               bool counted) {
        value_setf(doc->pool, item, "number", "%zu", number);
        value_set(doc->pool, item, "head", words_phrase(doc->words, "value-criterion", item));
        value_set_flag(doc->pool, item, "alarm", notice_is_overdue(n, doc->digest->at));
        if (!n->instance)
                return;
        value_set(doc->pool, item, "column_points",
                  counted ? words_points(doc->words, n->instance->task->points) : "–");
        if (counted)
                value_set(doc->pool, item, "points_text",
                          words_phrase(doc->words, "value-points", item));
}

void item_naming(struct document *doc, const struct notice *n, struct value *item) {
        struct value *fact = NULL;
        size_t named = 0;

        for (size_t i = 0; n->instance && i < n->instance->n_requirements && named < MAX_MISSING;
             i++) {
                const struct requirement *r = &n->instance->requirements[i];
                struct value *context;

                if (missing_of(n, i) == 0 || !*r->asked || strcmp(r->asked, "*") == 0)
                        continue;
                if (named++ == 0)
                        fact = document_fact(doc, item, "naming",
                                             words_phrase(doc->words, "value-naming", item));
                context = value_object(doc->pool);
                value_set(doc->pool, context, "name",
                          r->name != r->asked ? words_clean(doc->words, r->name) : "");
                value_set(doc->pool, context, "pattern", words_clean(doc->words, r->asked));
                document_line(doc, fact, words_phrase(doc->words, "value-pattern", context));
        }
}

static const char *type_words(struct document *doc, const char *name) {
        return words_have(doc->words, "type-", name) ? words_named(doc->words, "type-", name, NULL)
                                                     : words_clean(doc->words, name);
}

/* "jpg, not pdf, docx": what it is, and what is asked for. */
static const char *wrong_type(struct document *doc, const char *detail) {
        static const char other[] = ", not ";
        const char *asked = strstr(detail, other), *comma;
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        struct value *context = value_object(doc->pool);

        if (!asked)
                return words_phrase(doc->words, "verdict-type", NULL);
        value_set(doc->pool, context, "is",
                  type_words(doc, value_keep(doc->pool, detail, (size_t)(asked - detail))));
        for (const char *name = asked + strlen(other); name; name = comma ? comma + 2 : NULL) {
                size_t len;

                comma = strstr(name, ", ");
                len = comma ? (size_t)(comma - name) : strlen(name);
                if (b.len > 0) {
                        strbuf_addc(&b, ' ');
                        strbuf_adds(&b, words_phrase(doc->words, "or", NULL));
                        strbuf_addc(&b, ' ');
                }
                strbuf_adds(&b, type_words(doc, value_keep(doc->pool, name, len)));
        }
        value_set(doc->pool, context, "asked", words_clean(doc->words, strbuf_str(&b)));
        return words_phrase(doc->words, "verdict-type-named", context);
}

static const char *file_line(struct document *doc, const struct file_note *file) {
        struct value *context = value_object(doc->pool);
        bool type = file->verdict == VERDICT_TYPE && file->detail;

        value_set(doc->pool, context, "file", words_path(doc->words, file->path));
        value_set(
                doc->pool, context, "verdict",
                type ? wrong_type(doc, file->detail)
                     : words_named(doc->words, "verdict-", verdict_to_string(file->verdict), NULL));
        if (file->detail && !type)
                value_set(doc->pool, context, "detail",
                          file->verdict == VERDICT_DUPLICATE ? words_path(doc->words, file->detail)
                                                             : words_key(doc->words, file->detail));
        if (file->folder)
                value_set(doc->pool, context, "folder", folder_words(doc, file->folder));
        value_set(doc->pool, context, "misplaced", /* the detail is where it belongs */
                  file->detail && file->verdict == VERDICT_NAME ? "yes" : "");
        return words_phrase(doc->words, "value-uncounted", context);
}

size_t item_files(struct document *doc, const struct notice *n, struct value *item,
                  const char *label, size_t max) {
        struct value *context = value_object(doc->pool), *fact;
        size_t n_refused = n->n_more_files, named = 0;

        for (size_t i = 0; i < n->n_files; i++)
                n_refused += n->files[i].verdict != VERDICT_COUNTED;
        if (n_refused == 0)
                return 0;
        value_set(doc->pool, context, "count", words_count(doc->words, n_refused));
        value_set_flag(doc->pool, context, "plural", n_refused != 1);
        fact = document_fact(doc, item, label, words_phrase(doc->words, "value-files", context));
        for (size_t i = 0; i < n->n_files && named < max; i++)
                if (n->files[i].verdict != VERDICT_COUNTED) {
                        document_line(doc, fact, file_line(doc, &n->files[i]));
                        named++;
                }
        if (n_refused > named) {
                value_set(doc->pool, context, "count", words_count(doc->words, n_refused - named));
                value_set_flag(doc->pool, context, "plural", n_refused - named != 1);
                document_line(doc, fact, words_phrase(doc->words, "more-files", context));
        }
        return n_refused;
}
