/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/credential.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

void secret_done(struct secret *s) {
        if (s->text)
                explicit_bzero(s->text, SECRET_MAX + 1);
        free(s->text);
        s->text = NULL;
}

static bool name_ok(const char *name) {
        if (!name[0] || name[0] == '.' || strlen(name) > 128)
                return false;
        for (const char *p = name; *p; p++)
                if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
                        return false;
        return true;
}

static int read_all(int fd, char *buffer, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t got = read(fd, buffer + n, size - n);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += (size_t)got;
        }
        if (n > SECRET_MAX)
                return -EFBIG;
        buffer[n] = 0;
        if (strlen(buffer) != n)
                return -EINVAL;
        return 0;
}

/* One line, whatever ends it. */
static int trim(char *text) {
        size_t len = strlen(text);

        if (len > 0 && text[len - 1] == '\n')
                text[--len] = 0;
        if (len > 0 && text[len - 1] == '\r')
                text[--len] = 0;
        return len == 0 || strpbrk(text, "\r\n") ? -EINVAL : 0;
}

static int read_secret(const char *path, bool check_mode, struct secret *ret) {
        _cleanup_(secret_done) struct secret s = {};
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (check_mode && (st.st_mode & (S_IRWXG | S_IRWXO)))
                return -EPERM;
        s.text = calloc(1, SECRET_MAX + 1);
        if (!s.text)
                return -ENOMEM;
        r = read_all(fd, s.text, SECRET_MAX + 1);
        if (r == 0)
                r = trim(s.text);
        if (r < 0)
                return r;
        ret->text = steal_ptr(s.text);
        return 0;
}

static const char *explain(int r) {
        switch (r) {
        case -EPERM:
                return "others than its owner can read or write it (chmod 600)";
        case -EINVAL:
                return "it is not one line of text in a regular file";
        case -EFBIG:
                return "it is too long";
        default:
                return strerror(-r);
        }
}

static int fail(int r, const char *path, char **ret_why) {
        if (asprintf(ret_why, "the credential in '%s' can not be used: %s", path, explain(r)) < 0)
                *ret_why = NULL;
        return r;
}

/* What to do about it. The folder is systemd's for our unit, whose name says of which instance: "evidenced-mail@NAME.service". */
static int fail_missing(const char *name, const char *folder, char **ret_why) {
        const char *slash = strrchr(folder, '/'), *at = strchr(slash ? slash : folder, '@');
        const char *end = at ? strrchr(at, '.') : NULL;
        int len = end ? (int)(end - at) : 0;

        if (asprintf(ret_why,
                     "there is no password '%s': put it into %s%.*s/credentials/%s (0600), then "
                     "systemctl restart evidenced-mail%.*s",
                     name, EVIDENCED_SYSCONFDIR, len, at ? at : "", name, len, at ? at : "") < 0)
                *ret_why = NULL;
        return -ENOENT;
}

static int read_named(const char *name, struct secret *ret, char **ret_why) {
        static const char *const prefixes[] = {"smtp_", ""};
        const char *folder = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *path = NULL;
        int r = -ENOENT;

        if (!name_ok(name))
                return fail(-EINVAL, name, ret_why);
        if (!folder)
                return fail(-ENOENT, "$CREDENTIALS_DIRECTORY (which is not set)", ret_why);
        for (size_t i = 0; i < ELEMENTSOF(prefixes) && r == -ENOENT; i++) {
                free(path);
                if (asprintf(&path, "%s/%s%s", folder, prefixes[i], name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = read_secret(path, false, ret);
        }
        return r == -ENOENT ? fail_missing(name, folder, ret_why)
               : r < 0      ? fail(r, path, ret_why)
                            : 0;
}

int credential_read(const char *name, const char *password_file, struct secret *ret,
                    char **ret_why) {
        int r;

        *ret_why = NULL;
        if (name)
                return read_named(name, ret, ret_why);
        r = read_secret(password_file, true, ret);
        return r < 0 ? fail(r, password_file, ret_why) : 0;
}
