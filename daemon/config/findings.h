/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a check of the configuration found: errors and warnings, each with its place. Collects, sorts and prints;
 * does not know what is right or wrong.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FINDINGS_MAX 10000 /* what comes after is counted, not kept */

enum finding_severity { FINDING_ERROR, FINDING_WARNING, _FINDING_SEVERITY_MAX };
const char *finding_severity_to_string(enum finding_severity severity); /* "error", "warning" */

struct finding {
        enum finding_severity severity;
        const char *file; /* as given to config_load(); borrowed from the list */
        unsigned line;    /* from 1 */
        char *text;       /* owned; one line of valid UTF-8 that says what to do */
        size_t file_index, order;
};

struct findings {
        struct finding *items; /* owned */
        size_t n, cap;
        size_t n_errors, n_warnings; /* all that were added, kept or not */
        char **files;                /* owned, in the order in which they were first named */
        size_t n_files, files_cap;
        bool failed; /* memory ran out: the list is not complete */
};

#define FINDINGS_INIT                                                                              \
        (struct findings) {}

void findings_done(struct findings *findings);

/** findings_add() - @file is copied; control characters in the text are replaced */
void findings_add(struct findings *findings, enum finding_severity severity, const char *file,
                  unsigned line, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** findings_add_error() - what another part of the house found: in the form of template_error_fn; @findings is a struct findings */
void findings_add_error(void *findings, const char *file, unsigned line, const char *text);

/** findings_sort() - errors first, then files in the order of reading, then lines */
void findings_sort(struct findings *findings);

/** findings_print() - FILE:LINE: error|warning: text, a line each */
void findings_print(const struct findings *findings, FILE *stream);
