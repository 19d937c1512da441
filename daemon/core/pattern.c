/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/pattern.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistr.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/text.h"

/* One step of a pattern: a code point to be met exactly, or one of these. */
enum {
        STEP_STAR = 0x110000, /* beyond Unicode */
        STEP_ANY,
        STEP_OPEN,
        STEP_COMMA,
        STEP_CLOSE,
        STEP_CLASS, /* + index into classes */
};

struct range {
        uint32_t first, last; /* both included */
};

struct class {
        const struct range *ranges;
        size_t n_ranges;
        bool negated;
};

struct alternative {
        const uint32_t *steps;
        size_t n_steps;
};

struct pattern {
        const struct alternative *alternatives;
        size_t n_alternatives;
        const struct class *classes;
        bool fold;
};

struct steps ARRAY(uint32_t);
struct ranges ARRAY(struct range);

/* A pattern being read. */
struct reader {
        struct arena *arena; /* borrowed */
        bool fold;
        const uint8_t *p, *end; /* NFC of the text */
        struct steps steps;     /* owned; with braces still in it */
        struct class *classes;  /* arena; room for every '[' of the text */
        size_t n_classes;
        const char *error;
};

static int fail(struct reader *r, const char *why) {
        r->error = why;
        return -EINVAL;
}

/* The next code point; the text was checked to be UTF-8. */
static uint32_t take(const uint8_t **p, const uint8_t *end) {
        ucs4_t c;

        *p += u8_mbtouc_unsafe(&c, *p, (size_t)(end - *p));
        return c;
}

/* The one code point that @c becomes in names that were folded. */
static int fold_one(struct reader *r, uint32_t c, uint32_t *ret) {
        _cleanup_free_ char *folded = NULL;
        const uint8_t *p;
        char text[8] = "";
        uint32_t one;

        u8_uctomb((uint8_t *)text, (ucs4_t)c, sizeof(text) - 1);
        folded = text_fold(text, r->fold);
        if (!folded)
                return -ENOMEM;
        p = (const uint8_t *)folded;
        if (!*p)
                return fail(r, "a bracket holds a mark that folding takes away");
        one = take(&p, p + strlen(folded));
        if (*p)
                return fail(r, "a bracket holds a letter that is several letters when folded");
        *ret = one;
        return 0;
}

/* One member of a bracket, with its quoting taken off. */
static int read_member(struct reader *r, uint32_t *ret) {
        uint32_t c;

        if (r->p == r->end)
                return fail(r, "'[' without ']'");
        c = take(&r->p, r->end);
        if (c == '\\') {
                if (r->p == r->end)
                        return fail(r, "a '\\' with nothing behind it");
                c = take(&r->p, r->end);
        }
        if (c == '/')
                return fail(r, "a '/': patterns match names, not paths");
        return fold_one(r, c, ret);
}

static int read_ranges(struct reader *r, struct ranges *ranges) {
        for (bool first = true; first || r->p == r->end || *r->p != ']'; first = false) {
                struct range range;
                int k = read_member(r, &range.first);

                if (k < 0)
                        return k;
                range.last = range.first;
                if (r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']') {
                        r->p++;
                        k = read_member(r, &range.last);
                        if (k < 0)
                                return k;
                        if (range.last < range.first)
                                return fail(r, "a range in brackets runs backwards");
                }
                k = array_push(ranges, range);
                if (k < 0)
                        return k;
        }
        r->p++;
        return 0;
}

/* Behind '['. As in the shell, a ']' in the first place is a member; '^' is taken for '!'. */
static int read_class(struct reader *r) {
        struct class *class = &r->classes[r->n_classes];
        struct ranges ranges = {};
        struct range *copy;
        int k;

        if (r->p < r->end && (*r->p == '!' || *r->p == '^')) {
                class->negated = true;
                r->p++;
        }
        k = read_ranges(r, &ranges);
        if (k == 0) {
                copy = arena_new_array(r->arena, struct range, ranges.n);
                memcpy(copy, ranges.items, ranges.n * sizeof(*copy));
                class->ranges = copy;
                class->n_ranges = ranges.n;
                k = array_push(&r->steps, STEP_CLASS + (uint32_t)r->n_classes++);
        }
        array_done(&ranges);
        return k;
}

static int read_step(struct reader *r, unsigned *depth) {
        uint32_t c = take(&r->p, r->end);

        switch (c) {
        case '*':
                return array_push(&r->steps, STEP_STAR);
        case '?':
                return array_push(&r->steps, STEP_ANY);
        case '[':
                return read_class(r);
        case '{':
                if (++*depth > PATTERN_MAX_DEPTH)
                        return fail(r, "braces are nested too deep");
                return array_push(&r->steps, STEP_OPEN);
        case '}':
                if ((*depth)-- == 0)
                        return fail(r, "'}' without '{'");
                return array_push(&r->steps, STEP_CLOSE);
        case ',':
                return array_push(&r->steps, *depth > 0 ? STEP_COMMA : c);
        case '/':
                return fail(r, "a '/': patterns match names, not paths");
        case '\\':
                if (r->p == r->end)
                        return fail(r, "a '\\' with nothing behind it");
                c = take(&r->p, r->end);
                if (c == '/')
                        return fail(r, "a '/': patterns match names, not paths");
                return array_push(&r->steps, c);
        default:
                return array_push(&r->steps, c);
        }
}

static int read_steps(struct reader *r) {
        unsigned depth = 0;

        while (r->p < r->end) {
                int k = read_step(r, &depth);

                if (k < 0)
                        return k;
        }
        return depth > 0 ? fail(r, "'{' without '}'") : 0;
}

/*
 * Braces are never expanded into all their combinations at once: they are counted, and then the k-th alternative is
 * made from its number. Counts are kept at the step that begins a branch: its '{' or ','.
 */
struct branch {
        unsigned count; /* alternatives of this branch alone */
        unsigned total; /* at '{': of the whole group */
        size_t next;    /* the ',' or '}' that ends the branch */
        size_t close;   /* at '{': its '}' */
};

struct level {
        size_t open, begin; /* the group's '{', and the step that begins the current branch */
        unsigned product, sum;
};

static void end_branch(struct level *level, struct branch *branches, size_t at) {
        branches[level->begin].count = level->product;
        branches[level->begin].next = at;
        level->sum += level->product;
        level->product = 1;
        level->begin = at;
}

/* Return: the number of alternatives, 0 when there are too many. */
static unsigned count_alternatives(const struct steps *steps, struct branch *branches) {
        struct level levels[PATTERN_MAX_DEPTH + 1] = {{.product = 1}}, *level = levels;

        for (size_t i = 0; i < steps->n; i++) {
                switch (steps->items[i]) {
                case STEP_OPEN:
                        *++level = (struct level){.open = i, .begin = i, .product = 1};
                        continue;
                case STEP_COMMA:
                        end_branch(level, branches, i);
                        break;
                case STEP_CLOSE:
                        end_branch(level, branches, i);
                        branches[level->open].total = level->sum;
                        branches[level->open].close = i;
                        level--;
                        level->product *= level[1].sum;
                        break;
                default:
                        continue;
                }
                if (level->sum > PATTERN_MAX_ALTERNATIVES ||
                    level->product > PATTERN_MAX_ALTERNATIVES)
                        return 0;
        }
        return levels[0].product;
}

/* Alternative number @k of the branch that begins at @i: its steps without braces. */
static int pick_alternative(const struct steps *steps, const struct branch *branches, size_t i,
                            unsigned k, struct steps *ret) {
        for (; i < steps->n && steps->items[i] != STEP_COMMA && steps->items[i] != STEP_CLOSE;
             i++) {
                int r;

                if (steps->items[i] == STEP_OPEN) {
                        const struct branch *group = &branches[i];
                        unsigned digit = k % group->total;
                        size_t begin = i;

                        k /= group->total;
                        for (; digit >= branches[begin].count; begin = branches[begin].next)
                                digit -= branches[begin].count;
                        r = pick_alternative(steps, branches, begin + 1, digit, ret);
                        i = group->close;
                } else {
                        r = array_push(ret, steps->items[i]);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A run of literal code points, folded as names are. */
static int fold_run(const uint32_t *run, size_t n, bool fold, struct steps *ret) {
        _cleanup_free_ uint8_t *text = malloc(n * 6 + 1);
        _cleanup_free_ char *folded = NULL;
        const uint8_t *p, *end;
        size_t len = 0;

        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                len += (size_t)u8_uctomb(text + len, (ucs4_t)run[i], 6);
        text[len] = '\0';
        folded = text_fold((char *)text, fold);
        if (!folded)
                return -ENOMEM;
        p = (const uint8_t *)folded;
        for (end = p + strlen(folded); p < end;)
                if (array_push(ret, take(&p, end)) < 0)
                        return -ENOMEM;
        return 0;
}

/* Literals folded, runs of '*' made one. */
static int fold_steps(const struct steps *raw, bool fold, struct steps *ret) {
        size_t n;

        for (size_t i = 0; i < raw->n; i += n) {
                int r = 0;

                for (n = 0; i + n < raw->n && raw->items[i + n] < STEP_STAR;)
                        n++;
                if (n > 0) {
                        r = fold_run(raw->items + i, n, fold, ret);
                } else {
                        n = 1;
                        if (raw->items[i] != STEP_STAR || ret->n == 0 ||
                            ret->items[ret->n - 1] != STEP_STAR)
                                r = array_push(ret, raw->items[i]);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_alternative(struct reader *r, const struct branch *branches, unsigned k,
                            struct alternative *ret) {
        struct steps raw = {}, folded = {};
        uint32_t *copy;
        int q;

        q = pick_alternative(&r->steps, branches, 0, k, &raw);
        if (q == 0)
                q = fold_steps(&raw, r->fold, &folded);
        if (q == 0) {
                copy = arena_new_array(r->arena, uint32_t, folded.n);
                if (folded.n > 0)
                        memcpy(copy, folded.items, folded.n * sizeof(*copy));
                *ret = (struct alternative){.steps = copy, .n_steps = folded.n};
        }
        array_done(&raw);
        array_done(&folded);
        return q;
}

static int make_alternatives(struct reader *r, struct pattern *pattern) {
        _cleanup_free_ struct branch *branches = calloc(r->steps.n + 1, sizeof(*branches));
        struct alternative *alternatives;
        unsigned n;

        if (!branches)
                return -ENOMEM;
        n = count_alternatives(&r->steps, branches);
        if (n == 0)
                return fail(r, "more than 256 alternatives");
        alternatives = arena_new_array(r->arena, struct alternative, n);
        for (unsigned k = 0; k < n; k++) {
                struct alternative *a = &alternatives[pattern->n_alternatives];
                int q = make_alternative(r, branches, k, a);

                if (q < 0)
                        return q;
                pattern->n_alternatives += a->n_steps > 0; /* an empty one matches no name */
        }
        pattern->alternatives = alternatives;
        pattern->classes = r->classes;
        return pattern->n_alternatives == 0 ? fail(r, "empty") : 0;
}

static size_t count_char(const char *s, char c) {
        size_t n = 0;

        for (; *s; s++)
                n += *s == c;
        return n;
}

int pattern_compile(struct arena *arena, const char *text, bool fold, const struct pattern **ret,
                    const char **ret_error) {
        _cleanup_free_ char *nfc = NULL;
        struct pattern *pattern;
        struct reader r = {.arena = arena, .fold = fold};
        int q;

        if (strlen(text) > PATTERN_MAX_BYTES) {
                *ret_error = "longer than 1024 bytes";
                return -EINVAL;
        }
        nfc = text_nfc(text);
        if (!nfc) {
                *ret_error = errno == EILSEQ ? "not valid UTF-8" : "out of memory";
                return errno == EILSEQ ? -EINVAL : -ENOMEM;
        }
        pattern = arena_new_array(arena, struct pattern, 1);
        pattern->fold = fold;
        r.p = (const uint8_t *)nfc;
        r.end = r.p + strlen(nfc);
        r.classes = arena_new_array(arena, struct class, count_char(nfc, '['));
        q = read_steps(&r);
        if (q == 0)
                q = make_alternatives(&r, pattern);
        array_done(&r.steps);
        if (q < 0) {
                *ret_error = r.error ? r.error : "out of memory";
                return q;
        }
        *ret = pattern;
        return 0;
}

bool pattern_is_fold(const struct pattern *pattern) { return pattern->fold; }

static int fold_trimmed(const char *text, struct match_name *name) {
        _cleanup_free_ char *trimmed = text_trim_name(text);

        if (!trimmed)
                return -ENOMEM;
        if (strcmp(trimmed, text) == 0)
                return 0;
        name->trimmed = text_fold(trimmed, true);
        return name->trimmed ? 0 : -ENOMEM;
}

int match_name_init(struct match_name *name, const char *text) {
        struct match_name made = {};

        made.plain = text_fold(text, false);
        if (!made.plain) {
                if (errno != EILSEQ)
                        return -ENOMEM;
                *name = (struct match_name){};
                return 0;
        }
        made.folded = text_fold(text, true);
        if (!made.folded || fold_trimmed(text, &made) < 0) {
                match_name_done(&made);
                return -ENOMEM;
        }
        *name = made;
        return 0;
}

void match_name_done(struct match_name *name) {
        free(name->plain);
        free(name->folded);
        free(name->trimmed);
        *name = (struct match_name){};
}

static bool class_has(const struct class *class, uint32_t c) {
        for (size_t i = 0; i < class->n_ranges; i++)
                if (c >= class->ranges[i].first && c <= class->ranges[i].last)
                        return !class->negated;
        return class->negated;
}

static bool step_meets(const struct pattern *pattern, uint32_t step, uint32_t c) {
        if (c == '/')
                return false;
        if (step >= STEP_CLASS)
                return class_has(&pattern->classes[step - STEP_CLASS], c);
        return step == STEP_ANY || step == c;
}

/* Only the latest '*' is ever tried again, further on: at most steps × letters comparisons. */
static bool alternative_matches(const struct pattern *pattern, const struct alternative *a,
                                const char *name) {
        const uint8_t *p = (const uint8_t *)name, *end = p + strlen(name), *again = NULL;
        size_t i = 0, star = SIZE_MAX;

        while (p < end) {
                const uint8_t *next = p;
                uint32_t c = take(&next, end);

                if (i < a->n_steps && a->steps[i] == STEP_STAR) {
                        star = i++;
                        again = p;
                } else if (i < a->n_steps && step_meets(pattern, a->steps[i], c)) {
                        i++;
                        p = next;
                } else if (star != SIZE_MAX) {
                        if (take(&again, end) == '/')
                                return false;
                        p = again;
                        i = star + 1;
                } else {
                        return false;
                }
        }
        return i == a->n_steps || (i + 1 == a->n_steps && a->steps[i] == STEP_STAR);
}

static bool matches_text(const struct pattern *pattern, const char *text) {
        for (size_t i = 0; text && i < pattern->n_alternatives; i++)
                if (alternative_matches(pattern, &pattern->alternatives[i], text))
                        return true;
        return false;
}

bool pattern_match(const struct pattern *pattern, const struct match_name *name) {
        if (!pattern->fold)
                return matches_text(pattern, name->plain);
        return matches_text(pattern, name->folded) || matches_text(pattern, name->trimmed);
}
