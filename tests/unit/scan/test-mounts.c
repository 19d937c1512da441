/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "scan/mounts.h"
#include "scan/root.h"

#define ROOT_FS "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
#define SRV "30 22 0:30 / /srv rw - xfs /dev/vdb rw\n"
#define EVIDENCE                                                                                   \
        "40 30 0:35 / /srv/evidence rw shared:4 master:2 - nfs4 server:/the\\040export "           \
        "rw,vers=4\n"

static struct mount_view view_of(const char *text, const char *path) {
        _cleanup_free_ char *copy = strdup(text);
        struct mount_view view = {};

        assert_non_null(copy);
        assert_int_equal(mounts_parse(copy, path, &view), 0);
        return view;
}

static const struct {
        const char *text, *path, *fstype, *source;
} holders[] = {
        {ROOT_FS, "/srv/evidence", "ext4", "/dev/vda"},
        {ROOT_FS SRV, "/srv/evidence", "xfs", "/dev/vdb"},
        {ROOT_FS SRV EVIDENCE, "/srv/evidence", "nfs4", "server:/the export"},
        {ROOT_FS SRV EVIDENCE, "/srv/evidence/1.2", "nfs4", "server:/the export"},
        {ROOT_FS SRV EVIDENCE, "/srv/evidences", "xfs", "/dev/vdb"},
        {EVIDENCE ROOT_FS SRV, "/srv/evidence", "nfs4", "server:/the export"},
        {ROOT_FS SRV "31 30 0:36 / /srv rw - tmpfs over rw\n", "/srv/evidence", "tmpfs", "over"},
        {ROOT_FS "no line\n\n" SRV, "/srv", "xfs", "/dev/vdb"},
        {ROOT_FS "50 22 0:9 / /a\\040b rw - 9p x rw\n", "/a b/c", "9p", "x"},
};

static void test_holder(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(holders); i++) {
                struct mount_view view = view_of(holders[i].text, holders[i].path);

                assert_string_equal(view.fstype, holders[i].fstype);
                assert_string_equal(view.source, holders[i].source);
                mount_view_done(&view);
        }
}

/* Two mountinfos: is the difference one for /srv/evidence? */
static const struct {
        const char *before, *after;
        bool same;
} changes[] = {
        {ROOT_FS SRV, ROOT_FS SRV, true},
        {ROOT_FS SRV, ROOT_FS SRV "60 22 0:40 / /mnt rw - tmpfs x rw\n", true}, /* elsewhere */
        {ROOT_FS SRV, ROOT_FS "30 22 0:30 / /srv ro,noatime - xfs /dev/vdb ro\n",
         true}, /* options */
        {ROOT_FS SRV, ROOT_FS, false},
        {ROOT_FS SRV, ROOT_FS SRV EVIDENCE, false},
        {ROOT_FS SRV EVIDENCE,
         ROOT_FS SRV "41 30 0:35 / /srv/evidence rw - nfs4 server:/the\\040export rw\n", false},
        {ROOT_FS SRV, ROOT_FS SRV "70 30 0:41 / /srv/evidence/1.2 rw - tmpfs x rw\n",
         false}, /* below */
        {ROOT_FS SRV, ROOT_FS SRV "70 30 0:41 / /srv/evidence.old rw - tmpfs x rw\n", true},
        {SRV ROOT_FS, ROOT_FS SRV, true},
};

static void test_changes(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(changes); i++) {
                struct mount_view before = view_of(changes[i].before, "/srv/evidence");
                struct mount_view after = view_of(changes[i].after, "/srv/evidence");

                if ((before.hash == after.hash) != changes[i].same)
                        fail_msg("change %zu", i);
                mount_view_done(&before);
                mount_view_done(&after);
        }
}

static void test_real(void **state) {
        _cleanup_close_ int fd = mounts_open();
        struct mount_view view = {}, again = {};

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(mounts_read(fd, "/", &view), 0);
        assert_int_equal(mounts_read(fd, "/", &again), 0);
        assert_true(view.hash == again.hash);
        assert_string_equal(view.source, again.source);
        mount_view_done(&view);
        mount_view_done(&again);
        assert_int_not_equal(mounts_parse((char[]){""}, "/", &view), 0);
}

static void test_remote(void **state) {
        (void)state;
        assert_true(is_remote_filesystem(0x6969));
        assert_true(is_remote_filesystem(0xFF534D42));
        assert_true(is_remote_filesystem(
                (uint64_t)(int64_t)(int32_t)0xFE534D42)); /* sign-extended, as statfs may give it */
        assert_false(is_remote_filesystem(0xEF53));
        assert_false(is_remote_filesystem(0x01021994));
}

static void test_root(void **state) {
        char path[] = "/tmp/evidenced-root-XXXXXX", link[64];
        struct root root = {};
        bool changed = false;
        int fd;

        (void)state;
        assert_non_null(mkdtemp(path));
        snprintf(link, sizeof(link), "%s-link", path);
        assert_int_equal(symlink(path, link), 0);
        assert_int_equal(root_init(&root, link), 0);
        fd = root_open(&root, &changed);
        assert_true(fd >= 0);
        close(fd);
        assert_true(changed);
        assert_int_equal(root.state, ROOT_OK);
        assert_string_equal(root.real, path);
        fd = root_open(&root, &changed);
        assert_true(fd >= 0);
        close(fd);
        assert_false(changed);
        assert_int_equal(rmdir(path), 0);
        assert_true(root_open(&root, &changed) < 0);
        assert_true(changed);
        assert_int_equal(root.state, ROOT_MISSING);
        assert_true(root_open(&root, &changed) < 0);
        assert_false(changed);
        assert_int_equal(unlink(link), 0);
        root_done(&root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_holder), cmocka_unit_test(test_changes),
                cmocka_unit_test(test_real),   cmocka_unit_test(test_remote),
                cmocka_unit_test(test_root),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
