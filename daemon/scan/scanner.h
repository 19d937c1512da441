/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One root, one peer: what the parts of the scanner share. scanner.c has the loop and the messages that come in, pass.c
 * looks at a folder and draws the conclusions, report.c has the messages that go out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/array.h"
#include "base/clock.h"
#include "ipc/frame.h"
#include "scan/agenda.h"
#include "scan/folder.h"
#include "scan/look.h"
#include "scan/root.h"
#include "scan/watch.h"

#define ALIVE_USEC (20 * USEC_PER_SEC)

struct job { /* an inspection */
        int64_t id;
        char *path; /* owned */
        uint64_t size, max_bytes;
        usec_t mtime, timeout;
};

struct scanner {
        struct framer *peer; /* borrowed */
        bool watching;       /* "watch" was received */
        bool lost_events;    /* a whole walk is needed */
        bool told_busy;      /* the peer waits for report_idle() */

        struct root root;
        int root_fd;                 /* owned; only during a pass; -1 */
        usec_t retry_at, retry_wait; /* for a root that is not there; USEC_INFINITY: it is */

        struct folder *top; /* owned: the tree */
        struct agenda agenda;
        struct watcher *watcher; /* owned */
        struct credentials who;
        uint64_t n_folders, n_files, n_unwatched;

        usec_t settle, poll, rescan;
        usec_t quiet;      /* nothing is written for so long: a time to look */
        usec_t last_write; /* that an event told of */
        bool walking;
        usec_t walk_at; /* the next whole walk */

        struct ARRAY(struct job) jobs;
        size_t next_job;
        usec_t last_sent, queue_told;
};

/* report.c: each sends at once, and waits while the peer does not read. Return: 0, -errno (the peer is gone). */
int report_root(struct scanner *s);
int report_folder(struct scanner *s, const char *path, const struct folder *folder,
                  const struct listing *listing);
/** Of these files, and nothing else. Queued: see report_queue(). */
int report_settled(struct scanner *s, const char *path, const struct folder *folder,
                   const struct listing *settled);
int report_gone(struct scanner *s, const char *path);
int report_scanned(struct scanner *s);
int report_limit(struct scanner *s, const char *kind, const char *text);
int report_trouble(struct scanner *s, const char *path, int error);
/** Before a remote file system is touched, which may hang for ever: the peer can tell a hang from rest. */
int report_busy(struct scanner *s);
int report_idle(struct scanner *s);
int report_alive(struct scanner *s);              /* when nothing was sent for ALIVE_USEC */
int report_json(struct scanner *s, json_t *json); /* takes the reference; NULL is -ENOMEM */
/** report_queue() - to be sent with what comes next, or by report_flush(): before anything is waited for */
int report_queue(struct scanner *s, json_t *json);
int report_flush(struct scanner *s);

/* pass.c */
/** pass_begin() - the root's descriptor for looking. Return: 1, 0 when the root is not there, -errno (end). */
int pass_begin(struct scanner *s);
void pass_end(struct scanner *s); /* no descriptor is kept */
/** pass_plan() - look at all of a folder at @look_at or earlier (USEC_INFINITY: as it is planned). Return: 0 or -ENOMEM. */
int pass_plan(struct scanner *s, struct folder *folder, usec_t look_at);
/**
 * pass_look() - at one folder that is on the agenda: at all of it, or at what may have settled
 *
 * Return: 0, -errno (end: peer gone, no memory, -ESTALE mounts).
 */
int pass_look(struct scanner *s, struct folder *folder);
/** pass_list() - the peer asks for a folder and all below it again */
int pass_list(struct scanner *s, const char *path);
int pass_walk(struct scanner *s);

/* scanner.c */
/** scanner_drain() - take in what inotify has to say; cheap, to be called often */
int scanner_drain(struct scanner *s);
/** scanner_tick() - for what takes long: drain, and show that we live. Return: 0, -errno. */
int scanner_tick(struct scanner *s);
/** scanner_serve() - the whole life of a scanner; for worker_main(). Return: exit status. */
int scanner_serve(struct framer *peer);
