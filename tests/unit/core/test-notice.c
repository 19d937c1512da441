/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/model-builder.h"
#include "core/report.h"

static int setup(void **state) {
        struct builder *b = calloc(1, sizeof(*b));

        assert_non_null(b);
        builder_init(b);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        builder_done(*state);
        free(*state);
        return 0;
}

static const char *join(const struct recipients *set, char *buf, size_t size) {
        *buf = '\0';
        for (size_t i = 0; i < set->n; i++)
                snprintf(buf + strlen(buf), size - strlen(buf), "%s%.*s", i ? " " : "",
                         (int)strcspn(set->items[i]->spec, "@"), set->items[i]->spec);
        return buf;
}

static struct address_list *role_of(struct builder *b, const char *name) {
        return (struct address_list *)&role_find(&b->model->roles, name)->who;
}

/* ---- recipients ---- */

static const struct {
        const char *roles, *unit, *expected; /* what stands before the @ */
} who[] = {
        {"unit", "VP", "VP"},
        {"unit,unit", "VP", "VP"},
        {"head,unit", "VP", "VP.head VP"},
        {"owner", "VP", "an BINH"},
        {"co_units", "VP", "KHTC TTTK"},
        {"coordinator,director", "VP", "coordinator director"},
        {"nobody", "VP", "coordinator"},
        {"nobody,unit", "VP", "coordinator VP"},
        {"secretary", "VP", "sec"},           /* a role of this unit only */
        {"secretary", "KHTC", "coordinator"}, /* so there it is nobody's */
        {"deputy", "VP", "deputy"},
        {"deputy", "KHTC", "own"},        /* the unit's own before the organisation's */
        {"outside", "VP", "coordinator"}, /* beyond the fence */
        {"both", "VP", "inside"},
        {"", "VP", ""},
};

/* Some roles are a unit's own, some of their addresses beyond the fence. */
static void give_roles(struct builder *b) {
        struct role *vp = (struct role *)b->units[0].roles.items;
        struct role *khtc = (struct role *)b->units[1].roles.items;

        vp[1] = (struct role){.name = "secretary", .who = builder_addresses(b, "sec@d.example")};
        vp[2] = (struct role){.name = "outside",
                              .who = builder_addresses(b, "x@elsewhere.example")};
        vp[3] = (struct role){.name = "both",
                              .who = builder_addresses(b, "x@sub.d.example, inside@d.example")};
        b->units[0].roles.n = 4;
        khtc[1] = (struct role){.name = "deputy", .who = builder_addresses(b, "own@d.example")};
        b->units[1].roles.n = 2;
        b->model->mail.allowed_domains = builder_strings(b, "other.example, d.example");
}

static void assert_resolved(struct builder *b, const char *names, const struct unit *unit,
                            const struct task *task, const char *expected) {
        _cleanup_(recipients_done) struct recipients set = RECIPIENTS_INIT;
        struct string_list roles = builder_strings(b, names);
        char buf[256];

        assert_int_equal(recipients_resolve(b->model, roles.items, roles.n, unit, task, &set), 0);
        /* Keys are in order, so that capitals are not. */
        assert_string_equal(join(&set, buf, sizeof(buf)), expected);
}

static void test_recipients(void **state) {
        struct builder *b = *state;
        struct task *task = builder_task(b, "1", "VP", "2018-11-15");

        task->owner = builder_addresses(b, "BINH@D.example, an@d.example, binh@d.example");
        task->co_units = builder_units(b, "TTTK,KHTC", &task->n_co_units);
        give_roles(b);
        builder_finish(b);
        for (size_t i = 0; i < ELEMENTSOF(who); i++)
                assert_resolved(b, who[i].roles, model_find_unit(b->model, who[i].unit), task,
                                who[i].expected);
        *role_of(b, "coordinator") = builder_addresses(b, "c@elsewhere.example");
        assert_resolved(b, "nobody", NULL, NULL, "administrator");
}

static void test_sets(void **state) {
        struct builder *b = *state;
        struct address_list list = builder_addresses(b, "b@x, A@x, c@x, a@x");
        _cleanup_(recipients_done) struct recipients one = RECIPIENTS_INIT, two = RECIPIENTS_INIT;
        char buf[64];

        for (size_t i = 0; i < list.n; i++)
                assert_int_equal(recipients_add(&one, &list.items[i]), 0);
        assert_string_equal(join(&one, buf, sizeof(buf)), "A b c");
        assert_int_equal(recipients_add(&two, &list.items[2]), 0);
        assert_true(recipients_compare(&one, &two) < 0);
        assert_true(recipients_compare(&two, &one) > 0);
        recipients_remove(&one, &two);
        assert_string_equal(join(&one, buf, sizeof(buf)), "A b");
        assert_int_equal(recipients_merge(&two, &one), 0);
        assert_string_equal(join(&two, buf, sizeof(buf)), "A b c");
        assert_true(recipients_compare(&one, &two) < 0); /* a prefix comes first */
        assert_int_equal(recipients_compare(&one, &one), 0);
        assert_true(recipients_contain(&two, &list.items[3]));
        assert_false(recipients_contain(&one, &list.items[2]));
}

/* ---- one notice ---- */

static void test_class(void **state) {
        static const struct {
                const char *due, *to, *now;
                enum notice_class expected;
        } rows[] = {
                {"2018-11-15", "unit", "2018-11-14 07:30", NOTICE_CLASS_LEAD},
                {"2018-11-15", "director", "2018-11-14 07:30", NOTICE_CLASS_LEAD},
                {"2018-11-15", "unit", "2018-11-15 07:30", NOTICE_CLASS_DUE_TODAY},
                {"2018-11-15 12:00", "unit", "2018-11-15 12:00", NOTICE_CLASS_OVERDUE},
                {"2018-11-15", "head", "2018-11-16 07:30", NOTICE_CLASS_OVERDUE},
                {"2018-11-15", "coordinator", "2018-11-16 07:30", NOTICE_CLASS_OVERDUE},
                {"2018-11-15", "nobody", "2018-11-16 07:30", NOTICE_CLASS_OVERDUE},
                {"2018-11-15", "head,deputy", "2018-11-16 07:30", NOTICE_CLASS_ESCALATION},
                {"2018-11-15", "director", "2018-11-16 07:30", NOTICE_CLASS_ESCALATION},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct history history = history_at(at("2018-11-01 07:30"));
                struct builder b;
                struct instance_set *set;
                struct notice notice;
                struct policy *policy;
                enum notice_class late;
                char text[64];

                builder_init(&b);
                snprintf(text, sizeof(text), "0 > %s", rows[i].to);
                policy = builder_policy(&b, "p", text);
                builder_task(&b, "1", "VP", rows[i].due);
                set = builder_instances(builder_finish(&b));
                notice = notice_about(b.model, NOTICE_REMINDER, &set->items[0], &history,
                                      at(rows[i].now));
                notice.rung = &policy->rungs[0];
                late = notice_class_late(b.model, &notice);
                assert_int_equal(notice_class_on(&notice, late, at(rows[i].now)), rows[i].expected);
                notice.kind = NOTICE_RECEIVED;
                assert_int_equal(notice_class_on(&notice, late, at(rows[i].now)),
                                 NOTICE_CLASS_INFO);
                instance_set_free(set);
                builder_done(&b);
        }
}

static void test_days_left(void **state) {
        static const struct {
                const char *effective, *today;
                int expected;
        } rows[] = {
                {"2018-11-15", "2018-11-15", 0},  {"2018-11-15", "2018-11-14", 1},
                {"2018-11-15", "2018-11-12", 3},  {"2018-11-15", "2018-11-09", 4},
                {"2018-11-15", "2018-11-10", 4},  {"2018-11-16", "2018-11-17", 0},
                {"2018-11-15", "2018-11-16", -1}, {"2018-11-15", "2018-11-19", -2},
        };
        struct builder *b = *state;
        const struct model *model = builder_finish(b);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                date_t effective, today;

                assert_int_equal(date_parse(rows[i].effective, &effective), 0);
                assert_int_equal(date_parse(rows[i].today, &today), 0);
                assert_int_equal(days_left(model->calendar, effective, today), rows[i].expected);
        }
}

static void test_kinds(void **state) {
        enum notice_kind kind;

        (void)state;
        for (int i = 0; i < _NOTICE_KIND_MAX; i++) {
                assert_int_equal(notice_kind_from_string(notice_kind_to_string(i), &kind), 0);
                assert_int_equal(kind, i);
        }
        assert_int_equal(notice_kind_from_string("", &kind), -EINVAL);
}

/* ---- digests ---- */

#define NOW "2018-11-19 07:30"
#define MAX_NOTICES 32

/* Notices on the instances of a department, and the mails they become, in words. */
struct flush {
        struct builder *b;
        struct instance_set *set;
        struct history history;
        struct notice notices[MAX_NOTICES];
        size_t n;
        struct digest_list digests;
};

static void flush_init(struct flush *f, struct builder *b) {
        *f = (struct flush){.b = b};
        f->set = builder_instances(builder_finish(b));
        f->history = history_at(at("2018-11-01 07:30"));
}

static void flush_done(struct flush *f) {
        digest_list_done(&f->digests);
        instance_set_free(f->set);
}

static struct notice *add(struct flush *f, enum notice_kind kind, const char *key,
                          const struct policy *policy) {
        const struct instance *instance = instance_set_find(f->set, key);
        struct notice *notice = &f->notices[f->n++];

        assert_non_null(instance);
        *notice = notice_about(f->b->model, kind, instance, &f->history, at(NOW));
        notice->rung = policy ? &policy->rungs[0] : NULL;
        return notice;
}

/* "reminder overdue vi To: VP Cc: VP.head Items: 1.9@… 1.10@…", one line a mail */
static void assert_digests(struct flush *f, const char *expected) {
        static const char *const classes[] = {"info", "lead", "today", "overdue", "escalation"};
        char got[4096] = "", buf[256];

        digest_list_done(&f->digests);
        assert_int_equal(digests_build(f->b->model, f->notices, f->n, at(NOW), &f->digests), 0);
        for (size_t i = 0; i < f->digests.n; i++) {
                const struct digest *d = &f->digests.items[i];
                char *end = got + strlen(got);
                size_t room = sizeof(got) - strlen(got);

                assert_int_equal(d->at, at(NOW));
                end += snprintf(end, room, "%s %s %s To: %s", notice_kind_to_string(d->kind),
                                classes[d->class], language_to_string(d->language),
                                join(&d->to, buf, sizeof(buf)));
                if (d->cc.n > 0)
                        end += sprintf(end, " Cc: %s", join(&d->cc, buf, sizeof(buf)));
                end += sprintf(end, " Items:");
                for (size_t k = 0; k < d->items.n; k++)
                        end += sprintf(end, " %s",
                                       d->items.items[k].instance ? d->items.items[k].instance->key
                                                                  : d->items.items[k].text);
                sprintf(end, "\n");
        }
        assert_string_equal(got, expected);
}

static void test_merging_reminders(void **state) {
        struct builder *b = *state;
        const struct policy *unit = builder_policy(b, "u", "0 > unit ; head");
        const struct policy *head = builder_policy(b, "h", "0 > head ; unit,coordinator");
        const struct policy *again = builder_policy(b, "a", "0 > unit ; unit,director");
        struct flush f;

        builder_task(b, "1.9", "VP", "2018-11-20");
        builder_task(b, "1.10", "VP", "2018-11-20");
        builder_task(b, "2", "VP", "2018-11-15");
        builder_task(b, "3", "VP", "2018-11-14");
        builder_task(b, "4", "VP", "2018-11-20")->points = 200;
        builder_task(b, "5", "VP", "2018-11-19");
        builder_task(b, "6", "KHTC", "2018-11-20");
        b->units[1].language = LANGUAGE_EN;
        flush_init(&f, b);
        add(&f, NOTICE_REMINDER, "1.10@2018-11-20", unit);
        assert_digests(&f, "reminder lead vi To: VP Cc: VP.head Items: 1.10@2018-11-20\n");
        add(&f, NOTICE_REMINDER, "1.9@2018-11-20", again);
        add(&f, NOTICE_REMINDER, "2@2018-11-15", unit);
        add(&f, NOTICE_REMINDER, "3@2018-11-14", unit);
        add(&f, NOTICE_REMINDER, "4@2018-11-20", unit);
        add(&f, NOTICE_REMINDER, "5@2018-11-19", unit);
        add(&f, NOTICE_REMINDER, "6@2018-11-20", unit);
        /* To wins over Cc; the most severe class; severity, deadline, points, natural order. */
        assert_digests(&f,
                       "reminder lead en To: KHTC Cc: KHTC.head Items: 6@2018-11-20\n"
                       "reminder overdue vi To: VP Cc: director VP.head Items: 3@2018-11-14 "
                       "2@2018-11-15 5@2018-11-19 4@2018-11-20 1.9@2018-11-20 1.10@2018-11-20\n");
        f.n = 0;
        add(&f, NOTICE_REMINDER, "2@2018-11-15", unit);
        add(&f, NOTICE_REMINDER, "3@2018-11-14", head);
        assert_digests(&f,
                       "reminder overdue vi To: VP.head Cc: coordinator VP Items: 3@2018-11-14\n"
                       "reminder overdue vi To: VP Cc: VP.head Items: 2@2018-11-15\n");
        flush_done(&f);
}

static void test_owner_decides_the_set(void **state) {
        struct builder *b = *state;
        const struct policy *p = builder_policy(b, "p", "0 > unit,owner");
        struct flush f;

        builder_task(b, "1", "VP", "2018-11-20")->owner = builder_addresses(b, "an@d.example");
        builder_task(b, "2", "VP", "2018-11-20")->owner = builder_addresses(b, "BINH@d.example");
        builder_task(b, "3", "VP", "2018-11-20")->owner = builder_addresses(b, "AN@d.example");
        flush_init(&f, b);
        add(&f, NOTICE_REMINDER, "1@2018-11-20", p);
        add(&f, NOTICE_REMINDER, "2@2018-11-20", p);
        add(&f, NOTICE_REMINDER, "3@2018-11-20", p);
        assert_digests(&f, "reminder lead vi To: an VP Items: 1@2018-11-20 3@2018-11-20\n"
                           "reminder lead vi To: BINH VP Items: 2@2018-11-20\n");
        flush_done(&f);
}

static void test_languages(void **state) {
        struct builder *b = *state;
        const struct policy *head = builder_policy(b, "h", "0 > head");
        const struct policy *both = builder_policy(b, "b", "0 > co_units");
        struct task *task;
        struct flush f;

        b->model->organization.language = LANGUAGE_VI;
        b->units[1].language = LANGUAGE_EN;
        builder_task(b, "1", "KHTC", "2018-11-20");
        task = builder_task(b, "2", "VP", "2018-11-20");
        task->co_units = builder_units(b, "KHTC", &task->n_co_units);
        flush_init(&f, b);
        /* Nobody's mail is in To: the organisation's; another unit's mail is: that unit's. */
        add(&f, NOTICE_REMINDER, "1@2018-11-20", head);
        add(&f, NOTICE_REMINDER, "2@2018-11-20", both);
        assert_digests(&f, "reminder lead vi To: KHTC.head Items: 1@2018-11-20\n"
                           "reminder lead en To: KHTC Items: 2@2018-11-20\n");
        flush_done(&f);
}

static void test_other_notices(void **state) {
        struct builder *b = *state;
        struct address_list mailed = builder_addresses(b, "an@d.example, x@elsewhere.example");
        struct flush f;

        b->model->mail.allowed_domains = builder_strings(b, "d.example");
        builder_task(b, "1", "VP", "2018-11-20");
        builder_task(b, "2", "VP", "2018-11-20");
        builder_task(b, "3", "KHTC", "2018-11-20");
        flush_init(&f, b);
        add(&f, NOTICE_COMPLETE, "2@2018-11-20", NULL);
        assert_digests(&f, "complete info vi To: VP Items: 2@2018-11-20\n");
        add(&f, NOTICE_RECEIVED, "1@2018-11-20", NULL);
        add(&f, NOTICE_RECEIVED, "3@2018-11-20", NULL);
        assert_digests(&f, "received info vi To: KHTC Items: 3@2018-11-20\n"
                           "received info vi To: VP Items: 1@2018-11-20 2@2018-11-20\n");
        add(&f, NOTICE_REFUSED, "3@2018-11-20", NULL);
        assert_digests(&f, "received info vi To: KHTC Cc: coordinator Items: 3@2018-11-20 "
                           "3@2018-11-20\n"
                           "received info vi To: VP Items: 1@2018-11-20 2@2018-11-20\n");
        f.n = 0;
        add(&f, NOTICE_REFUSED, "3@2018-11-20", NULL);
        add(&f, NOTICE_REOPENED, "3@2018-11-20", NULL);
        assert_digests(&f, "refused info vi To: KHTC Cc: coordinator Items: 3@2018-11-20\n"
                           "reopened info vi To: KHTC Cc: coordinator Items: 3@2018-11-20\n");
        f.n = 0;
        add(&f, NOTICE_EXPLAINED, "3@2018-11-20", NULL);
        assert_digests(&f, "explained info vi To: coordinator Items: 3@2018-11-20\n");
        add(&f, NOTICE_LADDER_ENDED, "1@2018-11-20", NULL);
        add(&f, NOTICE_UNASSIGNED, "2@2018-11-20", NULL);
        assert_digests(&f, "ladder-ended info vi To: coordinator Items: 1@2018-11-20 2@2018-11-20 "
                           "3@2018-11-20\n");
        f.n = 0;
        add(&f, NOTICE_DEADLINE_CHANGED, "1@2018-11-20", NULL)->mailed = &mailed;
        add(&f, NOTICE_DEADLINE_CHANGED, "2@2018-11-20", NULL);
        add(&f, NOTICE_CRITERIA_CHANGED, "3@2018-11-20", NULL);
        assert_digests(&f, "deadline-changed info vi To: an VP Items: 1@2018-11-20\n"
                           "deadline-changed info vi To: VP Items: 2@2018-11-20\n"
                           "criteria-changed info vi To: coordinator KHTC Items: 3@2018-11-20\n");
        f.n = 0;
        f.notices[f.n++] = (struct notice){.kind = NOTICE_TROUBLE, .text = "disk"};
        f.notices[f.n++] = (struct notice){.kind = NOTICE_TROUBLE, .text = "share"};
        f.notices[f.n++] = (struct notice){.kind = NOTICE_TEST, .text = "test", .mailed = &mailed};
        assert_digests(&f, "trouble info vi To: administrator Items: disk\n"
                           "trouble info vi To: administrator Items: share\n"
                           "test info vi To: an Items: test\n");
        f.n = 0;
        assert_digests(&f, "");
        flush_done(&f);
}

/* ---- reports ---- */

static void fingerprints(const struct flush *f, const struct history *const *histories,
                         const struct report *report, const struct recipients *reminded,
                         const char *now, uint64_t *ret) {
        assert_int_equal(
                report_fingerprints(f->b->model, f->set, histories, report, reminded, at(now), ret),
                0);
}

/* A page a day for each unit, and one a week for the leaders; of three tasks the first may be filed. */
struct pages {
        struct report *daily, *weekly;
        const struct policy *policy;
        struct history filed;
        const struct history *histories[3];
        struct flush f;
};

static void pages_init(struct pages *p, struct builder *b) {
        *p = (struct pages){.daily = builder_report(b, "d", "FREQ=DAILY", 27000, "unit", "head"),
                            .weekly = builder_report(b, "w", "FREQ=WEEKLY;BYDAY=MO", 27000,
                                                     "director,deputy", "coordinator"),
                            .policy = builder_policy(b, "p", "0 > unit")};
        p->daily->per_unit = true;
        p->daily->only_when_changed = true;
        builder_task(b, "1", "VP", "2018-11-15");
        builder_task(b, "2", "VP", "2018-11-21");
        builder_task(b, "3", "TTTK", "2018-12-31");
        flush_init(&p->f, b);
        p->filed = p->f.history;
        p->filed.complete_at = at("2018-11-02 10:00");
        for (int i = 0; i < 3; i++)
                p->histories[i] = &p->f.history;
}

/* Of the unit of the first two tasks, at that time. */
static uint64_t print_of(struct pages *p, const char *now) {
        _cleanup_(recipients_done) struct recipients none = {};
        uint64_t prints[3];

        fingerprints(&p->f, p->histories, p->daily, &none, now, prints);
        return prints[0];
}

static void test_report_pages(void **state) {
        static const bool wanted[3] = {true, true, false};
        struct notice_list lines = {};
        struct builder *b = *state;
        struct pages p;

        pages_init(&p, b);
        assert_int_equal(report_n_pages(b->model, p.daily), 3);
        assert_int_equal(report_n_pages(b->model, p.weekly), 1);
        /* A unit without lines gets no page; complete ones come last, planned ones not at all. */
        p.histories[0] = &p.filed;
        assert_int_equal(
                report_notices(b->model, p.f.set, p.histories, p.daily, wanted, at(NOW), &lines),
                0);
        p.histories[0] = &p.f.history;
        assert_int_equal(
                report_notices(b->model, p.f.set, p.histories, p.weekly, wanted, at(NOW), &lines),
                0);
        memcpy(p.f.notices, lines.items, lines.n * sizeof(*lines.items));
        p.f.n = lines.n;
        array_done(&lines);
        assert_digests(&p.f,
                       "report info vi To: deputy director Cc: coordinator Items: 1@2018-11-15\n"
                       "report info vi To: VP Cc: VP.head Items: 2@2018-11-21 1@2018-11-15\n");
        flush_done(&p.f);
}

static void test_report_when_something_changed(void **state) {
        _cleanup_(recipients_done) struct recipients none = {};
        struct pages p;
        uint64_t now, all[3];

        pages_init(&p, *state);
        now = print_of(&p, NOW);
        assert_true(report_is_wanted(p.daily, now, 0));
        assert_false(report_is_wanted(p.daily, now, now));
        /* a unit without lines */
        fingerprints(&p.f, p.histories, p.daily, &none, NOW, all);
        assert_int_equal(all[1], 0);
        assert_false(report_is_wanted(p.daily, all[1], 0));

        assert_true(print_of(&p, "2018-11-19 08:30") == now);
        /* What is due soon is said every day; what is all green once a week. */
        assert_true(print_of(&p, "2018-11-20 07:30") != now);
        assert_true(print_of(&p, "2018-11-02 07:30") == print_of(&p, "2018-10-29 07:30"));
        assert_true(print_of(&p, "2018-11-05 07:30") != print_of(&p, "2018-10-29 07:30"));
        assert_true(print_of(&p, "2018-11-22 07:30") != now); /* overdue now */
        p.histories[0] = &p.filed;
        assert_true(print_of(&p, NOW) != now);
        flush_done(&p.f);
}

/* A unit that gets a reminder gets no page; the leaders' report is not affected. */
static void test_report_beside_a_reminder(void **state) {
        _cleanup_(recipients_done) struct recipients none = {}, reminded = {};
        struct builder *b = *state;
        uint64_t prints[3], beside[3];
        struct pages p;

        pages_init(&p, b);
        add(&p.f, NOTICE_REMINDER, "2@2018-11-21", p.policy);
        assert_int_equal(digests_build(b->model, p.f.notices, p.f.n, at(NOW), &p.f.digests), 0);
        assert_int_equal(report_reminded(&p.f.digests, &reminded), 0);
        fingerprints(&p.f, p.histories, p.daily, &none, NOW, prints);
        fingerprints(&p.f, p.histories, p.daily, &reminded, NOW, beside);
        assert_int_equal(beside[0], 0);
        assert_false(report_is_wanted(p.daily, beside[0], prints[0]));
        assert_true(beside[2] != 0 && beside[2] == prints[2]);
        fingerprints(&p.f, p.histories, p.weekly, &reminded, NOW, beside);
        assert_true(report_is_wanted(p.weekly, beside[0], beside[0]));
        p.weekly->only_when_changed = true;
        fingerprints(&p.f, p.histories, p.weekly, &reminded, NOW, beside);
        assert_true(report_is_wanted(p.weekly, beside[0], 0));
        assert_false(report_is_wanted(p.weekly, beside[0], beside[0]));
        flush_done(&p.f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_recipients, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sets, setup, teardown),
                cmocka_unit_test(test_class),
                cmocka_unit_test_setup_teardown(test_days_left, setup, teardown),
                cmocka_unit_test(test_kinds),
                cmocka_unit_test_setup_teardown(test_merging_reminders, setup, teardown),
                cmocka_unit_test_setup_teardown(test_owner_decides_the_set, setup, teardown),
                cmocka_unit_test_setup_teardown(test_languages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_notices, setup, teardown),
                cmocka_unit_test_setup_teardown(test_report_pages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_report_when_something_changed, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_report_beside_a_reminder, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
