/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/zone.h"
#include "config/config.h"
#include "core/model.h"
#include "ctl/commands.h"
#include "ctl/mails.h"
#include "ctl/output.h"
#include "ctl/simulate.h"
#include "ctl/templates-place.h"
#include "message/compose.h"

struct completions ARRAY(struct simulate_completion);

/* A run on its way: what every mail needs to be printed. */
struct show {
        struct compose_context context;
        json_t *mails; /* owned by the caller; NULL: lines of JSON are printed at once */
};

DEFINE_CLEANUP(struct model *, model_free)
DEFINE_CLEANUP(struct templates *, templates_free)

static int load(const char *path, struct model **ret) {
        _cleanup_(findings_done) struct findings findings = FINDINGS_INIT;
        int r = config_load(path, NULL, ret, &findings);

        if (r == -ENOMEM)
                return no_memory();
        if (r == 0)
                return 0;
        findings_print(&findings, stderr);
        complain("simulate: the configuration has errors");
        return EX_CONFIG;
}

/* ---- the command line ---- */

static int read_time(const struct invocation *in, const char *name, usec_t *ret) {
        const char *text = option_value(in, name);

        if (!text) {
                complain("simulate needs --%s TIME", name);
                return EX_USAGE;
        }
        if (zone_parse(text, ret) < 0) {
                complain("simulate: '--%s %s' is no time: write it like 2018-11-12 or "
                         "2018-11-12T07:30:00+07:00",
                         name, text);
                return EX_USAGE;
        }
        return 0;
}

/* The key may hold a '=', the time never does. */
static int read_completion(const char *text, char **ret_key, usec_t *ret_at) {
        const char *equals = strrchr(text, '=');

        if (!equals || equals == text || zone_parse(equals + 1, ret_at) < 0) {
                complain("simulate: '--complete %s' is not like 1.2@2018-03-05=2018-02-28", text);
                return EX_USAGE;
        }
        *ret_key = strndup(text, (size_t)(equals - text));
        return *ret_key ? 0 : no_memory();
}

static void completions_done(struct completions *list) {
        for (size_t i = 0; i < list->n; i++)
                free((char *)list->items[i].instance);
        array_done(list);
}

static int read_completions(const struct invocation *in, struct completions *ret) {
        const char *text;
        size_t cursor = 0;

        while ((text = option_next(in, "complete", &cursor))) {
                struct simulate_completion c = {};
                char *key = NULL;
                int r = read_completion(text, &key, &c.at);

                if (r != 0)
                        return r;
                c.instance = key;
                if (array_push(ret, c) < 0) {
                        free(key);
                        return no_memory();
                }
        }
        return 0;
}

/* ---- one mail ---- */

/* By the bytes that are printed, whatever else recipients are ordered by. */
static json_t *addresses(const struct recipients *set) {
        json_t *list = json_array();

        for (size_t i = 0; list && i < set->n; i++) {
                const char *spec = set->items[i]->spec;
                size_t at = json_array_size(list);

                while (at > 0 && strcmp(json_string_value(json_array_get(list, at - 1)), spec) > 0)
                        at--;
                json_array_insert_new(list, at, json_string(spec));
        }
        return list;
}

static json_t *mail_head(const struct show *show, const struct digest *digest) {
        _cleanup_free_ char *subject = compose_subject(&show->context, digest);
        char time[INSTANT_BUFFER];

        if (!subject)
                return NULL;
        return json_pack("{s:s, s:s, s:o, s:o, s:s}", "time", zone_format(digest->at, time), "kind",
                         notice_kind_to_string(digest->kind), "to", addresses(&digest->to), "cc",
                         addresses(&digest->cc), "subject", subject);
}

/* The items are JSON already: they are put in as they are, which matters with a hundred thousand of them. */
static int print_line(const json_t *head, const char *items) {
        _cleanup_free_ char *text = json_dumps(head, JSON_COMPACT);
        size_t len = text ? strlen(text) : 0;

        if (len == 0)
                return -ENOMEM;
        text[len - 1] = '\0'; /* its last brace */
        if (printf("%s,\"items\":%s}\n", text, items) < 0)
                return -EIO;
        return 0;
}

static int on_digest(void *userdata, const struct digest *digest) {
        struct show *show = userdata;
        _cleanup_(json_decrefp) json_t *head = mail_head(show, digest);
        _cleanup_free_ char *items = NULL;

        if (!head)
                return -ENOMEM;
        if (show->mails) {
                json_object_set_new(head, "n_items", json_integer((json_int_t)digest->items.n));
                return json_array_append(show->mails, head) < 0 ? -ENOMEM : 0;
        }
        items = compose_items_json(show->context.model, digest);
        return items ? print_line(head, items) : -ENOMEM;
}

/* ---- the run ---- */

static int unknown_completions(const struct completions *list) {
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].unknown)
                        complain("simulate: there is no instance '%s' to complete",
                                 list->items[i].instance);
        return EXIT_FAILURE;
}

static int run(const struct invocation *in, struct show *show, usec_t from, usec_t to,
               struct completions *completions) {
        int r = simulate_run(show->context.model, from, to, completions->items, completions->n,
                             on_digest, show);

        if (r == -ENOENT)
                return unknown_completions(completions);
        if (r == -ENOMEM)
                return no_memory();
        if (r == -EINVAL) {
                complain("simulate: the configuration has an error, see evidencectl check");
                return EX_CONFIG;
        }
        if (r < 0) {
                complain("simulate: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        if (!show->mails)
                return 0;
        if (json_array_size(show->mails) > 0)
                return print_mails(show->mails);
        printf("No mail from %s to %s.\n", option_value(in, "from"), option_value(in, "to"));
        return 0;
}

static int prepare(const struct invocation *in, struct model **ret_model,
                   struct templates **ret_templates) {
        const char *path = option_value(in, "config");
        int r;

        if (!path)
                path = EVIDENCED_SYSCONFDIR "/evidenced.conf";
        r = load(path, ret_model);
        if (r != 0)
                return r;
        r = zone_init((*ret_model)->organization.time_zone);
        if (r < 0) {
                complain("simulate: failed to set the time zone %s: %s",
                         (*ret_model)->organization.time_zone, strerror(-r));
                return EX_CONFIG;
        }
        return find_templates(path, ret_templates);
}

int command_simulate(const struct invocation *in) {
        _cleanup_(completions_done) struct completions completions = {};
        _cleanup_(model_free_p) struct model *model = NULL;
        _cleanup_(templates_free_p) struct templates *templates = NULL;
        _cleanup_(json_decrefp) json_t *mails = NULL;
        struct show show = {};
        usec_t from, to;
        int r = prepare(in, &model, &templates);

        if (r == 0)
                r = read_time(in, "from", &from);
        if (r == 0)
                r = read_time(in, "to", &to);
        if (r == 0)
                r = read_completions(in, &completions);
        if (r != 0)
                return r;
        if (to <= from) {
                complain("simulate: --to is not after --from");
                return EX_USAGE;
        }
        if (!option_given(in, "json")) {
                mails = json_array();
                if (!mails)
                        return no_memory();
        }
        show = (struct show){.context = {.model = model, .templates = templates}, .mails = mails};
        return run(in, &show, from, to, &completions);
}
