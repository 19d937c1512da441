/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/installed.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "config/config.h"
#include "core/model.h"
#include "message/compose.h"
#include "service/manager.h"

enum { EXIT_USAGE = 64, EXIT_TEMPFAIL = 75, EXIT_CONFIG = 78 };

static const char usage[] =
        "Usage: evidenced [OPTION]...\n"
        "Watches folders of evidence and reminds, by mail, exactly those who still owe something.\n"
        "\n"
        "  --config FILE   configuration (default " EVIDENCED_SYSCONFDIR "/evidenced.conf)\n"
        "  --state DIR     where the state is kept (default $STATE_DIRECTORY or "
        "/var/lib/evidenced)\n"
        "  --socket PATH   control socket (default $RUNTIME_DIRECTORY/org.evidenced or "
        "/run/evidenced/org.evidenced)\n"
        "  --check         print every finding about the configuration and end: 0, or 78 when "
        "there is an error\n"
        "  --strict        with --check: warnings count as errors\n"
        "  --once          scan, plan, send, and end: 0 all sent, 75 some mail is still queued\n"
        "  --now TIME      where the service's clock starts (RFC 3339, for instance "
        "2018-11-12T07:29:50+07:00)\n"
        "  --help, --version\n"
        "\n"
        "Environment: EVIDENCED_SCAN_SOCKET, EVIDENCED_MAIL_SOCKET (sockets of the workers; unset: "
        "they are started),\n"
        "EVIDENCED_LIBEXEC (folder of the workers), EVIDENCED_TEMPLATES, EVIDENCED_LOG_LEVEL.\n"
        "See evidenced(8).\n";

struct arguments {
        struct manager_options options;
        bool check, strict;
        const char *now;
};

/* Return: 0 to go on, else the exit status + 1. */
static int parse(int argc, char *argv[], struct arguments *a) {
        enum { CONFIG = 256, STATE, SOCKET, CHECK, STRICT, ONCE, NOW, HELP, VERSION };
        static const struct option options[] = {
                {"config", required_argument, NULL, CONFIG},
                {"state", required_argument, NULL, STATE},
                {"socket", required_argument, NULL, SOCKET},
                {"check", no_argument, NULL, CHECK},
                {"strict", no_argument, NULL, STRICT},
                {"once", no_argument, NULL, ONCE},
                {"now", required_argument, NULL, NOW},
                {"help", no_argument, NULL, HELP},
                {"version", no_argument, NULL, VERSION},
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (c) {
                case CONFIG:
                        a->options.config = optarg;
                        break;
                case STATE:
                        a->options.state = optarg;
                        break;
                case SOCKET:
                        a->options.socket = optarg;
                        break;
                case CHECK:
                        a->check = true;
                        break;
                case STRICT:
                        a->strict = true;
                        break;
                case ONCE:
                        a->options.once = true;
                        break;
                case NOW:
                        a->now = optarg;
                        break;
                case HELP:
                        fputs(usage, stdout);
                        return 0 + 1;
                case VERSION:
                        puts("evidenced " EVIDENCED_VERSION);
                        return 0 + 1;
                default:
                        fputs("Try 'evidenced --help'.\n", stderr);
                        return EXIT_USAGE + 1;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "evidenced: unexpected argument '%s'\n", argv[optind]);
                return EXIT_USAGE + 1;
        }
        return 0;
}

static int check(const struct arguments *a) {
        _cleanup_(findings_done) struct findings findings = {};
        struct model *model = NULL;
        const struct config_options options = {
                .today = zone_civil(a->options.now_given ? a->options.now : clock_realtime()).date,
                .look_at_roots = true};
        int r = config_load(a->options.config, &options, &model, &findings);
        /* The templates, too: what a start would refuse is an error here. */
        int worse = templates_check(a->options.config, findings_add_error, &findings);
        bool warned = findings.n > 0;

        findings_sort(&findings);
        findings_print(&findings, stdout);
        if (r == 0)
                printf("%s: %zu %s, %zu unit%s, %zu area%s\n", a->options.config, model->n_tasks,
                       plural(model->n_tasks, "criterion", "criteria"), model->n_units,
                       plural(model->n_units, "", "s"), model->n_areas,
                       plural(model->n_areas, "", "s"));
        model_free(model);
        return r < 0 || worse < 0 || (a->strict && warned) ? EXIT_CONFIG : 0;
}

/* Strings that the options borrow. */
struct places {
        char *libexec, *templates, *socket; /* owned */
};

static void places_done(struct places *p) {
        free(p->libexec);
        free(p->templates);
        free(p->socket);
}

static int fill_in(struct arguments *a, struct places *p) {
        const char *state = getenv("STATE_DIRECTORY"), *runtime = getenv("RUNTIME_DIRECTORY");

        if (!a->options.config)
                a->options.config = EVIDENCED_SYSCONFDIR "/evidenced.conf";
        if (!a->options.state)
                a->options.state = state ? state : "/var/lib/evidenced";
        p->libexec =
                installed_path("EVIDENCED_LIBEXEC", "", "/evidenced-scan", EVIDENCED_LIBEXECDIR);
        p->templates = templates_place();
        /* A single pass answers no questions, unless it is asked to. */
        if (!a->options.socket && !a->options.once &&
            asprintf(&p->socket, "%s/org.evidenced", runtime ? runtime : "/run/evidenced") < 0)
                return -ENOMEM;
        if (!p->libexec || !p->templates)
                return -ENOMEM;
        a->options.libexec = p->libexec;
        a->options.templates = p->templates;
        if (p->socket)
                a->options.socket = p->socket;
        return 0;
}

static int run(struct arguments *a) {
        _cleanup_(places_done) struct places places = {};
        struct manager *m = NULL;
        int r = fill_in(a, &places);

        if (r < 0)
                return log_oom();
        r = mkdir_p(a->options.state, 0700);
        if (r < 0)
                return log_error_errno(r, "Failed to make the state folder '%s': %m",
                                       a->options.state);
        /* maildir: servers lie in the sender's own folder; a sender that we start has ours. */
        setenv("EVIDENCED_MAIL_DIR", a->options.state, false);
        r = manager_new(&a->options, &m);
        if (r == 0)
                r = manager_run(m);
        manager_free(m);
        return r;
}

int main(int argc, char *argv[]) {
        struct arguments a = {};
        int r;

        log_init("evidenced");
        umask(0077); /* copies of the database are as private as itself */
        r = parse(argc, argv, &a);
        if (r > 0)
                return r - 1;
        if (a.now && zone_parse(a.now, &a.options.now) < 0) {
                fprintf(stderr, "evidenced: --now wants a time like 2018-11-12T07:29:50+07:00\n");
                return EXIT_USAGE;
        }
        a.options.now_given = a.now != NULL;
        if (a.check) {
                if (!a.options.config)
                        a.options.config = EVIDENCED_SYSCONFDIR "/evidenced.conf";
                return check(&a);
        }
        r = run(&a);
        if (r == -EBUSY)
                return EXIT_TEMPFAIL;
        if (r == -EINVAL || r == -ENOENT)
                return EXIT_CONFIG;
        return r < 0 ? 1 : r;
}
