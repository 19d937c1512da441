/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define HELP_COLUMN 24
#define MAX_NAMES 100

struct parser {
        const struct command_table *table;
        struct invocation *in;
        char *error; /* owned */
};

static int __attribute__((format(printf, 2, 3))) fail(struct parser *p, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&p->error, format, ap);
        va_end(ap);
        if (n < 0)
                p->error = NULL;
        return n < 0 ? -ENOMEM : -EINVAL;
}

void invocation_done(struct invocation *in) {
        free(in->options);
        free(in->words);
        *in = (struct invocation){};
}

static const struct option_spec *find(const struct option_spec *options, size_t n, const char *name,
                                      size_t len) {
        for (size_t i = 0; i < n; i++)
                if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
                        return &options[i];
        return NULL;
}

/* "--name" or "--name=value"; the command's own options come before the common ones. */
static const struct option_spec *option_of(const struct parser *p, const char *arg) {
        size_t len = strcspn(arg + 2, "=");
        const struct command *c = p->in->command;
        const struct option_spec *spec = c ? find(c->options, c->n_options, arg + 2, len) : NULL;

        return spec ? spec : find(p->table->common, p->table->n_common, arg + 2, len);
}

static int unknown_option(struct parser *p, const char *arg) {
        const struct command *c = p->in->command;
        const char *names[MAX_NAMES], *nearest;
        _cleanup_free_ char *name = strndup(arg + 2, strcspn(arg + 2, "="));
        size_t n = 0;

        for (size_t i = 0; c && i < c->n_options && n < MAX_NAMES; i++)
                names[n++] = c->options[i].name;
        for (size_t i = 0; i < p->table->n_common && n < MAX_NAMES; i++)
                names[n++] = p->table->common[i].name;
        if (!name)
                return -ENOMEM;
        nearest = text_nearest(name, names, n);
        return fail(p, "%s%sunknown option '--%s'%s%s%s", c ? c->name : "", c ? ": " : "", name,
                    nearest ? ", did you mean '--" : "", nearest ? nearest : "",
                    nearest ? "'?" : "");
}

static int unknown_command(struct parser *p, const char *word) {
        const char *names[MAX_NAMES], *nearest;
        size_t n = 0;

        for (; n < p->table->n_commands && n < MAX_NAMES; n++)
                names[n] = p->table->commands[n].name;
        nearest = text_nearest(word, names, n);
        return fail(p, "unknown command '%s'%s%s%s", word, nearest ? ", did you mean '" : "",
                    nearest ? nearest : "", nearest ? "'?" : "");
}

static bool is_option(const char *arg) { return arg[0] == '-' && arg[1] != '\0'; }

static const char *expand_short(const char *arg) {
        return strcmp(arg, "-h") == 0 ? "--help" : strcmp(arg, "-V") == 0 ? "--version" : arg;
}

/* Of whichever command: before the command is known, it has to be known which options take the next argument. */
static const struct option_spec *option_of_any(const struct parser *p, const char *arg) {
        const struct option_spec *spec = option_of(p, arg);

        for (size_t i = 0; !spec && i < p->table->n_commands; i++)
                spec = find(p->table->commands[i].options, p->table->commands[i].n_options, arg + 2,
                            strcspn(arg + 2, "="));
        return spec;
}

/* The first word is the command. */
static int find_command(struct parser *p, int argc, char *argv[]) {
        for (int i = 1; i < argc; i++) {
                const char *arg = argv[i];
                const struct option_spec *spec;

                if (is_option(arg)) {
                        if (strcmp(arg, "--") == 0)
                                break;
                        spec = startswith(arg, "--") ? option_of_any(p, arg) : NULL;
                        if (spec && spec->value && !strchr(arg, '='))
                                i++;
                        continue;
                }
                for (size_t k = 0; k < p->table->n_commands; k++)
                        if (strcmp(p->table->commands[k].name, arg) == 0)
                                p->in->command = &p->table->commands[k];
                return p->in->command ? 0 : unknown_command(p, arg);
        }
        return 0;
}

/* Return: how many arguments it took. */
static int take_option(struct parser *p, const char *arg, const char *next) {
        const struct option_spec *spec;
        const char *value = strchr(arg, '=');

        arg = expand_short(arg);
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "--version") == 0) {
                *(arg[2] == 'h' ? &p->in->help : &p->in->version) = true;
                return 1;
        }
        if (!startswith(arg, "--"))
                return fail(p, "unknown option '%s': options are long, see --help", arg);
        spec = option_of(p, arg);
        if (!spec)
                return unknown_option(p, arg);
        if (!spec->value && value)
                return fail(p, "'--%s' takes no value", spec->name);
        if (spec->value && !value && !next)
                return fail(p, "'--%s' needs %s", spec->name, spec->value);
        p->in->options[p->in->n_options++] = (struct given_option){spec, !spec->value ? NULL
                                                                         : value      ? value + 1
                                                                                      : next};
        return spec->value && !value ? 2 : 1;
}

static int take_all(struct parser *p, int argc, char *argv[]) {
        struct invocation *in = p->in;
        bool options = true, command_seen = false;

        for (int i = 1, r; i < argc; i += r) {
                r = 1;
                if (options && strcmp(argv[i], "--") == 0)
                        options = false;
                else if (options && is_option(argv[i])) {
                        r = take_option(p, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
                        if (r < 0)
                                return r;
                } else if (in->command && !command_seen)
                        command_seen = true;
                else
                        in->words[in->n_words++] = argv[i];
        }
        return 0;
}

static int check_words(struct parser *p) {
        const struct invocation *in = p->in;
        const struct command *c = in->command;

        if (in->help || in->version)
                return 0;
        if (!c)
                return fail(p, "which command? See '%s --help'", p->table->program);
        if (in->n_words > c->max_words)
                return fail(p, "%s: unexpected argument '%s'", c->name, in->words[c->max_words]);
        if (in->n_words < c->min_words)
                return fail(p, "%s needs %s", c->name, c->words);
        return 0;
}

int arguments_parse(const struct command_table *table, int argc, char *argv[],
                    struct invocation *ret, char **ret_error) {
        struct parser p = {.table = table, .in = ret};
        int r;

        *ret = (struct invocation){};
        if (argc > ARGUMENTS_MAX) {
                r = fail(&p, "more than %d arguments", ARGUMENTS_MAX);
        } else {
                ret->options = calloc((size_t)argc + 1, sizeof(*ret->options));
                ret->words = calloc((size_t)argc + 1, sizeof(*ret->words));
                r = ret->options && ret->words ? find_command(&p, argc, argv) : -ENOMEM;
                if (r == 0)
                        r = take_all(&p, argc, argv);
                if (r == 0)
                        r = check_words(&p);
        }
        if (r < 0)
                *ret_error = p.error;
        return r;
}

const char *option_next(const struct invocation *in, const char *name, size_t *cursor) {
        while (*cursor < in->n_options) {
                const struct given_option *o = &in->options[(*cursor)++];

                if (strcmp(o->spec->name, name) == 0)
                        return o->value;
        }
        return NULL;
}

const char *option_value(const struct invocation *in, const char *name) {
        const char *value = NULL, *last = NULL;
        size_t cursor = 0;

        while ((value = option_next(in, name, &cursor)))
                last = value;
        return last;
}

bool option_given(const struct invocation *in, const char *name) {
        for (size_t i = 0; i < in->n_options; i++)
                if (strcmp(in->options[i].spec->name, name) == 0)
                        return true;
        return false;
}

/* ---- help ---- */

static void help_line(FILE *stream, const char *left, const char *help) {
        fprintf(stream, "  %-*s%s%s\n", HELP_COLUMN, left, strlen(left) >= HELP_COLUMN ? "  " : "",
                help);
}

static void help_options(FILE *stream, const struct option_spec *options, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char left[80];

                snprintf(left, sizeof(left), "--%s%s%s", options[i].name,
                         options[i].value ? " " : "", options[i].value ? options[i].value : "");
                help_line(stream, left, options[i].help);
        }
}

void arguments_help(const struct command_table *table, const struct command *command,
                    FILE *stream) {
        if (command) {
                fprintf(stream, "Usage: %s %s%s%s%s\n%s.\n\n", table->program, command->name,
                        " [OPTION]...", *command->words ? " " : "", command->words, command->help);
                help_options(stream, command->options, command->n_options);
        } else {
                fprintf(stream, "Usage: %s COMMAND [OPTION]...\n%s\n\n", table->program,
                        table->summary);
                for (size_t i = 0; i < table->n_commands; i++) {
                        const struct command *c = &table->commands[i];
                        char left[80];

                        snprintf(left, sizeof(left), "%s%s%s", c->name, *c->words ? " " : "",
                                 c->words);
                        help_line(stream, left, c->help);
                }
                fputc('\n', stream);
        }
        help_options(stream, table->common, table->n_common);
        help_line(stream, "--help, --version", "");
        if (!command)
                fprintf(stream,
                        "\n'%s COMMAND --help' tells a command's own options.\n"
                        "Exit status: 0 done, 1 failed, 64 usage, 69 no daemon, 75 try "
                        "later, 77 not permitted, 78 configuration.\n",
                        table->program);
}
