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
        struct strbuf line; /* of JSON: the mail */
        json_t *mails;      /* NULL: lines are printed at once */
};

static void show_done(struct show *show) {
        strbuf_done(&show->line);
        json_decref(show->mails);
}

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

/* A table has a row for a mail, and only counts what stands in it. */
static int keep_row(struct show *show) {
        json_t *mail = json_loadb(show->line.data, show->line.len, 0, NULL);
        json_int_t n = (json_int_t)json_array_size(json_object_get(mail, "items"));

        if (!mail)
                return -ENOMEM;
        json_object_del(mail, "items");
        json_object_set_new(mail, "n_items", json_integer(n));
        return json_array_append_new(show->mails, mail) < 0 ? -ENOMEM : 0;
}

static int on_digest(void *userdata, const struct digest *digest, const struct scoreboard *scores) {
        struct show *show = userdata;
        int r;

        show->context.scores = scores;
        strbuf_reset(&show->line);
        r = compose_mail_json(&show->context, digest, &show->line);
        if (r < 0)
                return r;
        if (show->mails)
                return keep_row(show);
        strbuf_addc(&show->line, '\n');
        if (strbuf_error(&show->line) < 0)
                return -ENOMEM;
        return fwrite(show->line.data, 1, show->line.len, stdout) == show->line.len ? 0 : -EIO;
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
        _cleanup_(show_done) struct show show = {};
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
        show.context = (struct compose_context){.model = model, .templates = templates};
        if (!option_given(in, "json")) {
                show.mails = json_array();
                if (!show.mails)
                        return no_memory();
        }
        return run(in, &show, from, to, &completions);
}
