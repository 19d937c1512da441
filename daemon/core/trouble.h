/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is wrong with the service itself, as the administrator is told: which trouble, and what is particular to it. The words
 * are the language's (message/), so that a mail speaks its reader's.
 */

#include <stdint.h>

#include "base/clock.h"

enum trouble_kind {
        TROUBLE_ROOT,    /* path, state, since, detail */
        TROUBLE_LIMIT,   /* of the kernel: path, detail */
        TROUBLE_FOLDERS, /* that can not be read: n, path */
        TROUBLE_FILES,   /* that count and can no longer be read: n, path */
        TROUBLE_MAIL,    /* since */
        TROUBLE_FULL,    /* path */
        TROUBLE_SPACE,   /* n KiB, path */
        TROUBLE_LEDGER,  /* n: the first row that does not fit */
        TROUBLE_BACKUP,  /* detail */
        TROUBLE_ZONE,    /* path */
        TROUBLE_CLOCK,   /* since: from, until: to */
        TROUBLE_MAILBOX, /* that could not be delivered to: path, detail, about: a mail's subject */
        _TROUBLE_KIND_MAX
};

/* What is not set is 0 or NULL. Strings borrowed; detail is what a program, a server or the kernel said, in its own
 * words. */
struct trouble {
        enum trouble_kind kind;
        const char *path, *state, *detail, *about;
        usec_t since, until;
        uint64_t n;
};

/** The name of a kind, as phrases are called: "root". Return: NULL for one that is none. */
static inline const char *trouble_kind_to_string(enum trouble_kind kind) {
        static const char *const names[_TROUBLE_KIND_MAX] = {
                [TROUBLE_ROOT] = "root",       [TROUBLE_LIMIT] = "limit",
                [TROUBLE_FOLDERS] = "folders", [TROUBLE_MAIL] = "mail",
                [TROUBLE_FULL] = "full",       [TROUBLE_SPACE] = "space",
                [TROUBLE_LEDGER] = "ledger",   [TROUBLE_BACKUP] = "backup",
                [TROUBLE_ZONE] = "zone",       [TROUBLE_CLOCK] = "clock",
                [TROUBLE_MAILBOX] = "mailbox", [TROUBLE_FILES] = "files",
        };

        return kind < _TROUBLE_KIND_MAX ? names[kind] : NULL;
}
