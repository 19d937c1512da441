/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/sections.h"

#include <string.h>

#include "base/text.h"
#include "base/zone.h"
#include "config/value.h"
#include "core/pattern.h"

#define RANGE_MAX_DAYS 400 /* of one range of days off */
#define DAYS_MAX 5000      /* entries of off, and of work */
#define ROOTS_MAX 64       /* each has a connection to the scanner */

static const char *const language_words[_LANGUAGE_MAX] = {
        [LANGUAGE_VI] = "vi", [LANGUAGE_EN] = "en"};

static void parse_zone(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        const char *text = value_text(rd, s, key);

        if (!text)
                return;
        if (zone_check(text) < 0)
                rd_error(rd, s,
                         "there is no time zone \"%s\": write an IANA name such as "
                         "\"Asia/Ho_Chi_Minh\"",
                         text);
        else
                *(const char **)target = text;
}

static const struct key organization_keys[] = {
        TEXT("name", struct reader, m.organization.name, .flags = KEY_REQUIRED),
        TEXT("short_name", struct reader, m.organization.short_name, .fallback = "name"),
        KEY(SPECIAL, "time_zone", struct reader, m.organization.time_zone, .parse = parse_zone,
            .fallback = "UTC", .words = "an IANA time zone such as \"Asia/Ho_Chi_Minh\""),
        KEY(CHOICE, "language", struct reader, m.organization.language, CHOICES(language_words),
            .fallback = "vi", .words = "\"vi\" or \"en\""),
        TEXT("subject_prefix", struct reader, m.organization.subject_prefix),
        TEXT("contact", struct reader, m.organization.contact),
        KEY(POINTS, "points", struct reader, m.organization.points),
        KEY(DATE, "closes", struct reader, m.organization.closes),
};
const struct section section_organization = {
        "organization",
        organization_keys,
        ELEMENTSOF(organization_keys),
        SECTION_ORGANIZATION,
};

/* calendar */

static void parse_workdays(struct reader *rd, const config_setting_t *s, const struct key *key,
                           void *target) {
        static const char *const names[_WEEKDAY_MAX] = {"mon", "tue", "wed", "thu",
                                                        "fri", "sat", "sun"};
        struct string_list list;
        unsigned bits = 0;

        if (!value_texts(rd, s, key, NULL, &list))
                return;
        for (size_t i = 0; i < list.n; i++) {
                size_t day = 0;

                while (day < ELEMENTSOF(names) && strcmp(names[day], list.items[i]) != 0)
                        day++;
                if (day == ELEMENTSOF(names)) {
                        rd_error(rd, s,
                                 "\"%s\" is no weekday: it is one of mon tue wed thu fri sat sun",
                                 list.items[i]);
                        return;
                }
                bits |= 1u << day;
        }
        if (bits == 0)
                rd_error(rd, s, "'workdays' is empty: name at least one day such as \"mon\"");
        else
                *(unsigned *)target = bits;
}

static void parse_window(struct reader *rd, const config_setting_t *s, const struct key *key,
                         void *target) {
        struct calendar_settings *calendar = target;
        const char *text = value_text(rd, s, key);
        char first[9] = "";
        int start, end;

        if (!text)
                return;
        const char *dash = strchr(text, '-');
        if (dash && (size_t)(dash - text) < sizeof(first))
                memcpy(first, text, (size_t)(dash - text));
        if (!dash || value_time(first, &start) < 0 || value_time(dash + 1, &end) < 0) {
                rd_error(rd, s,
                         "\"%s\" is no span of time for 'send_window': write it as \"07:00-18:00\"",
                         text);
                return;
        }
        if (start >= end) {
                rd_error(rd, s, "'send_window' ends before it begins (\"%s\")", text);
                return;
        }
        calendar->window_start = start;
        calendar->window_end = end;
}

/* "2018-01-01" or "2018-02-14..2018-02-20" */
static void parse_range(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct range_draft *draft = target;
        const char *text = value_text(rd, s, key);
        char first[DATE_BUFFER] = "";
        date_t from, until;

        if (!text)
                return;
        const char *dots = strstr(text, "..");
        if (dots && dots - text == DATE_BUFFER - 1)
                memcpy(first, text, DATE_BUFFER - 1);
        int r = date_parse(dots ? first : text, &from);
        if (r == 0)
                r = date_parse(dots ? dots + 2 : text, &until);
        if (r == -ERANGE)
                rd_error(rd, s, "there is no such day: \"%s\"", text);
        else if (r < 0)
                rd_error(rd, s,
                         "\"%s\" is no date: write \"2018-01-01\" or \"2018-02-14..2018-02-20\"",
                         text);
        else if (until < from)
                rd_error(rd, s, "the range \"%s\" ends before it begins", text);
        else if (until - from > RANGE_MAX_DAYS)
                rd_error(rd, s, "the range \"%s\" is longer than %d days: is the year right?", text,
                         RANGE_MAX_DAYS);
        else {
                draft->range.first = from;
                draft->range.last = until;
        }
}

static const struct key day_keys[] = {
        KEY(SPECIAL, "date", struct range_draft, range.first, .parse = parse_range,
            .flags = KEY_REQUIRED, .words = "a date or a range such as \"2018-02-14..2018-02-20\""),
        TEXT("name", struct range_draft, range.name),
};
const struct section section_calendar_day = {"calendar.off", day_keys, ELEMENTSOF(day_keys),
                                             SECTION_REPEATED};

static void read_day(struct reader *rd, const config_setting_t *s, const struct key *key,
                     struct range_array *days) {
        struct range_draft draft = {.range = {DATE_NONE, DATE_NONE, NULL},
                                    .source = rd_source(rd, s)};

        if (config_setting_is_group(s))
                (void)read_group(rd, s, &section_calendar_day, &draft);
        else if (config_setting_type(s) == CONFIG_TYPE_STRING)
                parse_range(rd, s, key, &draft);
        else
                rd_wrong_type(rd, s, key);
        if (draft.range.first == DATE_NONE)
                return;
        if (days->n < DAYS_MAX)
                rd_check_oom(rd, array_push(days, draft));
        else
                rd_error(rd, s, "'%s' has more than %d entries: use ranges", key->name, DAYS_MAX);
}

static void parse_days(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        if (!config_setting_is_list(s) && !config_setting_is_array(s)) {
                read_day(rd, s, key, target);
                return;
        }
        for (int i = 0, n = config_setting_length(s); i < n; i++)
                read_day(rd, config_setting_get_elem(s, (unsigned)i), key, target);
}

#define DAYS_WORDS                                                                                 \
        "a list of dates, ranges and { date; name; } such as ( \"2018-01-01\", "                   \
        "\"2018-02-14..2018-02-20\" )"
static const struct key calendar_keys[] = {
        KEY(SPECIAL, "workdays", struct reader, calendar.workdays, .parse = parse_workdays,
            .fallback = "mon to fri", .words = "a list of weekdays such as [ \"mon\", \"tue\" ]"),
        KEY(TIME, "send_at", struct reader, calendar.send_at, .fallback = "07:30"),
        KEY(SPECIAL, "send_window", struct reader, calendar, .parse = parse_window,
            .fallback = "07:00-18:00", .words = "a span of time such as \"07:00-18:00\""),
        KEY(TIME, "close_of_day", struct reader, calendar.close_of_day, .fallback = "24:00"),
        KEY(SPECIAL, "off", struct reader, off, .parse = parse_days, .flags = KEY_APPENDS,
            .words = DAYS_WORDS, .inner = &section_calendar_day),
        KEY(SPECIAL, "work", struct reader, work, .parse = parse_days, .flags = KEY_APPENDS,
            .words = DAYS_WORDS, .inner = &section_calendar_day),
};
const struct section section_calendar = {
        "calendar",
        calendar_keys,
        ELEMENTSOF(calendar_keys),
        SECTION_CALENDAR,
};

/* evidence and publish */

const char *normalise_path(struct arena *arena, const char *path) {
        char *out = arena_alloc(arena, strlen(path) + 2), *end = out;

        for (const char *p = path; *p;) {
                size_t len = strcspn(p, "/");

                if (len == 2 && p[0] == '.' && p[1] == '.')
                        return NULL;
                if (len > 0 && !(len == 1 && *p == '.')) {
                        if (end > out || *path == '/')
                                *end++ = '/';
                        memcpy(end, p, len);
                        end += len;
                }
                p += len + (p[len] == '/');
        }
        if (end == out && *path == '/')
                *end++ = '/';
        *end = '\0';
        return out;
}

static bool check_absolute(struct reader *rd, const config_setting_t *s, const struct key *key,
                           const char *text) {
        if (*text != '/' || !normalise_path(rd->scratch, text)) {
                rd_error(rd, s, "\"%s\" in '%s' must be an absolute path without \"..\"", text,
                         key->name);
                return false;
        }
        return true;
}

void read_path(struct reader *rd, const config_setting_t *s, const struct key *key, void *target) {
        const char *text = value_text(rd, s, key);

        if (text && *text != '\0' && check_absolute(rd, s, key, text))
                *(const char **)target = normalise_path(rd->arena, text);
}

void read_dir(struct reader *rd, const config_setting_t *s, const struct key *key, void *target) {
        const char *text = value_text(rd, s, key), *dir;

        if (!text)
                return;
        dir = *text == '/' ? NULL : normalise_path(rd->arena, text);
        if (!dir)
                rd_error(rd, s,
                         "the folder \"%s\" lies outside the roots: write a path below "
                         "evidence.roots, without \"..\"",
                         text);
        else
                *(const char **)target = dir;
}

static void parse_roots(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct string_list list, *roots = target;

        rd->roots = rd_source(rd, s);
        (void)value_texts(rd, s, key, check_absolute, &list);
        const char **items = arena_new_array(rd->arena, const char *, list.n);
        for (size_t i = 0; i < list.n; i++)
                items[i] = normalise_path(rd->arena, list.items[i]);
        if (list.n > ROOTS_MAX)
                rd_error(rd, s, "there are more than %d evidence roots: give folders above them",
                         ROOTS_MAX);
        *roots = (struct string_list){.items = items, .n = list.n};
}

static bool check_pattern(struct reader *rd, const config_setting_t *s, const struct key *key,
                          const char *text) {
        const struct pattern *pattern;
        const char *error = "";

        if (pattern_compile(rd->scratch, text, false, &pattern, &error) == 0)
                return true;
        rd_error(rd, s, "\"%s\" in '%s' is no pattern: %s", text, key->name, error);
        return false;
}

static void parse_ignore(struct reader *rd, const config_setting_t *s, const struct key *key,
                         void *target) {
        struct string_array *ignore = target;
        struct string_list list;

        if (!value_texts(rd, s, key, check_pattern, &list))
                return;
        for (size_t i = 0; i < list.n; i++)
                rd_check_oom(rd, array_push(ignore, list.items[i]));
}

static void parse_explanation(struct reader *rd, const config_setting_t *s, const struct key *key,
                              void *target) {
        const char *text = value_text(rd, s, key);

        if (text && *text == '\0')
                *(const char **)target = NULL;
        else if (text && check_pattern(rd, s, key, text))
                *(const char **)target = text;
}

/* Parallel to the roots; "" leaves the root's own path standing. */
static void parse_display(struct reader *rd, const config_setting_t *s, const struct key *key,
                          void *target) {
        bool scalar = config_setting_type(s) == CONFIG_TYPE_STRING;
        struct string_list *display = target;
        size_t n = list_length(s);

        rd->display = rd_source(rd, s);
        if (!scalar && !config_setting_is_list(s) && !config_setting_is_array(s)) {
                rd_wrong_type(rd, s, key);
                return;
        }
        const char **items = arena_new_array(rd->arena, const char *, n);
        for (size_t i = 0; i < n; i++) {
                const char *text =
                        value_text(rd, scalar ? s : config_setting_get_elem(s, (unsigned)i), key);

                items[i] = text && *text ? text : NULL;
        }
        *display = (struct string_list){.items = items, .n = n};
}

static const struct key evidence_keys[] = {
        KEY(SPECIAL, "roots", struct reader, m.evidence.roots, .parse = parse_roots,
            .flags = KEY_REQUIRED,
            .words = "a list of absolute paths such as [ \"/srv/evidence\" ]"),
        KEY(DURATION, "settle", struct reader, m.evidence.settle, .fallback = "5s",
            .max = USEC_PER_DAY),
        KEY(DURATION, "gone_after", struct reader, m.evidence.gone_after, .fallback = "10m",
            .max = 30 * USEC_PER_DAY),
        KEY(DURATION, "rescan", struct reader, m.evidence.rescan, .fallback = "1h",
            .min = 100 * USEC_PER_MSEC, .max = 30 * USEC_PER_DAY),
        KEY(DURATION, "poll", struct reader, m.evidence.poll, .fallback = "5m",
            .min = 100 * USEC_PER_MSEC, .max = 30 * USEC_PER_DAY),
        KEY(SPECIAL, "ignore", struct reader, ignore, .parse = parse_ignore, .flags = KEY_APPENDS,
            .fallback = "none beside the names that are never evidence",
            .words = "a list of patterns such as [ \"*.bak\" ]"),
        KEY(SPECIAL, "explanation", struct reader, m.evidence.explanation,
            .parse = parse_explanation, .fallback = "GIAI-TRINH*",
            .words = "a pattern, or \"\" for none"),
        KEY(SPECIAL, "display", struct reader, m.evidence.display, .parse = parse_display,
            .fallback = "the roots themselves",
            .words = "for each root, in order, how people see it, such as [ \"S:\\\\evidence\" "
                     "]; \"\" for the path itself"),
        KEY(SIZE, "max_size", struct reader, m.evidence.max_size, .fallback = "1G", .min = 1,
            .max = INT64_MAX),
};
const struct section section_evidence = {
        "evidence",
        evidence_keys,
        ELEMENTSOF(evidence_keys),
        SECTION_EVIDENCE,
};

static void parse_publish_dir(struct reader *rd, const config_setting_t *s, const struct key *key,
                              void *target) {
        rd->publish_dir = rd_source(rd, s);
        read_path(rd, s, key, target);
}

static const struct key publish_keys[] = {
        KEY(SPECIAL, "dir", struct reader, m.publish.dir, .parse = parse_publish_dir,
            .fallback = "nothing is published",
            .words = "an absolute path such as \"/var/cache/evidenced\""),
        TEXT("group", struct reader, m.publish.group, .fallback = "the service's own"),
        KEY(BOOL, "html", struct reader, m.publish.html, .fallback = "true"),
        KEY(BOOL, "ics", struct reader, m.publish.ics, .fallback = "true"),
        KEY(BOOL, "metrics", struct reader, m.publish.metrics, .fallback = "true"),
};
const struct section section_publish = {
        "publish",
        publish_keys,
        ELEMENTSOF(publish_keys),
        SECTION_PUBLISH,
};
