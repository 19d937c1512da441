/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../store/store-fixture.h"

#include "base/strbuf.h"
#include "base/zone.h"
#include "core/model-builder.h"
#include "service/track.h"

/* A configuration taken up over a store that knows another one. */
struct taken_up {
        struct builder b;
        struct instance_set *set;
        struct tracks *tracks;
        struct track_changes changes;
};

struct shape {
        const char *dues, *unit, *each_unit, *rule;
        const char *off; /* a day off */
        enum due_word due_word;
        enum shift shift;
};

static void take_up(struct taken_up *t, struct store *store, const struct shape *shape,
                    const char *now, bool told) {
        const struct model *model;
        struct task *task;

        memset(t, 0, sizeof(*t));
        builder_init(&t->b);
        if (shape->off)
                builder_off(&t->b, shape->off, shape->off);
        task = builder_task(&t->b, "1.2", shape->unit ? shape->unit : "VP", shape->dues);
        task->due_word = shape->due_word;
        task->shift = shape->shift;
        if (shape->each_unit)
                task->each_unit = builder_units(&t->b, shape->each_unit, &task->n_each_unit);
        if (shape->rule)
                task->repeat = builder_rule(&t->b, shape->rule);
        model = builder_finish(&t->b);
        assert_ok(instance_set_new(model, zone_civil(at(now)).date + 60, NULL, NULL, &t->set));
        assert_ok(store_begin(store));
        assert_ok(tracks_new(model, t->set, store, at(now), &t->tracks, told ? &t->changes : NULL));
        assert_ok(store_commit(store));
}

static void give_back(struct taken_up *t) {
        tracks_free(t->tracks);
        instance_set_free(t->set);
        track_changes_done(&t->changes);
        builder_done(&t->b);
}

/* Every instance is first known in a year of its own, so that it is known again: 2001, 2002, … */
static void mark(struct taken_up *t, struct store *store) {
        assert_ok(store_begin(store));
        for (size_t i = 0; i < t->tracks->n; i++) {
                struct track *track = &t->tracks->items[i];

                track->history.first_known = zone_instant(date_from_ymd(2001 + (int)i, 1, 1), 0);
                track_changed(t->tracks, track, at("2018-01-02 08:00"));
        }
        assert_ok(tracks_save(t->tracks));
        assert_ok(store_commit(store));
}

/* "1.2@2018-03-05 a 1; …": key, which one it was before ("+": none), episode; changes behind it. */
static char *describe(const struct taken_up *t) {
        static const char signs[] = {'+', '-', '>'};
        struct strbuf b = STRBUF_INIT;

        for (size_t i = 0; i < t->tracks->n; i++) {
                const struct track *track = &t->tracks->items[i];
                date_t known = zone_civil(track->history.first_known).date;
                int year = 2001;

                while (year < 2018 && known != date_from_ymd(year, 1, 1))
                        year++;
                strbuf_addf(&b, "%s%s %c%u", i ? ", " : "", track->instance->key,
                            year < 2018 ? 'a' + year - 2001 : '+', track->history.episode);
                assert_ptr_equal(tracks_find(t->tracks, track->instance->key), track);
        }
        for (size_t i = 0; i < t->changes.n; i++)
                strbuf_addf(&b, " | %c%s", signs[t->changes.items[i].kind],
                            t->changes.items[i].key);
        strbuf_adds(&b, "");
        return strbuf_steal(&b);
}

struct edit {
        const char *what;
        struct shape before, after;
        const char *expected;
};

static const struct edit date_edits[] = {
        {"nothing",
         {"2018-03-05 I, 2018-06-05 II"},
         {"2018-03-05 I, 2018-06-05 II"},
         "1.2@2018-03-05 a1, 1.2@2018-06-05 b1"},
        {"the only one", {"2018-03-05"}, {"2018-03-12"}, "1.2@2018-03-05 a2 | >1.2@2018-03-05"},
        {"by its label",
         {"2018-03-05 I, 2018-06-05 II"},
         {"2018-03-12 I, 2018-06-05 II"},
         "1.2@2018-03-05 a2, 1.2@2018-06-05 b1 | >1.2@2018-03-05"},
        {"one on the date of the other",
         {"2018-03-05 I, 2018-06-05 II"},
         {"2018-06-05 I, 2018-09-05 II"},
         "1.2@2018-03-05 a2, 1.2@2018-06-05 b2 | >1.2@2018-03-05 | >1.2@2018-06-05"},
        {"changing places",
         {"2018-03-05 I, 2018-06-05 II"},
         {"2018-03-05 II, 2018-06-05 I"},
         "1.2@2018-06-05 b2, 1.2@2018-03-05 a2 | >1.2@2018-03-05 | >1.2@2018-06-05"},
        {"the label",
         {"2018-03-05 I, 2018-06-05 II"},
         {"2018-03-05 one, 2018-06-05 II"},
         "1.2@2018-03-05 a1, 1.2@2018-06-05 b1"},
        {"two without labels",
         {"2018-03-05, 2018-06-05"},
         {"2018-03-12, 2018-06-12"},
         "1.2@2018-03-12 +1, 1.2@2018-06-12 +1 | +1.2@2018-03-12 | +1.2@2018-06-12 | "
         "-1.2@2018-03-05 | -1.2@2018-06-05"},
        {"one more",
         {"2018-03-05"},
         {"2018-03-05, 2018-06-05"},
         "1.2@2018-03-05 a1, 1.2@2018-06-05 +1 | +1.2@2018-06-05"},
        {"one less",
         {"2018-03-05, 2018-06-05"},
         {"2018-06-05"},
         "1.2@2018-06-05 b1 | -1.2@2018-03-05"},
        {"another unit",
         {"2018-03-05"},
         {"2018-03-05", .unit = "KHTC"},
         "1.2@2018-03-05 +2 | -1.2@2018-03-05 | +1.2@2018-03-05"},
        {"one copy more",
         {"2018-03-05", .each_unit = "VP,KHTC"},
         {"2018-03-05", .each_unit = "VP,KHTC,TTTK"},
         "1.2@2018-03-05/VP a1, 1.2@2018-03-05/KHTC b1, 1.2@2018-03-05/TTTK +1 | "
         "+1.2@2018-03-05/TTTK"},
        {"copies, edited",
         {"2018-03-05", .each_unit = "VP,KHTC"},
         {"2018-03-12", .each_unit = "VP,KHTC"},
         "1.2@2018-03-05/VP a2, 1.2@2018-03-05/KHTC b2 | >1.2@2018-03-05/KHTC | "
         ">1.2@2018-03-05/VP"},
};

/* Taken up, edited, and taken up again: as expected, and a restart changes nothing and tells nothing. */
static void play_edit(struct store *store, const struct edit *edit) {
        _cleanup_free_ char *found = NULL, *restarted = NULL, *before = NULL;
        struct taken_up t;

        take_up(&t, store, &edit->before, "2018-01-02 08:00", true);
        assert_int_equal(t.changes.n, 0);
        mark(&t, store);
        give_back(&t);
        take_up(&t, store, &edit->after, "2018-01-03 08:00", true);
        found = describe(&t);
        if (strcmp(found, edit->expected) != 0)
                fail_msg("%s:\n%s\n%s", edit->what, found, edit->expected);
        track_changes_done(&t.changes);
        t.changes = (struct track_changes){};
        before = describe(&t);
        give_back(&t);
        take_up(&t, store, &edit->after, "2018-01-04 08:00", true);
        restarted = describe(&t);
        assert_string_equal(restarted, before);
        give_back(&t);
}

static void test_edited_dates(void **state) {
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(date_edits); i++) {
                play_edit(f->store, &date_edits[i]);
                fixture_close(f); /* the next one begins with nothing */
                assert_ok(nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS));
                fixture_open(f);
        }
}

/* A date takes the key that an edited one had kept: both are found, each with its own history. */
static void test_key_is_given_up(void **state) {
        struct fixture *f = *state;
        struct taken_up t;
        char *found;

        take_up(&t, f->store, &(struct shape){"2018-03-05 I"}, "2018-01-02 08:00", true);
        mark(&t, f->store);
        give_back(&t);
        take_up(&t, f->store, &(struct shape){"2018-03-12 I"}, "2018-01-03 08:00", true);
        give_back(&t);
        take_up(&t, f->store, &(struct shape){"2018-03-05 0, 2018-03-12 I"}, "2018-01-04 08:00",
                true);
        found = describe(&t);
        assert_string_equal(found, "1.2@2018-03-05 +1, 1.2@2018-03-12 a2 | +1.2@2018-03-05");
        free(found);
        give_back(&t);
}

/* What was dropped and comes back is news, and starts at the foot of its ladder. */
static void test_back_again(void **state) {
        struct fixture *f = *state;
        struct taken_up t;
        char *found;

        take_up(&t, f->store, &(struct shape){"2018-03-05, 2018-06-05"}, "2018-01-02 08:00", true);
        mark(&t, f->store);
        give_back(&t);
        take_up(&t, f->store, &(struct shape){"2018-06-05"}, "2018-01-03 08:00", true);
        give_back(&t);
        take_up(&t, f->store, &(struct shape){"2018-03-05, 2018-06-05"}, "2018-03-20 08:00", true);
        found = describe(&t);
        assert_string_equal(found, "1.2@2018-03-05 +2, 1.2@2018-06-05 b1 | +1.2@2018-03-05");
        assert_true(t.tracks->items[0].history.episode_began == at("2018-03-20 08:00"));
        assert_int_equal(t.tracks->items[0].records.n, 0);
        free(found);
        give_back(&t);
}

/* An endless rule is known up to a horizon; that this moves on is no change of a criterion. */
static void test_horizon(void **state) {
        static const struct shape monthly = {"2018-01-15", .rule = "FREQ=MONTHLY"};
        struct fixture *f = *state;
        struct taken_up t;
        size_t n;

        take_up(&t, f->store, &monthly, "2018-01-02 08:00", true);
        n = t.tracks->n;
        give_back(&t);
        take_up(&t, f->store, &monthly, "2018-06-02 08:00", true);
        assert_int_equal(t.tracks->n, n + 5);
        assert_int_equal(t.changes.n, 0);
        give_back(&t);
        take_up(&t, f->store, &monthly, "2018-01-02 08:00", true);
        assert_int_equal(t.tracks->n, n);
        assert_int_equal(t.changes.n, 0);
        give_back(&t);
        take_up(&t, f->store, &(struct shape){"2018-01-15", .rule = "FREQ=WEEKLY"},
                "2018-01-02 08:00", true);
        assert_true(t.changes.n > 4);
        give_back(&t);
}

/* A new calendar moves what is to come, with a word about it, and leaves what has passed. */
static void test_calendar(void **state) {
        static const struct shape before = {"2018-03-05, 2018-06-05"};
        static const struct {
                const char *now, *off;
                bool told, moved;
                size_t covered;
        } rows[] = {
                {"2018-06-04 08:00", "2018-06-05", true, true, 1},
                {"2018-06-04 08:00", "2018-06-05", false, true, 0},
                {"2018-06-07 08:00", "2018-06-05", true, false, 0},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct shape after = {before.dues, .off = rows[i].off};
                struct taken_up t;
                const struct track *track;
                usec_t deadline;

                take_up(&t, f->store, &before, "2018-01-02 08:00", true);
                deadline = t.tracks->items[1].deadline;
                give_back(&t);
                take_up(&t, f->store, &after, rows[i].now, rows[i].told);
                track = &t.tracks->items[1];
                assert_int_equal(track->deadline != deadline, rows[i].moved);
                assert_int_equal(track->history.episode, rows[i].moved ? 2 : 1);
                assert_int_equal(t.changes.n, rows[i].moved && rows[i].told);
                /* Only a notice covers the steps that have fired. */
                assert_int_equal(track->records.n, rows[i].covered);
                if (!rows[i].moved)
                        assert_int_equal(track->history.passed.effective,
                                         date_from_ymd(2018, 6, 5));
                give_back(&t);
                fixture_close(f);
                assert_ok(nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS));
                fixture_open(f);
        }
}

/* The same date in other words is another deadline, whether it has passed or not. */
static void test_edited_words(void **state) {
        static const struct shape before = {"2018-06-03"}; /* a Sunday */
        static const struct {
                struct shape after;
                const char *effective;
        } rows[] = {
                {{"2018-06-03"}, "2018-06-01"},
                {{"2018-06-03", .off = "2018-06-01"}, "2018-06-01"},
                {{"2018-06-03", .due_word = DUE_WORD_BEFORE, .off = "2018-06-01"}, "2018-05-31"},
                {{"2018-06-03", .shift = SHIFT_LATER}, "2018-06-04"},
                {{"2018-06-03", .shift = SHIFT_NONE}, "2018-06-03"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char effective[DATE_BUFFER];
                struct taken_up t;
                bool moved = i > 1;

                take_up(&t, f->store, &before, "2018-01-02 08:00", true);
                give_back(&t);
                take_up(&t, f->store, &rows[i].after, "2018-06-07 08:00", true);
                date_format(instance_deadline(t.b.model->calendar, t.tracks->items[0].instance,
                                              &t.tracks->items[0].history)
                                    .effective,
                            effective);
                assert_string_equal(effective, rows[i].effective);
                assert_int_equal(t.changes.n, moved);
                assert_int_equal(t.tracks->items[0].history.episode, moved ? 2 : 1);
                give_back(&t);
                /* Once only. */
                take_up(&t, f->store, &rows[i].after, "2018-06-08 08:00", true);
                assert_int_equal(t.changes.n, 0);
                give_back(&t);
                fixture_close(f);
                assert_ok(nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS));
                fixture_open(f);
        }
}

/* An extension outlives an edited date, unless that is later. */
static void test_extended_and_edited(void **state) {
        static const struct {
                const char *due;
                bool extended;
                const char *effective;
        } rows[] = {
                {"2018-06-05", true, "2018-06-20"},
                {"2018-06-06", true, "2018-06-20"},
                {"2018-06-20", false, "2018-06-20"},
                {"2018-06-29", false, "2018-06-29"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char effective[DATE_BUFFER];
                const struct track *track;
                struct taken_up t;

                take_up(&t, f->store, &(struct shape){"2018-06-05"}, "2018-01-02 08:00", true);
                t.tracks->items[0].history.extended_to = date_from_ymd(2018, 6, 20);
                mark(&t, f->store);
                give_back(&t);
                take_up(&t, f->store, &(struct shape){rows[i].due}, "2018-06-01 08:00", true);
                track = &t.tracks->items[0];
                date_format(instance_deadline(t.b.model->calendar, track->instance, &track->history)
                                    .effective,
                            effective);
                assert_string_equal(effective, rows[i].effective);
                assert_int_equal(track->history.extended_to != DATE_NONE, rows[i].extended);
                assert_int_equal(t.changes.n, i == 3); /* the others end where they ended */
                give_back(&t);
                fixture_close(f);
                assert_ok(nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS));
                fixture_open(f);
        }
}

/* Of a store of an earlier version nobody knows the words: nothing is taken for edited, and they are known from then on. */
static void test_words_not_known(void **state) {
        static const struct shape before = {"2018-06-03"},
                                  after = {"2018-06-03", .shift = SHIFT_LATER};
        struct fixture *f = *state;
        struct taken_up t;

        take_up(&t, f->store, &before, "2018-01-02 08:00", true);
        give_back(&t);
        fixture_close(f);
        assert_int_equal(fixture_sql(f->path, "UPDATE instance SET due_word = NULL, shift = NULL"),
                         SQLITE_OK);
        fixture_open(f);
        take_up(&t, f->store, &before, "2018-06-07 08:00", true);
        assert_int_equal(t.changes.n, 0);
        give_back(&t);
        take_up(&t, f->store, &after, "2018-06-07 08:00", true);
        assert_int_equal(t.changes.n, 1);
        give_back(&t);
}

static int on_expired(void *userdata, struct track *track, enum episode_cause cause) {
        enum episode_cause *last = userdata;

        *last = cause;
        return track->history.snoozed_until == 0 ? 0 : -EINVAL;
}

static int on_ledger_row(void *userdata, const struct ledger_row *row) {
        struct strbuf *b = userdata;

        strbuf_addf(b, "%s %s %s\n", row->event, row->instance, row->detail);
        return 0;
}

static char *ledger(struct fixture *f) {
        struct strbuf b = STRBUF_INIT;

        strbuf_adds(&b, "");
        assert_ok(store_ledger_query(f->store, &(struct ledger_filter){.until = USEC_INFINITY},
                                     on_ledger_row, &b));
        return strbuf_steal(&b);
}

static void test_expiry(void **state) {
        struct fixture *f = *state;
        enum episode_cause cause = EPISODE_FIRST_KNOWN;
        const struct track_expiry expiry = {on_expired, &cause};
        _cleanup_free_ char *rows = NULL;
        struct taken_up t;
        usec_t next = 0;

        take_up(&t, f->store, &(struct shape){"2018-03-05"}, "2018-01-02 08:00", true);
        t.tracks->items[0].history.snoozed_until = at("2018-02-01 07:30");
        assert_ok(store_begin(f->store));
        assert_ok(tracks_expire(t.tracks, at("2018-02-01 07:29"), &expiry, &next));
        assert_true(next == at("2018-02-01 07:30"));
        assert_int_equal(cause, EPISODE_FIRST_KNOWN);
        assert_ok(tracks_expire(t.tracks, next, &expiry, &next));
        assert_int_equal(cause, EPISODE_SNOOZE_ENDED);
        assert_true(next == at("2018-03-06 00:00")); /* its deadline passes */
        assert_ok(tracks_expire(t.tracks, next, &expiry, &next));
        assert_true(next == USEC_INFINITY);
        assert_int_equal(t.tracks->items[0].history.passed.effective, date_from_ymd(2018, 3, 5));
        assert_ok(store_commit(f->store));
        rows = ledger(f);
        assert_string_equal(rows, "snooze-ended 1.2@2018-03-05 {\"until\":\"2018-02-01\"}\n");
        give_back(&t);
}

/* A stated date ends an extension once, when it is later; an earlier one does not. */
static void test_extension_overtaken(void **state) {
        static const struct {
                const char *stated, *rows;
        } edits[] = {
                {"2018-03-12", ""},
                {"2018-04-02", "extension-ended 1.2@2018-03-05 {\"until\":\"2018-03-20\"}\n"},
                {"2018-04-03", "extension-ended 1.2@2018-03-05 {\"until\":\"2018-03-20\"}\n"},
        };
        struct fixture *f = *state;
        struct taken_up t;

        take_up(&t, f->store, &(struct shape){"2018-03-05"}, "2018-01-02 08:00", true);
        t.tracks->items[0].history.extended_to = date_from_ymd(2018, 3, 20);
        track_changed(t.tracks, &t.tracks->items[0], at("2018-01-02 08:00"));
        assert_ok(store_begin(f->store));
        assert_ok(tracks_save(t.tracks));
        assert_ok(store_commit(f->store));
        give_back(&t);
        for (size_t i = 0; i < ELEMENTSOF(edits); i++) {
                _cleanup_free_ char *rows = NULL;

                take_up(&t, f->store, &(struct shape){edits[i].stated}, "2018-01-03 08:00", true);
                rows = ledger(f);
                assert_string_equal(rows, edits[i].rows);
                give_back(&t);
        }
}

/* The release is where things begin, but not for those who were mailed before the store was restored. */
static void test_first_known(void **state) {
        struct fixture *f = *state;
        struct taken_up t;
        usec_t now = at("2018-03-20 08:00");

        take_up(&t, f->store, &(struct shape){"2018-03-05, 2018-06-05"}, "2018-01-02 08:00", true);
        assert_ok(store_begin(f->store));
        assert_ok(track_record(t.tracks, &t.tracks->items[0],
                               &(struct record){.episode = 1,
                                                .deadline = t.tracks->items[0].deadline,
                                                .offset = {1, OFFSET_WORKING_DAYS},
                                                .fired = at("2018-03-06 07:30"),
                                                .at = at("2018-03-06 07:30"),
                                                .kind = RECORD_SENT},
                               0));
        assert_ok(tracks_first_known(t.tracks, now));
        assert_ok(store_commit(f->store));
        assert_true(t.tracks->items[0].history.episode_began == at("2018-01-02 08:00"));
        assert_true(t.tracks->items[1].history.episode_began == now);
        give_back(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_edited_dates, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_key_is_given_up, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_back_again, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_horizon, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_calendar, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_edited_words, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_extended_and_edited, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_words_not_known, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_expiry, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_extension_overtaken, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_first_known, fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
