/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * compose-all CONFIG TEMPLATES OUT: a mail of every kind, class and language, as OUT/NAME.LANGUAGE.eml, with what went in
 * beside it (.json), for judges written in another language.
 */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/zone.h"
#include "config/config.h"
#include "config/findings.h"
#include "core/planner.h"
#include "core/report.h"
#include "message/compose.h"
#include "message/record.h"

#define MAX_NOTICES 128

static void die(const char *what, int r) {
        fprintf(stderr, "compose-all: %s: %s\n", what, strerror(r < 0 ? -r : r));
        exit(1);
}

struct world {
        struct model *model;
        struct templates *templates;
        struct instance_set *instances;
        struct history *histories;
        const struct history **pointers;
        uint32_t *have;
        const char *out;
        usec_t now;
        struct notice notices[MAX_NOTICES];
        size_t n;
        bool with_scores;
        const char *in_reply_to;
        const struct record_page *record;
        const struct unit_day *days;
        const char *filed; /* key of the instance that has files in a report; NULL: none */
};

static usec_t at(const char *text) {
        usec_t t;

        if (zone_parse(text, &t) < 0)
                die(text, EINVAL);
        return t;
}

static const struct instance *find(const struct world *w, const char *key) {
        const struct instance *instance = instance_set_find(w->instances, key);

        if (!instance)
                die(key, ENOENT);
        return instance;
}

static struct history *history_of(struct world *w, const char *key) {
        return &w->histories[find(w, key)->index];
}

/* Nothing filed, all known since the beginning of the year. */
static void forget(struct world *w) {
        size_t used = 0;

        for (size_t i = 0; i < w->instances->n; i++) {
                const struct instance *instance = &w->instances->items[i];

                memset(&w->have[used], 0, instance->n_requirements * sizeof(*w->have));
                w->histories[i] = HISTORY_INIT;
                w->histories[i].first_known = w->histories[i].episode_began =
                        at("2018-01-02 07:30");
                w->histories[i].scanned = true;
                w->histories[i].have = &w->have[used];
                w->histories[i].n_have = instance->n_requirements;
                w->pointers[i] = &w->histories[i];
                used += instance->n_requirements;
        }
        w->n = 0;
        w->with_scores = false;
        w->in_reply_to = NULL;
}

static void file_slots(struct world *w, const char *key, size_t requirement, uint32_t n) {
        const struct instance *instance = find(w, key);
        uint32_t *have = (uint32_t *)w->histories[instance->index].have;
        bool all = true;

        have[requirement] = n;
        for (size_t i = 0; i < instance->n_requirements; i++)
                all = all && have[i] >= instance->requirements[i].need->count;
        if (all)
                w->histories[instance->index].complete_at = at("2018-01-20 10:00");
}

static struct notice *about(struct world *w, enum notice_kind kind, const char *key) {
        const struct instance *instance = find(w, key);

        w->notices[w->n] =
                notice_about(w->model, kind, instance, &w->histories[instance->index], w->now);
        return &w->notices[w->n++];
}

/* The reminder that the ladder has for now, however it came here. */
static struct notice *remind(struct world *w, const char *key) {
        struct reminder reminder = {};
        const struct instance *instance = find(w, key);
        int r = reminder_of(w->model, instance, &w->histories[instance->index], w->now, &reminder);

        if (r < 0 || !reminder.rung)
                die(key, r < 0 ? r : ENOENT);
        w->notices[w->n] = notice_from_reminder(w->model, &reminder, w->now);
        free((void *)reminder.superseded);
        return &w->notices[w->n++];
}

/* ---- writing ---- */

static json_t *addresses(const struct recipients *list) {
        json_t *j = json_array();

        for (size_t i = 0; i < list->n; i++)
                json_array_append_new(j, json_string(list->items[i]->spec));
        return j;
}

static json_t *described(const struct world *w, const struct digest *d, const struct composed *c,
                         const char *id) {
        json_t *points = json_array();

        for (size_t i = 0; i < d->items.n; i++)
                if (d->items.items[i].instance)
                        json_array_append_new(
                                points, json_integer(d->items.items[i].instance->task->points));
        return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s*, s:o, s:o, s:o}", "kind",
                         notice_kind_to_string(d->kind), "language",
                         language_to_string(d->language), "subject", c->subject, "at",
                         (json_int_t)(d->at / USEC_PER_SEC), "message_id", id, "in_reply_to",
                         w->in_reply_to, "to", addresses(&d->to), "cc", addresses(&d->cc), "points",
                         points);
}

static void write_file(const struct world *w, const char *name, enum language language,
                       const char *suffix, const void *data, size_t size) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/%s.%s.%s", w->out, name, language_to_string(language), suffix) < 0)
                die("asprintf", ENOMEM);
        r = write_file_atomic(path, data, size, 0644);
        if (r < 0)
                die(path, r);
}

static void write_mail(struct world *w, const char *name, const struct digest *digest,
                       const struct scoreboard *board) {
        _cleanup_(composed_done) struct composed c = {};
        _cleanup_free_ char *description = NULL, *items = NULL, *subject = NULL, *id = NULL;
        struct compose_context context = {
                .model = w->model,
                .templates = w->templates,
                .in_reply_to = w->in_reply_to,
                .scores = board,
                .record = w->record,
                .days = w->days,
                .ledger_head =
                        w->with_scores
                                ? "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
                                : NULL,
        };
        json_t *j;
        int r;

        if (asprintf(&id, "<%s.%s.evidenced@skhcn.example>", name,
                     language_to_string(digest->language)) < 0)
                die("asprintf", ENOMEM);
        context.message_id = id;
        r = compose_message(&context, digest, &c);
        if (r < 0)
                die(name, r);
        subject = compose_subject(&context, digest);
        items = compose_items_json(w->model, digest);
        if (!subject || strcmp(subject, c.subject) != 0 || !items)
                die("the subject differs from that of the message", EINVAL);
        j = described(w, digest, &c, id);
        json_object_set_new(j, "items", json_loads(items, 0, NULL));
        json_object_set_new(j, "text", json_string(c.text));
        description = json_dumps(j, JSON_INDENT(1) | JSON_SORT_KEYS);
        json_decref(j);
        if (!description || strlen(c.bytes) != c.size)
                die(name, EINVAL);
        write_file(w, name, digest->language, "eml", c.bytes, c.size);
        write_file(w, name, digest->language, "json", description, strlen(description));
}

/* What was noted becomes one mail, and that mail is written in both languages. */
static void write_all(struct world *w, const char *name) {
        _cleanup_(digest_list_done) struct digest_list digests = {};
        struct scoreboard board = {};
        int r = digests_build(w->model, w->notices, w->n, w->now, &digests);

        if (r < 0 || digests.n != 1) {
                fprintf(stderr, "%zu mails\n", digests.n);
                die(name, r < 0 ? r : EINVAL);
        }
        if (w->with_scores) {
                r = scoreboard_compute(w->model, w->instances, w->pointers, w->now, &board);
                if (r < 0)
                        die(name, r);
        }
        for (int i = 0; i < _LANGUAGE_MAX; i++) {
                digests.items[0].language = (enum language)i;
                write_mail(w, name, &digests.items[0], w->with_scores ? &board : NULL);
        }
        scoreboard_done(&board);
}

/* ---- scenes ---- */

static const struct file_note refused[] = {
        {.path = "5.2/ke hoạch <cũ> & bản nháp.pdf", .size = 0, .verdict = VERDICT_EMPTY},
        {.path = "5.2/bc.docx", .size = 4096, .verdict = VERDICT_TYPE, .detail = "jpg, not pdf"},
        {.path = "5.2/copy.pdf",
         .size = 1234567,
         .verdict = VERDICT_DUPLICATE,
         .detail = "5.2/bc.pdf"},
};

static void scenes_of_reminders(struct world *w) {
        struct notice *n;

        forget(w);
        w->now = at("2018-11-16 07:30");
        remind(w, "1.2@2018-11-25");
        write_all(w, "lead-one");

        forget(w);
        w->now = at("2018-11-12 07:30");
        remind(w, "5.2@2018-11-15");
        file_slots(w, "5.2@2018-11-15", 0, 1);
        w->n = 0;
        n = remind(w, "5.2@2018-11-15");
        n->files = refused;
        n->n_files = ELEMENTSOF(refused);
        write_all(w, "lead-files");

        forget(w);
        w->now = at("2018-11-29 07:30");
        remind(w, "1.9@2018-11-30/VP");
        write_all(w, "today-one");

        forget(w);
        w->now = at("2018-11-05 07:30");
        remind(w, "4.3@2018-10-31");
        write_all(w, "overdue-one");

        forget(w);
        w->now = at("2018-11-07 07:30");
        n = remind(w, "4.3@2018-10-31");
        n->n_reminded = 6;
        n->last_reminded = at("2018-11-06 07:30");
        w->in_reply_to = "<first.1.evidenced@skhcn.example>";
        write_all(w, "escalation-one");
}

static void scenes_of_several(struct world *w) {
        forget(w);
        w->now = at("2018-11-16 07:30");
        remind(w, "1.2@2018-11-25");
        remind(w, "1.7@2018-11-20");
        write_all(w, "lead-many");

        forget(w);
        w->now = at("2018-11-05 07:30");
        remind(w, "4.3@2018-10-31");
        remind(w, "5.3@2018-10-31");
        write_all(w, "overdue-many");

        forget(w);
        w->now = at("2018-11-07 07:30");
        remind(w, "4.3@2018-10-31");
        remind(w, "7.5@2018-10-31");
        remind(w, "5.3@2018-10-31");
        write_all(w, "escalation-many");
}

static void scenes_of_receipts(struct world *w) {
        static const struct file_note received = {
                .path = "5.2/BC-SKHCN-dao-tao.pdf",
                .size = 345678,
                .sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                .requirement = "Báo cáo đào tạo"};
        struct file_note timed = received;
        struct notice *n;

        forget(w);
        w->now = at("2018-11-12 07:30");
        timed.at = at("2018-11-09 15:42");
        file_slots(w, "5.2@2018-11-15", 0, 1);
        n = about(w, NOTICE_RECEIVED, "5.2@2018-11-15");
        n->files = &timed;
        n->n_files = 1;
        write_all(w, "received");
        n = about(w, NOTICE_REFUSED, "5.2@2018-11-15");
        n->files = refused;
        n->n_files = ELEMENTSOF(refused);
        n = about(w, NOTICE_RECEIVED, "4.3@2018-10-31");
        n->files = &timed;
        n->n_files = 1;
        write_all(w, "received-mixed");

        forget(w);
        n = about(w, NOTICE_REFUSED, "5.2@2018-11-15");
        n->files = refused;
        n->n_files = 1;
        write_all(w, "refused");

        forget(w);
        for (size_t i = 0; i < find(w, "5.2@2018-11-15")->n_requirements; i++)
                file_slots(w, "5.2@2018-11-15", i,
                           find(w, "5.2@2018-11-15")->requirements[i].need->count);
        about(w, NOTICE_COMPLETE, "5.2@2018-11-15");
        write_all(w, "complete");
}

static void scenes_of_changes(struct world *w) {
        struct file_note gone = {.path = "6.1/QD.pdf", .at = at("2018-11-12 09:15")};
        struct notice *n;

        forget(w);
        w->now = at("2018-11-12 09:15");
        n = about(w, NOTICE_REOPENED, "4.3@2018-10-31");
        n->files = &gone;
        n->n_files = 1;
        write_all(w, "reopened");

        forget(w);
        n = about(w, NOTICE_REOPENED, "4.3@2018-10-31");
        n->text = "Kết luận kiểm tra chưa ký";
        write_all(w, "reopened-by-hand");

        forget(w);
        date_parse("2018-11-20", &history_of(w, "4.3@2018-10-31")->extended_to);
        history_of(w, "4.3@2018-10-31")->episode = 3;
        n = about(w, NOTICE_DEADLINE_CHANGED, "4.3@2018-10-31");
        n->old_deadline = at("2018-11-01 00:00");
        n->text = "Đoàn kiểm tra lùi lịch";
        write_all(w, "deadline-changed");

        forget(w);
        n = about(w, NOTICE_CRITERIA_CHANGED, "4.3@2018-10-31");
        n->text = "+ 4.3@2018-10-31";
        n = about(w, NOTICE_CRITERIA_CHANGED, "5.2@2018-11-15");
        n->text = "- 5.2@2018-12-15";
        write_all(w, "criteria-changed");
}

static void scenes_of_attention(struct world *w) {
        struct notice *n;

        forget(w);
        w->now = at("2018-12-20 07:30");
        about(w, NOTICE_LADDER_ENDED, "4.3@2018-10-31");
        write_all(w, "ladder-ended");
        about(w, NOTICE_EXPLAINED, "5.2@2018-11-15");
        write_all(w, "attention-mixed");
        forget(w);
        history_of(w, "5.2@2018-11-15")->explained = true;
        about(w, NOTICE_EXPLAINED, "5.2@2018-11-15");
        write_all(w, "explained");
        forget(w);
        about(w, NOTICE_UNASSIGNED, "4.3@2018-10-31");
        write_all(w, "unassigned");
        forget(w);
        w->notices[w->n++] =
                (struct notice){.kind = NOTICE_UNASSIGNED, .text = "Lĩnh vực 2: chưa có đơn vị"};
        write_all(w, "unassigned-words");
        forget(w);
        n = &w->notices[w->n++];
        *n = (struct notice){
                .kind = NOTICE_TROUBLE,
                .text = "không đọc được thư mục '/srv/evidence' từ 09:15\r\nBcc: x@evil.example"};
        write_all(w, "trouble");
        forget(w);
        w->notices[w->n++] = (struct notice){
                .kind = NOTICE_TROUBLE,
                .trouble = &(struct trouble){.kind = TROUBLE_ROOT,
                                             .path = "/srv/evidence",
                                             .state = "hung",
                                             .since = at("2018-11-12 09:15"),
                                             .detail = "no answer\r\nBcc: x@evil.example"}};
        write_all(w, "trouble-root");
        forget(w);
        w->notices[w->n++] =
                (struct notice){.kind = NOTICE_UNDELIVERABLE,
                                .text = "vp@skhcn.example: 550 5.1.1 no such user – Nhắc việc"};
        w->notices[w->n++] =
                (struct notice){.kind = NOTICE_UNDELIVERABLE,
                                .text = "khtc@skhcn.example: 552 mailbox full – Nhắc việc"};
        write_all(w, "undeliverable");
}

static void scene_of_a_test(struct world *w) {
        struct digest d = {.kind = NOTICE_TEST, .at = w->now};
        const struct address *to = &w->model->units[0].mail.items[0];

        if (array_push(&d.to, to) < 0 ||
            array_push(&d.items, (struct notice){.kind = NOTICE_TEST}) < 0)
                die("test", ENOMEM);
        for (int i = 0; i < _LANGUAGE_MAX; i++) {
                d.language = (enum language)i;
                write_mail(w, "test", &d, NULL);
        }
        digest_done(&d);
}

/* One more than a page of a unit names. */
static void add_files(const struct world *w, struct notice *n) {
        static const struct file_note lines[] = {
                {.path = "4.3/bao cao dao tao 2018.pdf", .verdict = VERDICT_NAME},
                {.path = "4.3/a.pdf", .verdict = VERDICT_EMPTY},
                {.path = "4.3/b.pdf", .verdict = VERDICT_BROKEN},
                {.path = "4.3/c.pdf", .verdict = VERDICT_UNSETTLED},
                {.path = "4.3/d.pdf", .verdict = VERDICT_NAME},
                {.path = "4.3/e.pdf", .verdict = VERDICT_NAME},
        };

        if (w->filed && n->instance && strcmp(n->instance->key, w->filed) == 0) {
                n->files = lines;
                n->n_files = ELEMENTSOF(lines);
        }
}

static void scene_of_report(struct world *w, const char *name, const struct report *report,
                            const struct unit *unit) {
        struct notice_list list = {};
        bool wanted[64] = {};
        int r;

        w->n = 0;
        wanted[report->per_unit ? unit->index : 0] = true;
        if (report_n_pages(w->model, report) > ELEMENTSOF(wanted))
                die(name, E2BIG);
        r = report_notices(w->model, w->instances, w->pointers, report, wanted, w->now, &list);
        if (r < 0 || list.n > MAX_NOTICES)
                die(name, r < 0 ? r : E2BIG);
        memcpy(w->notices, list.items, list.n * sizeof(*list.items));
        w->n = list.n;
        for (size_t i = 0; i < w->n; i++)
                add_files(w, &w->notices[i]);
        array_done(&list);
        write_all(w, name);
}

static void scenes_of_reports(struct world *w) {
        const struct unit *vp = model_find_unit(w->model, "VP");
        static struct unit_day days[64];

        forget(w);
        w->now = at("2018-11-12 07:30");
        w->with_scores = true;
        for (size_t i = 0; i < w->instances->n; i++) {
                const struct instance *instance = &w->instances->items[i];

                if (instance->deadline.instant > w->now || strcmp(instance->task->id, "4.3") == 0 ||
                    strcmp(instance->task->id, "7.5") == 0)
                        continue;
                for (size_t k = 0; k < instance->n_requirements; k++)
                        file_slots(w, instance->key, k, instance->requirements[k].need->count);
        }
        days[vp->index] = (struct unit_day){2, 1, "5.2, 5.5", "4.3"};
        w->days = days;
        w->filed = "4.3@2018-10-31";
        for (size_t i = 0; i < w->model->n_reports; i++)
                if (!w->model->reports[i].of_reminders)
                        scene_of_report(
                                w, w->model->reports[i].per_unit ? "report-unit" : "report-all",
                                &w->model->reports[i], vp);
        w->filed = NULL;
        /* So early that much has not begun. */
        w->now = at("2018-03-12 07:30");
        for (size_t i = 0; i < w->model->n_reports; i++)
                if (w->model->reports[i].per_unit)
                        scene_of_report(w, "report-unit-early", &w->model->reports[i], vp);
}

static const struct report *report_of_reminders(const struct world *w) {
        for (size_t i = 0; i < w->model->n_reports; i++)
                if (w->model->reports[i].of_reminders)
                        return &w->model->reports[i];
        die("no report of reminders", ENOENT);
        return NULL;
}

/* A month with a mailbox that is full, and more mails than one record names. */
static void scene_of_record(struct world *w) {
        const struct record_mail accepted[] = {
                {at("2018-11-05 07:30"), FATE_ACCEPTED, "vp@skhcn.example",
                 "[CCHC 2018] Nhắc việc: còn 08 ngày (4.2)", "250 2.0.0 Ok: queued as 4Bq1"},
                {at("2018-11-06 07:30"), FATE_ACCEPTED, "phogiamdoc@skhcn.example",
                 "[CCHC 2018] Báo cáo: tiêu chí 4.3 quá hạn", "250 2.0.0 <b>Ok</b>"},
        };
        const struct record_mail others[] = {
                {at("2018-11-06 07:31"), FATE_PARKED, "cctdc@skhcn.example",
                 "[CCHC 2018] QUÁ HẠN: tiêu chí 7.5", "550 5.1.1 no such user here"},
                {at("2018-11-07 07:30"), FATE_DOUBT, "vp@skhcn.example",
                 "[CCHC 2018] QUÁ HẠN: tiêu chí 4.3", "the connection was lost"},
                {at("2018-11-07 10:00"), FATE_WITHDRAWN, "vp@skhcn.example",
                 "[CCHC 2018] Nhắc việc: 5.2", WHY_SETTLED},
                {at("2018-11-07 10:05"), FATE_WITHDRAWN, "vp@skhcn.example",
                 "[CCHC 2018] Nhắc việc: 5.5", WHY_DROPPED "an <b>"},
        };
        struct record_count *units = calloc(w->model->n_units, sizeof(*units));
        struct record_page page = {
                .from = at("2018-11-01 07:30"),
                .until = at("2018-12-03 07:30"),
                .units = units,
                .total = {{312, 1, 1, 2}},
                .accepted = {accepted, ELEMENTSOF(accepted), 312},
                .others = {others, ELEMENTSOF(others), ELEMENTSOF(others)},
        };

        if (!units)
                die("units", ENOMEM);
        units[model_find_unit(w->model, "VP")->index] = (struct record_count){{200, 1, 0, 2}};
        units[model_find_unit(w->model, "CCTDC")->index] = (struct record_count){{112, 0, 1, 0}};
        w->now = page.until;
        w->record = &page;
        scene_of_report(w, "report-record", report_of_reminders(w), NULL);
        w->record = NULL;
        free(units);
}

int main(int argc, char **argv) {
        struct findings findings = {};
        struct world w = {.out = argc > 3 ? argv[3] : NULL};
        size_t slots = 1;
        date_t horizon;
        int r;

        if (argc != 4)
                die("usage: compose-all CONFIG TEMPLATES OUT", EINVAL);
        r = config_load(argv[1], NULL, &w.model, &findings);
        findings_done(&findings);
        if (r < 0)
                die(argv[1], r);
        r = zone_init(w.model->organization.time_zone);
        if (r == 0)
                r = templates_load(argv[2], NULL, NULL, NULL, &w.templates);
        if (r < 0)
                die(argv[2], r);
        date_parse("2018-12-31", &horizon);
        r = instance_set_new(w.model, horizon, NULL, NULL, &w.instances);
        if (r < 0)
                die("instances", r);
        for (size_t i = 0; i < w.instances->n; i++)
                slots += w.instances->items[i].n_requirements;
        w.histories = calloc(w.instances->n, sizeof(*w.histories));
        w.pointers = calloc(w.instances->n, sizeof(*w.pointers));
        w.have = calloc(slots, sizeof(*w.have));
        if (!w.histories || !w.pointers || !w.have)
                die("memory", ENOMEM);
        scenes_of_reminders(&w);
        scenes_of_several(&w);
        scenes_of_receipts(&w);
        scenes_of_changes(&w);
        scenes_of_attention(&w);
        scene_of_a_test(&w);
        scenes_of_reports(&w);
        scene_of_record(&w);
        free(w.have);
        free(w.pointers);
        free(w.histories);
        instance_set_free(w.instances);
        templates_free(w.templates);
        model_free(w.model);
        return 0;
}
