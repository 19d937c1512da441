/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/import-values.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

#define MAX_POINTS 1000000 /* the configuration's own limit */
#define MAX_COUNT 10000

struct text_list ARRAY(const char *);

/* ---- headings: as text_fold() leaves them ---- */

static const char *const column_names[_IMPORT_COLUMN_MAX] = {
        [IMPORT_ID] = "id",       [IMPORT_AREA] = "area",
        [IMPORT_TITLE] = "title", [IMPORT_POINTS] = "points",
        [IMPORT_UNIT] = "unit",   [IMPORT_CO_UNITS] = "co_units",
        [IMPORT_DUE] = "due",     [IMPORT_WORD] = "word",
        [IMPORT_DIR] = "dir",     [IMPORT_PATTERNS] = "patterns",
        [IMPORT_COUNT] = "count",
};

static const struct {
        const char *folded;
        enum import_column column;
} headings[] = {
        {"id", IMPORT_ID},
        {"code", IMPORT_ID},
        {"criterion", IMPORT_ID},
        {"ma", IMPORT_ID},
        {"ma so", IMPORT_ID},
        {"ma tieu chi", IMPORT_ID},
        {"so tt", IMPORT_ID},
        {"stt", IMPORT_ID},
        {"tt", IMPORT_ID},
        {"area", IMPORT_AREA},
        {"group", IMPORT_AREA},
        {"linh vuc", IMPORT_AREA},
        {"ma linh vuc", IMPORT_AREA},
        {"nhom", IMPORT_AREA},
        {"title", IMPORT_TITLE},
        {"name", IMPORT_TITLE},
        {"task", IMPORT_TITLE},
        {"description", IMPORT_TITLE},
        {"ten", IMPORT_TITLE},
        {"ten tieu chi", IMPORT_TITLE},
        {"tieu chi", IMPORT_TITLE},
        {"tieu de", IMPORT_TITLE},
        {"noi dung", IMPORT_TITLE},
        {"noi dung cong viec", IMPORT_TITLE},
        {"cong viec", IMPORT_TITLE},
        {"nhiem vu", IMPORT_TITLE},
        {"points", IMPORT_POINTS},
        {"point", IMPORT_POINTS},
        {"score", IMPORT_POINTS},
        {"max points", IMPORT_POINTS},
        {"diem", IMPORT_POINTS},
        {"diem chuan", IMPORT_POINTS},
        {"diem so", IMPORT_POINTS},
        {"diem toi da", IMPORT_POINTS},
        {"thang diem", IMPORT_POINTS},
        {"unit", IMPORT_UNIT},
        {"units", IMPORT_UNIT},
        {"responsible", IMPORT_UNIT},
        {"bo phan", IMPORT_UNIT},
        {"chu tri", IMPORT_UNIT},
        {"don vi", IMPORT_UNIT},
        {"don vi chu tri", IMPORT_UNIT},
        {"don vi phu trach", IMPORT_UNIT},
        {"don vi thuc hien", IMPORT_UNIT},
        {"phong", IMPORT_UNIT},
        {"co units", IMPORT_CO_UNITS},
        {"don vi phoi hop", IMPORT_CO_UNITS},
        {"phoi hop", IMPORT_CO_UNITS},
        {"due", IMPORT_DUE},
        {"due date", IMPORT_DUE},
        {"due dates", IMPORT_DUE},
        {"deadline", IMPORT_DUE},
        {"deadlines", IMPORT_DUE},
        {"deadline stated", IMPORT_DUE},
        {"han", IMPORT_DUE},
        {"han nop", IMPORT_DUE},
        {"han hoan thanh", IMPORT_DUE},
        {"ngay", IMPORT_DUE},
        {"ngay den han", IMPORT_DUE},
        {"thoi han", IMPORT_DUE},
        {"thoi gian hoan thanh", IMPORT_DUE},
        {"word", IMPORT_WORD},
        {"due word", IMPORT_WORD},
        {"deadline word", IMPORT_WORD},
        {"cach tinh han", IMPORT_WORD},
        {"loai han", IMPORT_WORD},
        {"tu chi han", IMPORT_WORD},
        {"dir", IMPORT_DIR},
        {"directory", IMPORT_DIR},
        {"evidence dir", IMPORT_DIR},
        {"folder", IMPORT_DIR},
        {"thu muc", IMPORT_DIR},
        {"thu muc luu", IMPORT_DIR},
        {"patterns", IMPORT_PATTERNS},
        {"pattern", IMPORT_PATTERNS},
        {"match", IMPORT_PATTERNS},
        {"evidence patterns", IMPORT_PATTERNS},
        {"file names", IMPORT_PATTERNS},
        {"mau", IMPORT_PATTERNS},
        {"mau ten", IMPORT_PATTERNS},
        {"mau ten tep", IMPORT_PATTERNS},
        {"ten tep", IMPORT_PATTERNS},
        {"count", IMPORT_COUNT},
        {"files", IMPORT_COUNT},
        {"so luong", IMPORT_COUNT},
        {"so tep", IMPORT_COUNT},
        {"so van ban", IMPORT_COUNT},
};

const char *import_column_to_string(enum import_column column) { return column_names[column]; }

/* Folded, with one blank for whatever stands between words; a remark in parentheses ("Hạn (dd/mm/yyyy)") does not count. */
static char *fold_words(const char *text) {
        _cleanup_free_ char *head = strndup(text, strcspn(text, "(:*"));
        char *folded = head ? text_fold(head, true) : NULL, *end = folded;

        if (!folded)
                return NULL;
        for (const char *p = folded; *p; p++) {
                bool blank = isspace((unsigned char)*p) || *p == '-' || *p == '_';

                if (!blank)
                        *end++ = *p;
                else if (end > folded && end[-1] != ' ')
                        *end++ = ' ';
        }
        while (end > folded && end[-1] == ' ')
                end--;
        *end = '\0';
        return folded;
}

int import_column_from_heading(const char *heading, enum import_column *ret) {
        _cleanup_free_ char *folded = fold_words(heading);

        if (!folded)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(headings); i++)
                if (strcmp(headings[i].folded, folded) == 0) {
                        *ret = headings[i].column;
                        return 0;
                }
        return -ENOENT;
}

/* ---- cells ---- */

const char *import_clean(struct arena *arena, const char *text) {
        _cleanup_free_ char *nfc = text_nfc(text);
        _cleanup_free_ char *clean = nfc ? text_sanitize(nfc, strlen(nfc)) : NULL;
        char *end = clean;

        if (!clean)
                return NULL;
        for (const char *p = clean; *p; p++)
                if (!isspace((unsigned char)*p))
                        *end++ = *p;
                else if (end > clean && end[-1] != ' ')
                        *end++ = ' ';
        while (end > clean && end[-1] == ' ')
                end--;
        *end = '\0';
        return arena_strdup(arena, clean);
}

int import_split(struct arena *arena, const char *text, struct string_list *ret) {
        struct text_list list = {};
        const char **items;

        for (;;) {
                size_t len = strcspn(text, ";\n\r");
                const char *part = import_clean(arena, arena_strndup(arena, text, len));

                if (!part || (*part && array_push(&list, part) < 0)) {
                        array_done(&list);
                        return -ENOMEM;
                }
                if (!text[len])
                        break;
                text += len + 1;
        }
        items = arena_new_array(arena, const char *, list.n);
        for (size_t i = 0; i < list.n; i++)
                items[i] = list.items[i];
        *ret = (struct string_list){items, list.n};
        array_done(&list);
        return 0;
}

int import_points(const char *text, points_t *ret) {
        int64_t whole = 0, hundredths = 0;
        const char *p = text;

        if (!isdigit((unsigned char)*p))
                return -EINVAL;
        for (; isdigit((unsigned char)*p) && whole <= MAX_POINTS; p++)
                whole = whole * 10 + (*p - '0');
        if (*p == '.' || *p == ',') {
                if (!isdigit((unsigned char)p[1]))
                        return -EINVAL;
                hundredths = (p[1] - '0') * 10;
                p += 2;
                if (isdigit((unsigned char)*p))
                        hundredths += *p++ - '0';
                while (*p == '0') /* "0.500" */
                        p++;
        }
        if (*p || whole * 100 + hundredths > MAX_POINTS * INT64_C(100))
                return -EINVAL;
        *ret = (points_t)(whole * 100 + hundredths);
        return 0;
}

int import_count(const char *text, uint32_t *ret) {
        uint64_t n;

        if (startswith(text, "×"))
                text += strlen("×");
        else if (*text == 'x' || *text == 'X')
                text++;
        if (parse_u64(text, &n) < 0 || n < 1 || n > MAX_COUNT)
                return -EINVAL;
        *ret = (uint32_t)n;
        return 0;
}

int import_due_word(const char *text, enum due_word *ret) {
        static const struct {
                const char *folded;
                enum due_word word;
        } words[] = {
                {"by", DUE_WORD_BY},         {"until", DUE_WORD_BY},
                {"cham nhat", DUE_WORD_BY},  {"cham nhat ngay", DUE_WORD_BY},
                {"den", DUE_WORD_BY},        {"den ngay", DUE_WORD_BY},
                {"den het", DUE_WORD_BY},    {"den het ngay", DUE_WORD_BY},
                {"trong ngay", DUE_WORD_BY}, {"before", DUE_WORD_BEFORE},
                {"truoc", DUE_WORD_BEFORE},  {"truoc ngay", DUE_WORD_BEFORE},
        };
        _cleanup_free_ char *folded = fold_words(text);

        for (size_t i = 0; folded && i < ELEMENTSOF(words); i++)
                if (strcmp(words[i].folded, folded) == 0) {
                        *ret = words[i].word;
                        return 0;
                }
        return -EINVAL;
}

/* Up to @max digits. Return: how many there were. */
static int digits(const char **p, int max, int *ret) {
        int n = 0;

        for (*ret = 0; n < max && isdigit((unsigned char)**p); n++, (*p)++)
                *ret = *ret * 10 + (**p - '0');
        return n;
}

/* Three numbers with the same sign between them: the year first (four digits), or the day first. */
static int read_date(const char **p, date_t *ret) {
        int a, b, c, na, nc;
        char sign;

        na = digits(p, 4, &a);
        sign = **p;
        if (na == 0 || !sign || !strchr("-/.", sign))
                return -EINVAL;
        (*p)++;
        if (digits(p, 2, &b) == 0 || **p != sign)
                return -EINVAL;
        (*p)++;
        nc = digits(p, 4, &c);
        if (isdigit((unsigned char)**p))
                return -EINVAL;
        if (na == 4 && (nc == 1 || nc == 2))
                *ret = date_from_ymd(a, b, c);
        else if ((na == 1 || na == 2) && nc == 4)
                *ret = date_from_ymd(c, b, a);
        else
                return -EINVAL;
        return *ret == DATE_NONE ? -ERANGE : 0;
}

static int read_time(const char **p, int *ret) {
        int hour, minute, second = 0;

        if (digits(p, 2, &hour) == 0 || **p != ':')
                return -EINVAL;
        (*p)++;
        if (digits(p, 2, &minute) != 2)
                return -EINVAL;
        if (hour > 24 || minute > 59 || (hour == 24 && minute > 0))
                return -EINVAL;
        *ret = hour * 3600 + minute * 60;
        if (**p != ':')
                return 0;
        /* Spreadsheets write a date without a time of day as midnight with seconds. */
        (*p)++;
        if (digits(p, 2, &second) != 2 || second != 0)
                return -EINVAL;
        if (*ret == 0)
                *ret = -1;
        return 0;
}

int import_due(struct arena *arena, const char *text, struct due *ret) {
        struct due due = {.time_of_day = -1};
        const char *p = text;
        int r = read_date(&p, &due.date);

        if (r < 0)
                return r;
        if ((*p == ' ' || *p == 'T') && isdigit((unsigned char)p[1])) {
                p++;
                r = read_time(&p, &due.time_of_day);
                if (r < 0)
                        return r;
        }
        while (*p == ' ')
                p++;
        if (*p == '(') {
                size_t len = strlen(++p);

                if (len < 2 || p[len - 1] != ')')
                        return -EINVAL;
                due.label = import_clean(arena, arena_strndup(arena, p, len - 1));
                if (!due.label || !*due.label)
                        return -EINVAL;
                p += len;
        }
        if (*p)
                return -EINVAL;
        *ret = due;
        return 0;
}
