/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/config.h"

#include <errno.h>
#include <libconfig.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/text.h"
#include "config/check.h"
#include "config/lexical.h"
#include "config/reader.h"
#include "config/resolve.h"
#include "config/sections.h"

struct file_names ARRAY(char *);

static void file_names_done(struct file_names *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->items[i]);
        array_done(names);
}

static void say_unreadable(struct reader *rd, int error) {
        struct source at = {rd->file, 1};

        switch (-error) {
        case EISDIR:
                rd_error_at(rd, at, "this is a folder, not a file: remove it, or correct the path");
                break;
        case EINVAL:
                rd_error_at(rd, at, "this is no regular file: remove it, or correct the path");
                break;
        case EFBIG:
                rd_error_at(rd, at, "the file is larger than %u MiB: split it into several files",
                            CONFIG_FILE_MAX >> 20);
                break;
        default:
                rd_error_at(rd, at, "it can not be read: %s", strerror(-error));
        }
}

/* What a file says is lost. Units, areas and policies are not named in tasks.d and calendar.d, as a rule: an id that is
 * unknown without such a file is unknown with it. */
static void say_lost(struct reader *rd) {
        rd->incomplete = true;
        rd->names_incomplete = rd->names_incomplete ||
                               !(strstr(rd->file, "tasks.d/") || strstr(rd->file, "calendar.d/"));
}

/* The configuration's own tree is gone when this returns: only the drafts stay. */
static void parse_text(struct reader *rd, char *text) {
        config_t config;

        config_init(&config);
        int ok = config_read_string(&config, text);
        if (ok)
                read_top(rd, config_root_setting(&config));
        else {
                say_lost(rd);
                rd_error_at(
                        rd, (struct source){rd->file, (unsigned)config_error_line(&config)},
                        "%s: look here and in the line before for a missing ; , : = \" or bracket",
                        config_error_text(&config) ? config_error_text(&config) : "syntax error");
        }
        config_destroy(&config);
}

static void read_config_file(struct reader *rd, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t size;

        rd->file = arena_strdup(rd->arena, path);
        int r = read_file(path, CONFIG_FILE_MAX, &text, &size);
        if (r < 0) {
                say_unreadable(rd, r);
                say_lost(rd);
                return;
        }
        if (lexical_check(rd->findings, rd->file, text, size) < 0) {
                say_lost(rd);
                return;
        }
        parse_text(rd, text);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The *.conf of a folder, as paths; 0 also when there is no such folder. */
static int list_folder(const char *folder, struct file_names *names) {
        _cleanup_(closedir_p) DIR *dir = opendir(folder);

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(dir);

                if (!entry)
                        return -errno;
                if (entry->d_name[0] == '.' || !endswith(entry->d_name, ".conf"))
                        continue;
                if (names->n >= CONFIG_FILES_MAX)
                        return -E2BIG;

                _cleanup_free_ char *path = NULL;
                if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                if (array_push(names, path) < 0)
                        return -ENOMEM;
                (void)steal_ptr(path);
        }
}

static void read_drop_ins(struct reader *rd, const char *main, const char *folder) {
        _cleanup_(file_names_done) struct file_names names = {};
        const char *slash = strrchr(main, '/');
        int dir_len = slash ? (int)(slash - main + 1) : 0;
        const char *path = arena_printf(rd->arena, "%.*s%s", dir_len, main, folder);

        int r = list_folder(path, &names);
        if (r < 0) {
                rd->incomplete = true;
                if (r == -E2BIG)
                        rd_error_at(rd, (struct source){path, 1},
                                    "there are more than %d files in this folder",
                                    CONFIG_FILES_MAX);
                else
                        rd_error_at(rd, (struct source){path, 1}, "the folder can not be read: %s",
                                    strerror(-r));
                return;
        }
        if (names.n > 1)
                qsort(names.items, names.n, sizeof(*names.items), compare_names);
        for (size_t i = 0; i < names.n; i++)
                read_config_file(rd, names.items[i]);
}

static void read_all(struct reader *rd, const char *path) {
        static const char *const folders[] = {"calendar.d", "units.d", "tasks.d"};

        read_config_file(rd, path);
        for (size_t i = 0; i < ELEMENTSOF(folders); i++)
                read_drop_ins(rd, path, folders[i]);
}

static void check_all(struct reader *rd, const char *path) {
        struct source main = {arena_strdup(rd->arena, path), 1};

        resolve_model(rd);
        if (rd->findings->failed)
                return;
        check_settings(rd, main);
        check_people(rd, main);
        check_tasks(rd, main);
        check_instances(rd, main);
}

static int finish(struct reader *rd, struct model **ret) {
        if (rd->findings->failed)
                return -ENOMEM;
        if (rd->findings->n_errors > 0)
                return -EINVAL;
        rd->m.arena = rd->arena;
        *ret = arena_alloc(rd->arena, sizeof(**ret));
        **ret = rd->m;
        rd->arena = NULL;
        return 0;
}

int config_load(const char *path, const struct config_options *options, struct model **ret,
                struct findings *findings) {
        static const struct config_options no_options = {.today = DATE_NONE};
        struct reader *rd = calloc(1, sizeof(*rd));
        int r = -ENOMEM;

        if (!rd)
                return -ENOMEM;
        rd->arena = arena_new();
        rd->scratch = arena_new();
        rd->findings = findings;
        rd->options = options ? options : &no_options;
        if (rd->arena && rd->scratch) {
                reader_defaults(rd);
                read_all(rd, path);
                check_all(rd, path);
                findings_sort(findings);
                r = finish(rd, ret);
        }
        reader_done(rd);
        arena_free(rd->arena);
        free(rd);
        malloc_trim(0); /* what libconfig had is several times the model; give it back */
        return r;
}
