/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../store/store-fixture.h"

#include "base/clock.h"
#include "core/model-builder.h"
#include "service/limit.h"
#include "service/withdraw.h"

/* A department that owes two documents, and one reminder of both in the outbox. */
struct office {
        struct builder b;
        struct instance_set *set;
        struct clock clock;
        struct tell tell;
        int64_t message;
};

static void office_init(struct office *o, struct store *store, const char *now) {
        const struct model *model;
        const char *recipient = "VP@d.example";

        memset(o, 0, sizeof(*o));
        builder_init(&o->b);
        builder_task(&o->b, "1", "VP", "2018-03-05");
        builder_task(&o->b, "2", "VP", "2018-03-05");
        o->b.model->mail.daily_limit = 2;
        model = builder_finish(&o->b);
        o->set = builder_instances(model);
        o->clock.offset = at(now) - clock_realtime();
        o->tell = (struct tell){.clock = &o->clock, .model = model, .store = store};
        assert_ok(store_begin(store));
        assert_ok(tracks_new(model, o->set, store, at(now), &o->tell.tracks, NULL));
        for (size_t i = 0; i < o->tell.tracks->n; i++)
                o->tell.tracks->items[i].history.scanned = true;
        assert_ok(store_add_message(
                store,
                &(struct outbox_message){.message_id = "<1@d.example>",
                                         .subject = "Two",
                                         .kind = NOTICE_REMINDER,
                                         .from = "a@d.example",
                                         .to = recipient,
                                         .cc = "",
                                         .created = at(now),
                                         .bytes = "x",
                                         .size = 1,
                                         .items = "[{\"instance\":\"1@2018-03-05\"},{\"instance\":"
                                                  "\"2@2018-03-05\"}]"},
                &recipient, 1, &o->message));
        assert_ok(store_commit(store));
}

static void office_done(struct office *o) {
        tracks_free(o->tell.tracks);
        instance_set_free(o->set);
        builder_done(&o->b);
}

static void test_what_is_settled(void **state) {
        struct fixture *f = *state;
        struct office o;
        size_t n = 9;

        office_init(&o, f->store, "2018-03-06 08:00");
        assert_ok(withdraw_outdated(&o.tell, &n));
        assert_int_equal(n, 0);
        o.tell.tracks->items[0].history.complete_at = at("2018-03-06 07:00");
        assert_ok(withdraw_outdated(&o.tell, &n));
        assert_int_equal(n, 0); /* half of it must be said still */
        assert_ok(store_begin(f->store));
        assert_ok(store_outbox_update(
                f->store, 1,
                &(struct outbox_result){.state = OUTBOX_DOUBT, .at = at("2018-03-06 08:00")}));
        assert_ok(store_commit(f->store));
        o.tell.tracks->items[1].history.waived_until = USEC_INFINITY;
        assert_ok(withdraw_outdated(&o.tell, &n));
        assert_int_equal(n, 1); /* in doubt or not, it would be tried again */
        assert_ok(withdraw_outdated(&o.tell, &n));
        assert_int_equal(n, 0);
        office_done(&o);
}

/* Is there room for one more to @to, beside the mails of the flush? It is taken. */
static int take(struct office *o, const struct recipients *to, const struct digest_list *flush,
                const char *now) {
        _cleanup_(limit_done) struct limit limit = {};

        assert_ok(limit_begin(&limit, &o->tell, at(now), flush));
        assert_ok(limit_begin(&limit, &o->tell, at(now), flush)); /* no effect */
        return limit_take(&limit, o->tell.model, to);
}

static void test_daily_limit(void **state) {
        struct fixture *f = *state;
        struct office o;
        const char *recipient = "vp@D.EXAMPLE"; /* as somebody may write it */
        struct recipients to = RECIPIENTS_INIT;
        struct digest digests[2] = {{.kind = NOTICE_REMINDER}, {.kind = NOTICE_REFUSED}};
        struct digest_list none = {}, flush = {.items = digests, .n = 2};
        struct limit limit = {};

        office_init(&o, f->store, "2018-03-06 08:00");
        assert_ok(recipients_add(&to, &model_find_unit(o.tell.model, "VP")->mail.items[0]));
        assert_int_equal(take(&o, &to, &none, "2018-03-06 09:00"), 1);
        digests[0].cc = to;
        assert_int_equal(take(&o, &to, &flush, "2018-03-06 09:00"),
                         0); /* a reminder goes with it */
        digests[0].cc = RECIPIENTS_INIT;
        digests[1].to = to; /* may have to wait itself */
        assert_int_equal(take(&o, &to, &flush, "2018-03-06 09:00"), 1);

        assert_ok(limit_begin(&limit, &o.tell, at("2018-03-06 09:00"), &none));
        assert_int_equal(limit_take(&limit, o.tell.model, &to), 1);
        assert_int_equal(limit_take(&limit, o.tell.model, &to), 0); /* had it */
        limit_done(&limit);

        assert_ok(store_begin(f->store));
        assert_ok(store_add_message(f->store,
                                    &(struct outbox_message){.message_id = "<2@d.example>",
                                                             .subject = "",
                                                             .from = "a@d.example",
                                                             .to = recipient,
                                                             .cc = "",
                                                             .created = at("2018-03-06 08:30"),
                                                             .bytes = "x",
                                                             .size = 1},
                                    &recipient, 1, NULL));
        assert_ok(store_commit(f->store));
        assert_int_equal(take(&o, &to, &none, "2018-03-06 23:59"), 0);
        assert_int_equal(take(&o, &to, &none, "2018-03-07 00:01"), 1);
        assert_ok(store_begin(f->store));
        assert_ok(store_outbox_update(f->store, 2,
                                      &(struct outbox_result){.state = OUTBOX_WITHDRAWN, .at = 1}));
        assert_ok(store_commit(f->store));
        assert_int_equal(take(&o, &to, &none, "2018-03-06 23:59"), 1); /* nobody got that one */
        assert_false(limit_concerns(NOTICE_REMINDER));
        assert_true(limit_concerns(NOTICE_RECEIVED));
        recipients_done(&to);
        office_done(&o);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_is_settled, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_daily_limit, fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
