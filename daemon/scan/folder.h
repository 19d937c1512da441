/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The tree of folders below a root, as last looked at. Of files only what tells whether they changed: eight bytes
 * each. Holds no descriptor.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "scan/fingerprint.h"

#define FOLDER_MAX 1000000u       /* folders below a root */
#define FOLDER_MAX_FILES 1000000u /* files in one folder */

/* What inotify said about a name since the last look: written, created or moved here. */
struct hint {
        uint64_t name_hash;
        usec_t at;     /* CLOCK_MONOTONIC, no two alike: the time to settle begins again */
        bool modified; /* false: only closed by one who could have written */
        bool writing;  /* written and not closed yet */
};

struct pending { /* a file that is not settled */
        uint64_t hash;
        usec_t since;      /* unchanged since then; USEC_INFINITY: somebody is writing it */
        usec_t read_at;    /* when it was last looked into; 0: not since we know it */
        usec_t read_state; /* the entry's `changed` then */
        uint32_t flags;    /* as told to the decider */
        uint32_t name;     /* in the folder's pending_names */
};

struct folder {
        struct folder *parent;    /* NULL: the root */
        char *name;               /* owned; "" for the root */
        struct folder **children; /* owned array, by name */
        size_t n_children;
        uint64_t entry_inode; /* as the parent's listing has it */

        bool looked; /* at least once by this process */
        bool known;  /* the decider has a listing with this fingerprint */
        struct fingerprint fingerprint;
        uint32_t n_files;
        uint64_t *settled; /* owned, sorted */
        size_t n_settled;
        struct pending *pending; /* owned, sorted by hash */
        size_t n_pending;
        char *pending_names; /* owned */
        struct hint *hints;  /* owned, in order of arrival */
        size_t n_hints, cap_hints;
        usec_t blurred; /* more hints than we keep: anything may have been touched at this time; 0: no */

        dev_t device;
        bool remote; /* what other machines change is silent */
        int trouble; /* errno of the last look; 0: none */

        int wd;                 /* watch descriptor; -1: none */
        struct folder *wd_next; /* others with the same one (a bind mount) */

        /* scheduling: see scan/agenda.h */
        usec_t look_at, look_by; /* when to list it: from then on, and at the latest */
        usec_t settle_at;        /* when the next of `pending` can have settled */
        usec_t due;              /* the earlier one; USEC_INFINITY: not on the agenda */
        size_t heap_slot;        /* SIZE_MAX: not in it */
        struct folder *queue_before, *queue_after;
        bool queued, in_walk;
        bool force;     /* send the listing even if it is as known */
        bool below;     /* and those of all folders below */
        bool unwatched; /* the limit of watches was reached */
        usec_t looked_at;
        usec_t no_event_before,
                no_settle_before; /* so that a busy folder is not looked at all the time */
        unsigned busy;            /* looks in a row, each soon after the other */
};

/** folder_new() - a child of @parent (NULL: the root). Return: 0, -ENOMEM, -EEXIST. */
int folder_new(struct folder *parent, const char *name, struct folder **ret);
/** folder_free() - it and all below it; the caller took them off watches and agenda, and off its parent */
struct folder *folder_free(struct folder *folder);
/** folder_detach() - off its parent's list */
void folder_detach(struct folder *folder);
struct folder *folder_child(const struct folder *folder, const char *name);
/** folder_find() - "" is the root. Return: NULL when there is none; @ret_nearest: the deepest on the way; may be NULL. */
struct folder *folder_find(struct folder *root, const char *path, struct folder **ret_nearest);
/** folder_make() - folder_find(), making what is missing on the way. Return: 0, -ENOMEM, -EINVAL (bad path). */
int folder_make(struct folder *root, const char *path, struct folder **ret);
/** The path relative to the root, "" for the root itself, into @path (reset first). Return: 0 or -ENOMEM. */
int folder_path(const struct folder *folder, struct strbuf *path);
/** The next one in a walk of all below @top, parents before children; NULL at the end. */
struct folder *folder_next(struct folder *folder, const struct folder *top);

/** folder_hint() - an event named @name_hash. Cheap; never fails: what can not be kept blurs the folder. */
void folder_hint(struct folder *folder, const struct hint *hint);
/** folder_hints_by_name() - one hint a name, in order of name_hash */
void folder_hints_by_name(struct folder *folder);
/** folder_forget_writers() - events were lost: who is writing is not known any more, nor whether what was read still holds */
void folder_forget_writers(struct folder *folder);
