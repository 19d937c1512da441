/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/compose-fixture.h"

static void add_tasks(struct builder *b) {
        struct task *t = builder_task(b, "1.2", "VP", "2018-11-25");

        t->due_word = DUE_WORD_BEFORE;
        t->title = "Báo cáo CCHC";
        t->points = 200;
        builder_task(b, "1.3", "VP", "2018-11-20, 2018-11-27")->points = 50;
        builder_task(b, "1.4", "KHTC", "2018-11-20")->points = 250;
        builder_task(b, "1.5", "VP", "2018-11-16 16:30");
        builder_task(b, "1.6", "VP", NULL);
}

int compose_setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        builder_init(&f->b);
        f->b.model->organization.name = "Sở A";
        f->b.model->organization.short_name = "A";
        f->b.model->organization.subject_prefix = "[P]";
        f->b.model->mail.from = builder_addresses(&f->b, "from@d.example").items[0];
        f->b.model->mail.calendar_attachment = true;
        f->b.model->evidence.roots = builder_strings(&f->b, "/srv/evidence");
        f->b.model->evidence.explanation = "GIAI-TRINH*";
        add_tasks(&f->b);
        f->model = builder_finish(&f->b);
        f->set = builder_instances(f->model);
        for (size_t i = 0; i < f->set->n; i++)
                f->histories[i] = history_at(at("2018-01-02 08:00"));
        assert_int_equal(
                templates_load(SOURCE_DIR "/conf/templates", NULL, NULL, NULL, &f->templates), 0);
        *state = f;
        return 0;
}

int compose_teardown(void **state) {
        struct fixture *f = *state;

        digest_list_done(&f->digests);
        templates_free(f->templates);
        instance_set_free(f->set);
        builder_done(&f->b);
        free(f);
        return 0;
}

const struct instance *find(const struct fixture *f, const char *key) {
        const struct instance *instance = instance_set_find(f->set, key);

        if (!instance)
                fail_msg("no instance '%s'", key);
        return instance;
}

struct notice *add(struct fixture *f, enum notice_kind kind, const char *key) {
        const struct instance *instance = find(f, key);
        struct history *h = &f->histories[instance->index];
        struct reminder reminder = {};

        if (kind != NOTICE_REMINDER) {
                f->notices[f->n] = notice_about(f->model, kind, instance, h, f->now);
                return &f->notices[f->n++];
        }
        assert_int_equal(reminder_of(f->model, instance, h, f->now, &reminder), 0);
        assert_non_null(reminder.rung);
        f->notices[f->n] = notice_from_reminder(f->model, &reminder, f->now);
        free((void *)reminder.superseded);
        return &f->notices[f->n++];
}

struct digest *one_digest(struct fixture *f) {
        digest_list_done(&f->digests);
        assert_int_equal(digests_build(f->model, f->notices, f->n, f->now, &f->digests), 0);
        assert_int_equal(f->digests.n, 1);
        f->n = 0;
        return &f->digests.items[0];
}

struct compose_context context_of(const struct fixture *f) {
        return (struct compose_context){
                .model = f->model, .templates = f->templates, .message_id = "<1@d.example>"};
}

void expect_subject(struct fixture *f, const char *vi, const char *en) {
        struct digest *d = one_digest(f);
        struct compose_context context = context_of(f);

        for (int i = 0; i < 2; i++) {
                _cleanup_(composed_done) struct composed c = {};
                _cleanup_free_ char *subject = NULL;

                d->language = i == 0 ? LANGUAGE_VI : LANGUAGE_EN;
                subject = compose_subject(&context, d);
                assert_string_equal(subject, i == 0 ? vi : en);
                assert_int_equal(compose_message(&context, d, &c), 0);
                assert_string_equal(c.subject, subject);
        }
}
