/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The checked configuration: what config/ builds and everybody else reads. Value types, immutable once built,
 * all memory in one arena. Not here: anything that changes while the service runs (core/instance.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/date.h"
#include "core/calendar.h"
#include "core/deadline.h"
#include "core/policy.h"
#include "core/recurrence.h"

/* Points in hundredths, so that sums are exact: 12.5 points are 1250. */
typedef int32_t points_t;

/* Where something was configured; file is NULL for what is built in. */
struct source {
        const char *file;
        unsigned line;
};

struct address {
        const char *display; /* display name as configured, UTF-8; NULL: none */
        const char *
                spec; /* local@domain as it goes into RCPT: domain in ASCII (IDNA), checked, no CR/LF */
        const char *key; /* spec in lower case: what addresses are compared by */
};

struct address_list {
        const struct address *items;
        size_t n;
};

struct role {
        const char *name;
        struct address_list who;
        struct source source;
};

struct role_list {
        const struct role *items;
        size_t n;
};

struct string_list {
        const char *const *items;
        size_t n;
};

enum language { LANGUAGE_VI, LANGUAGE_EN, _LANGUAGE_MAX };
const char *language_to_string(enum language language); /* "vi", "en" */
int language_from_string(const char *s, enum language *ret);

struct area {
        const char *id, *title;
        points_t points;
        bool unassigned; /* known to have no owner */
        struct source source;
};

struct unit {
        const char *id, *name;
        struct address_list mail;
        enum language language;
        struct role_list roles; /* head and others */
        struct source source;
        size_t index; /* in model.units */
};

/* File types a requirement can ask for; checked by content. One bit each in need.types. */
enum file_type {
        FILE_TYPE_OTHER,
        FILE_TYPE_PDF,
        FILE_TYPE_DOCX,
        FILE_TYPE_XLSX,
        FILE_TYPE_PPTX,
        FILE_TYPE_ODT,
        FILE_TYPE_ODS,
        FILE_TYPE_DOC,
        FILE_TYPE_XLS,
        FILE_TYPE_JPG,
        FILE_TYPE_PNG,
        FILE_TYPE_TIF,
        FILE_TYPE_ZIP,
        FILE_TYPE_RAR,
        FILE_TYPE_7Z,
        FILE_TYPE_XML,
        FILE_TYPE_TXT,
        FILE_TYPE_EML,
        _FILE_TYPE_MAX
};
const char *file_type_to_string(enum file_type type);
int file_type_from_string(const char *s,
                          enum file_type *ret); /* "jpeg" and "tiff" are accepted too */

struct need {
        const char *name;         /* as people call it; "" when not given */
        struct string_list match; /* patterns as configured, placeholders not yet replaced */
        uint32_t types;           /* bits 1 << enum file_type; 0: any */
        uint32_t count;           /* ≥ 1 */
        uint64_t min_size;        /* bytes; 0: none */
        usec_t fresh;             /* not older than this before the deadline; 0: none */
        date_t since;             /* modified on or after; DATE_NONE: none */
        bool fold;                /* match without diacritics too */
        bool signed_only;         /* signed = true */
        struct string_list only;  /* labels of the occurrences it applies to; n = 0: all */
        struct source source;
};

struct task {
        const char *id, *title; /* title: placeholders not yet replaced */
        const struct area *area;
        points_t points;
        const struct unit *unit; /* NULL with each_unit, and for untracked tasks without a unit */
        const struct unit *const *each_unit; /* each listed unit has its own copy */
        size_t n_each_unit;
        const struct unit *const *co_units;
        size_t n_co_units;
        struct address_list owner;
        bool tracked;    /* false: surveyed points, in the totals, never reminded */
        bool unassigned; /* known to have no responsible owner */
        enum due_word due_word;
        enum shift shift;
        const struct due *dues; /* stated deadlines in order of date; the first alone with a rule */
        size_t n_dues;          /* 0: no deadline, tracked in reports only */
        const struct recurrence *repeat; /* NULL: none */
        date_t opens, closes;            /* DATE_NONE: not set (closes: the organisation's) */
        const struct policy *policy;     /* NULL only when there is no deadline or not tracked */
        const char *dir; /* relative to a root; placeholders not yet replaced; NULL: no evidence */
        bool recursive;
        const struct need *needs;
        size_t n_needs;
        struct source source;
        size_t index; /* in model.tasks */
};

enum mail_security { MAIL_SECURITY_TLS, MAIL_SECURITY_NONE };

struct mail_server {
        const char
                *url; /* smtps://, smtp:// (STARTTLS required unless security none), maildir:NAME */
        const char *user, *credential, *password_file, *ca_file, *client_cert,
                *client_key; /* NULL: not set */
        const char *auth;    /* NULL, "plain", "login", "xoauth2" */
        enum mail_security security;
        usec_t timeout;
        struct source source;
};

struct report {
        const char *id;
        const struct recurrence *repeat;
        date_t from; /* counts from here; DATE_NONE: any day */
        int at;      /* second of the day */
        struct string_list to, cc;
        bool per_unit;          /* scope = "unit" (true) or "all" */
        bool of_reminders;      /* content = "reminders" (true) or "evidence" */
        bool only_when_changed; /* only_when = "changed" */
        struct source source;
};

struct evidence_settings {
        struct string_list roots; /* absolute, normalised, ≥ 1 */
        usec_t settle, gone_after, rescan, poll;
        struct string_list ignore; /* patterns of names never counted */
        const char *explanation;   /* pattern; NULL: off */
        struct string_list
                display; /* per root: how people see it ("\\\\server\\share"); items may be NULL */
        uint64_t max_size; /* bytes; larger files are not hashed and do not count */
};

struct model {
        struct arena *arena; /* owned: everything below lives in it */

        struct {
                const char *name, *short_name, *time_zone, *subject_prefix, *contact;
                enum language language;
                points_t points; /* -1: not stated */
                date_t closes;   /* DATE_NONE: never */
        } organization;

        const struct calendar *calendar;

        struct {
                bool hold;
                struct address from;
                struct address reply_to; /* spec NULL: not set */
                uint32_t connections;
                usec_t retry_for;
                uint32_t daily_limit;               /* 0: no limit */
                struct string_list allowed_domains; /* lower case, ASCII; n = 0: no fence */
                bool calendar_attachment;
                const char *heartbeat; /* http:// or https://; NULL: none */
                const struct mail_server *servers;
                size_t n_servers;
        } mail;

        struct evidence_settings evidence;

        struct {
                const char *dir, *group; /* dir NULL: nothing is published */
                bool html, ics, metrics;
        } publish;

        const struct area *areas;
        size_t n_areas;
        const struct unit *units;
        size_t n_units;
        struct role_list roles; /* of the organisation */
        const struct policy *policies;
        size_t n_policies;
        const struct report *reports;
        size_t n_reports;
        const struct task *tasks; /* natural order of id */
        size_t n_tasks;
};

/** model_free() - frees the arena, and with it everything, the model itself included (it was allocated there) */
struct model *model_free(struct model *model);

const struct unit *model_find_unit(const struct model *model, const char *id);
const struct task *model_find_task(const struct model *model, const char *id);
const struct role *role_find(const struct role_list *roles, const char *name);
/** model_address_allowed() - is the address inside mail.allowed_domains (or is there no fence)? */
bool model_address_allowed(const struct model *model, const struct address *address);
