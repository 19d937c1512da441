/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/query.h"

#define BACKUPS_KEPT 7

int sync_path(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* "backup-2018-11-30.db" exactly: nothing else in the folder is ours to delete. */
static bool is_backup(const char *name) {
        static const char prefix[] = "backup-", suffix[] = ".db";
        size_t n = sizeof(prefix) - 1 + DATE_BUFFER - 1;
        char date_text[DATE_BUFFER];
        date_t date;

        if (strlen(name) != n + sizeof(suffix) - 1 ||
            strncmp(name, prefix, sizeof(prefix) - 1) != 0 || strcmp(name + n, suffix) != 0)
                return false;
        memcpy(date_text, name + sizeof(prefix) - 1, DATE_BUFFER - 1);
        date_text[DATE_BUFFER - 1] = '\0';
        return date_parse(date_text, &date) == 0;
}

static int newest_first(const void *a, const void *b) { return strcmp(b, a); }

void backup_list_done(struct backup_list *list) {
        free(list->names);
        *list = (struct backup_list){};
}

int backup_list_load(const char *dir, struct backup_list *ret) {
        _cleanup_(closedir_p) DIR *d = opendir(dir);
        struct backup_list list = {};
        size_t cap = 0;

        if (!d)
                return -errno;
        for (;;) {
                struct dirent *e;

                errno = 0;
                e = readdir(d);
                if (!e)
                        break;
                if (!is_backup(e->d_name))
                        continue;
                if (array_reserve_raw((void **)&list.names, list.n, &cap, 1, sizeof(*list.names)) <
                    0) {
                        backup_list_done(&list);
                        return -ENOMEM;
                }
                strcpy(list.names[list.n++], e->d_name); /* its length was checked */
        }
        if (errno != 0) {
                int r = -errno;

                backup_list_done(&list);
                return r;
        }
        if (list.n > 0)
                qsort(list.names, list.n, sizeof(*list.names), newest_first);
        *ret = list;
        return 0;
}

static int prune(const char *dir) {
        _cleanup_(backup_list_done) struct backup_list list = {};
        int r = backup_list_load(dir, &list);

        for (size_t i = BACKUPS_KEPT; r == 0 && i < list.n; i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", dir, list.names[i]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
        }
        return r;
}

static int vacuum_into(struct store *store, const char *path) {
        _cleanup_(query_done) struct query q = query_read(store, "VACUUM INTO ?");

        query_text(&q, path);
        return query_run(&q);
}

int store_backup(struct store *store, date_t today) {
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        char date[DATE_BUFFER];
        int r;

        assert(!store->in_transaction);
        if (asprintf(&path, "%s/backup-%s.db", store->dir, date_format(today, date)) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&temporary, "%s/backup.tmp", store->dir) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        if (unlink(temporary) < 0 && errno != ENOENT) /* of one that was cut short */
                return -errno;
        r = vacuum_into(store, temporary);
        if (r == 0)
                r = sync_path(temporary); /* VACUUM INTO does not */
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r == 0)
                r = sync_path(store->dir);
        if (r < 0) {
                unlink(temporary);
                return r;
        }
        return prune(store->dir);
}
