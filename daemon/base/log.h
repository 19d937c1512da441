/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Log lines to the journal (when stderr is connected to it) or to stderr. Only mains, service, config and the mail
 * transport log above debug; layers below return errors.
 *
 *         log_warning_errno(r, "Failed to open '%s': %m, polling it instead", path);   returns -|r|
 *         log_struct(LOG_INFO, "TASK=%s", key, "MESSAGE_ID=%s", id, NULL-ended pairs …, NULL) with MESSAGE= among them
 */

#include <errno.h>
#include <syslog.h>

/**
 * log_init() - @program: identifier of the lines; borrowed for ever. Chooses the journal when JOURNAL_STREAM names
 * stderr, else stderr with "<program>: ". Level from EVIDENCED_LOG_LEVEL (debug, info, notice, warning, err).
 */
void log_init(const char *program);
void log_set_max_level(int level);
int log_get_max_level(void);

int log_full(int level, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * log_fields() - one line with journal fields
 * @fields: NULL-ended array of "NAME=value" strings (upper-case names), MESSAGE not among them; may be NULL
 */
void log_fields(int level, const char *const *fields, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_full(LOG_DEBUG, 0, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, 0, __VA_ARGS__)
#define log_notice(...) log_full(LOG_NOTICE, 0, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, 0, __VA_ARGS__)
#define log_error(...) log_full(LOG_ERR, 0, __VA_ARGS__)
/* With an error number (either sign): %m in the format is its text; they return -|error|. */
#define log_debug_errno(e, ...) log_full(LOG_DEBUG, (e), __VA_ARGS__)
#define log_info_errno(e, ...) log_full(LOG_INFO, (e), __VA_ARGS__)
#define log_warning_errno(e, ...) log_full(LOG_WARNING, (e), __VA_ARGS__)
#define log_error_errno(e, ...) log_full(LOG_ERR, (e), __VA_ARGS__)
#define log_oom() log_full(LOG_ERR, ENOMEM, "Out of memory")
