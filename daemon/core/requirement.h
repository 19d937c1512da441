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
        VERDICT_UNREADABLE, /* permission, or it vanished while being read; never inspected */
        VERDICT_TOO_LARGE,  /* beyond evidence.max_size, not examined */
        VERDICT_TYPE,
        VERDICT_BROKEN, /* not whole: a PDF without trailer, a zip without directory */
        VERDICT_UNSIGNED,
        VERDICT_STALE,
        VERDICT_DUPLICATE,   /* same content as a file already counted for this requirement */
        VERDICT_SURPLUS,     /* would count, but every slot it fits is filled */
        VERDICT_EXPLANATION, /* says why there is no evidence, and so is none */
        _VERDICT_MAX
};
const char *verdict_to_string(
        enum verdict verdict); /* "counted", "not-regular", … : stable, for JSON and the ledger */
int verdict_from_string(const char *s, enum verdict *ret);

/* The service keeps one for every file that is asked for: kept small. */
struct file {
        const char *path; /* relative to the root, as bytes */
        uint64_t size, inode;
        usec_t mtime; /* as the file has it */
        usec_t offset; /* of the service's clock (struct clock): added to mtime for `fresh` and `since`; 0 without --now */
        usec_t received_at; /* first seen settled (or as dated); 0: not yet */
        uint8_t sha256[SHA256_SIZE];
        uint32_t root; /* index of the root */
        enum file_type type : 8;
        bool regular : 1;
        bool settled : 1;
        bool inspected : 1; /* type, whole, sha256 are known */
        bool unreadable : 1, too_large : 1;
        bool as_dated : 1;
        bool whole : 1, signed_pdf : 1;
};

/** The name of a file: what stands behind the last '/' of its path. Return: borrowed from @path. */
const char *path_name(const char *path);
/**
 * instance_covers() - does the file lie where the instance looks (its dir, or below it unless recursive = false)?
 * @path: relative to the root; compared as bytes, and where these differ in NFC
 */
bool instance_covers(const struct instance *instance, const char *path);

/* The model's patterns over names, compiled once: what judging many files wants. */
struct name_rules;
/** @model: borrowed during the call. Return: 0, -EINVAL for a pattern that does not compile, -ENOMEM. */
int name_rules_new(const struct model *model, struct name_rules **ret);
struct name_rules *name_rules_free(struct name_rules *rules);
bool name_rules_ignored(const struct name_rules *rules, const struct match_name *name);
bool name_rules_explanation(const struct name_rules *rules, const struct match_name *name);

/** name_is_ignored() - evidence.ignore and the built-in list (lock files, partial downloads, Thumbs.db, dot files).
 *  Compiles the model's patterns each time: name_rules_ignored() for many. */
bool name_is_ignored(const struct model *model, const char *name);
/** Does the name match evidence.explanation? Compiles it each time, too. */
bool name_is_explanation(const struct model *model, const char *name);

/**
 * requirement_judge() - rules 1 to 7 for one file and one requirement (8 and surplus are the assignment's)
 * @deadline: of the instance, for `fresh`; NULL: it has none
 *
 * Until a file is inspected, content rules hold (the caller asks the scanner when everything before them holds).
 * A requirement without patterns takes every name. A text that is XML or a mail is a text as well; an office
 * document is no "zip".
 */
enum verdict requirement_judge(const struct model *model, const struct requirement *requirement,
                               const struct deadline *deadline, const struct file *file);
/** judge_file() - the same, with what many files share made once (@rules) and the file's name made once (@name) */
enum verdict judge_file(const struct model *model, const struct name_rules *rules,
                        const struct match_name *name, const struct requirement *requirement,
                        const struct deadline *deadline, const struct file *file);
/** requirement_takes() - rule 3 for a name */
bool requirement_takes(const struct requirement *requirement, const struct match_name *name);
/** judge_named() - the same for a file of whose name all is known. @name: COUNTED, or why its name is against it */
enum verdict judge_named(const struct model *model, const struct requirement *requirement,
                         const struct deadline *deadline, const struct file *file,
                         enum verdict name);
/** Rules 1, 4 and 5 for a file whose name is an explanation's, and not ignored (docs/semantics.md, section 6, `explained`). */
enum verdict judge_explanation(const struct file *file);

/* One slot taken: file of requirement of instance. */
struct assignment {
        size_t file, instance, requirement; /* indices into the arrays given */
};

struct candidate {
        size_t file, instance, requirement; /* a pair for which requirement_judge() said COUNTED */
};

/**
 * assign_files() - most slots filled, for the instances of one task
 * @instances:  in order of deadline
 * @candidates: any order; a pair given twice counts once
 * @standing:   assignments that stood before; those whose file is still a candidate for them are kept (the earlier
 *              file where two would break a rule), the others are forgotten
 * @taken:      slots that files which are not given here fill already, for each requirement of the first instance, then
 *              of the next, …; NULL: none
 * @ret:        owned array, @ret_n entries, in order of instance, requirement, then received-at and path
 *
 * One file fills one slot; equal content (of inspected files) fills one slot of a requirement only. Among all ways to fill
 * most slots the one is taken that fills more of the first requirement of the first instance, then of the next, …; and
 * among those the one whose first requirement has the earliest files (received-at, then root and path), then the next.
 * Deterministic: the order of @files and @candidates does not matter. Memory grows with the candidates, not with their square.
 * Return: 0, -EINVAL (an index out of range), -ENOMEM.
 */
int assign_files(const struct instance *const *instances, size_t n_instances,
                 const struct file *files, size_t n_files, const struct candidate *candidates,
                 size_t n_candidates, const struct assignment *standing, size_t n_standing,
                 const uint32_t *taken, struct assignment **ret, size_t *ret_n);

/**
 * unassigned_verdict() - why a candidate has no slot
 * @assigned: what assign_files() gave
 *
 * Return: VERDICT_COUNTED (it has one, for this requirement), VERDICT_DUPLICATE (its content has), else VERDICT_SURPLUS.
 */
enum verdict unassigned_verdict(const struct file *files, const struct assignment *assigned,
                                size_t n_assigned, const struct candidate *candidate);
