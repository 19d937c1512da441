/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/check-folders.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "core/pattern.h"

#define COMPARED                                                                                   \
        16 /* neighbours that each instance is compared with, so that a folder of many stays cheap */

/* Paths in the order of a walk: "a" before "a/b" before "a-b". */
static int compare_paths(const char *a, const char *b) {
        while (*a && *a == *b)
                a++, b++;
        unsigned char x = *a == '/' ? 1 : (unsigned char)*a, y = *b == '/' ? 1 : (unsigned char)*b;

        return (x > y) - (x < y);
}

static int compare_places(const void *pa, const void *pb) {
        const struct instance *a = *(const struct instance *const *)pa,
                              *b = *(const struct instance *const *)pb;
        int r = compare_paths(a->dir, b->dir);

        return r != 0 ? r : (a->index > b->index) - (a->index < b->index);
}

static bool lies_in(const char *path, const char *folder) {
        size_t len = strlen(folder);

        return len == 0 ||
               (strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* A name that the pattern matches: its text without what may stand for nothing. False: none was found. */
static bool sample_name(const char *pattern, struct strbuf *out) {
        for (const char *p = pattern; *p; p++) {
                if (strchr("{}[]\\", *p))
                        return false;
                if (*p != '*')
                        strbuf_addc(out, *p == '?' ? 'x' : *p);
        }
        return out->len > 0;
}

static bool matches_sample(const struct pattern *pattern, const char *other) {
        _cleanup_(strbuf_done) struct strbuf name = STRBUF_INIT;
        struct match_name match;

        if (!sample_name(other, &name) || match_name_init(&match, strbuf_str(&name)) < 0)
                return false;
        bool yes = pattern_match(pattern, &match);
        match_name_done(&match);
        return yes;
}

/* Is there a name that both match? Certain for equal patterns and where one holds a plain name of the other. */
static bool share_pattern(const struct requirement *a, const struct requirement *b) {
        if (a->need->types && b->need->types && !(a->need->types & b->need->types))
                return false;
        for (size_t i = 0; i < a->n_patterns; i++)
                for (size_t k = 0; k < b->n_patterns; k++)
                        if (a->patterns[i] == b->patterns[k] ||
                            matches_sample(a->patterns[i], b->need->match.items[k]) ||
                            matches_sample(b->patterns[k], a->need->match.items[i]))
                                return true;
        return false;
}

static bool share_file(const struct instance *a, const struct instance *b) {
        for (size_t i = 0; i < a->n_requirements; i++)
                for (size_t k = 0; k < b->n_requirements; k++)
                        if (share_pattern(&a->requirements[i], &b->requirements[k]))
                                return true;
        return false;
}

struct folders {
        struct reader *rd;
        const struct instance **items; /* in the order of their paths */
        size_t n;
        const struct task *told_a, *told_b; /* the last pair */
};

static void compare(struct folders *f, const struct instance *outer, const struct instance *inner) {
        const struct instance *a = outer, *b = inner;

        if (a->index > b->index) {
                a = inner;
                b = outer;
        }
        if ((f->told_a == a->task && f->told_b == b->task) || !share_file(a, b))
                return;
        f->told_a = a->task;
        f->told_b = b->task;
        if (a->task == b->task)
                rd_warning_at(f->rd, b->task->source,
                              "%s and %s look into the same folder \"%s\" for the same names: put "
                              "{label}, {year}, {month} or "
                              "{unit} into 'dir' or 'match'",
                              a->key, b->key, b->dir);
        else
                rd_warning_at(f->rd, b->task->source,
                              "%s and %s (%s:%u) overlap in folder \"%s\" with patterns that the "
                              "same file can match, which counts for the first of them only: "
                              "give each a folder of its own",
                              b->key, a->key, a->task->source.file, a->task->source.line,
                              inner->dir);
}

/* Those before it that lie in the same folder or one above; the stack holds one of each folder above. */
static void compare_back(struct folders *f, size_t i) {
        const struct instance *inner = f->items[i];
        size_t compared = 0;

        for (size_t k = i; k-- > 0 && compared < COMPARED;) {
                const struct instance *outer = f->items[k];
                bool same = strcmp(outer->dir, inner->dir) == 0;

                if (!same && !(lies_in(inner->dir, outer->dir) && outer->task->recursive)) {
                        if (strncmp(outer->dir, inner->dir, strcspn(inner->dir, "/")) != 0)
                                break;
                        compared += !lies_in(inner->dir, outer->dir);
                        continue;
                }
                compare(f, outer, inner);
                compared++;
        }
}

void check_folders(struct reader *rd, const struct instance_set *set) {
        struct folders f = {.rd = rd, .items = calloc(set->n + 1, sizeof(*f.items))};

        if (!f.items) {
                rd->findings->failed = true;
                return;
        }
        for (size_t i = 0; i < set->n; i++)
                if (set->items[i].dir && set->items[i].n_requirements > 0)
                        f.items[f.n++] = &set->items[i];
        qsort(f.items, f.n, sizeof(*f.items), compare_places);
        for (size_t i = 1; i < f.n; i++)
                compare_back(&f, i);
        free(f.items);
}
