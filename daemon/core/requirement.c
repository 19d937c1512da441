/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/requirement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"

static const char *const verdict_names[_VERDICT_MAX] = {
        [VERDICT_COUNTED] = "counted",
        [VERDICT_NOT_REGULAR] = "not-regular",
        [VERDICT_IGNORED] = "ignored",
        [VERDICT_NAME] = "name",
        [VERDICT_BAD_NAME] = "bad-name",
        [VERDICT_UNSETTLED] = "unsettled",
        [VERDICT_EMPTY] = "empty",
        [VERDICT_TOO_SMALL] = "too-small",
        [VERDICT_UNREADABLE] = "unreadable",
        [VERDICT_TOO_LARGE] = "too-large",
        [VERDICT_TYPE] = "type",
        [VERDICT_BROKEN] = "broken",
        [VERDICT_UNSIGNED] = "unsigned",
        [VERDICT_STALE] = "stale",
        [VERDICT_DUPLICATE] = "duplicate",
        [VERDICT_SURPLUS] = "surplus",
        [VERDICT_EXPLANATION] = "explanation",
};

/* What no office worker means as evidence, by the names that programs give to their own files. */
static const char *const builtin_ignored[] = {
        "~$*", /* lock of Microsoft Office */
        ".*",  /* dot files; also LibreOffice's .~lock.NAME# and macOS's ._NAME */
        "*.tmp",     "~*.tmp",       "*.part", /* downloads of Firefox, curl-like tools */
        "*.partial", "*.crdownload", "*.download", "*.opdownload", "*.filepart",  "*~",
        "#*#",       "*.swp",        "Thumbs.db",  "ehthumbs.db",  "desktop.ini",
};

struct name_rules {
        struct arena *arena;            /* owned */
        const struct pattern **ignored; /* arena; the built-in ones first */
        size_t n_ignored;
        const struct pattern *explanation; /* NULL: off */
};

const char *verdict_to_string(enum verdict verdict) {
        return (unsigned)verdict < _VERDICT_MAX ? verdict_names[verdict] : NULL;
}

int verdict_from_string(const char *s, enum verdict *ret) {
        for (size_t i = 0; i < _VERDICT_MAX; i++)
                if (strcmp(s, verdict_names[i]) == 0) {
                        *ret = (enum verdict)i;
                        return 0;
                }
        return -EINVAL;
}

const char *path_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Does @path lie below @dir, and if not @recursive, immediately? */
static bool lies_in(const char *dir, const char *path, bool recursive) {
        size_t len = strlen(dir);

        if (len > 0) {
                if (strncmp(path, dir, len) != 0 || path[len] != '/')
                        return false;
                path += len + 1;
        }
        return recursive || !strchr(path, '/');
}

static bool has_high_bytes(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s >= 0x80)
                        return true;
        return false;
}

bool instance_covers(const struct instance *instance, const char *path) {
        bool recursive = instance->task->recursive;
        _cleanup_free_ char *dir_nfc = NULL, *path_nfc = NULL;
        const char *dir = instance->dir;

        if (!dir)
                return false;
        if (strcmp(dir, ".") == 0)
                dir = "";
        if (lies_in(dir, path, recursive))
                return true;
        /* A folder made on a Mac is written in NFD: nobody sees the difference. */
        if (!has_high_bytes(dir) || !has_high_bytes(path))
                return false;
        dir_nfc = text_nfc(dir);
        path_nfc = text_nfc(path);
        return dir_nfc && path_nfc && lies_in(dir_nfc, path_nfc, recursive);
}

static int compile_ignored(const struct model *model, struct name_rules *rules) {
        const struct string_list *own = &model->evidence.ignore;
        size_t n_builtin = ELEMENTSOF(builtin_ignored);
        const char *error;

        rules->ignored = arena_new_array(rules->arena, const struct pattern *, n_builtin + own->n);
        for (size_t i = 0; i < n_builtin + own->n; i++) {
                const char *text = i < n_builtin ? builtin_ignored[i] : own->items[i - n_builtin];
                int r = pattern_compile(rules->arena, text, false, &rules->ignored[i], &error);

                if (r < 0)
                        return r;
        }
        rules->n_ignored = n_builtin + own->n;
        return 0;
}

DEFINE_CLEANUP(struct name_rules *, name_rules_free)

int name_rules_new(const struct model *model, struct name_rules **ret) {
        _cleanup_(name_rules_free_p) struct name_rules *rules = calloc(1, sizeof(*rules));
        const char *error;
        int r;

        if (!rules)
                return -ENOMEM;
        rules->arena = arena_new();
        if (!rules->arena)
                return -ENOMEM;
        r = compile_ignored(model, rules);
        if (r == 0 && model->evidence.explanation)
                r = pattern_compile(rules->arena, model->evidence.explanation, true,
                                    &rules->explanation, &error);
        if (r < 0)
                return r;
        *ret = steal_ptr(rules);
        return 0;
}

struct name_rules *name_rules_free(struct name_rules *rules) {
        if (!rules)
                return NULL;
        arena_free(rules->arena);
        free(rules);
        return NULL;
}

bool name_rules_ignored(const struct name_rules *rules, const struct match_name *name) {
        for (size_t i = 0; i < rules->n_ignored; i++)
                if (pattern_match(rules->ignored[i], name))
                        return true;
        return false;
}

bool name_rules_explanation(const struct name_rules *rules, const struct match_name *name) {
        return rules->explanation && pattern_match(rules->explanation, name);
}

typedef bool (*name_rule_fn)(const struct name_rules *rules, const struct match_name *name);

static bool ask_once(const struct model *model, const char *text, name_rule_fn rule) {
        _cleanup_(name_rules_free_p) struct name_rules *rules = NULL;
        _cleanup_(match_name_done) struct match_name name = {};

        return name_rules_new(model, &rules) == 0 && match_name_init(&name, text) == 0 &&
               rule(rules, &name);
}

bool name_is_ignored(const struct model *model, const char *name) {
        return ask_once(model, name, name_rules_ignored);
}

bool name_is_explanation(const struct model *model, const char *name) {
        return ask_once(model, name, name_rules_explanation);
}

bool requirement_takes(const struct requirement *requirement, const struct match_name *name) {
        for (size_t i = 0; i < requirement->n_patterns; i++)
                if (pattern_match(requirement->patterns[i], name))
                        return true;
        return requirement->n_patterns == 0 && name->plain;
}

static enum verdict judge_name(const struct name_rules *rules, const struct match_name *name,
                               const struct requirement *requirement) {
        if (name_rules_ignored(rules, name))
                return VERDICT_IGNORED;
        if (!name->plain)
                return VERDICT_BAD_NAME;
        return requirement_takes(requirement, name) ? VERDICT_COUNTED : VERDICT_NAME;
}

static bool type_is_one_of(enum file_type type, uint32_t types) {
        if (types == 0 || (types & (1u << type)))
                return true;
        /* These are told from plain text by their first line only. */
        return (type == FILE_TYPE_XML || type == FILE_TYPE_EML) && (types & (1u << FILE_TYPE_TXT));
}

static enum verdict judge_content(const struct model *model, const struct need *need,
                                  const struct file *file) {
        uint64_t max = model->evidence.max_size;

        /* What was read once is known while the file is the same. */
        if (file->unreadable && !file->inspected)
                return VERDICT_UNREADABLE;
        if (file->too_large || (max > 0 && file->size > max))
                return VERDICT_TOO_LARGE;
        if (!file->inspected)
                return VERDICT_COUNTED;
        if (!type_is_one_of(file->type, need->types))
                return VERDICT_TYPE;
        if (!file->whole)
                return VERDICT_BROKEN;
        if (need->signed_only && !file->signed_pdf)
                return VERDICT_UNSIGNED;
        return VERDICT_COUNTED;
}

static enum verdict judge_age(const struct need *need, const struct deadline *deadline,
                              const struct file *file) {
        usec_t dated = file->mtime + file->offset;

        if (need->since != DATE_NONE && dated < zone_instant(need->since, 0))
                return VERDICT_STALE;
        if (need->fresh > 0 && deadline && dated < deadline->instant - need->fresh)
                return VERDICT_STALE;
        return VERDICT_COUNTED;
}

static enum verdict judge_size(const struct file *file, uint64_t min_size) {
        if (!file->settled)
                return VERDICT_UNSETTLED;
        if (file->size == 0)
                return VERDICT_EMPTY;
        return file->size < min_size ? VERDICT_TOO_SMALL : VERDICT_COUNTED;
}

enum verdict judge_named(const struct model *model, const struct requirement *requirement,
                         const struct deadline *deadline, const struct file *file,
                         enum verdict name) {
        const struct need *need = requirement->need;
        enum verdict verdict;

        if (!file->regular)
                return VERDICT_NOT_REGULAR;
        if (name != VERDICT_COUNTED)
                return name;
        verdict = judge_size(file, need->min_size);
        if (verdict == VERDICT_COUNTED)
                verdict = judge_content(model, need, file);
        if (verdict == VERDICT_COUNTED)
                verdict = judge_age(need, deadline, file);
        return verdict;
}

enum verdict judge_file(const struct model *model, const struct name_rules *rules,
                        const struct match_name *name, const struct requirement *requirement,
                        const struct deadline *deadline, const struct file *file) {
        return judge_named(model, requirement, deadline, file,
                           judge_name(rules, name, requirement));
}

enum verdict judge_explanation(const struct file *file) {
        return file->regular ? judge_size(file, 0) : VERDICT_NOT_REGULAR;
}

enum verdict requirement_judge(const struct model *model, const struct requirement *requirement,
                               const struct deadline *deadline, const struct file *file) {
        _cleanup_(name_rules_free_p) struct name_rules *rules = NULL;
        _cleanup_(match_name_done) struct match_name name = {};

        /* Patterns were checked with the configuration; what is left is no memory, and then nothing is known yet. */
        if (name_rules_new(model, &rules) < 0 || match_name_init(&name, path_name(file->path)) < 0)
                return VERDICT_UNSETTLED;
        return judge_file(model, rules, &name, requirement, deadline, file);
}
