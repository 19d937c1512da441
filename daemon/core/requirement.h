/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which files count for which requirement. Pure: files are described by what the scanner found.
 * Rules: docs/semantics.md, section 6.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "core/instance.h"

/* Why a file does not count: the first rule that fails, in the order of the contract. */
enum verdict {
        VERDICT_COUNTED,
        VERDICT_NOT_REGULAR, /* no regular file, or a link out of the root */
        VERDICT_IGNORED,
        VERDICT_NAME,      /* matches no pattern */
        VERDICT_BAD_NAME,  /* a name that is no UTF-8 */
        VERDICT_UNSETTLED, /* still being written */
        VERDICT_EMPTY,
        VERDICT_TOO_SMALL,
        VERDICT_UNREADABLE, /* permission, or it vanished while being read */
        VERDICT_TOO_LARGE,  /* beyond evidence.max_size, not examined */
        VERDICT_TYPE,
        VERDICT_BROKEN, /* not whole: a PDF without trailer, a zip without directory */
        VERDICT_UNSIGNED,
        VERDICT_STALE,
        VERDICT_DUPLICATE, /* same content as a file already counted for this requirement */
        VERDICT_SURPLUS,   /* would count, but every slot it fits is filled */
        _VERDICT_MAX
};
const char *verdict_to_string(enum verdict verdict); /* "counted", "not-regular", … : stable, for JSON and the ledger */
int verdict_from_string(const char *s, enum verdict *ret);

struct file {
        const char *path; /* relative to the root, as bytes */
        size_t root;      /* index of the root */
        bool regular;
        bool settled;
        bool inspected; /* type, whole, sha256 are known */
        bool unreadable, too_large;
        uint64_t size, inode;
        usec_t mtime;       /* as the file has it */
        usec_t received_at; /* first seen settled (or as dated); 0: not yet */
        bool as_dated;
        enum file_type type;
        bool whole, signed_pdf;
        uint8_t sha256[SHA256_SIZE];
};

/** Does the file lie where the instance looks (its dir, or below it unless recursive = false)? */
bool instance_covers(const struct instance *instance, const char *path);
/** name_is_ignored() - evidence.ignore and the built-in list (lock files, partial downloads, Thumbs.db, dot files). */
bool name_is_ignored(const struct model *model, const char *name);
/** Does the name match evidence.explanation? */
bool name_is_explanation(const struct model *model, const char *name);

/**
 * requirement_judge() - rules 1 to 7 for one file and one requirement (8 and surplus are the assignment's)
 * @deadline: of the instance, for `fresh`
 *
 * Until a file is inspected, content rules hold (the caller asks the scanner when everything before them holds).
 */
enum verdict requirement_judge(const struct model *model, const struct requirement *requirement,
                               const struct deadline *deadline, const struct file *file);

/* One slot taken: file of requirement of instance. */
struct assignment {
        size_t file, instance, requirement; /* indices into the arrays given */
};

struct candidate {
        size_t file, instance, requirement; /* a pair for which requirement_judge() said COUNTED */
};

/**
 * assign_files() - most slots filled, for the instances of one task
 * @instances: in order of deadline
 * @standing:  assignments that stood before and whose file is still a candidate for them; they are kept
 * @ret:       owned array, @ret_n entries
 *
 * Ties: requirement order, then received-at, then path. One file fills one slot; equal content fills one slot of a
 * requirement only. Return: 0 or -ENOMEM.
 */
int assign_files(const struct instance *const *instances, size_t n_instances, const struct file *files, size_t n_files,
                 const struct candidate *candidates, size_t n_candidates, const struct assignment *standing,
                 size_t n_standing, struct assignment **ret, size_t *ret_n);
