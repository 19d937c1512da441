/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From text to the checked model: reads evidenced.conf and the drop-in files beside it, reports every finding with its
 * place, and builds core/model.h. Changes nothing, sets no time zone, and touches no evidence root unless asked to.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "config/findings.h"

struct model;

#define CONFIG_FILE_MAX (16u << 20) /* bytes of one file */
#define CONFIG_FILES_MAX 10000      /* drop-in files of one folder */

struct config_options {
        date_t today; /* for warnings about what is past or near; DATE_NONE: none of those */
        bool look_at_roots; /* warn about roots that do not exist; the service must not: a share can hang */
};

/**
 * config_load() - @path, then every *.conf in calendar.d, units.d and tasks.d beside it, in name order
 * @options:  NULL: no day, roots not looked at
 * @ret:      the model, owned by the caller (model_free()); untouched on failure
 * @findings: added to and sorted; kept when loading succeeds as well, since there may be warnings
 *
 * Return: 0; -EINVAL when there are errors (each is in @findings, with those of reading the files); -ENOMEM.
 */
int config_load(const char *path, const struct config_options *options, struct model **ret,
                struct findings *findings);

/* One key of the configuration, for the manual pages and the test that compares the two. */
struct schema_key {
        const char *section;  /* "mail.servers"; "" at the top */
        const char *name;     /* "url"; "*" where any name goes (roles) */
        const char *takes;    /* in words */
        const char *fallback; /* default, in words; NULL: none */
        bool required;
};

/** config_schema_keys() - all keys, section by section. Return: static array of @ret_n. */
const struct schema_key *config_schema_keys(size_t *ret_n);
