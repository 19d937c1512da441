/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/check.h"
#include "config/check-folders.h"
#include "core/instance.h"

#define HORIZON_DAYS                                                                               \
        92 /* of endless rules beyond today: a missing calendar is noticed a quarter ahead */

DEFINE_CLEANUP(struct instance_set *, instance_set_free)

/* Rungs that come too early for some instances, counted so that each is one finding and not one per task. */
struct missed {
        size_t n;
        const struct instance *first;
};

struct walk {
        struct reader *rd;
        const struct instance *year_first[DATE_MAX_YEAR - DATE_MIN_YEAR + 1];
        struct missed *before_open, *before_today; /* by rung of all policies, one after another */
        struct missed closed;                      /* by organization.closes */
        const struct task *last;                   /* of the last finding about a task */
        size_t n_past, n_dated;
        date_t year_first_day, year_last_day; /* the year of the last instance */
        bool year_listed;
};

static date_t floor_days(int hours) { return hours >= 0 ? hours / 24 : -((23 - hours) / 24); }

/* The day on which a rung fires, for an instance that was known before its deadline; near enough for hours. */
static date_t rung_date(const struct calendar *cal, date_t effective, struct offset offset) {
        date_t date = effective;

        switch (offset.unit) {
        case OFFSET_WORKING_DAYS:
                return offset.count == 0 ? calendar_workday_on_or_before(cal, effective)
                                         : calendar_add_workdays(cal, effective, offset.count);
        case OFFSET_DAYS:
                date += offset.count;
                break;
        case OFFSET_WEEKS:
                date += 7 * offset.count;
                break;
        case OFFSET_HOURS:
                date += floor_days(offset.count);
                break;
        case _OFFSET_UNIT_MAX:
                break;
        }
        return offset.count <= 0 ? calendar_workday_on_or_before(cal, date)
                                 : calendar_workday_on_or_after(cal, date);
}

static date_t closes_of(const struct walk *w, const struct task *task) {
        return task->closes != DATE_NONE ? task->closes : w->rd->m.organization.closes;
}

static void reach_year(struct walk *w, const struct instance *instance, date_t date) {
        const struct task *task = instance->task;
        date_t closes = closes_of(w, task);

        if (date == DATE_NONE || (task->opens != DATE_NONE && date < task->opens) ||
            (closes != DATE_NONE && date > closes))
                return;
        int year = date_to_ymd(date).year;
        if (year < DATE_MIN_YEAR || year > DATE_MAX_YEAR ||
            calendar_lists_year(w->rd->m.calendar, year))
                return;
        if (!w->year_first[year - DATE_MIN_YEAR])
                w->year_first[year - DATE_MIN_YEAR] = instance;
}

static void note_missed(struct missed *missed, const struct instance *instance) {
        if (missed->n++ == 0)
                missed->first = instance;
}

static size_t rung_base(const struct model *m, const struct policy *policy) {
        size_t base = 0;

        for (const struct policy *p = m->policies; p < policy; p++)
                base += p->n_rungs;
        return base;
}

static void look_at_rungs(struct walk *w, const struct instance *instance, size_t base) {
        const struct policy *policy = instance->task->policy;
        date_t effective = instance->deadline.effective, today = w->rd->options->today,
               opens = instance->task->opens;

        for (size_t i = 0; i < policy->n_rungs; i++) {
                struct offset offset = policy->rungs[i].offset;
                date_t date = rung_date(w->rd->m.calendar, effective, offset);

                reach_year(w, instance, date);
                if (offset.count >= 0 || date == DATE_NONE)
                        continue;
                if (opens != DATE_NONE && opens <= effective && date < opens)
                        note_missed(&w->before_open[base + i], instance);
                else if (today != DATE_NONE && effective >= today && date < today)
                        note_missed(&w->before_today[base + i], instance);
        }
}

static void look_at_limits(struct walk *w, const struct instance *instance) {
        const struct task *task = instance->task;
        date_t effective = instance->deadline.effective;
        char date[DATE_BUFFER], other[DATE_BUFFER];

        if (task->opens != DATE_NONE && task->opens > effective && w->last != task) {
                w->last = task;
                rd_warning_at(w->rd, task->source,
                              "%s opens on %s, after its deadline of %s: the steps before the "
                              "deadline are never reached; "
                              "correct 'opens'",
                              instance->key, date_format(task->opens, date),
                              date_format(effective, other));
        }
        if (task->closes != DATE_NONE && task->closes < effective && w->last != task) {
                w->last = task;
                rd_warning_at(w->rd, task->source,
                              "%s closes on %s, before its deadline of %s: the steps after that "
                              "are never reached; "
                              "correct 'closes'",
                              instance->key, date_format(task->closes, date),
                              date_format(effective, other));
        }
        if (task->closes == DATE_NONE && w->rd->m.organization.closes != DATE_NONE &&
            w->rd->m.organization.closes < effective)
                note_missed(&w->closed, instance);
}

/* Only rungs before the first and after the last of the year 20xx can leave it: most instances need no look at each. */
struct span {
        struct offset first, last; /* of one policy, roughly: by days */
        size_t base;
};

static int offset_days(struct offset offset) {
        switch (offset.unit) {
        case OFFSET_WORKING_DAYS:
                return offset.count * 7 / 5;
        case OFFSET_DAYS:
                return offset.count;
        case OFFSET_WEEKS:
                return offset.count * 7;
        case OFFSET_HOURS:
        case _OFFSET_UNIT_MAX:
                break;
        }
        return offset.count / 24;
}

static void find_span(const struct policy *policy, struct span *span) {
        for (size_t i = 0; i < policy->n_rungs; i++) {
                struct offset offset = policy->rungs[i].offset;

                if (i == 0 || offset_days(offset) < offset_days(span->first))
                        span->first = offset;
                if (i == 0 || offset_days(offset) > offset_days(span->last))
                        span->last = offset;
        }
}

#define SLACK 40 /* days that holidays can stretch an offset beyond offset_days() */

static bool is_plain(struct walk *w, const struct instance *instance, const struct span *span) {
        date_t effective = instance->deadline.effective;
        date_t first = effective + offset_days(span->first) - SLACK,
               last = effective + offset_days(span->last) + SLACK;
        date_t opens = instance->task->opens, today = w->rd->options->today;

        if (effective < w->year_first_day || effective > w->year_last_day) {
                int year = date_to_ymd(effective).year;

                w->year_first_day = date_from_ymd(year, 1, 1);
                w->year_last_day = date_from_ymd(year, 12, 31);
                w->year_listed = calendar_lists_year(w->rd->m.calendar, year);
        }
        if (!w->year_listed || first < w->year_first_day || last > w->year_last_day)
                return false;
        return (opens == DATE_NONE || first >= opens) &&
               (today == DATE_NONE || first >= today || effective < today);
}

static void look_at(struct walk *w, const struct instance *instance, const struct span *spans) {
        date_t today = w->rd->options->today;

        if (!instance->has_deadline)
                return;
        w->n_dated++;
        w->n_past += today != DATE_NONE && instance->deadline.effective < today;
        reach_year(w, instance, instance->deadline.effective);
        look_at_limits(w, instance);
        if (!instance->task->policy)
                return;
        const struct span *span = &spans[instance->task->policy - w->rd->m.policies];
        if (!is_plain(w, instance, span))
                look_at_rungs(w, instance, span->base);
}

/* Rungs of one policy that some instance misses, in one line: "-15wd, -10wd". Return: the first such, NULL: none. */
static const struct missed *join_missed(const struct policy *policy, const struct missed *missed,
                                        struct strbuf *out) {
        const struct missed *most = NULL;

        for (size_t i = 0; i < policy->n_rungs; i++) {
                char offset[OFFSET_BUFFER];

                if (missed[i].n == 0)
                        continue;
                strbuf_addf(out, "%s%s", most ? ", " : "",
                            offset_format(policy->rungs[i].offset, offset));
                if (!most || missed[i].n > most->n)
                        most = &missed[i];
        }
        return most;
}

static void say_missed(struct walk *w, const struct policy *policy, size_t base) {
        _cleanup_(strbuf_done) struct strbuf early = STRBUF_INIT, late = STRBUF_INIT;
        const struct missed *open = join_missed(policy, w->before_open + base, &early);
        const struct missed *today = join_missed(policy, w->before_today + base, &late);
        char date[DATE_BUFFER];

        if (open)
                rd_warning_at(w->rd, open->first->task->source,
                              "policy '%s': the steps %s are never reached for %s%s: they come "
                              "before 'opens' (%s); open "
                              "earlier, or use a policy with a shorter lead",
                              policy->id, strbuf_str(&early), open->first->key,
                              open->n > 1 ? " and others" : "",
                              date_format(open->first->task->opens, date));
        if (today)
                rd_warning_at(w->rd, today->first->task->source,
                              "policy '%s': the steps %s are not reached any more for %s%s: the "
                              "lead is longer than the "
                              "time left",
                              policy->id, strbuf_str(&late), today->first->key,
                              today->n > 1 ? " and others" : "");
}

static void say_all(struct walk *w, struct source main, const struct span *spans) {
        const struct model *m = &w->rd->m;
        char date[DATE_BUFFER];

        for (int year = DATE_MIN_YEAR; year <= DATE_MAX_YEAR; year++) {
                const struct instance *first = w->year_first[year - DATE_MIN_YEAR];

                if (first)
                        rd_warning_at(w->rd, first->task->source,
                                      "the calendar lists no day off in %d, which %s or one of its "
                                      "steps reaches: "
                                      "add that year's 'off' days to calendar.d",
                                      year, first->key);
        }
        for (size_t i = 0; i < m->n_policies; i++)
                say_missed(w, &m->policies[i], spans[i].base);
        if (w->closed.n > 0)
                rd_warning_at(w->rd, w->closed.first->task->source,
                              "%s%s is due after 'organization.closes' (%s): the steps after that "
                              "are never "
                              "reached; give the task a 'closes' of its own",
                              w->closed.first->key, w->closed.n > 1 ? " (and others)" : "",
                              date_format(m->organization.closes, date));
        if (w->n_dated > 0 && w->n_past == w->n_dated)
                rd_warning_at(w->rd, main,
                              "every one of the %zu deadlines is past: is this the configuration "
                              "of an earlier year?",
                              w->n_dated);
}

struct problems {
        struct reader *rd;
        const struct task *task; /* of the last one */
        const char *text;        /* what it said behind the instance's key */
};

/* What is wrong with every occurrence of a task in the same way is said once. */
static void on_problem(void *userdata, const struct task *task, const char *text) {
        struct problems *problems = userdata;
        const char *colon = strstr(text, ": ");

        if (colon && problems->task == task && problems->text && strcmp(problems->text, colon) == 0)
                return;
        problems->task = task;
        problems->text = colon ? arena_strdup(problems->rd->scratch, colon) : NULL;
        rd_error_at(problems->rd, task->source, "%s", text);
}

static date_t horizon_of(const struct reader *rd) {
        date_t last = rd->options->today;

        if (last != DATE_NONE)
                return last + HORIZON_DAYS;
        for (size_t i = 0; i < rd->m.n_tasks; i++)
                for (size_t k = 0; k < rd->m.tasks[i].n_dues; k++)
                        if (rd->m.tasks[i].dues[k].date > last)
                                last = rd->m.tasks[i].dues[k].date;
        return last == DATE_NONE ? 0 : last + HORIZON_DAYS;
}

static void walk_instances(struct reader *rd, struct source main, const struct instance_set *set) {
        struct span *spans = arena_new_array(rd->scratch, struct span, rd->m.n_policies);
        struct walk *w = arena_alloc(rd->scratch, sizeof(*w));
        size_t n_rungs = rung_base(&rd->m, rd->m.policies + rd->m.n_policies);

        w->rd = rd;
        w->year_first_day = w->year_last_day = DATE_NONE;
        w->before_open = arena_new_array(rd->scratch, struct missed, n_rungs);
        w->before_today = arena_new_array(rd->scratch, struct missed, n_rungs);
        for (size_t i = 0, base = 0; i < rd->m.n_policies; base += rd->m.policies[i++].n_rungs) {
                find_span(&rd->m.policies[i], &spans[i]);
                spans[i].base = base;
        }
        for (size_t i = 0; i < set->n; i++)
                look_at(w, &set->items[i], spans);
        say_all(w, main, spans);
}

void check_instances(struct reader *rd, struct source main) {
        _cleanup_(instance_set_free_p) struct instance_set *set = NULL;

        struct problems problems = {.rd = rd};

        int r = instance_set_new(&rd->m, horizon_of(rd), on_problem, &problems, &set);
        if (r == -ENOMEM)
                rd->findings->failed = true;
        if (r < 0)
                return;
        walk_instances(rd, main, set);
        check_folders(rd, set);
}
