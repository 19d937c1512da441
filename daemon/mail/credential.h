/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Secrets: read for each message anew, so that a changed password needs no restart; kept in one place that is wiped.
 */

#include <stddef.h>

#define SECRET_MAX 8192 /* bytes; OAuth tokens are long */

struct secret {
        char *text; /* owned; no line end at its end */
};
void secret_done(struct secret *s); /* wipes */

/**
 * credential_read() - the secret that a server's configuration names
 * @name:          file smtp_NAME, then NAME, in $CREDENTIALS_DIRECTORY; NULL: none
 * @password_file: path, used when @name is NULL; refused when group or others can read it
 * @ret_why:       text for people on failure, owned; names the file, never its content
 *
 * Return: 0, -ENOENT, -EPERM (others can read it), -EINVAL (bad name, empty, several lines), -EFBIG, -ENOMEM, -errno.
 */
int credential_read(const char *name, const char *password_file, struct secret *ret,
                    char **ret_why);
