/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What lies in the evidence folders, and what it counts for. Hears the scanners, asks them to inspect what matches, assigns
 * files to requirements, and keeps the histories of instances, the files and the ledger of the store in step. Never touches a
 * file itself. Rules: docs/semantics.md, section 6.
 */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "service/track.h"

struct evidence;

/* What happened, in words that become notices. */
struct evidence_event {
        enum notice_kind kind; /* RECEIVED, COMPLETE, REFUSED, REOPENED, EXPLAINED */
        struct track *track;
        struct file_note file; /* path NULL: none */
};

struct evidence_callbacks {
        /** Inside the store's transaction of this pass. Return: 0, or -errno that undoes the pass. */
        int (*on_event)(void *userdata, const struct evidence_event *event);
        /** A pass has ended, its transaction is committed: plans may have changed. */
        void (*on_changed)(void *userdata);
        /** A pass could not be written down, and memory is ahead of the store: the caller makes all anew from the store,
         *  after this call. There is no further pass until then. */
        void (*on_failed)(void *userdata);
};

struct evidence_config {
        sd_event *event;
        const struct clock *clock;
        const struct model *model;
        struct tracks *tracks;
        struct store *store;
        usec_t first_pass;      /* not before, monotonic; 0: at once */
        const char *socket;     /* of evidenced-scan; NULL: spawn it */
        const char *executable; /* evidenced-scan */
        bool confirm_reopen; /* hold a pass that would reopen more than EVIDENCE_REOPEN_MAX instances */
};

#define EVIDENCE_REOPEN_MAX 10
#define EVIDENCE_START_USEC                                                                        \
        (60 *                                                                                      \
         USEC_PER_SEC) /* how long a start waits for slow roots before plans are made from the last state */

int evidence_new(const struct evidence_config *config, const struct evidence_callbacks *callbacks,
                 void *userdata, struct evidence **ret);
struct evidence *evidence_free(struct evidence *evidence);

/** Every root was walked or is known to be down, every matching file is settled and judged: plans can be trusted. */
bool evidence_is_quiet(const struct evidence *evidence);

/** Lets a held pass go on. Return: the number of instances it reopens. */
int evidence_confirm(struct evidence *evidence);
size_t evidence_held(const struct evidence *evidence); /* instances waiting for confirm */

/**
 * evidence_files() - notes on every file in the folders of an instance, counted ones first; owned array, strings owned too
 * @ignored: with those that programs leave behind (lock files, Thumbs.db, …): nobody wants to read of them in a mail
 */
struct evidence_notes ARRAY(struct file_note);
int evidence_files(struct evidence *evidence, const struct track *track, bool ignored,
                   struct evidence_notes *ret);
void evidence_notes_done(struct evidence_notes *notes);

/**
 * evidence_counted() - the file of this content that counts for an instance, or holds its slot while it is away
 * @path: which of several, when one of them is it
 *
 * Return: owned, where it lies now; NULL: none (errno 0), or ENOMEM.
 */
char *evidence_counted(const struct evidence *evidence, const struct track *track,
                       const char *sha256, const char *path);

struct evidence_root {
        const char *path, *state,
                *text; /* state: "scanning", "ok", "missing", "unreadable", "hung", "different" */
        usec_t since;
        uint64_t folders, files;
        const char *limit; /* a limit of the kernel that was reached, with advice; NULL */
        usec_t limit_since;
        size_t n_unreadable;    /* folders in it that can not be read */
        const char *unreadable; /* one of them, and why; NULL */
        usec_t unreadable_since;
        size_t n_unreadable_files; /* files that count and can no longer be read */
        const char *unreadable_file;
        usec_t unreadable_file_since;
};
size_t evidence_roots(const struct evidence *evidence, struct evidence_root *ret, size_t max);
