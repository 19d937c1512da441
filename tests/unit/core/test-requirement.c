/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/zone.h"
#include "core/requirement.h"

#define NOON_2018_06_01 ((usec_t)1527829200 * USEC_PER_SEC) /* 2018-06-01 12:00 in Vietnam */
#define HOUR USEC_PER_HOUR

/* --- judging -------------------------------------------------------------------------------------------------- */

static const char *const own_ignored[] = {"~archive*"};

static struct model make_model(void) {
        return (struct model){
                .evidence = {.ignore = {own_ignored, 1},
                             .explanation = "GIAI-TRINH*",
                             .max_size = 1000000},
        };
}

/* A file that counts; each case spoils one thing. */
static struct file good_file(void) {
        return (struct file){
                .path = "1.2/B\xc3\xa1o c\xc3\xa1o.pdf",
                .regular = true,
                .settled = true,
                .inspected = true,
                .size = 1234,
                .mtime = NOON_2018_06_01,
                .received_at = NOON_2018_06_01,
                .type = FILE_TYPE_PDF,
                .whole = true,
                .signed_pdf = true,
        };
}

static struct need strict_need(void) {
        return (struct need){
                .types = 1u << FILE_TYPE_PDF | 1u << FILE_TYPE_TXT,
                .count = 1,
                .min_size = 100,
                .fresh = 10 * USEC_PER_DAY,
                .since = DATE_NONE,
                .fold = true,
                .signed_only = true,
        };
}

static enum verdict judge(const struct need *need, const struct file *file) {
        struct arena *arena = arena_new();
        const struct pattern *pattern;
        const char *error;
        struct model model = make_model();
        struct deadline deadline = {.instant = NOON_2018_06_01 + 9 * USEC_PER_DAY};
        struct requirement requirement = {.need = need, .patterns = &pattern, .n_patterns = 1};
        enum verdict verdict;

        assert_int_equal(pattern_compile(arena, "bao cao*.{pdf,txt}", need->fold, &pattern, &error),
                         0);
        verdict = requirement_judge(&model, &requirement, &deadline, file);
        arena_free(arena);
        return verdict;
}

#define expect(verdict, change)                                                                    \
        do {                                                                                       \
                struct file file = good_file();                                                    \
                struct need need = strict_need();                                                  \
                                                                                                   \
                change;                                                                            \
                assert_string_equal(verdict_to_string(judge(&need, &file)),                        \
                                    verdict_to_string(verdict));                                   \
        } while (0)

static void test_judge(void **state) {
        (void)state;
        expect(VERDICT_COUNTED, (void)0);
        expect(VERDICT_NOT_REGULAR, file.regular = false);
        expect(VERDICT_IGNORED, file.path = "1.2/~$b\xc3\xa1o c\xc3\xa1o.pdf");
        expect(VERDICT_NAME, file.path = "1.2/k\xe1\xba\xbf ho\xe1\xba\xa1"
                                         "ch.pdf");
        expect(VERDICT_NAME,
               file.path = "b\xc3\xa1o c\xc3\xa1o.pdf/x.pdf"); /* the name, not the folder's */
        expect(VERDICT_NAME, need.fold = false);
        expect(VERDICT_BAD_NAME, file.path = "1.2/bao cao\xff.pdf");
        expect(VERDICT_UNSETTLED, file.settled = false);
        expect(VERDICT_EMPTY, file.size = 0);
        expect(VERDICT_TOO_SMALL, file.size = 99);
        expect(VERDICT_COUNTED, file.size = 100);
        expect(VERDICT_UNREADABLE, (file.unreadable = true, file.inspected = false));
        expect(VERDICT_COUNTED, file.unreadable = true); /* it was read, and is the same */
        expect(VERDICT_TOO_LARGE, file.too_large = true);
        expect(VERDICT_TOO_LARGE, file.size = 1000001);
        expect(VERDICT_TYPE, file.type = FILE_TYPE_DOCX);
        expect(VERDICT_COUNTED, (file.type = FILE_TYPE_DOCX, need.types = 0));
        expect(VERDICT_COUNTED, file.type = FILE_TYPE_EML); /* a mail is a text */
        expect(VERDICT_TYPE, (file.type = FILE_TYPE_TXT, need.types = 1u << FILE_TYPE_XML));
        expect(VERDICT_BROKEN, file.whole = false);
        expect(VERDICT_BROKEN, (file.whole = false, need.types = 0));
        expect(VERDICT_UNSIGNED, file.signed_pdf = false);
        expect(VERDICT_COUNTED, (file.signed_pdf = false, need.signed_only = false));
        expect(VERDICT_STALE, file.mtime -= USEC_PER_DAY + 1);
        expect(VERDICT_COUNTED, file.mtime -= USEC_PER_DAY);
        expect(VERDICT_COUNTED, (file.mtime -= USEC_PER_DAY + HOUR, file.offset = HOUR));
        expect(VERDICT_STALE, need.since = date_from_ymd(2018, 6, 2));
        expect(VERDICT_COUNTED, (need.since = date_from_ymd(2018, 6, 2), file.mtime += 12 * HOUR));
        expect(VERDICT_STALE,
               (need.since = date_from_ymd(2018, 6, 2), file.mtime += 12 * HOUR - 1));
        /* what the content says is not known yet */
        expect(VERDICT_COUNTED,
               (file.inspected = false, file.whole = false, file.type = FILE_TYPE_OTHER));
        expect(VERDICT_STALE, (file.inspected = false, file.mtime = 0));
}

/* The first rule that fails is the reason. */
static void test_judge_order(void **state) {
        (void)state;
        expect(VERDICT_NOT_REGULAR, (file.regular = false, file.path = ".x", file.size = 0));
        expect(VERDICT_IGNORED, (file.path = "Thumbs.db", file.settled = false));
        expect(VERDICT_NAME, (file.path = "x", file.settled = false));
        expect(VERDICT_UNSETTLED, (file.settled = false, file.size = 0));
        expect(VERDICT_EMPTY, (file.size = 0, file.unreadable = true));
        expect(VERDICT_TYPE, (file.type = FILE_TYPE_ZIP, file.whole = false));
        expect(VERDICT_BROKEN, (file.whole = false, file.signed_pdf = false));
        expect(VERDICT_UNSIGNED, (file.signed_pdf = false, file.mtime = 0));
}

static void test_verdict_names(void **state) {
        (void)state;
        for (int i = 0; i < _VERDICT_MAX; i++) {
                enum verdict back = _VERDICT_MAX;

                assert_int_equal(verdict_from_string(verdict_to_string((enum verdict)i), &back), 0);
                assert_int_equal(back, i);
        }
        assert_int_equal(verdict_from_string("good", &(enum verdict){0}), -EINVAL);
}

static void test_names(void **state) {
        static const struct {
                const char *name;
                bool ignored, explanation;
        } cases[] = {
                {"a.pdf", false, false},
                {"~$a.docx", true, false},
                {".~lock.a.odt#", true, false},
                {".hidden", true, false},
                {"a.pdf.part", true, false},
                {"a.pdf.CRDOWNLOAD", true, false},
                {"thumbs.db", true, false},
                {"a.tmp", true, false},
                {"a.odt~", true, false},
                {"~archive 2017.pdf", true, false},
                {"~other.pdf", false, false},
                {"GIAI-TRINH.docx", false, true},
                {"Gi\xe1\xba\xa3i tr\xc3\xacnh 1.2.pdf", false, true},
                {"b\xe1\xba\xa3n gi\xe1\xba\xa3i tr\xc3\xacnh.pdf", false, false},
                {".GIAI-TRINH.swp", true, false},
                {"\xff", false, false},
        };
        struct model model = make_model();

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (name_is_ignored(&model, cases[i].name) != cases[i].ignored ||
                    name_is_explanation(&model, cases[i].name) != cases[i].explanation)
                        fail_msg("%s", cases[i].name);
        model.evidence.explanation = NULL;
        assert_false(name_is_explanation(&model, "GIAI-TRINH.docx"));
}

static void test_explanation(void **state) {
        struct file file = good_file();

        (void)state;
        file.type = FILE_TYPE_OTHER;
        assert_int_equal(judge_explanation(&file), VERDICT_COUNTED);
        file.size = 0;
        assert_int_equal(judge_explanation(&file), VERDICT_EMPTY);
        file.settled = false;
        assert_int_equal(judge_explanation(&file), VERDICT_UNSETTLED);
        file.regular = false;
        assert_int_equal(judge_explanation(&file), VERDICT_NOT_REGULAR);
}

static void test_covers(void **state) {
        static const struct {
                const char *dir, *path;
                bool below, immediately;
        } cases[] = {
                {"1.2", "1.2/a.pdf", true, true},
                {"1.2", "1.2/x/a.pdf", true, false},
                {"1.2", "1.20/a.pdf", false, false},
                {"1.2", "1.2", false, false},
                {"1.2", "x/1.2/a.pdf", false, false},
                {"1.2/qu\xc3\xbd I", "1.2/qu\xc3\xbd I/a.pdf", true, true},
                {"1.2/qu\xc3\xbd I", "1.2/quy\xcc\x81 I/a.pdf", true, true}, /* NFD on disk */
                {"1.2/qu\xc3\xbd I", "1.2/quy I/a.pdf", false, false},
                {"qu\xc3\xbd", "qu\xff/a.pdf", false, false},
                {"", "a.pdf", true, true},
                {"", "x/a.pdf", true, false},
                {".", "x/a.pdf", true, false},
                {NULL, "a.pdf", false, false},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (int recursive = 0; recursive < 2; recursive++) {
                        struct task task = {.recursive = recursive};
                        struct instance instance = {.task = &task, .dir = cases[i].dir};

                        if (instance_covers(&instance, cases[i].path) !=
                            (recursive ? cases[i].below : cases[i].immediately))
                                fail_msg("%s %s %d", cases[i].dir, cases[i].path, recursive);
                }
}

/* --- assigning ------------------------------------------------------------------------------------------------ */

#define MAX_INSTANCES 3
#define MAX_NEEDS 2
#define MAX_DEMANDS (MAX_INSTANCES * MAX_NEEDS)
#define MAX_FILES 6

struct scene {
        struct need needs[MAX_DEMANDS];
        struct requirement requirements[MAX_DEMANDS];
        struct instance instances[MAX_INSTANCES];
        const struct instance *list[MAX_INSTANCES];
        size_t n_instances, n_needs; /* needs per instance */
        struct file files[MAX_FILES];
        char paths[MAX_FILES][8];
        size_t n_files;
        struct candidate candidates[2 * MAX_FILES * MAX_DEMANDS];
        size_t n_candidates;
        struct assignment standing[MAX_FILES];
        size_t n_standing;
        /* for the judge of the result */
        bool fits[MAX_FILES][MAX_DEMANDS];
        size_t order[MAX_FILES]; /* files by rank */
        int fixed[MAX_FILES];    /* demand of a standing assignment, -1 */
};

static unsigned seed;

static unsigned roll(unsigned below) { /* the same numbers on every machine */
        seed = seed * 1103515245u + 12345u;
        return (seed >> 16) % below;
}

static size_t demand_of(const struct scene *s, size_t instance, size_t requirement) {
        return instance * s->n_needs + requirement;
}

static void make_instances(struct scene *s) {
        for (size_t i = 0; i < s->n_instances; i++) {
                struct requirement *first = &s->requirements[i * s->n_needs];

                for (size_t j = 0; j < s->n_needs; j++) {
                        s->needs[demand_of(s, i, j)] = (struct need){.count = 1 + roll(2)};
                        first[j].need = &s->needs[demand_of(s, i, j)];
                }
                s->instances[i] =
                        (struct instance){.requirements = first, .n_requirements = s->n_needs};
                s->list[i] = &s->instances[i];
        }
}

static bool earlier(const struct file *a, const struct file *b) {
        usec_t x = a->received_at ? a->received_at : INT64_MAX,
               y = b->received_at ? b->received_at : INT64_MAX;

        return x != y ? x < y : strcmp(a->path, b->path) < 0;
}

static void make_files(struct scene *s) {
        for (size_t i = 0; i < s->n_files; i++) {
                size_t k = i;

                snprintf(s->paths[i], sizeof(s->paths[i]), "%c%zu", 'a' + roll(3), i);
                s->files[i] = (struct file){
                        .path = s->paths[i], .received_at = roll(4), .inspected = roll(5) > 0};
                s->files[i].sha256[0] = (uint8_t)roll(4);
                for (; k > 0 && earlier(&s->files[i], &s->files[s->order[k - 1]]); k--)
                        s->order[k] = s->order[k - 1];
                s->order[k] = i;
        }
}

static void make_candidates(struct scene *s) {
        unsigned density = 1 + roll(4);

        for (size_t i = 0; i < s->n_files; i++)
                for (size_t d = 0; d < s->n_instances * s->n_needs; d++) {
                        s->fits[i][d] = roll(5) < density;
                        for (unsigned twice = 0; s->fits[i][d] && twice < 1 + (roll(6) == 0);
                             twice++)
                                s->candidates[s->n_candidates++] =
                                        (struct candidate){i, d / s->n_needs, d % s->n_needs};
                }
        for (size_t i = s->n_candidates; i > 1; i--) {
                size_t j = roll((unsigned)i);
                struct candidate c = s->candidates[i - 1];

                s->candidates[i - 1] = s->candidates[j];
                s->candidates[j] = c;
        }
}

static bool same_content(const struct scene *s, size_t a, size_t b) {
        return a == b || (s->files[a].inspected && s->files[b].inspected &&
                          s->files[a].sha256[0] == s->files[b].sha256[0]);
}

/* May file @i go to @demand beside what @where says of the others? */
static bool allowed(const struct scene *s, const int *where, size_t i, size_t demand) {
        unsigned used = 0;

        if (!s->fits[i][demand])
                return false;
        for (size_t j = 0; j < s->n_files; j++) {
                if (j == i || where[j] != (int)demand)
                        continue;
                used++;
                if (same_content(s, i, j))
                        return false;
        }
        return used < s->needs[demand].count;
}

static void make_standing(struct scene *s) {
        for (size_t i = 0; i < s->n_files; i++)
                s->fixed[i] = -1;
        for (size_t k = 0; k < s->n_files; k++) {
                size_t i = s->order[k], d = roll((unsigned)(s->n_instances * s->n_needs));

                if (roll(4) > 0)
                        continue;
                s->standing[s->n_standing++] =
                        (struct assignment){i, d / s->n_needs, d % s->n_needs};
                if (allowed(s, s->fixed, i, d))
                        s->fixed[i] = (int)d;
        }
}

/* What makes one way better than another, as numbers: fills, then for each demand the ranks of its files. */
struct merit {
        int numbers[MAX_DEMANDS + MAX_DEMANDS * MAX_FILES];
        int total;
};

static struct merit merit_of(const struct scene *s, const int *where) {
        struct merit m = {0};
        size_t n_demands = s->n_instances * s->n_needs, n = n_demands;

        for (size_t d = 0; d < n_demands; d++) {
                for (size_t k = 0; k < s->n_files; k++)
                        if (where[s->order[k]] == (int)d) {
                                m.numbers[d]++;
                                m.total++;
                                m.numbers[n++] = -(int)k;
                        }
        }
        return m;
}

static int compare_merit(const struct merit *a, const struct merit *b) {
        if (a->total != b->total)
                return a->total - b->total;
        for (size_t i = 0; i < ELEMENTSOF(a->numbers); i++)
                if (a->numbers[i] != b->numbers[i])
                        return a->numbers[i] - b->numbers[i];
        return 0;
}

static void try_all(const struct scene *s, int *where, size_t k, struct merit *best) {
        struct merit m;

        if (k == s->n_files) {
                m = merit_of(s, where);
                if (compare_merit(&m, best) > 0)
                        *best = m;
                return;
        }
        if (s->fixed[k] >= 0) {
                try_all(s, where, k + 1, best);
                return;
        }
        for (size_t d = 0; d < s->n_instances * s->n_needs; d++)
                if (allowed(s, where, k, d)) {
                        where[k] = (int)d;
                        try_all(s, where, k + 1, best);
                        where[k] = -1;
                }
        try_all(s, where, k + 1, best);
}

static void make_scene(struct scene *s) {
        memset(s, 0, sizeof(*s));
        s->n_instances = 1 + roll(MAX_INSTANCES);
        s->n_needs = 1 + roll(MAX_NEEDS);
        s->n_files = roll(MAX_FILES + 1);
        make_instances(s);
        make_files(s);
        make_candidates(s);
        make_standing(s);
}

/* What stands need not be given: it is enough to say which slots it takes, and to leave out its copies. */
static void check_rest(const struct scene *s, const int *where, unsigned number) {
        struct candidate rest[2 * MAX_FILES * MAX_DEMANDS];
        uint32_t taken[MAX_DEMANDS] = {};
        _cleanup_free_ struct assignment *got = NULL;
        size_t n_rest = 0, n, n_new = 0;

        for (size_t i = 0; i < s->n_files; i++)
                if (s->fixed[i] >= 0)
                        taken[s->fixed[i]]++;
        for (size_t i = 0; i < s->n_candidates; i++) {
                const struct candidate *c = &s->candidates[i];

                if (s->fixed[c->file] < 0 &&
                    allowed(s, s->fixed, c->file, demand_of(s, c->instance, c->requirement)))
                        rest[n_rest++] = *c;
        }
        assert_int_equal(assign_files(s->list, s->n_instances, s->files, s->n_files, rest, n_rest,
                                      NULL, 0, taken, &got, &n),
                         0);
        for (size_t i = 0; i < n; i++)
                if (where[got[i].file] != (int)demand_of(s, got[i].instance, got[i].requirement))
                        fail_msg("scene %u: file %zu goes elsewhere", number, got[i].file);
        for (size_t i = 0; i < s->n_files; i++)
                n_new += where[i] >= 0 && s->fixed[i] < 0;
        assert_int_equal(n, n_new);
}

static void check_scene(const struct scene *s, unsigned number) {
        _cleanup_free_ struct assignment *got = NULL;
        int where[MAX_FILES], tried[MAX_FILES];
        struct merit best = {.total = -1}, m;
        size_t n;

        assert_int_equal(assign_files(s->list, s->n_instances, s->files, s->n_files, s->candidates,
                                      s->n_candidates, s->standing, s->n_standing, NULL, &got, &n),
                         0);
        for (size_t i = 0; i < MAX_FILES; i++)
                where[i] = -1;
        for (size_t i = 0; i < n; i++) {
                size_t d = demand_of(s, got[i].instance, got[i].requirement);

                assert_int_equal(where[got[i].file], -1);
                if (!allowed(s, where, got[i].file, d))
                        fail_msg("scene %u: file %zu may not go to %zu", number, got[i].file, d);
                where[got[i].file] = (int)d;
        }
        for (size_t i = 0; i < s->n_files; i++)
                if (s->fixed[i] >= 0 && where[i] != s->fixed[i])
                        fail_msg("scene %u: file %zu does not stand", number, i);
        memcpy(tried, s->fixed, sizeof(tried));
        try_all(s, tried, 0, &best);
        m = merit_of(s, where);
        if (compare_merit(&m, &best) != 0)
                fail_msg("scene %u: %d of %d slots, or not the first files", number, m.total,
                         best.total);
        check_rest(s, where, number);
}

static void test_assign_random(void **state) {
        struct scene s;

        (void)state;
        for (unsigned i = 0; i < 20000; i++) {
                seed = i * 2654435761u + 1;
                make_scene(&s);
                check_scene(&s, i);
        }
}

/* Two requirements, the first greedy: an earlier file would leave the second one empty. */
static void test_assign_gives_way(void **state) {
        struct need needs[2] = {{.count = 1}, {.count = 1}};
        struct requirement requirements[2] = {{.need = &needs[0]}, {.need = &needs[1]}};
        struct instance instance = {.requirements = requirements, .n_requirements = 2};
        const struct instance *list[] = {&instance};
        struct file files[2] = {{.path = "a", .received_at = 1}, {.path = "b", .received_at = 2}};
        struct candidate candidates[] = {{0, 0, 0}, {1, 0, 0}, {0, 0, 1}};
        _cleanup_free_ struct assignment *got = NULL, *again = NULL;
        size_t n;

        (void)state;
        assert_int_equal(assign_files(list, 1, files, 2, candidates, 3, NULL, 0, NULL, &got, &n),
                         0);
        assert_int_equal(n, 2);
        assert_int_equal(got[0].file, 1);
        assert_int_equal(got[0].requirement, 0);
        assert_int_equal(got[1].file, 0);
        /* but what stands is kept, and the second requirement stays open */
        assert_int_equal(assign_files(list, 1, files, 2, candidates, 3,
                                      &(struct assignment){0, 0, 0}, 1, NULL, &again, &n),
                         0);
        assert_int_equal(n, 1);
        assert_int_equal(again[0].file, 0);
        assert_int_equal(unassigned_verdict(files, again, n, &candidates[0]), VERDICT_COUNTED);
        assert_int_equal(unassigned_verdict(files, again, n, &candidates[1]), VERDICT_SURPLUS);
        files[0].inspected = files[1].inspected = true;
        assert_int_equal(unassigned_verdict(files, again, n, &candidates[1]), VERDICT_DUPLICATE);
        assert_int_equal(assign_files(list, 1, files, 1, candidates, 3, NULL, 0, NULL, &again, &n),
                         -EINVAL);
}

/* Many candidates for many slots of every month: memory and time stay small. */
static void test_assign_large(void **state) {
        enum { N = 10000, MONTHS = 12 };
        struct need need = {.count = N / MONTHS + 1};
        struct requirement requirement = {.need = &need};
        struct instance instance = {.requirements = &requirement, .n_requirements = 1};
        const struct instance *list[MONTHS];
        _cleanup_free_ struct file *files = calloc(N, sizeof(*files));
        _cleanup_free_ struct candidate *candidates = calloc(N * MONTHS, sizeof(*candidates));
        _cleanup_free_ struct assignment *got = NULL;
        usec_t began = clock_monotonic();
        size_t n, k = 0;

        (void)state;
        for (size_t i = 0; i < MONTHS; i++)
                list[i] = &instance;
        for (size_t i = 0; i < N; i++) {
                files[i] = (struct file){
                        .path = "x", .received_at = (usec_t)(1 + i * 7919 % N), .inspected = true};
                memcpy(files[i].sha256, &i, sizeof(i));
                for (size_t j = 0; j < MONTHS; j++)
                        candidates[k++] = (struct candidate){i, j, 0};
        }
        assert_int_equal(
                assign_files(list, MONTHS, files, N, candidates, k, NULL, 0, NULL, &got, &n), 0);
        assert_int_equal(n, N);
        assert_int_equal(files[got[0].file].received_at, 1);
        assert_int_equal(files[got[need.count].file].received_at, need.count + 1);
        assert_true(clock_monotonic() - began < 60 * USEC_PER_SEC); /* quadratic would be minutes */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_judge),         cmocka_unit_test(test_judge_order),
                cmocka_unit_test(test_verdict_names), cmocka_unit_test(test_names),
                cmocka_unit_test(test_explanation),   cmocka_unit_test(test_covers),
                cmocka_unit_test(test_assign_random), cmocka_unit_test(test_assign_gives_way),
                cmocka_unit_test(test_assign_large),
        };

        if (zone_init("Asia/Ho_Chi_Minh") < 0) {
                puts("skipped: no time zone Asia/Ho_Chi_Minh on this system");
                return 77;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
