/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The real evidenced-scan on a socket pair, and what it says. Fails the running test when something does not come. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "ipc/frame.h"

#define PATIENCE (30 * USEC_PER_SEC) /* a loaded machine is slow, a broken scanner silent */

struct scan {
        char root[64]; /* a temporary folder */
        pid_t pid;
        struct framer *peer;
        usec_t told; /* when the latest message arrived, CLOCK_MONOTONIC */
};

struct scan_options {
        usec_t settle, poll, rescan; /* 0: 200 ms, 1 h, 1 h */
        json_t *known;               /* taken over */
        const char *environment;     /* "NAME=value"; NULL */
        bool as_nobody;
        bool small_buffer; /* of the socket */
};

/** A folder for a root. Return: @s. */
struct scan *scan_prepare(struct scan *s);
void scan_start(struct scan *s, const struct scan_options *options);
/** Hangs up; the scanner must end with status 0. */
void scan_stop(struct scan *s);
/** Removes the root, too. */
void scan_done(struct scan *s);

void scan_send(struct scan *s, json_t *message); /* taken over */
/** The next message within @timeout; NULL: none. New reference. */
json_t *scan_next(struct scan *s, usec_t timeout);
/** The next message with that value (string), others are passed over. New reference. */
json_t *scan_expect(struct scan *s, const char *key, const char *value, const char *path);
/** Waits until the newest word of @path has @name with exactly these flags (as scan_flags()), or, with -1, is without it. */
void scan_expect_file(struct scan *s, const char *path, const char *name, int flags);
/** Nothing (but "alive") comes for so long. */
void scan_expect_silence(struct scan *s, usec_t duration);
void scan_expect_walk(struct scan *s); /* up to "scanned" */
#define SCAN_QUIET 32
#define SCAN_READ 64
/** Flags of @name in an event "folder" or "settled", but for those two; -1: not in it. */
int scan_flags(const json_t *event, const char *name);
int scan_all_flags(const json_t *event, const char *name);
json_t *scan_file(const json_t *event,
                  const char *name); /* borrowed: [size, mtime, …] begins behind it; NULL */

/** printf into a path below the root; each returns nothing and fails the test on error. */
void scan_write(struct scan *s, const char *name, const char *text);
void scan_mkdir(struct scan *s, const char *name);
void scan_rename(struct scan *s, const char *from, const char *to);
void scan_unlink(struct scan *s, const char *name);
const char *scan_path(struct scan *s, const char *name); /* static buffers, four in turn */
