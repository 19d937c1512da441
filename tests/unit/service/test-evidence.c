/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../store/store-fixture.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "core/model-builder.h"
#include "ipc/worker.h"
#include "service/evidence.h"

/* The evidence of one task, with a scanner that says what a test wants it to say. */

#define ROOT "/evidence"
#define GONE_AFTER (10 * USEC_PER_MINUTE)
#define PATIENCE (30 * USEC_PER_SEC)
#define QUIET_MSEC 40 /* longer than the delay of a pass */

enum { REGULAR = 1, SETTLED = 3, QUIET = 33, READ = 67 };

struct house {
        struct builder b;
        struct need *needs;
        struct instance_set *set;
        struct tracks *tracks;
        struct clock clock;
        struct store *store;
        sd_event *event;
        struct evidence *evidence;
        int listen_fd;
        char socket[PATH_MAX];
        struct framer *scanner;
        struct strbuf told; /* what people are told of, a line each */
        unsigned n_changed, n_asked;
};

static int on_event(void *userdata, const struct evidence_event *event) {
        struct house *h = userdata;

        strbuf_addf(&h->told, "%s %s %s\n", notice_kind_to_string(event->kind),
                    event->file.path ? event->file.path : "-",
                    event->file.path ? verdict_to_string(event->file.verdict) : "-");
        return 0;
}

static void on_changed(void *userdata) { ((struct house *)userdata)->n_changed++; }

static void on_failed(void *userdata) {
        (void)userdata;
        fail_msg("what was found could not be written down");
}

static void say(struct house *h, json_t *json) {
        assert_non_null(json);
        assert_ok(framer_send_all(h->scanner, json, NULL, 0, PATIENCE));
        json_decref(json);
}

/* What a file contains follows from its date; "broken" in its name says that it is not whole, "copy" that it is as version 1. */
static void answer(struct house *h, const json_t *m) {
        const char *path = json_string_value(json_object_get(m, "path"));
        json_int_t mtime = json_integer_value(json_object_get(m, "mtime"));
        char sha[SHA256_HEX];

        h->n_asked++;
        snprintf(sha, sizeof(sha), "%064jx",
                 (uintmax_t)(strstr(path, "copy") ? at("2018-03-01 08:00") + 1 : mtime));
        say(h,
            json_pack("{s:O, s:s, s:s, s:b, s:b, s:s, s:O, s:I}", "reply", json_object_get(m, "id"),
                      "status", "ok", "type", "pdf", "whole", !strstr(path, "broken"), "signed", 0,
                      "sha256", sha, "size", json_object_get(m, "size"), "mtime", mtime));
}

static void hear(struct house *h) {
        for (;;) {
                _cleanup_(message_done) struct message m = {};
                int r = framer_next(h->scanner, &m);

                if (r == 0)
                        r = framer_fill(h->scanner);
                if (r == 0)
                        return;
                assert_true(r > 0);
                if (m.json && json_object_get(m.json, "id"))
                        answer(h, m.json);
        }
}

/* Lets both sides work until nothing happens any more. */
static void serve(struct house *h) {
        usec_t end = clock_monotonic() + PATIENCE;
        unsigned idle = 0;

        while (idle < 2) {
                struct pollfd fds[] = {{.fd = sd_event_get_fd(h->event), .events = POLLIN},
                                       {.fd = framer_fd(h->scanner), .events = POLLIN}};
                int r;

                while (sd_event_run(h->event, 0) > 0)
                        ;
                hear(h);
                r = poll(fds, ELEMENTSOF(fds), QUIET_MSEC);
                assert_true(r >= 0 && clock_monotonic() < end);
                idle = r == 0 ? idle + 1 : 0;
        }
}

/* "plan.pdf 1 3, report.pdf 2 1": name, version (inode and date), flags */
static void list(struct house *h, const char *folder, const char *files) {
        _cleanup_free_ char *copy = strdup(files);
        json_t *array = json_array();

        for (char *save = NULL, *file = strtok_r(copy, ",", &save); file;
             file = strtok_r(NULL, ",", &save)) {
                char name[NAME_MAX + 1];
                int version, flags;

                assert_int_equal(sscanf(file, " %255s %d %d", name, &version, &flags), 3);
                json_array_append_new(array, json_string(name));
                json_array_append_new(array, json_integer(100));
                json_array_append_new(array, json_integer(at("2018-03-01 08:00") + version));
                json_array_append_new(array, json_integer(version));
                json_array_append_new(array, json_integer(flags));
        }
        say(h, json_pack("{s:s, s:s, s:o, s:b}", "event", "folder", "path", folder, "files", array,
                         "more", 0));
        serve(h);
}

/* Files of the folder have settled, the others are as they were: "plan.pdf", with these flags */
static void settled(struct house *h, const char *folder, const char *name, int flags) {
        say(h, json_pack("{s:s, s:s, s:[s, i]}", "event", "settled", "path", folder, "files", name,
                         flags));
        serve(h);
}

static void later(struct house *h, usec_t time) { h->clock.offset += time; }

/* As when the timer of what is missing fires. */
static void look_again(struct house *h) {
        evidence_confirm(h->evidence);
        serve(h);
}

static void listen_at(struct house *h) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        assert_true(strlen(h->socket) < sizeof(address.sun_path));
        memcpy(address.sun_path, h->socket, strlen(h->socket) + 1);
        h->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(h->listen_fd >= 0);
        assert_ok(bind(h->listen_fd, (struct sockaddr *)&address, sizeof(address)));
        assert_ok(listen(h->listen_fd, 1));
}

/* The evidence as after a start of the service; the scanner has said that the root is there. */
static void start(struct house *h) {
        const struct evidence_callbacks callbacks = {on_event, on_changed, on_failed};
        int fd;

        assert_ok(evidence_new(&(struct evidence_config){.event = h->event,
                                                         .clock = &h->clock,
                                                         .model = h->b.model,
                                                         .tracks = h->tracks,
                                                         .store = h->store,
                                                         .socket = h->socket},
                               &callbacks, h, &h->evidence));
        while (sd_event_run(h->event, 20 * USEC_PER_MSEC) > 0)
                ;
        fd = accept(h->listen_fd, NULL, NULL);
        assert_true(fd >= 0);
        h->scanner = framer_new(fd);
        say(h, worker_hello("evidenced-scan"));
        serve(h);
        say(h, json_pack("{s:s, s:s, s:s, s:s}", "event", "root", "state", "ok", "fsid", "1",
                         "source", "/dev/x"));
}

static void scanned(struct house *h) {
        say(h, json_pack("{s:s, s:i, s:i}", "event", "scanned", "folders", 1, "files", 1));
        serve(h);
}

static void stop(struct house *h) {
        h->evidence = evidence_free(h->evidence);
        h->scanner = framer_free(h->scanner);
}

/* One task with a plan and @count reports to file; its root was walked, and was empty. */
static void house_init(struct house *h, struct fixture *f, uint32_t count) {
        const char *roots[] = {ROOT};
        const struct model *model;
        struct task *task;

        memset(h, 0, sizeof(*h));
        h->store = f->store;
        builder_init(&h->b);
        task = builder_task(&h->b, "1", "VP", "2018-03-05");
        h->needs = arena_new_array(h->b.arena, struct need, 2);
        h->needs[0] = h->needs[1] = task->needs[0];
        h->needs[0].match = builder_strings(&h->b, "*plan*.pdf");
        h->needs[1].match = builder_strings(&h->b, "*report*.pdf");
        h->needs[1].count = count;
        task->needs = h->needs;
        task->n_needs = 2;
        h->b.model->evidence.roots = builder_strings(&h->b, roots[0]);
        h->b.model->evidence.explanation = "GIAI-TRINH*";
        h->b.model->evidence.gone_after = GONE_AFTER;
        model = builder_finish(&h->b);
        h->set = builder_instances(model);
        h->clock.offset = at("2018-03-01 09:00") - clock_realtime();
        assert_ok(store_begin(h->store));
        assert_ok(tracks_new(model, h->set, h->store, at("2018-03-01 09:00"), &h->tracks, NULL));
        assert_ok(store_commit(h->store));
        snprintf(h->socket, sizeof(h->socket), "%s/scan.sock", f->dir);
        listen_at(h);
        assert_true(sd_event_new(&h->event) >= 0);
        start(h);
        scanned(h);
        assert_true(evidence_is_quiet(h->evidence));
}

static void house_done(struct house *h) {
        stop(h);
        close(h->listen_fd);
        sd_event_unref(h->event);
        tracks_free(h->tracks);
        instance_set_free(h->set);
        builder_done(&h->b);
        strbuf_done(&h->told);
}

/* What was told since the last look. */
static void assert_told(struct house *h, const char *expected) {
        assert_string_equal(strbuf_str(&h->told), expected);
        strbuf_done(&h->told);
        h->told = STRBUF_INIT;
}

static void assert_have(const struct house *h, uint32_t plans, uint32_t reports) {
        assert_int_equal(h->tracks->items[0].have[0], plans);
        assert_int_equal(h->tracks->items[0].have[1], reports);
}

static const char *verdict_of(struct house *h, const char *path, bool ignored) {
        _cleanup_(evidence_notes_done) struct evidence_notes notes = {};

        assert_ok(evidence_files(h->evidence, &h->tracks->items[0], ignored, &notes));
        for (size_t i = 0; i < notes.n; i++)
                if (strcmp(notes.items[i].path, path) == 0)
                        return verdict_to_string(notes.items[i].verdict);
        return "not there";
}

struct row {
        const char *path;
        usec_t received_at;
        unsigned n;
};

static int on_row(void *userdata, const struct stored_file *file) {
        struct row *row = userdata;

        if (strcmp(file->path, row->path) == 0) {
                row->received_at = file->received_at;
                row->n++;
        }
        return 0;
}

static usec_t received_at(struct house *h, const char *path) {
        struct row row = {.path = path};

        assert_ok(store_load_files(h->store, on_row, &row));
        assert_int_equal(row.n, 1);
        return row.received_at;
}

static void test_who_went_is_named(void **state) {
        struct house h;

        house_init(&h, *state, 1);
        list(&h, "1", "plan.pdf 1 3, report.pdf 2 1");
        assert_told(&h, "received 1/plan.pdf counted\n");
        list(&h, "1", "plan.pdf 1 3, report.pdf 2 3");
        assert_told(&h, "received 1/report.pdf counted\ncomplete - -\n");
        list(&h, "1", "plan.pdf 1 3");
        look_again(&h);
        assert_told(&h, "");
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        assert_told(&h, "reopened 1/report.pdf counted\n");
        assert_have(&h, 1, 0);
        list(&h, "1", "plan.pdf 1 3, report.pdf 3 3");
        assert_told(&h, "received 1/report.pdf counted\ncomplete - -\n");
        say(&h, json_pack("{s:s, s:s}", "event", "gone", "path", "1"));
        serve(&h);
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        assert_told(&h, "reopened 1/plan.pdf counted\nreopened 1/report.pdf counted\n");
        house_done(&h);
}

/* A pass judges what changed only: what stood, what copies it and what waits for a slot is still known. */
static void test_one_by_one(void **state) {
        struct house h;

        house_init(&h, *state, 2);
        list(&h, "1/a", "report1.pdf 1 3");
        list(&h, "1/b", "report2.pdf 1 3");
        assert_string_equal(verdict_of(&h, "1/b/report2.pdf", false), "duplicate");
        assert_have(&h, 0, 1);
        list(&h, "1/c", "report3.pdf 3 3, report4.pdf 4 3");
        assert_have(&h, 0, 2);
        assert_string_equal(verdict_of(&h, "1/c/report4.pdf", false), "surplus");
        list(&h, "1/d", "plan.pdf 5 3");
        assert_have(&h, 1, 2);
        assert_true(h.tracks->items[0].history.complete_at > 0);
        assert_told(&h, "received 1/a/report1.pdf counted\nrefused 1/b/report2.pdf duplicate\n"
                        "received 1/c/report3.pdf counted\nreceived 1/d/plan.pdf counted\n"
                        "complete - -\n");
        list(&h, "1/c", "report4.pdf 4 3"); /* who waited takes the place at once */
        assert_string_equal(verdict_of(&h, "1/c/report4.pdf", false), "counted");
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        assert_have(&h, 1, 2);
        list(&h, "1/a", "");
        assert_string_equal(verdict_of(&h, "1/b/report2.pdf", false), "counted");
        assert_have(&h, 1, 2);
        /* the copy is the same document, so it is no news */
        assert_told(&h, "received 1/c/report4.pdf counted\n");
        house_done(&h);
}

static void test_received_is_kept(void **state) {
        struct house h;
        usec_t broken, misnamed;

        house_init(&h, *state, 1);
        list(&h, "1", "report-broken.pdf 1 3, minutes.pdf 2 3");
        assert_told(&h, "refused 1/report-broken.pdf broken\n");
        broken = received_at(&h, "1/report-broken.pdf");
        misnamed = clock_now(&h.clock);
        later(&h, USEC_PER_MINUTE);
        list(&h, "1", "minutes.pdf 2 3, report-broken2.pdf 1 1");
        assert_int_equal(received_at(&h, "1/report-broken2.pdf"), broken);
        list(&h, "1", ""); /* a move comes in two halves, and a pass may lie between */
        look_again(&h);
        list(&h, "1/a", "report-broken-still.pdf 1 1, plan.pdf 2 1");
        assert_int_equal(received_at(&h, "1/a/report-broken-still.pdf"), broken);
        assert_true(received_at(&h, "1/a/plan.pdf") < misnamed + USEC_PER_SEC);
        /* what goes for good is forgotten */
        list(&h, "1/a", "plan.pdf 2 3");
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        list(&h, "1/a", "plan.pdf 2 3, report-broken.pdf 1 3");
        assert_true(received_at(&h, "1/a/report-broken.pdf") > broken + GONE_AFTER);
        house_done(&h);
}

/* As Word saves: the old version is put aside under a name that can not count, and keeps its slot. */
static void test_put_aside(void **state) {
        struct house h;

        house_init(&h, *state, 1);
        list(&h, "1", "plan.pdf 1 3");
        assert_have(&h, 1, 0);
        list(&h, "1", "~WRL0001.tmp 1 1");
        assert_have(&h, 1, 0);
        list(&h, "1", "plan.pdf 2 3");
        assert_have(&h, 1, 0);
        assert_told(&h, "received 1/plan.pdf counted\nreceived 1/plan.pdf counted\n");
        house_done(&h);
}

static void restart(struct house *h) {
        stop(h);
        start(h);
}

static void assert_unreadable(struct house *h, size_t n) {
        struct evidence_root root;

        assert_int_equal(evidence_roots(h->evidence, &root, 1), 1);
        assert_int_equal(root.n_unreadable_files, n);
        if (n > 0)
                assert_string_equal(root.unreadable_file, ROOT "/1/plan.pdf: Permission denied");
}

/* What was read goes on counting while it is the same; what never was does not begin to. */
static void test_unreadable(void **state) {
        struct house h;

        house_init(&h, *state, 1);
        list(&h, "1", "plan.pdf 1 3, report.pdf 2 19");
        assert_told(&h, "received 1/plan.pdf counted\nrefused 1/report.pdf unreadable\n");
        assert_unreadable(&h, 0); /* its owner is told */
        list(&h, "1", "plan.pdf 1 19, report.pdf 2 19");
        assert_unreadable(&h, 1);
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        assert_have(&h, 1, 0);
        restart(&h);
        list(&h, "1", "plan.pdf 1 19, report.pdf 2 19");
        scanned(&h);
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        assert_string_equal(verdict_of(&h, "1/plan.pdf", false), "counted");
        assert_have(&h, 1, 0);
        assert_unreadable(&h, 1);
        assert_told(&h, "");
        list(&h, "1", "plan.pdf 3 19, report.pdf 2 3"); /* another version */
        assert_told(&h, "refused 1/plan.pdf unreadable\ncomplete - -\n");
        assert_unreadable(&h, 0);
        later(&h, GONE_AFTER + USEC_PER_SEC);
        look_again(&h);
        assert_told(&h, "reopened 1/plan.pdf counted\n");
        assert_have(&h, 0, 1);
        list(&h, "1", "plan.pdf 3 3, report.pdf 2 3");
        assert_told(&h, "received 1/plan.pdf counted\ncomplete - -\n");
        house_done(&h);
}

static void test_overruled(void **state) {
        struct house h;
        struct history *history;

        house_init(&h, *state, 1);
        history = &h.tracks->items[0].history;
        list(&h, "1", "GIAI-TRINH.docx 1 3");
        assert_told(&h, "explained 1/GIAI-TRINH.docx explanation\n");
        assert_true(history->explained);
        later(&h, USEC_PER_MINUTE);
        history->explained = false; /* as a person does */
        history->overruled_at = clock_now(&h.clock);
        later(&h, USEC_PER_MINUTE);
        list(&h, "1", "GIAI-TRINH.docx 1 1, plan.pdf 2 3");
        assert_false(history->explained);
        restart(&h);
        list(&h, "1", "GIAI-TRINH.docx 1 3, plan.pdf 2 3");
        scanned(&h);
        assert_false(history->explained);
        list(&h, "1", "GIAI-TRINH-again.docx 1 1, plan.pdf 2 3");
        assert_false(history->explained);
        list(&h, "1", "plan.pdf 2 3");
        list(&h, "1/a", "GIAI-TRINH-moved.docx 1 3");
        assert_false(history->explained);
        assert_told(&h, "received 1/plan.pdf counted\n");
        list(&h, "1", "plan.pdf 2 3, GIAI-TRINH.docx 3 3");
        assert_told(&h, "explained 1/GIAI-TRINH.docx explanation\n");
        assert_true(history->explained);
        house_done(&h);
}

static void test_what_programs_leave(void **state) {
        static const char *const names[] = {"Thumbs.db", "desktop.ini", ".DS_Store", "~$report.pdf",
                                            ".~lock.report.pdf#"};
        struct house h;

        house_init(&h, *state, 1);
        list(&h, "1",
             "Thumbs.db 1 3, desktop.ini 2 3, .DS_Store 3 3, ~$report.pdf 4 3, "
             ".~lock.report.pdf# 5 3, minutes.pdf 6 3");
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = NULL;

                assert_true(asprintf(&path, "1/%s", names[i]) > 0);
                assert_string_equal(verdict_of(&h, path, true), "ignored");
                assert_string_equal(verdict_of(&h, path, false), "not there");
        }
        assert_string_equal(verdict_of(&h, "1/minutes.pdf", false), "name");
        assert_told(&h, "");
        house_done(&h);
}

static void test_no_news(void **state) {
        struct house h;
        unsigned before;

        house_init(&h, *state, 1);
        list(&h, "1", "plan.pdf 1 3, minutes.pdf 2 3");
        before = h.n_changed;
        say(&h, json_pack("{s:s}", "event", "alive"));
        serve(&h);
        assert_int_equal(h.n_changed, before);
        list(&h, "1", "plan.pdf 1 3, minutes.pdf 2 3");
        list(&h, "1", "plan.pdf 1 3");
        assert_int_equal(h.n_changed, before);
        list(&h, "1", "plan.pdf 1 3, report.pdf 3 1");
        assert_true(h.n_changed > before);
        house_done(&h);
}

/* What is read while a file settles counts from then on, if the scanner says that it stands. */
static void test_read_ahead(void **state) {
        struct house h;

        house_init(&h, *state, 1);
        list(&h, "1", "plan.pdf 1 33, report.pdf 2 33, README 3 33");
        assert_int_equal(h.n_asked, 2);
        assert_told(&h, "");
        assert_string_equal(verdict_of(&h, "1/plan.pdf", false), "unsettled");
        assert_false(evidence_is_quiet(h.evidence));
        later(&h, USEC_PER_MINUTE);
        settled(&h, "1", "plan.pdf", READ);
        assert_told(&h, "received 1/plan.pdf counted\n");
        assert_int_equal(received_at(&h, "1/plan.pdf") / USEC_PER_MINUTE,
                         clock_now(&h.clock) / USEC_PER_MINUTE);
        assert_int_equal(h.n_asked, 2);
        settled(&h, "1", "report.pdf", SETTLED); /* it was written again since */
        assert_int_equal(h.n_asked, 3);
        assert_told(&h, "received 1/report.pdf counted\ncomplete - -\n");
        assert_true(evidence_is_quiet(h.evidence));
        /* the next listing is no news */
        list(&h, "1", "plan.pdf 1 3, report.pdf 2 3, README 3 3");
        settled(&h, "1", "none.pdf", SETTLED);
        settled(&h, "elsewhere", "plan.pdf", SETTLED);
        assert_int_equal(h.n_asked, 3);
        assert_told(&h, "");
        house_done(&h);
}

/* That it is the document of before, as reading ahead shows, does not make it a settled one. */
static void test_copy_settles(void **state) {
        struct house h;

        house_init(&h, *state, 1);
        list(&h, "1", "report.pdf 1 3");
        list(&h, "1", "report-copy.pdf 7 33");
        list(&h, "1", "report-copy.pdf 7 1");
        assert_string_equal(verdict_of(&h, "1/report-copy.pdf", false), "unsettled");
        settled(&h, "1", "report-copy.pdf", READ);
        assert_string_equal(verdict_of(&h, "1/report-copy.pdf", false), "counted");
        assert_int_equal(h.n_asked, 2);
        assert_told(&h, "received 1/report.pdf counted\n");
        house_done(&h);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_who_went_is_named, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_one_by_one, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_received_is_kept, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_put_aside, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_unreadable, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_overruled, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_what_programs_leave, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_no_news, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_read_ahead, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_copy_settles, fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
