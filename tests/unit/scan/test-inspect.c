/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "samples.h"
#include "scan/inspect.h"

static struct content look_into(const void *data, size_t size) {
        static struct bytes bytes;
        struct content c = {.type = _FILE_TYPE_MAX};

        bytes_init_memory(&bytes, data, size);
        assert_int_equal(inspect_content(&bytes, &c), 0);
        return c;
}

/* Every sample is what it is; and none of its beginnings passes for the whole. */
static void test_types(void **state) {
        (void)state;
        for (size_t i = 0; i < n_samples; i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
                struct content c;

                samples[i].make(&b);
                assert_int_equal(strbuf_error(&b), 0);
                c = look_into(b.data, b.len);
                if (c.type != samples[i].type || !c.whole || c.signed_pdf != samples[i].signed_pdf)
                        fail_msg("%s: type %s, whole %d, signed %d", samples[i].name,
                                 file_type_to_string(c.type), c.whole, c.signed_pdf);
        }
}

static bool has_form(enum file_type type) {
        return type != FILE_TYPE_OTHER && type != FILE_TYPE_TXT;
}

static void test_beginnings(void **state) {
        (void)state;
        for (size_t i = 0; i < n_samples; i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

                samples[i].make(&b);
                for (size_t n = 0; n + samples[i].slack < b.len && !samples[i].formless; n++) {
                        /* a copy that ends where the file does, for the sanitizer */
                        _cleanup_free_ char *copy = malloc(n + 1);
                        struct content c;

                        assert_non_null(copy);
                        memcpy(copy, b.data, n);
                        copy = realloc(copy, n > 0 ? n : 1);
                        c = look_into(copy, n);
                        if ((c.whole && has_form(c.type)) || c.signed_pdf)
                                fail_msg("%s: the first %zu of %zu bytes are a whole %s",
                                         samples[i].name, n, b.len, file_type_to_string(c.type));
                }
        }
}

/* People are told "broken", not "wrong type", when half of a document came. */
static void test_halves(void **state) {
        (void)state;
        for (size_t i = 0; i < n_samples; i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
                struct content c;

                samples[i].make(&b);
                c = look_into(b.data, b.len / 2);
                if (c.type != samples[i].type && !samples[i].formless)
                        fail_msg("half of %s is %s", samples[i].name, file_type_to_string(c.type));
        }
}

/* Wherever a byte is wrong: an answer, in bounded time. */
static void test_damage(void **state) {
        static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

        (void)state;
        for (size_t i = 0; i < n_samples; i++) {
                _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;

                samples[i].make(&b);
                for (size_t at = 0; at < b.len; at++) {
                        char before = b.data[at];

                        for (size_t k = 0; k < ELEMENTSOF(values); k++) {
                                b.data[at] = (char)values[k];
                                (void)look_into(b.data, b.len);
                        }
                        b.data[at] = before;
                }
        }
}

static const struct {
        const char *text;
        enum file_type type;
        bool whole;
} texts[] = {
        {"", FILE_TYPE_OTHER, true},
        {"x", FILE_TYPE_TXT, true},
        {"a\x01", FILE_TYPE_OTHER, true},
        {"%PDF-1.4", FILE_TYPE_PDF, false},
        {"%PDF-1.4\nstartxref\n0\n%%EOF\n", FILE_TYPE_PDF, false},
        {"%PDF-1.4\nstartxref\n5\n%%EOF\n", FILE_TYPE_PDF, false},
        {"%PDF-1.4\nxref\nstartxref\n9\n%%EOF\n", FILE_TYPE_PDF, true},
        {"%PDF-1.4\nxref\nstartxref\n9\n%%EOF\n<html>junk</html>", FILE_TYPE_PDF, true},
        {"%PDF-1.4\nxref\nstartxref\n99999999999999999999\n%%EOF\n", FILE_TYPE_PDF, false},
        {"%PDF-1.4\nxref\n%%EOF\nstartxref\n9\n", FILE_TYPE_PDF, false},
        {"<?xml version=\"1.0\"?><a></a>", FILE_TYPE_XML, true},
        {"<?xml version=\"1.0\"?><a></b>", FILE_TYPE_XML, false},
        {"<?xml version=\"1.0\"?><a></a", FILE_TYPE_XML, false},
        {"<?xml version=\"1.0\"?><a></a>  <!-- x --> <?y?>\n", FILE_TYPE_XML, true},
        {"<?xml version=\"1.0\"?><a><b/>", FILE_TYPE_XML, false},
        {"<?xml version=\"1.0\"?>", FILE_TYPE_XML, false},
        {"<a><b></b>", FILE_TYPE_TXT, true},
        {"From: a\nDate: b\n\n", FILE_TYPE_EML, true},
        {"From: a\nDate: b\n", FILE_TYPE_EML, false},
        {"From a Mon\nFrom: a\nDate: b\n\nx", FILE_TYPE_EML, true},
        {"From: a\nDate: b\nno header\n\n", FILE_TYPE_TXT, true},
        {"From: a\nDate: b\nContent-Type: multipart/mixed; boundary=zz; x=y\n\n--zz\n",
         FILE_TYPE_EML, false},
        {"From: a\nDate: b\nContent-Type: multipart/mixed; boundary=zz; x=y\n\n--zz--\n",
         FILE_TYPE_EML, true},
        {"\xff\xd8\xff\xd9", FILE_TYPE_JPG, false}, /* no scan in it */
};

static void test_texts(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct content c = look_into(texts[i].text, strlen(texts[i].text));

                if (c.type != texts[i].type || c.whole != texts[i].whole)
                        fail_msg("'%s' is %s, whole %d", texts[i].text, file_type_to_string(c.type),
                                 c.whole);
        }
}

static void put32(struct strbuf *b, size_t at, uint32_t value) {
        for (unsigned i = 0; i < 4; i++)
                b->data[at + i] = (char)(value >> 8 * i);
}

/* A short file that claims a FAT without end, in a list of sectors that goes round in a circle. */
static void test_endless_fat(void **state) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        uint32_t empty, list;
        struct content c;

        (void)state;
        for (size_t i = 0; i < n_samples; i++)
                if (strcmp(samples[i].name, "doc") == 0)
                        samples[i].make(&b);
        assert_true(b.len > 0 && b.len % 512 == 0);
        empty = (uint32_t)(b.len / 512 - 1);
        list = empty + 1;
        for (unsigned i = 0; i < 2 * 512; i++)
                strbuf_addc(&b, (char)0xff);
        c = look_into(b.data, b.len);
        assert_true(c.whole && c.type == FILE_TYPE_DOC);
        for (unsigned i = 1; i < 109; i++)
                put32(&b, 76 + 4 * i, empty);
        for (unsigned i = 0; i < 128; i++)
                put32(&b, ((size_t)list + 1) * 512 + 4 * i, i < 127 ? empty : list);
        put32(&b, 68, list);
        put32(&b, 44, 30000);
        c = look_into(b.data, b.len);
        assert_true(!c.whole && c.type == FILE_TYPE_DOC);
}

/* --- files -------------------------------------------------------------------------------------- */

struct fixture {
        char root[64], outside[64];
        int root_fd;
};

static void write_file(const char *folder, const char *name, const void *data, size_t size) {
        _cleanup_free_ char *path = NULL;
        _cleanup_(fclose_p) FILE *f = NULL;

        assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
}

static int setup(void **state) {
        static struct fixture fixture;

        snprintf(fixture.root, sizeof(fixture.root), "/tmp/evidenced-inspect-XXXXXX");
        snprintf(fixture.outside, sizeof(fixture.outside), "/tmp/evidenced-outside-XXXXXX");
        assert_non_null(mkdtemp(fixture.root));
        assert_non_null(mkdtemp(fixture.outside));
        fixture.root_fd = open(fixture.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fixture.root_fd >= 0);
        assert_int_equal(mkdirat(fixture.root_fd, "d", 0755), 0);
        write_file(fixture.root, "d/a.txt", "abc", 3);
        write_file(fixture.outside, "secret.txt", "abc", 3);
        *state = &fixture;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;
        char command[192];

        close(f->root_fd);
        snprintf(command, sizeof(command), "rm -rf '%s' '%s'", f->root, f->outside);
        return system(command);
}

/* As the decider asks: with size and mtime from a listing. */
static struct inspect_request request_for(const struct fixture *f, const char *path) {
        struct inspect_request q = {.root_fd = f->root_fd,
                                    .root_path = f->root,
                                    .path = path,
                                    .max_bytes = UINT64_MAX,
                                    .deadline = clock_monotonic() + 10 * USEC_PER_SEC};
        struct stat st = {};

        if (fstatat(f->root_fd, path, &st, 0) == 0) {
                q.size = (uint64_t)st.st_size;
                q.mtime = st.st_mtim.tv_sec * USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
        }
        return q;
}

static void expect_status(const struct inspect_request *q, enum inspect_status status) {
        struct inspection found = {.status = _INSPECT_STATUS_MAX};

        assert_int_equal(inspect_file(q, &found), 0);
        assert_string_equal(inspect_status_to_string(found.status),
                            inspect_status_to_string(status));
}

static void test_file(void **state) {
        struct fixture *f = *state;
        struct inspect_request q = request_for(f, "d/a.txt");
        struct inspection found;
        char hex[SHA256_HEX];

        assert_int_equal(inspect_file(&q, &found), 0);
        assert_int_equal(found.status, INSPECT_OK);
        assert_int_equal(found.content.type, FILE_TYPE_TXT);
        assert_int_equal(found.size, 3);
        assert_int_equal(found.mtime, q.mtime);
        assert_string_equal(hex_encode(found.sha256, SHA256_SIZE, hex),
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        q.max_bytes = 3;
        expect_status(&q, INSPECT_OK);
        q.max_bytes = 2;
        expect_status(&q, INSPECT_TOO_LARGE);
        q.size = 4;
        expect_status(&q, INSPECT_CHANGED);
        q = request_for(f, "d/a.txt");
        q.mtime++;
        expect_status(&q, INSPECT_CHANGED);
        q = request_for(f, "d/a.txt");
        q.deadline = 0;
        expect_status(&q, INSPECT_TIMEOUT);
        q = request_for(f, "d/none.txt");
        expect_status(&q, INSPECT_GONE);
        q = request_for(f, "d");
        expect_status(&q, INSPECT_CHANGED);
}

/* Larger than one piece: digest and signature are found across the edges of pieces. */
static void test_large_file(void **state) {
        struct fixture *f = *state;
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        struct inspect_request q;
        struct inspection found;
        uint8_t digest[SHA256_SIZE];

        for (unsigned shift = 0; shift < 14; shift++) {
                strbuf_reset(&b);
                strbuf_adds(&b, "%PDF-1.4\n");
                while (b.len < BYTES_BUFFER - 100 - shift)
                        strbuf_addc(&b, ' ');
                strbuf_addf(&b, "<</Type/Sig/Filter/X%*s/ByteRange [0 %06zu %06zu 000000]", 50, "",
                            (size_t)BYTES_BUFFER + 1000, (size_t)BYTES_BUFFER + 1100);
                while (b.len < BYTES_BUFFER + 1000)
                        strbuf_addc(&b, ' ');
                strbuf_adds(&b, "<30");
                while (b.len < BYTES_BUFFER + 1099)
                        strbuf_addc(&b, '0');
                strbuf_adds(&b, ">>>\nxref\nstartxref\n66639\n%%EOF\n");
                write_file(f->root, "d/large.pdf", b.data, b.len);
                q = request_for(f, "d/large.pdf");
                assert_int_equal(inspect_file(&q, &found), 0);
                assert_int_equal(found.status, INSPECT_OK);
                assert_int_equal(found.content.type, FILE_TYPE_PDF);
                assert_true(found.content.whole);
                assert_true(found.content.signed_pdf);
                assert_int_equal(sha256_of(b.data, b.len, digest), 0);
                assert_memory_equal(found.sha256, digest, SHA256_SIZE);
        }
}

static int end_at_once(void *userdata) {
        (void)userdata;
        return -ECANCELED;
}

static void test_tick_ends(void **state) {
        struct inspect_request q = request_for(*state, "d/a.txt");
        struct inspection found = {.status = _INSPECT_STATUS_MAX};

        q.tick = end_at_once;
        assert_int_equal(inspect_file(&q, &found), -ECANCELED);
        assert_int_equal(found.status, _INSPECT_STATUS_MAX);
}

static int append_byte(void *userdata) {
        struct fixture *f = userdata;
        _cleanup_close_ int fd = openat(f->root_fd, "d/grows.txt", O_WRONLY | O_APPEND | O_CLOEXEC);

        return write(fd, "x", 1) == 1 ? 0 : -EIO;
}

static void test_changes_meanwhile(void **state) {
        struct fixture *f = *state;
        struct inspect_request q;

        write_file(f->root, "d/grows.txt", "x", 1);
        q = request_for(f, "d/grows.txt");
        q.tick = append_byte;
        q.userdata = f;
        expect_status(&q, INSPECT_CHANGED);
}

static void test_links(void **state) {
        struct fixture *f = *state;
        char target[128];
        struct inspect_request q;

        assert_int_equal(symlinkat("d/a.txt", f->root_fd, "inside"), 0);
        assert_int_equal(symlinkat("../d/a.txt", f->root_fd, "d/up"), 0);
        assert_int_equal(symlinkat("../../etc/passwd", f->root_fd, "d/out"), 0);
        snprintf(target, sizeof(target), "%s/secret.txt", f->outside);
        assert_int_equal(symlinkat(target, f->root_fd, "absolute-out"), 0);
        snprintf(target, sizeof(target), "%s/d/a.txt", f->root);
        assert_int_equal(symlinkat(target, f->root_fd, "absolute-in"), 0);
        snprintf(target, sizeof(target), "%s", f->outside);
        assert_int_equal(symlinkat(target, f->root_fd, "folder-out"), 0);
        assert_int_equal(symlinkat("/proc/self/fd/0", f->root_fd, "magic"), 0);
        assert_int_equal(mkfifoat(f->root_fd, "fifo", 0600), 0);

        q = request_for(f, "inside");
        expect_status(&q, INSPECT_OK);
        q = request_for(f, "d/up");
        expect_status(&q, INSPECT_OK);
        q = request_for(f, "absolute-in");
        expect_status(&q, INSPECT_OK);
        q = request_for(f, "d/out");
        expect_status(&q, INSPECT_UNREADABLE);
        q = request_for(f, "absolute-out");
        expect_status(&q, INSPECT_UNREADABLE);
        q = request_for(f, "folder-out/secret.txt");
        expect_status(&q, INSPECT_GONE);
        q = request_for(f, "magic");
        expect_status(&q, INSPECT_UNREADABLE);
        q = request_for(f, "../");
        expect_status(&q, INSPECT_UNREADABLE);
        q = request_for(f, "fifo"); /* and does not wait for a writer */
        expect_status(&q, INSPECT_CHANGED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_types),     cmocka_unit_test(test_beginnings),
                cmocka_unit_test(test_halves),    cmocka_unit_test(test_damage),
                cmocka_unit_test(test_texts),     cmocka_unit_test(test_endless_fat),
                cmocka_unit_test(test_file),      cmocka_unit_test(test_large_file),
                cmocka_unit_test(test_tick_ends), cmocka_unit_test(test_changes_meanwhile),
                cmocka_unit_test(test_links),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
