/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/templates.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/installed.h"
#include "base/strmap.h"
#include "base/text.h"

#define SUFFIX ".mustache"
#define MAX_KEY 64

/* What every language must have, besides what these refer to: the rest is looked up by message/document.c by what a mail is
 * about, and a key that is missing there is found by the test that composes every kind. */
static const char *const required[] = {"mail.text", "mail.html"};

/* A template and where it came from. */
struct entry {
        struct mustache *template;                /* owned */
        char *file;                               /* owned */
        unsigned line;                            /* of the phrase; 1 for a whole file */
        enum { UNSEEN, UNDERWAY, CHECKED } state; /* of the check of one language */
};

struct templates {
        struct strmap *names[_LANGUAGE_MAX]; /* owned; values: struct entry, owned by entries */
        struct entries ARRAY(struct entry *) entries;
        struct numerals numerals[_LANGUAGE_MAX];
};

struct templates *templates_free(struct templates *t) {
        if (!t)
                return NULL;
        for (int i = 0; i < _LANGUAGE_MAX; i++)
                strmap_free(t->names[i]);
        for (size_t i = 0; i < t->entries.n; i++) {
                mustache_free(t->entries.items[i]->template);
                free(t->entries.items[i]->file);
                free(t->entries.items[i]);
        }
        array_done(&t->entries);
        free(t);
        return NULL;
}
DEFINE_CLEANUP(struct templates *, templates_free)

struct loader {
        struct templates *t;
        template_error_fn on_error;
        void *userdata;
        bool bad;
};

static void report(struct loader *l, const char *file, unsigned line, const char *text) {
        l->bad = true;
        if (l->on_error)
                l->on_error(l->userdata, file, line, text);
}

/* Later ones replace earlier ones of the same name. */
static int put(struct loader *l, enum language language, const char *name, struct entry *entry) {
        return strmap_put(l->t->names[language], name, entry);
}

static int add_template(struct loader *l, const char *file, unsigned line, const char *source,
                        size_t len, struct entry **ret) {
        struct mustache_error error = {.line = 1};
        struct entry *entry;
        struct mustache *template = NULL;
        int r = mustache_parse(source, len, &template, &error);

        *ret = NULL;
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                report(l, file, line + error.line - 1,
                       r == -E2BIG ? "too long for a template" : error.text);
                return 0;
        }
        entry = calloc(1, sizeof(*entry));
        if (entry)
                *entry = (struct entry){.template = template, .file = strdup(file), .line = line};
        if (!entry || !entry->file || array_push(&l->t->entries, entry) < 0) {
                mustache_free(template);
                if (entry)
                        free(entry->file);
                free(entry);
                return -ENOMEM;
        }
        *ret = entry;
        return 0;
}

/* ---- phrases ---- */

static bool is_key(const char *s, size_t len) {
        if (len == 0 || len > MAX_KEY)
                return false;
        for (size_t i = 0; i < len; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", s[i]) || !s[i])
                        return false;
        return true;
}

struct phrase {
        char key[MAX_KEY + 1];
        struct strbuf text;
        unsigned line;
};

static int end_phrase(struct loader *l, enum language language, const char *file,
                      struct phrase *p) {
        struct entry *entry = NULL;
        int r = 0;

        if (*p->key) {
                r = strbuf_error(&p->text);
                if (r == 0)
                        r = add_template(l, file, p->line, strbuf_str(&p->text), p->text.len,
                                         &entry);
                if (r == 0 && entry)
                        r = put(l, language, p->key, entry);
        }
        *p->key = '\0';
        strbuf_reset(&p->text);
        return r;
}

static int begin_phrase(struct loader *l, const char *file, const char *s, size_t len,
                        unsigned line, struct phrase *p) {
        const char *equals = memchr(s, '=', len);
        size_t key = equals ? (size_t)(equals - s) : 0;

        while (key > 0 && s[key - 1] == ' ')
                key--;
        if (!is_key(s, key)) {
                report(l, file, line, "expected 'key = text'");
                return 0;
        }
        memcpy(p->key, s, key);
        p->key[key] = '\0';
        p->line = line;
        for (equals++; equals < s + len && *equals == ' '; equals++)
                ;
        strbuf_add(&p->text, equals, (size_t)(s + len - equals));
        return 0;
}

static int take_line(struct loader *l, enum language language, const char *file, const char *s,
                     size_t len, unsigned line, struct phrase *p) {
        bool goes_on = len > 0 && (*s == ' ' || *s == '\t');
        int r;

        while (len > 0 && strchr(" \t\r", s[len - 1]))
                len--;
        if (goes_on && *p->key && len > 0) {
                while (len > 0 && (*s == ' ' || *s == '\t'))
                        s++, len--;
                strbuf_addc(&p->text, ' ');
                strbuf_add(&p->text, s, len);
                return 0;
        }
        r = end_phrase(l, language, file, p);
        if (r < 0 || len == 0 || *s == '#')
                return r;
        return begin_phrase(l, file, s, len, line, p);
}

static int take_phrases(struct loader *l, enum language language, const char *file,
                        const char *data, size_t size) {
        struct phrase p = {};
        unsigned line = 1;
        int r = 0;

        for (const char *s = data, *end = data + size; s < end && r == 0; line++) {
                const char *newline = memchr(s, '\n', (size_t)(end - s));
                const char *stop = newline ? newline : end;

                r = take_line(l, language, file, s, (size_t)(stop - s), line, &p);
                s = newline ? newline + 1 : end;
        }
        if (r == 0)
                r = end_phrase(l, language, file, &p);
        strbuf_done(&p.text);
        return r;
}

/* ---- files ---- */

/* Return: 0 with *ret NULL when there is nothing to take. */
static int read_text(struct loader *l, const char *file, char **ret, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        char text[160];
        int r = read_file(file, MUSTACHE_MAX_SOURCE, &data, ret_size);

        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                snprintf(text, sizeof(text), "cannot be read: %s", strerror(-r));
                report(l, file, 0, text);
                return 0;
        }
        if (!utf8_valid(data, *ret_size)) {
                report(l, file, 0, "is no UTF-8 text");
                return 0;
        }
        *ret = steal_ptr(data);
        return 0;
}

/* @language: _LANGUAGE_MAX for all that have none of their own. */
static int take_layout(struct loader *l, enum language language, const char *file,
                       const char *name) {
        _cleanup_free_ char *data = NULL, *key = NULL;
        struct entry *entry = NULL;
        size_t size = 0;
        int r = read_text(l, file, &data, &size);

        if (r < 0 || !data)
                return r;
        key = strndup(name, strlen(name) - strlen(SUFFIX));
        r = key ? add_template(l, file, 1, data, size, &entry) : -ENOMEM;
        if (r < 0 || !entry)
                return r;
        for (int i = 0; i < _LANGUAGE_MAX && r == 0; i++)
                if (language == _LANGUAGE_MAX || i == (int)language)
                        r = put(l, (enum language)i, key, entry);
        return r;
}

static int take_strings(struct loader *l, enum language language, const char *file) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r = read_text(l, file, &data, &size);

        return r < 0 || !data ? r : take_phrases(l, language, file, data, size);
}

/* A missing folder is one without files: what is missing in the end is found by check(). */
static int take_folder(struct loader *l, enum language language, const char *dir) {
        _cleanup_(closedir_p) DIR *d = opendir(dir);
        const struct dirent *e;
        int r = 0;

        if (!d && errno == ENOENT)
                return 0;
        if (!d) {
                report(l, dir, 0, "cannot be read");
                return 0;
        }
        while (r == 0 && (e = readdir(d))) {
                char file[PATH_MAX];

                if (snprintf(file, sizeof(file), "%s/%s", dir, e->d_name) >= (int)sizeof(file))
                        continue;
                if (e->d_name[0] != '.' && endswith(e->d_name, SUFFIX))
                        r = take_layout(l, language, file, e->d_name);
                else if (language != _LANGUAGE_MAX && strcmp(e->d_name, "strings") == 0)
                        r = take_strings(l, language, file);
        }
        return r;
}

/* The common layouts first, so that those of a language win. */
static int take_tree(struct loader *l, const char *dir) {
        int r = take_folder(l, _LANGUAGE_MAX, dir);

        for (int i = 0; i < _LANGUAGE_MAX && r == 0; i++) {
                char sub[PATH_MAX];

                if (snprintf(sub, sizeof(sub), "%s/%s", dir,
                             language_to_string((enum language)i)) >= (int)sizeof(sub))
                        return -ENAMETOOLONG;
                r = take_folder(l, (enum language)i, sub);
        }
        return r;
}

struct checking {
        struct loader *l;
        struct entry *entry; /* whose references are looked at */
        enum language language;
};

static void check_entry(struct loader *l, enum language language, struct entry *entry);

static void on_partial(void *userdata, const char *name, unsigned line) {
        const struct checking *c = userdata;
        struct entry *other = strmap_get(c->l->t->names[c->language], name);
        char text[160];

        if (!other)
                snprintf(text, sizeof(text), "there is no '%s' in language '%s'", name,
                         language_to_string(c->language));
        else if (other->state == UNDERWAY)
                snprintf(text, sizeof(text), "'%s' would be put into itself in language '%s'", name,
                         language_to_string(c->language));
        else
                return check_entry(c->l, c->language, other);
        report(c->l, c->entry->file, c->entry->line + line - 1, text);
}

/* What it refers to is there, and never it itself: nothing that a mail is made of has an end of its own to come to. */
static void check_entry(struct loader *l, enum language language, struct entry *entry) {
        struct checking c = {.l = l, .entry = entry, .language = language};

        if (entry->state != UNSEEN)
                return;
        entry->state = UNDERWAY;
        mustache_partials(entry->template, on_partial, &c);
        entry->state = CHECKED;
}

static void check_language(struct loader *l, enum language language) {
        struct entry *entry;
        size_t cursor = 0;

        for (size_t i = 0; i < l->t->entries.n; i++)
                l->t->entries.items[i]->state = UNSEEN;
        while ((entry = strmap_next(l->t->names[language], &cursor, NULL)))
                check_entry(l, language, entry);
}

static void check(struct loader *l, const char *dir) {
        for (int i = 0; i < _LANGUAGE_MAX; i++) {
                for (size_t k = 0; k < ELEMENTSOF(required); k++) {
                        char text[160];

                        if (strmap_get(l->t->names[i], required[k]))
                                continue;
                        snprintf(text, sizeof(text), "there is no '%s" SUFFIX "' for language '%s'",
                                 required[k], language_to_string((enum language)i));
                        report(l, dir, 0, text);
                }
                check_language(l, (enum language)i);
        }
}

/* ---- use ---- */

const struct numerals *templates_numerals(const struct templates *t, enum language language) {
        return &t->numerals[language];
}

static const struct entry *find(const struct templates *t, enum language language,
                                const char *name) {
        return strmap_get(t->names[language], name);
}

bool templates_have(const struct templates *t, enum language language, const char *name) {
        return find(t, language, name);
}

struct rendering {
        const struct templates *t;
        enum language language;
};

static const struct mustache *partial_of(void *userdata, const char *name) {
        const struct rendering *r = userdata;
        const struct entry *entry = find(r->t, r->language, name);

        return entry ? entry->template : NULL;
}

int templates_render(const struct templates *t, enum language language, const char *name, bool html,
                     const struct value *context, struct strbuf *ret) {
        struct rendering rendering = {.t = t, .language = language};
        const struct mustache_output output = {
                .html = html, .partial = partial_of, .userdata = &rendering};
        const struct entry *entry = find(t, language, name);

        return entry ? mustache_render(entry->template, context, &output, ret) : -ENOENT;
}

/* ---- all of it ---- */

/* Rendered once: every mail has numbers in it. */
static struct numerals read_numerals(const struct templates *t, enum language language) {
        _cleanup_(strbuf_done) struct strbuf digits = STRBUF_INIT, decimal = STRBUF_INIT;
        int r = templates_render(t, language, "count-digits", false, NULL, &digits);

        if (r >= 0)
                r = templates_render(t, language, "decimal", false, NULL, &decimal);
        return (struct numerals){
                .digits = strcmp(strbuf_str(&digits), "2") == 0 ? 2 : 1,
                .decimal = decimal.len > 0 ? *decimal.data : '.',
                .error = r,
        };
}

int templates_load(const char *dir, const char *override, template_error_fn on_error,
                   void *userdata, struct templates **ret) {
        _cleanup_(templates_free_p) struct templates *t = calloc(1, sizeof(*t));
        struct loader l = {.t = t, .on_error = on_error, .userdata = userdata};
        int r;

        if (!t)
                return -ENOMEM;
        for (int i = 0; i < _LANGUAGE_MAX; i++) {
                t->names[i] = strmap_new();
                if (!t->names[i])
                        return -ENOMEM;
        }
        r = take_tree(&l, dir);
        if (r == 0 && override)
                r = take_tree(&l, override);
        if (r < 0)
                return r;
        check(&l, dir);
        if (l.bad)
                return -EINVAL;
        for (int i = 0; i < _LANGUAGE_MAX; i++)
                t->numerals[i] = read_numerals(t, (enum language)i);
        *ret = steal_ptr(t);
        return 0;
}

char *templates_place(void) {
        return installed_path("EVIDENCED_TEMPLATES", "/templates", "/templates",
                              EVIDENCED_DATADIR "/templates");
}

int templates_check(const char *config, template_error_fn on_error, void *userdata) {
        _cleanup_free_ char *dir = templates_place();
        struct templates *templates = NULL;
        int r = dir ? templates_load_beside(dir, config, on_error, userdata, &templates) : -ENOMEM;

        templates_free(templates);
        return r;
}

int templates_load_beside(const char *dir, const char *config, template_error_fn on_error,
                          void *userdata, struct templates **ret) {
        const char *slash = strrchr(config, '/');
        _cleanup_free_ char *override = NULL;

        if (asprintf(&override, "%.*s/templates", slash ? (int)(slash - config) : 1,
                     slash ? config : ".") < 0) {
                override = NULL;
                return -ENOMEM;
        }
        return templates_load(dir, override, on_error, userdata, ret);
}
