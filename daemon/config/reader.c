/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/reader.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "config/value.h"

void reader_done(struct reader *rd) {
        array_done(&rd->off);
        array_done(&rd->work);
        array_done(&rd->servers);
        array_done(&rd->areas);
        array_done(&rd->units);
        array_done(&rd->policies);
        array_done(&rd->reports);
        array_done(&rd->tasks);
        array_done(&rd->roles);
        array_done(&rd->ignore);
        rd->scratch = arena_free(rd->scratch);
}

static void add(struct reader *rd, enum finding_severity severity, struct source at,
                const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                rd->findings->failed = true;
                return;
        }
        findings_add(rd->findings, severity, at.file, at.line, "%s", text);
}

struct source rd_source(const struct reader *rd, const config_setting_t *s) {
        return (struct source){.file = rd->file, .line = config_setting_source_line(s)};
}

void rd_error(struct reader *rd, const config_setting_t *s, const char *format, ...) {
        va_list ap;

        rd->bad = true;
        va_start(ap, format);
        add(rd, FINDING_ERROR, rd_source(rd, s), format, ap);
        va_end(ap);
}

void rd_warning(struct reader *rd, const config_setting_t *s, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        add(rd, FINDING_WARNING, rd_source(rd, s), format, ap);
        va_end(ap);
}

void rd_error_at(struct reader *rd, struct source at, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        add(rd, FINDING_ERROR, at, format, ap);
        va_end(ap);
}

void rd_warning_at(struct reader *rd, struct source at, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        add(rd, FINDING_WARNING, at, format, ap);
        va_end(ap);
}

void rd_check_oom(struct reader *rd, int r) {
        if (r < 0)
                rd->findings->failed = true;
}

static const char *found_words(const config_setting_t *s) {
        switch (config_setting_type(s)) {
        case CONFIG_TYPE_GROUP:
                return "a group { … }";
        case CONFIG_TYPE_INT:
        case CONFIG_TYPE_INT64:
        case CONFIG_TYPE_FLOAT:
                return "a number";
        case CONFIG_TYPE_STRING:
                return "text";
        case CONFIG_TYPE_BOOL:
                return "true or false";
        case CONFIG_TYPE_ARRAY:
                return "an array [ … ]";
        case CONFIG_TYPE_LIST:
                return "a list ( … )";
        default:
                return "nothing";
        }
}

void rd_wrong_type(struct reader *rd, const config_setting_t *s, const struct key *key) {
        rd_error(rd, s, "'%s' takes %s, but %s was given", key->name, key_words(key),
                 found_words(s));
}

static const struct key *find_key(const struct section *section, const char *name) {
        for (size_t i = 0; i < section->n_keys; i++)
                if (section->keys[i].name[0] == name[0] && strcmp(section->keys[i].name, name) == 0)
                        return &section->keys[i];
        return NULL;
}

static bool is_secret(const char *name) {
        static const char *const secrets[] = {"password", "passwd", "pass", "passphrase",
                                              "secret",   "token",  "pwd"};

        for (size_t i = 0; i < ELEMENTSOF(secrets); i++)
                if (strcasecmp(name, secrets[i]) == 0)
                        return true;
        return false;
}

static void unknown_key(struct reader *rd, const config_setting_t *s,
                        const struct section *section) {
        const char *names[SECTION_KEYS_MAX], *where = section->path, *nearest;

        if (is_secret(s->name)) {
                rd_error(rd, s,
                         "a password does not belong into the configuration: put it into a file of "
                         "its own and name that "
                         "in 'credential' (or 'password_file')");
                return;
        }
        for (size_t i = 0; i < section->n_keys; i++)
                names[i] = section->keys[i].name;
        nearest = text_nearest(s->name, names, section->n_keys);
        if (nearest)
                rd_error(rd, s, "unknown key '%s' in %s: did you mean '%s'?", s->name, where,
                         nearest);
        else
                rd_error(rd, s, "unknown key '%s' in %s: remove it", s->name, where);
}

/* Is it the first time that this key of a section that exists once is given? Remembers where. */
static bool note_place(struct reader *rd, const config_setting_t *s, const struct section *section,
                       const struct key *key) {
        struct source *seen = &rd->seen[section->singleton][key - section->keys];

        if (seen->line > 0 && !(key->flags & KEY_APPENDS)) {
                rd_error(rd, s, "'%s.%s' is given twice, first at %s:%u: remove one of the two",
                         section->path, key->name, seen->file, seen->line);
                return false;
        }
        if (seen->line == 0)
                *seen = rd_source(rd, s);
        return true;
}

int read_group(struct reader *rd, const config_setting_t *s, const struct section *section,
               void *target) {
        uint32_t seen = 0;

        if (!config_setting_is_group(s)) {
                rd_error(rd, s, "'%s' takes a group { … }, but %s was given", section->path,
                         found_words(s));
                return -EINVAL;
        }
        for (int i = 0, n = config_setting_length(s); i < n; i++) {
                const config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
                const struct key *key = find_key(section, child->name);

                if (!key) {
                        unknown_key(rd, child, section);
                        continue;
                }
                seen |= UINT32_C(1) << (key - section->keys);
                if (section->singleton && !note_place(rd, child, section, key))
                        continue;
                value_parse(rd, child, key, (char *)target + key->offset);
        }
        if (section->singleton) /* the rest may come in another file: resolve.c looks for what is missing */
                return 0;
        for (size_t i = 0; i < section->n_keys; i++)
                if ((section->keys[i].flags & KEY_REQUIRED) && !(seen & (UINT32_C(1) << i)))
                        rd_error(rd, s, "'%s' is missing in %s: it takes %s", section->keys[i].name,
                                 section->path, key_words(&section->keys[i]));
        return 0;
}

struct source rd_place(const struct reader *rd, const struct section *section, const char *name) {
        for (size_t i = 0; i < section->n_keys; i++)
                if (strcmp(section->keys[i].name, name) == 0)
                        return rd->seen[section->singleton][i];
        return (struct source){};
}

size_t list_length(const config_setting_t *s) {
        if (config_setting_is_list(s) || config_setting_is_array(s))
                return (size_t)config_setting_length(s);
        return 1;
}

void read_list(struct reader *rd, const config_setting_t *s, const struct key *key,
               void (*on_group)(struct reader *rd, const config_setting_t *s, const struct key *key,
                                void *target),
               void *target) {
        if (config_setting_is_group(s)) {
                on_group(rd, s, key, target);
                return;
        }
        if (!config_setting_is_list(s) &&
            !(config_setting_is_array(s) && config_setting_length(s) == 0)) {
                rd_wrong_type(rd, s, key);
                return;
        }
        for (int i = 0, n = config_setting_length(s); i < n; i++) {
                const config_setting_t *child = config_setting_get_elem(s, (unsigned)i);

                if (config_setting_is_group(child))
                        on_group(rd, child, key, target);
                else
                        rd_error(rd, child, "'%s' takes groups { … }, but %s was given", key->name,
                                 found_words(child));
        }
}
