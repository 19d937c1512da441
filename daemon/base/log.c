/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION /* it would always be this file */

#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define MESSAGE_MAX 4096 /* bytes; longer lines are cut */
#define FIELDS_MAX 24
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
        const char *program; /* borrowed for ever */
        bool stream;         /* stderr is a stream of the journal's */
        bool native;         /* and so is its socket for fields in reach */
        int max_level;
} logger = {.program = "evidenced", .max_level = LOG_INFO};

/* JOURNAL_STREAM survives redirections and is inherited; only the device and inode tell
 * (systemd.exec(5)). */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t dev, ino;
        struct stat st;
        char *end;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return false;
        dev = strtoumax(stream, &end, 10);
        if (end == stream || *end != ':')
                return false;
        ino = strtoumax(end + 1, &end, 10);
        return *end == '\0' && st.st_dev == dev && st.st_ino == ino;
}

static int level_from_string(const char *s) {
        static const struct {
                const char *name;
                int level;
        } levels[] = {{"debug", LOG_DEBUG},
                      {"info", LOG_INFO},
                      {"notice", LOG_NOTICE},
                      {"warning", LOG_WARNING},
                      {"err", LOG_ERR}};

        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (strcmp(s, levels[i].name) == 0)
                        return levels[i].level;
        return -EINVAL;
}

static void write_stderr(int level, const char *message) {
        char prefix[80];
        struct iovec iov[3];
        ssize_t n;

        if (logger.stream) /* the journal reads the level from there (sd-daemon(3)) */
                snprintf(prefix, sizeof(prefix), "<%d>", level);
        else
                snprintf(prefix, sizeof(prefix), "%s: ", logger.program);
        iov[0] = (struct iovec){prefix, strlen(prefix)};
        iov[1] = (struct iovec){(char *)message, strlen(message)};
        iov[2] = (struct iovec){(char *)"\n", 1};
        do
                n = writev(STDERR_FILENO, iov, 3);
        while (n < 0 && errno == EINTR);
}

static bool write_journal(int level, const char *const *fields, const char *message) {
        _cleanup_free_ char *text = NULL;
        char priority[16], identifier[96];
        struct iovec iov[FIELDS_MAX + 3];
        int n = 0;

        if (asprintf(&text, "MESSAGE=%s", message) < 0) {
                text = NULL;
                return false;
        }
        snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
        snprintf(identifier, sizeof(identifier), "SYSLOG_IDENTIFIER=%s", logger.program);
        iov[n++] = (struct iovec){text, strlen(text)};
        iov[n++] = (struct iovec){priority, strlen(priority)};
        iov[n++] = (struct iovec){identifier, strlen(identifier)};
        for (int i = 0; fields && fields[i] && i < FIELDS_MAX; i++)
                iov[n++] = (struct iovec){(char *)fields[i], strlen(fields[i])};
        return sd_journal_sendv(iov, n) >= 0;
}

/* Names of files and answers of servers come in here: no line of theirs may pass for one of ours.
 */
static void emit(int level, const char *const *fields, const char *message) {
        _cleanup_free_ char *clean = text_sanitize(message, strlen(message));

        if (clean)
                message = clean;
        if (!logger.native || !write_journal(level, fields, message))
                write_stderr(level, message);
}

void log_init(const char *program) {
        const char *wanted = getenv("EVIDENCED_LOG_LEVEL");
        int level;

        logger.program = program;
        logger.stream = stderr_is_journal();
        /* Where a sandbox hides the socket, sd_journal_sendv() drops the line and says that all is well. */
        logger.native = logger.stream && access(JOURNAL_SOCKET, W_OK) == 0;
        if (!wanted)
                return;
        level = level_from_string(wanted);
        if (level < 0)
                log_warning("EVIDENCED_LOG_LEVEL is '%s', not one of debug, info, notice, warning, "
                            "err; ignored",
                            wanted);
        else
                logger.max_level = level;
}

void log_set_max_level(int level) { logger.max_level = level; }

int log_get_max_level(void) { return logger.max_level; }

int log_full(int level, int error, const char *format, ...) {
        int saved = errno, positive = error < 0 ? -error : error;
        char message[MESSAGE_MAX];
        va_list ap;

        if (level <= logger.max_level) {
                va_start(ap, format);
                if (positive)
                        errno = positive;
                vsnprintf(message, sizeof(message), format, ap);
                va_end(ap);
                emit(level, NULL, message);
        }
        errno = saved;
        return -positive;
}

void log_fields(int level, const char *const *fields, const char *format, ...) {
        char message[MESSAGE_MAX];
        int saved = errno;
        va_list ap;

        if (level > logger.max_level)
                return;
        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        emit(level, fields, message);
        errno = saved;
}
