/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void set(struct fixture *f, const char *name, int64_t value) {
        assert_ok(store_begin(f->store));
        assert_ok(store_set_i64(f->store, name, value));
        assert_ok(store_commit(f->store));
}

static int64_t get(struct fixture *f, const char *name) {
        int64_t value = -1;
        int r = store_get_i64(f->store, name, &value);

        assert_true(r == 0 || r == -ENOENT);
        return value;
}

static size_t count_files(const char *dir, const char *prefix) {
        _cleanup_(closedir_p) DIR *d = opendir(dir);
        size_t n = 0;
        struct dirent *e;

        assert_non_null(d);
        while ((e = readdir(d)))
                n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
        return n;
}

static void overwrite(const char *path, off_t from, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        char junk[4096];

        memset(junk, 0xA5, sizeof(junk));
        assert_true(fd >= 0);
        for (size_t done = 0; done < size; done += sizeof(junk))
                assert_int_equal(pwrite(fd, junk, sizeof(junk), from + (off_t)done), sizeof(junk));
}

/* ---- ways to lose a database ---- */

static void lose_header(struct fixture *f) { overwrite(f->path, 0, 4096); }

static void lose_pages(struct fixture *f) {
        struct stat st;

        assert_ok(stat(f->path, &st));
        overwrite(f->path, 4096, (size_t)st.st_size - 4096);
}

static void lose_tail(struct fixture *f) { assert_ok(truncate(f->path, 4096)); }

static void lose_file(struct fixture *f) { assert_ok(unlink(f->path)); }

static void lose_content(struct fixture *f) { assert_ok(truncate(f->path, 0)); }

/* As a crash between moving aside and restoring would leave it. */
static void lose_half(struct fixture *f) {
        char path[PATH_MAX + 8];
        int fd;

        snprintf(path, sizeof(path), "%s-wal", f->path);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "old log", 7), 7);
        close(fd);
        assert_ok(unlink(f->path));
}

static const struct {
        void (*lose)(struct fixture *f);
        size_t n_aside; /* files moved aside */
} losses[] = {
        {lose_header, 1}, {lose_pages, 1},   {lose_tail, 1},
        {lose_file, 0},   {lose_content, 0}, {lose_half, 1},
};

static void test_restores_newest(void **state) {
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(losses); i++) {
                size_t aside = count_files(f->dir, "evidenced.db.corrupt-");
                char buf[32];

                set(f, "released_at", 5);
                set(f, "n", 1);
                assert_ok(store_backup(f->store, date_from_ymd(2018, 11, 1)));
                set(f, "n", 2);
                assert_ok(store_backup(f->store, date_from_ymd(2018, 11, 2)));
                set(f, "n", 3);
                fixture_close(f);
                losses[i].lose(f);

                fixture_open(f);
                assert_int_equal(f->condition, STORE_RESTORED);
                assert_int_equal(get(f, "n"), 2);
                assert_int_equal(get(f, "released_at"), -1);
                assert_int_equal(count_files(f->dir, "evidenced.db.corrupt-"),
                                 aside + losses[i].n_aside);
                fixture_close(f);
                assert_string_equal(
                        fixture_ask(f->path, "PRAGMA integrity_check", buf, sizeof(buf)), "ok");

                fixture_open(f); /* sound now; held by the release that is not there */
                assert_int_equal(f->condition, STORE_SOUND);
                assert_int_equal(get(f, "released_at"), -1);
        }
        assert_int_equal(count_files(f->dir, "evidenced.db.restoring"), 0);
}

static void test_skips_broken_backups(void **state) {
        struct fixture *f = *state;
        char path[PATH_MAX];

        set(f, "n", 1);
        assert_ok(store_backup(f->store, date_from_ymd(2018, 11, 1)));
        set(f, "n", 2);
        assert_ok(store_backup(f->store, date_from_ymd(2018, 11, 2)));
        assert_ok(store_backup(f->store, date_from_ymd(2018, 11, 3)));
        fixture_close(f);
        lose_header(f);
        snprintf(path, sizeof(path), "%s/backup-2018-11-03.db", f->dir);
        overwrite(path, 0, 8192);
        snprintf(path, sizeof(path), "%s/backup-2018-11-02.db", f->dir);
        assert_ok(unlink(path));
        assert_int_equal(fixture_sql(path, "CREATE TABLE value (name, value)"), SQLITE_OK);

        fixture_open(f);
        assert_int_equal(f->condition, STORE_RESTORED);
        assert_int_equal(get(f, "n"), 1);
}

static void test_without_backup(void **state) {
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(losses); i++) {
                bool aside = losses[i].n_aside > 0;

                set(f, "n", 1);
                fixture_close(f);
                losses[i].lose(f);
                fixture_open(f);
                assert_int_equal(f->condition, aside ? STORE_RESTORED : STORE_FRESH);
                assert_int_equal(get(f, "n"), -1);
        }
}

static void test_backup(void **state) {
        struct fixture *f = *state;
        char path[PATH_MAX], buf[32];
        struct stat st;

        snprintf(path, sizeof(path), "%s/backup-mine.db", f->dir);
        assert_int_equal(fixture_sql(path, "CREATE TABLE mine (a)"), SQLITE_OK);
        for (int day = 20; day <= 30; day++) {
                set(f, "n", day);
                assert_ok(store_backup(f->store, date_from_ymd(2018, 11, day)));
        }
        set(f, "n", 31);
        assert_ok(store_backup(f->store, date_from_ymd(2018, 11, 30))); /* again that day */

        assert_int_equal(count_files(f->dir, "backup-"), 7 + 1);
        assert_ok(stat(path, &st)); /* not ours to delete */
        assert_int_equal(count_files(f->dir, "backup.tmp"), 0);
        for (int day = 24; day <= 30; day++) {
                snprintf(path, sizeof(path), "%s/backup-2018-11-%02d.db", f->dir, day);
                assert_string_equal(fixture_ask(path, "PRAGMA integrity_check", buf, sizeof(buf)),
                                    "ok");
                fixture_ask(path, "SELECT value FROM value WHERE name = 'n'", buf, sizeof(buf));
                assert_int_equal(atoi(buf), day == 30 ? 31 : day);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                store_test(test_restores_newest),
                store_test(test_skips_broken_backups),
                store_test(test_without_backup),
                store_test(test_backup),
        };

        return cmocka_run_group_tests_name("store-restore", tests, NULL, NULL);
}
