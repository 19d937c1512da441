/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to config/: how the tree that libconfig made is walked. A section is a table of keys; read_group() finds
 * each setting's key, has its value parsed into a struct, and reports what is unknown, wrong, double or missing. The
 * results are drafts: names still unresolved, in the order of the files. resolve.h makes the model of them.
 */

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "config/config.h"
#include "config/findings.h"
#include "core/model.h"

#define TEXT_MAX 4096 /* bytes of any text */
#define ID_MAX 64     /* bytes of an id */

struct reader;
struct key;
typedef void (*key_parse_fn)(struct reader *rd, const config_setting_t *s, const struct key *key,
                             void *target);

enum key_type {
        KEY_TEXT,
        KEY_ID,
        KEY_BOOL,
        KEY_INT,
        KEY_POINTS,
        KEY_DATE,
        KEY_DURATION,
        KEY_SIZE,
        KEY_TIME,
        KEY_CHOICE,
        KEY_TEXTS,
        KEY_IDS,
        KEY_ADDRESS,
        KEY_ADDRESSES,
        KEY_GROUP,
        KEY_LIST,
        KEY_SPECIAL, /* has a parser of its own; words say what it takes */
        _KEY_TYPE_MAX
};

enum key_flags {
        KEY_REQUIRED = 1 << 0,
        KEY_APPENDS = 1 << 1, /* may be given in several files; the values follow each other */
        KEY_TO_BOOL = 1 << 2, /* of two choices: the target is a bool, true for the second */
};

struct key {
        const char *name;
        enum key_type type;
        unsigned flags;
        size_t offset;              /* of the value in the target */
        key_parse_fn parse;         /* NULL: the type's own */
        const char *fallback;       /* default, in words, for the manual; NULL: none */
        const char *words;          /* what it takes, where the type does not say it */
        int64_t min, max;           /* of KEY_INT, KEY_DURATION (µs), KEY_SIZE; max 0: no limits */
        const char *const *choices; /* of KEY_CHOICE; the target is an int: the index */
        size_t n_choices;
        const struct section *inner; /* of groups and lists of groups */
};

enum singleton {
        SECTION_REPEATED, /* not one of a kind: a list's element */
        SECTION_ORGANIZATION,
        SECTION_CALENDAR,
        SECTION_MAIL,
        SECTION_EVIDENCE,
        SECTION_PUBLISH,
        _SINGLETON_MAX
};

#define SECTION_KEYS_MAX 32

struct section {
        const char *path; /* "mail.servers" */
        const struct key *keys;
        size_t n_keys;
        enum singleton singleton; /* may be given again in another file: keys are merged */
};

/* Where each list of names came from, so that a wrong one is found again. */
struct area_draft {
        struct area area; /* points -1: not stated */
        bool bad;         /* an error was reported about it: leave it out of further checks */
};

struct unit_draft {
        struct unit unit;
        int language; /* -1: the organisation's */
        bool bad;
};

struct policy_draft {
        struct policy policy;
        struct source source;
        bool bad;
};

struct report_draft {
        struct report report;
        const char *repeat;
        bool bad;
};

struct due_draft {
        struct due due;
        unsigned line;
};

struct task_draft {
        struct task task;
        const char *area, *unit, *policy, *repeat;
        struct string_list each_unit, co_units;
        struct due_draft *dues; /* owned by the scratch arena */
        size_t n_dues;
        bool bad;
};

struct range_draft {
        struct day_range range;
        struct source source;
};

struct reader {
        struct model m;        /* its arena is owned until the model is handed over */
        struct arena *arena;   /* the model's */
        struct arena *scratch; /* gone after config_load() */
        struct findings *findings;
        const struct config_options *options;
        const char *file;      /* being read; in the model's arena */
        bool bad;              /* an error was found in the object being read */
        bool incomplete;       /* a file could not be read: unknown names may only be in there */
        bool names_incomplete; /* the same, and units, areas or policies may be in it */
        size_t n_texts;        /* entries of string lists */

        struct calendar_settings calendar;
        struct range_array ARRAY(struct range_draft) off, work;
        struct server_array ARRAY(struct mail_server) servers;
        struct area_array ARRAY(struct area_draft) areas;
        struct unit_array ARRAY(struct unit_draft *) units;
        struct policy_array ARRAY(struct policy_draft *) policies;
        struct report_array ARRAY(struct report_draft *) reports;
        struct task_array ARRAY(struct task_draft *) tasks;
        struct role_array ARRAY(struct role) roles;
        struct string_array ARRAY(const char *) ignore;
        struct source seen[_SINGLETON_MAX]
                          [SECTION_KEYS_MAX]; /* where a key was given first; line 0: not yet */
        struct source roots, display, mail_from, allowed_domains, explanation, publish_dir;
};

void reader_done(struct reader *rd);

void rd_error(struct reader *rd, const config_setting_t *s, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void rd_warning(struct reader *rd, const config_setting_t *s, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
struct source rd_source(const struct reader *rd, const config_setting_t *s);
/* The same about something read before. */
void rd_error_at(struct reader *rd, struct source at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void rd_warning_at(struct reader *rd, struct source at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* For array_push(): memory ran out is remembered in the findings. */
void rd_check_oom(struct reader *rd, int r);

/** rd_wrong_type() - says what the key takes, and what was found instead */
void rd_wrong_type(struct reader *rd, const config_setting_t *s, const struct key *key);
const char *key_words(const struct key *key);

/** read_group() - every setting of @s into @target, as the section's keys say; -EINVAL when @s is no group */
int read_group(struct reader *rd, const config_setting_t *s, const struct section *section,
               void *target);

/** rd_place() - where a key of a section that exists once was given first; line 0: nowhere */
struct source rd_place(const struct reader *rd, const struct section *section, const char *name);

/** read_list() - each element of a list (or a group alone) to @on_group; anything else is an error */
void read_list(struct reader *rd, const config_setting_t *s, const struct key *key,
               void (*on_group)(struct reader *rd, const config_setting_t *s, const struct key *key,
                                void *target),
               void *target);
size_t list_length(const config_setting_t *s); /* elements; 1 for a scalar or a group */
