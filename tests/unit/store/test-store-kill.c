/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A child works on the store and is killed at some moment. Whatever it said was committed must be there afterwards, whole and
 * nothing of what was not. The moments are random; the seed is printed when something fails.
 */

#define ROUNDS 25
#define START_USEC 40000 /* within which a child opens the store */
#define SOON_USEC 2000   /* a few transactions */

static unsigned seed;

/* ---- what the children do ---- */

/* One step of the ladder as the service takes it: all of it in one transaction, or nothing. */
static int write_one(struct store *store, int64_t i) {
        static const char *const recipients[] = {"a@x.example", "b@x.example"};
        char body[9000], message_id[32];
        int r = store_begin(store);

        memset(body, 'x', sizeof(body)); /* beyond one page */
        snprintf(message_id, sizeof(message_id), "<%jd@x>", (intmax_t)i);
        if (r == 0)
                r = store_ledger_add(store,
                                     &(struct ledger_row){.at = i, .event = "notice-decided"});
        if (r == 0)
                r = store_add_message(store,
                                      &(struct outbox_message){.message_id = message_id,
                                                               .subject = "s",
                                                               .from = "f",
                                                               .created = i,
                                                               .bytes = body,
                                                               .size = sizeof(body)},
                                      recipients, 2, NULL);
        if (r == 0)
                r = store_put_file(store, &(struct stored_file){.root = "/r", .path = "p"}, NULL);
        if (r == 0)
                r = store_set_i64(store, "n", i);
        return r == 0 ? store_commit(store) : r;
}

static int child_writes(const char *dir, int out) {
        struct store *store = NULL;
        enum store_condition condition;
        int64_t i = 0;
        int r = store_open(dir, &store, &condition, NULL);

        if (r == 0)
                store_get_i64(store, "n", &i);
        while (r == 0) {
                r = write_one(store, ++i);
                if (r == 0 && write(out, &i, sizeof(i)) != sizeof(i))
                        break;
        }
        return 1; /* only the signal ends it */
}

static int child_opens(const char *dir, int out) {
        struct store *store = NULL;
        enum store_condition condition;

        (void)out;
        if (store_open(dir, &store, &condition, NULL) == 0)
                pause();
        return 1;
}

static int child_backs_up(const char *dir, int out) {
        struct store *store = NULL;
        enum store_condition condition;
        date_t first = date_from_ymd(2018, 1, 1);
        int64_t i = 0;

        if (store_open(dir, &store, &condition, NULL) < 0)
                return 1;
        while (store_backup(store, first + (date_t)i) == 0) {
                i++;
                if (write(out, &i, sizeof(i)) != sizeof(i))
                        break;
        }
        return 1;
}

/* ---- killing ---- */

/**
 * run_and_kill() - @child in a process of its own, killed soon after it has said @n_words numbers
 * A slow machine makes it take longer, not do less. Return: the last number it said; 0 when none.
 */
static int64_t run_and_kill(const char *dir, int (*child)(const char *dir, int out), int n_words) {
        int64_t last = 0, value;
        int fds[2], status;
        pid_t pid;

        assert_ok(pipe2(fds, O_CLOEXEC));
        pid = fork();
        if (pid == 0)
                _exit(child(dir, fds[1]));
        assert_true(pid > 0);
        close(fds[1]);
        for (int i = 0; i < n_words; i++) {
                assert_int_equal(read(fds[0], &value, sizeof(value)), sizeof(value));
                last = value;
        }
        usleep((useconds_t)(rand_r(&seed) % (n_words ? SOON_USEC : START_USEC)));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* it did not end by itself */
        while (read(fds[0], &value, sizeof(value)) == sizeof(value))
                last = value;
        close(fds[0]);
        return last;
}

static int64_t get_n(struct fixture *f) {
        int64_t n = 0;
        int r = store_get_i64(f->store, "n", &n);

        assert_true(r == 0 || r == -ENOENT);
        return n;
}

static int count_files(void *userdata, const struct stored_file *row) {
        (void)row;
        ++*(int64_t *)userdata;
        return 0;
}

static void assert_whole(struct fixture *f, int64_t n) {
        uint8_t head[SHA256_SIZE];
        struct outbox_counts counts;
        int64_t seq = 0, n_files = 0;

        assert_ok(store_ledger_verify(f->store, &seq));
        assert_ok(store_ledger_head(f->store, head, &seq));
        assert_int_equal(seq, n);
        assert_ok(store_outbox_count(f->store, &counts));
        assert_int_equal(counts.by_state[OUTBOX_QUEUED], 2 * n);
        assert_ok(store_load_files(f->store, count_files, &n_files));
        assert_int_equal(n_files, n);
}

static void test_writing(void **state) {
        struct fixture *f = *state;
        int64_t known = 0, n;

        for (int i = 0; i < ROUNDS; i++) {
                int64_t last;

                fixture_close(f);
                last = run_and_kill(f->dir, child_writes, i % 5);
                if (last > known)
                        known = last;
                fixture_open(f);
                assert_int_equal(f->condition, STORE_SOUND);
                n = get_n(f);
                assert_in_range(n, known, known + 1); /* one may have been committed and not told */
                known = n;
                assert_whole(f, n);
        }
        assert_true(known > ROUNDS); /* it got somewhere */
}

static void test_first_start(void **state) {
        struct fixture *f = *state;

        for (int i = 0; i < ROUNDS; i++) {
                fixture_close(f);
                assert_ok(nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS));
                run_and_kill(f->dir, child_opens, 0);
                fixture_open(f);
                assert_true(f->condition == STORE_FRESH || f->condition == STORE_SOUND);
                assert_ok(write_one(f->store, 1));
                assert_whole(f, 1);
        }
}

static void test_backing_up(void **state) {
        struct fixture *f = *state;

        for (int64_t i = 1; i <= 50; i++)
                assert_ok(write_one(f->store, i));
        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(closedir_p) DIR *d = NULL;
                struct dirent *e;

                fixture_close(f);
                run_and_kill(f->dir, child_backs_up, i % 5);
                d = opendir(f->dir);
                assert_non_null(d);
                while ((e = readdir(d))) {
                        char path[PATH_MAX + 256], buf[32];

                        if (strncmp(e->d_name, "backup-", 7) != 0)
                                continue;
                        snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
                        fixture_ask(path, "SELECT value FROM value WHERE name = 'n'", buf,
                                    sizeof(buf));
                        assert_string_equal(buf, "50");
                }
                fixture_open(f);
                assert_int_equal(f->condition, STORE_SOUND);
        }
        assert_ok(store_backup(f->store, 0)); /* what was cut short is not in the way */
}

static void test_restoring(void **state) {
        struct fixture *f = *state;
        int64_t released;

        for (int64_t i = 1; i <= 50; i++)
                assert_ok(write_one(f->store, i));
        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_close_ int fd = -1;

                assert_ok(store_begin(f->store));
                assert_ok(store_set_i64(f->store, "released_at", 1));
                assert_ok(store_commit(f->store));
                assert_ok(store_backup(f->store, i));
                fixture_close(f);
                fd = open(f->path, O_WRONLY | O_CLOEXEC);
                assert_int_equal(pwrite(fd, "garbage", 7, 0), 7);

                run_and_kill(f->dir, child_opens, 0);
                fixture_open(f);
                assert_true(f->condition == STORE_RESTORED || f->condition == STORE_SOUND);
                assert_int_equal(store_get_i64(f->store, "released_at", &released), -ENOENT);
                assert_whole(f, 50);
        }
}

/* No descriptor of the lock outlives its holder. */
static void test_lock_goes_with_its_holder(void **state) {
        struct fixture *f = *state;

        fixture_close(f);
        run_and_kill(f->dir, child_opens, 0);
        fixture_open(f);
}

static int report_seed(void **state) {
        (void)state;
        seed = (unsigned)getpid();
        print_message("seed %u\n", seed);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_writing),
                store_test(test_first_start),
                store_test(test_backing_up),
                store_test(test_restoring),
                store_test(test_lock_goes_with_its_holder),
        };

        return cmocka_run_group_tests_name("store-kill", tests, report_seed, NULL);
}
