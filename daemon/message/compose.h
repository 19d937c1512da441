/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From a digest (who is told what) to the bytes of a mail. Pure but for reading templates once: it knows no clock, no store, no network.
 * docs/architecture.md, "A message".
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "core/notice.h"
#include "core/score.h"

struct templates; /* all templates of all languages, parsed */

/**
 * templates_load() - built-in folder, files of the same name in @override replace them
 * @dir:      EVIDENCED_DATADIR/templates, with a folder for each language
 * @override: /etc/evidenced/templates; NULL or missing: none
 * @on_error: called with "FILE:LINE: …" for each that can not be read or parsed; may be NULL
 *
 * Return: 0, -EINVAL when any is missing or bad, -errno.
 */
typedef void (*template_error_fn)(void *userdata, const char *file, unsigned line,
                                  const char *text);
int templates_load(const char *dir, const char *override, template_error_fn on_error,
                   void *userdata, struct templates **ret);
/** templates_place() - $EVIDENCED_TEMPLATES, else what lies beside the program (a build tree), else the installed ones. Return: owned;
 *  NULL when out of memory */
char *templates_place(void);
/** templates_check() - would those of templates_place() load beside @config? Return: as templates_load() */
int templates_check(const char *config, template_error_fn on_error, void *userdata);
/** templates_load_beside() - the same; @override is the folder `templates` beside @config, the path of evidenced.conf */
int templates_load_beside(const char *dir, const char *config, template_error_fn on_error,
                          void *userdata, struct templates **ret);
struct templates *templates_free(struct templates *templates);

/* What a unit filed and lost in the last 24 hours. */
struct unit_day {
        size_t n_received, n_gone;   /* files */
        const char *received, *gone; /* of which criteria: "5.2, 4.1"; "" */
};

/* What a digest does not know but a mail says. All borrowed. */
struct compose_context {
        const struct model *model;
        const struct templates *templates;
        const char *message_id;           /* with angle brackets, made by the caller */
        const char *in_reply_to;          /* Message-ID of the thread's first mail; NULL: none */
        const struct scoreboard *scores;  /* for reports; NULL otherwise */
        const struct record_page *record; /* for a record of reminders; NULL otherwise */
        const struct unit_day
                *days;           /* for reports of units, per unit of the model; NULL: not known */
        const char *ledger_head; /* hex, for weekly reports; NULL */
        uint32_t ics_sequence;
};

/* A composed mail. Owned strings. */
struct composed {
        char *subject; /* decoded */
        char *bytes;   /* RFC 5322, CRLF, 7-bit */
        size_t size;
        char *text; /* the plain text part, decoded: for `preview` */
};
void composed_done(struct composed *c);

/** compose_subject() - only the subject of a digest: what `simulate` prints. Owned; NULL when out of memory. */
char *compose_subject(const struct compose_context *context, const struct digest *digest);

/** compose_trouble() - what is wrong, as a mail says it. Owned; NULL when out of memory. */
char *compose_trouble(const struct templates *templates, enum language language,
                      const struct trouble *trouble);

/** compose_message() - the whole mail. Return: 0, -ENOMEM, -EINVAL (a template fails: context->templates came unchecked). */
int compose_message(const struct compose_context *context, const struct digest *digest,
                    struct composed *ret);

/**
 * compose_mail_json() - a mail that is not sent yet, as `simulate --json` and the control socket say it
 * @ret: added to: {"time":…,"kind":…,"to":[…],"cc":[…],"subject":…,"items":[…]}, addresses in order of their bytes
 *
 * Return: 0 or -ENOMEM.
 */
int compose_mail_json(const struct compose_context *context, const struct digest *digest,
                      struct strbuf *ret);

/** compose_items_json() - its items alone: an array, owned; NULL when out of memory. */
char *compose_items_json(const struct model *model, const struct digest *digest);
