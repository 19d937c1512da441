/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/mustache.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

#define MAX_DELIMITER 16

enum token_type {
        TOKEN_TEXT,
        TOKEN_ESCAPED,
        TOKEN_RAW,
        TOKEN_SECTION,
        TOKEN_INVERTED,
        TOKEN_END,
        TOKEN_PARTIAL,
        TOKEN_NOTHING, /* comment, set delimiter */
};

struct token {
        enum token_type type;
        bool begins_line; /* the first thing rendered of its line: where a partial's indentation goes */
        bool alone;       /* a partial that has its line for itself */
        unsigned line;
        size_t start, len; /* of the text or the name, in strings */
        size_t indent;     /* of a partial that stands alone, in bytes before the name's start */
        size_t end;        /* of a section: its TOKEN_END */
};

struct mustache {
        struct tokens ARRAY(struct token) tokens;
        struct strbuf strings; /* texts and names, each ending in NUL */
};

struct mustache *mustache_free(struct mustache *t) {
        if (!t)
                return NULL;
        array_done(&t->tokens);
        strbuf_done(&t->strings);
        free(t);
        return NULL;
}
DEFINE_CLEANUP(struct mustache *, mustache_free)

static const char *string_of(const struct mustache *t, const struct token *token) {
        return t->strings.data + token->start;
}

/* ---- parsing ---- */

struct parser {
        struct mustache *t;
        const char *s, *end; /* the rest of the source */
        const char *line_start;
        unsigned line;
        char open[MAX_DELIMITER + 1], close[MAX_DELIMITER + 1];
        size_t sections[MUSTACHE_MAX_NESTING]; /* open ones */
        size_t n_sections;
        bool line_has_token; /* something of this line was added already, or nothing of it will be */
        struct mustache_error *error;
};

static int fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct parser *p, const char *format, ...) {
        va_list ap;

        p->error->line = p->line;
        va_start(ap, format);
        vsnprintf(p->error->text, sizeof(p->error->text), format, ap);
        va_end(ap);
        return -EINVAL;
}

static int add_token(struct parser *p, enum token_type type, const char *s, size_t len) {
        struct token token = {.type = type,
                              .line = p->line,
                              .begins_line = !p->line_has_token,
                              .start = p->t->strings.len,
                              .len = len};

        strbuf_add(&p->t->strings, s, len);
        strbuf_addc(&p->t->strings, '\0');
        p->line_has_token = true;
        return strbuf_error(&p->t->strings) < 0 ? -ENOMEM : array_push(&p->t->tokens, token);
}

/* Text up to @to, a token for each line. */
static int add_text(struct parser *p, const char *to) {
        while (p->s < to) {
                const char *newline = memchr(p->s, '\n', (size_t)(to - p->s));
                const char *stop = newline ? newline + 1 : to;
                int r = add_token(p, TOKEN_TEXT, p->s, (size_t)(stop - p->s));

                if (r < 0)
                        return r;
                p->s = stop;
                if (newline) {
                        p->line++;
                        p->line_start = stop;
                        p->line_has_token = false;
                }
        }
        return 0;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool is_space(char c) { return is_blank(c) || c == '\n' || c == '\r'; }

/* Does nothing but blanks stand before @tag on its line, and nothing but blanks behind @after? */
static bool stands_alone(const struct parser *p, const char *tag, const char *after,
                         const char **ret_next) {
        const char *s;

        for (s = p->line_start; s < tag; s++)
                if (!is_blank(*s))
                        return false;
        for (s = after; s < p->end && is_blank(*s); s++)
                ;
        if (s < p->end && *s == '\r' && s + 1 < p->end && s[1] == '\n')
                s++;
        if (s < p->end && *s != '\n')
                return false;
        *ret_next = s < p->end ? s + 1 : s;
        return true;
}

static int set_delimiters(struct parser *p, const char *s, size_t len) {
        const char *gap = s, *second, *stop = s + len;

        while (gap < stop && !is_space(*gap))
                gap++;
        for (second = gap; second < stop && is_space(*second); second++)
                ;
        for (const char *c = second; c < stop; c++)
                if (is_space(*c) || *c == '=')
                        return fail(p, "delimiters are two words without '='");
        if (gap == s || second == stop || memchr(s, '=', (size_t)(gap - s)))
                return fail(p, "delimiters are two words without '='");
        if (gap - s > MAX_DELIMITER || stop - second > MAX_DELIMITER)
                return fail(p, "a delimiter has at most %d bytes", MAX_DELIMITER);
        memcpy(p->open, s, (size_t)(gap - s));
        p->open[gap - s] = '\0';
        memcpy(p->close, second, (size_t)(stop - second));
        p->close[stop - second] = '\0';
        return 0;
}

static int open_section(struct parser *p, enum token_type type, const char *name, size_t len) {
        if (p->n_sections == MUSTACHE_MAX_NESTING)
                return fail(p, "more than %d sections inside each other", MUSTACHE_MAX_NESTING);
        p->sections[p->n_sections++] = p->t->tokens.n;
        return add_token(p, type, name, len);
}

/* How far above, not in which line: of a phrase, the first is not that of its file. */
static int fail_wrong_end(struct parser *p, const struct token *open, const char *name,
                          size_t len) {
        const char *opened = string_of(p->t, open);
        unsigned above = p->line - open->line;

        if (above == 0)
                return fail(p, "'%.*s' closes '%s', opened in the same line", (int)len, name,
                            opened);
        return fail(p, "'%.*s' closes '%s', opened %u line%s above", (int)len, name, opened, above,
                    above == 1 ? "" : "s");
}

static int close_section(struct parser *p, const char *name, size_t len) {
        struct token *open;

        if (p->n_sections == 0)
                return fail(p, "no section is open here to close '%.*s'", (int)len, name);
        open = &p->t->tokens.items[p->sections[p->n_sections - 1]];
        if (open->len != len || memcmp(string_of(p->t, open), name, len) != 0)
                return fail_wrong_end(p, open, name, len);
        open->end = p->t->tokens.n;
        p->n_sections--;
        return add_token(p, TOKEN_END, name, len);
}

static enum token_type type_of(char sigil) {
        switch (sigil) {
        case '#':
                return TOKEN_SECTION;
        case '^':
                return TOKEN_INVERTED;
        case '/':
                return TOKEN_END;
        case '>':
                return TOKEN_PARTIAL;
        case '!':
        case '=':
                return TOKEN_NOTHING;
        case '&':
        case '{':
                return TOKEN_RAW;
        default:
                return TOKEN_ESCAPED;
        }
}

static void trim(const char **s, size_t *len) {
        while (*len > 0 && is_space(**s))
                (*s)++, (*len)--;
        while (*len > 0 && is_space((*s)[*len - 1]))
                (*len)--;
}

static int check_name(struct parser *p, const char *name, size_t len) {
        if (len == 0)
                return fail(p, "a tag without a name");
        for (size_t i = 0; i < len; i++)
                if (is_space(name[i]))
                        return fail(p, "'%.*s' is no name", (int)(len > 60 ? 60 : len), name);
        return 0;
}

/* A tag: where it begins, what is inside, where the source goes on. */
struct tag {
        const char *start, *content, *after;
        size_t len; /* of content, without sigil */
        char sigil;
        const char *next; /* of one that stands alone: the next line; else NULL */
};

static int find_tag(struct parser *p, const char *start, struct tag *ret) {
        struct tag tag = {.start = start, .content = start + strlen(p->open)};
        const char *stop, *next;
        char close[MAX_DELIMITER + 2];

        if (tag.content < p->end && strchr("#^/>!=&{", *tag.content) && *tag.content)
                tag.sigil = *tag.content++;
        snprintf(close, sizeof(close), "%s%s",
                 tag.sigil == '{'   ? "}"
                 : tag.sigil == '=' ? "="
                                    : "",
                 p->close);
        stop = memmem(tag.content, (size_t)(p->end - tag.content), close, strlen(close));
        if (!stop)
                return fail(p, "a tag without its '%s'", close);
        tag.len = (size_t)(stop - tag.content);
        tag.after = stop + strlen(close);
        trim(&tag.content, &tag.len);
        if (tag.sigil && !strchr("&{", tag.sigil) && stands_alone(p, start, tag.after, &next))
                tag.next = next;
        *ret = tag;
        return 0;
}

static int add_partial(struct parser *p, const struct tag *tag) {
        size_t indent = tag->next ? (size_t)(tag->start - p->line_start) : 0;
        int r;

        /* The blanks before it are kept in front of the name. */
        strbuf_add(&p->t->strings, p->line_start, indent);
        r = add_token(p, TOKEN_PARTIAL, tag->content, tag->len);
        if (r == 0)
                p->t->tokens.items[p->t->tokens.n - 1].indent = indent;
        if (r == 0)
                p->t->tokens.items[p->t->tokens.n - 1].alone = tag->next;
        return r;
}

static int add_tag(struct parser *p, const struct tag *tag) {
        enum token_type type = type_of(tag->sigil);
        int r = type == TOKEN_NOTHING ? 0 : check_name(p, tag->content, tag->len);

        if (r < 0)
                return r;
        if (tag->next)
                p->line_has_token = true;
        switch (type) {
        case TOKEN_SECTION:
        case TOKEN_INVERTED:
                return open_section(p, type, tag->content, tag->len);
        case TOKEN_END:
                return close_section(p, tag->content, tag->len);
        case TOKEN_PARTIAL:
                return add_partial(p, tag);
        case TOKEN_NOTHING:
                return tag->sigil == '=' ? set_delimiters(p, tag->content, tag->len) : 0;
        case TOKEN_TEXT:
        case TOKEN_ESCAPED:
        case TOKEN_RAW:
                break;
        }
        return add_token(p, type, tag->content, tag->len);
}

/* Lines that the tag itself covers, and the rest of its own when it stands alone. */
static void step_over(struct parser *p, const struct tag *tag) {
        const char *to = tag->next ? tag->next : tag->after;

        for (const char *c = tag->start; c < to; c++)
                if (*c == '\n') {
                        p->line++;
                        p->line_start = c + 1;
                }
        if (tag->next)
                p->line_has_token = false;
        p->s = to;
}

static int parse_all(struct parser *p) {
        while (p->s < p->end) {
                const char *start = memmem(p->s, (size_t)(p->end - p->s), p->open, strlen(p->open));
                struct tag tag = {.after = start};
                const char *before;
                int r;

                if (!start)
                        return add_text(p, p->end);
                /* Lines before the tag's own first, so that line_start is the tag's. */
                for (before = start; before > p->s && before[-1] != '\n'; before--)
                        ;
                r = add_text(p, before);
                if (r == 0)
                        r = find_tag(p, start, &tag);
                if (r == 0 && !tag.next)
                        r = add_text(p, start);
                if (r == 0)
                        r = add_tag(p, &tag);
                if (r < 0)
                        return r;
                step_over(p, &tag);
        }
        return 0;
}

int mustache_parse(const char *source, size_t len, struct mustache **ret,
                   struct mustache_error *ret_error) {
        _cleanup_(mustache_free_p) struct mustache *t = NULL;
        struct parser p = {.s = source,
                           .end = source + len,
                           .line_start = source,
                           .line = 1,
                           .open = "{{",
                           .close = "}}",
                           .error = ret_error};
        int r;

        if (len > MUSTACHE_MAX_SOURCE)
                return -E2BIG;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        p.t = t;
        r = parse_all(&p);
        if (r < 0)
                return r;
        if (p.n_sections > 0) {
                const struct token *open = &t->tokens.items[p.sections[p.n_sections - 1]];

                p.line = open->line;
                return fail(&p, "section '%s' is never closed", string_of(t, open));
        }
        if (strbuf_error(&t->strings) < 0)
                return -ENOMEM;
        *ret = steal_ptr(t);
        return 0;
}

void mustache_partials(const struct mustache *t,
                       void (*on_partial)(void *userdata, const char *name, unsigned line),
                       void *userdata) {
        for (size_t i = 0; i < t->tokens.n; i++)
                if (t->tokens.items[i].type == TOKEN_PARTIAL)
                        on_partial(userdata, string_of(t, &t->tokens.items[i]),
                                   t->tokens.items[i].line);
}

/* ---- rendering ---- */

struct scope {
        const struct value *value;
        const struct scope *outer;
};

struct renderer {
        const struct mustache_output *output;
        struct strbuf *out;
        size_t start; /* length of what stood in out before */
        struct strbuf indent;
        unsigned depth;
        size_t steps;
};

static const struct value *look_up(const struct scope *scope, const char *name, size_t len) {
        const char *dot = memchr(name, '.', len);
        size_t first = dot ? (size_t)(dot - name) : len;
        const struct value *v = NULL;

        if (len == 1 && *name == '.')
                return scope->value;
        for (; scope && !v; scope = scope->outer)
                v = value_get(scope->value, name, first);
        while (v && dot) {
                const char *part = dot + 1;
                size_t rest = len - (size_t)(part - name);

                dot = memchr(part, '.', rest);
                v = value_get(v, part, dot ? (size_t)(dot - part) : rest);
        }
        return v;
}

static void add_escaped(struct strbuf *out, const char *s) {
        for (; *s; s++) {
                size_t plain = strcspn(s, "&<>\"'");

                strbuf_add(out, s, plain);
                s += plain;
                switch (*s) {
                case '&':
                        strbuf_adds(out, "&amp;");
                        break;
                case '<':
                        strbuf_adds(out, "&lt;");
                        break;
                case '>':
                        strbuf_adds(out, "&gt;");
                        break;
                case '"':
                        strbuf_adds(out, "&quot;");
                        break;
                case '\'':
                        strbuf_adds(out, "&#39;");
                        break;
                default:
                        return;
                }
        }
}

static void add_value(struct renderer *r, const struct value *v, bool raw) {
        if (!v || v->type != VALUE_TEXT)
                return;
        if (raw || !r->output->html)
                strbuf_adds(r->out, v->text);
        else
                add_escaped(r->out, v->text);
}

static int render(struct renderer *r, const struct mustache *t, size_t from, size_t to,
                  const struct scope *scope);

static int render_section(struct renderer *r, const struct mustache *t, size_t i,
                          const struct scope *scope) {
        const struct token *token = &t->tokens.items[i];
        const struct value *v = look_up(scope, string_of(t, token), token->len);
        struct scope inner = {.value = v, .outer = scope};
        int err = 0;

        if (token->type == TOKEN_INVERTED)
                return value_is_true(v) ? 0 : render(r, t, i + 1, token->end, scope);
        if (!value_is_true(v))
                return 0;
        if (v->type != VALUE_LIST)
                return render(r, t, i + 1, token->end, &inner);
        for (const struct value *item = v->first; item && err == 0; item = item->next) {
                inner.value = item;
                err = render(r, t, i + 1, token->end, &inner);
        }
        return err;
}

static int render_partial(struct renderer *r, const struct mustache *t, const struct token *token,
                          const struct scope *scope) {
        const char *name = string_of(t, token);
        const struct mustache *partial =
                r->output->partial ? r->output->partial(r->output->userdata, name) : NULL;
        struct strbuf outer = r->indent;
        int err;

        if (!partial)
                return 0;
        /* Inside a line nothing is indented, whatever the lines around it are. */
        r->indent = STRBUF_INIT;
        if (token->alone) {
                strbuf_add(&r->indent, strbuf_str(&outer), outer.len);
                strbuf_add(&r->indent, name - token->indent, token->indent);
        }
        err = strbuf_error(&r->indent);
        if (err == 0)
                err = render(r, partial, 0, partial->tokens.n, scope);
        strbuf_done(&r->indent);
        r->indent = outer;
        return err;
}

static int render_token(struct renderer *r, const struct mustache *t, size_t i,
                        const struct scope *scope) {
        const struct token *token = &t->tokens.items[i];

        if (token->begins_line)
                strbuf_adds(r->out, strbuf_str(&r->indent));
        switch (token->type) {
        case TOKEN_TEXT:
                strbuf_add(r->out, string_of(t, token), token->len);
                return 0;
        case TOKEN_ESCAPED:
        case TOKEN_RAW:
                add_value(r, look_up(scope, string_of(t, token), token->len),
                          token->type == TOKEN_RAW);
                return 0;
        case TOKEN_SECTION:
        case TOKEN_INVERTED:
                return render_section(r, t, i, scope);
        case TOKEN_PARTIAL:
                return render_partial(r, t, token, scope);
        case TOKEN_END:
        case TOKEN_NOTHING:
                break;
        }
        return 0;
}

static int render(struct renderer *r, const struct mustache *t, size_t from, size_t to,
                  const struct scope *scope) {
        int err = 0;

        if (r->depth == MUSTACHE_MAX_DEPTH)
                return -ELOOP;
        r->depth++;
        for (size_t i = from; i < to && err == 0; i++) {
                const struct token *token = &t->tokens.items[i];

                err = r->steps++ < MUSTACHE_MAX_STEPS ? render_token(r, t, i, scope) : -E2BIG;
                if (token->type == TOKEN_SECTION || token->type == TOKEN_INVERTED)
                        i = token->end;
                if (r->out->len - r->start > MUSTACHE_MAX_OUTPUT)
                        err = -E2BIG;
        }
        r->depth--;
        return err;
}

int mustache_render(const struct mustache *t, const struct value *context,
                    const struct mustache_output *output, struct strbuf *ret) {
        struct renderer r = {.output = output, .out = ret, .start = ret->len};
        struct scope scope = {.value = context};
        int err = render(&r, t, 0, t->tokens.n, &scope);

        return err == 0 ? strbuf_error(ret) : err;
}
