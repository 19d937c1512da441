/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/address.h"

#define POINTS_MAX 1000000 /* of anything; a sum of many still fits */

static const char *plain_words(enum key_type type) {
        switch (type) {
        case KEY_TEXT:
                return "text in double quotes";
        case KEY_ID:
                return "an id in double quotes such as \"1.2\"";
        case KEY_BOOL:
                return "true or false";
        case KEY_INT:
                return "a whole number";
        case KEY_POINTS:
                return "a number of points such as 2.0 or 12.5";
        case KEY_DATE:
                return "a date such as \"2018-11-30\"";
        case KEY_DURATION:
                return "a duration such as \"5s\", \"10m\", \"1h\" or \"5d\"";
        case KEY_SIZE:
                return "a size such as \"10K\" or \"2M\"";
        case KEY_TIME:
                return "a time of day such as \"07:30\"";
        case KEY_CHOICE:
                return "one of the words it knows";
        case KEY_TEXTS:
                return "a list of texts such as [ \"a\", \"b\" ]";
        case KEY_IDS:
                return "a list of ids such as [ \"VP\", \"KHTC\" ]";
        case KEY_ADDRESS:
                return "a mail address such as \"Name <local@domain>\"";
        case KEY_ADDRESSES:
                return "a list of mail addresses such as [ \"vp@skhcn.example\" ]";
        case KEY_GROUP:
                return "a group { … }";
        case KEY_LIST:
                return "a list of groups ( { … }, { … } )";
        case KEY_SPECIAL:
        case _KEY_TYPE_MAX:
                break;
        }
        return "something else";
}

const char *key_words(const struct key *key) {
        return key->words ? key->words : plain_words(key->type);
}

static bool check_text(struct reader *rd, const config_setting_t *s, const struct key *key,
                       const char *text) {
        if (strlen(text) > TEXT_MAX) {
                rd_error(rd, s, "the text of '%s' is longer than %d bytes: shorten it", key->name,
                         TEXT_MAX);
                return false;
        }
        for (const char *p = text; *p; p++) {
                if (*p == '\n' || *p == '\r') {
                        rd_error(rd, s,
                                 "the text of '%s' contains a line break: is a closing \" missing?",
                                 key->name);
                        return false;
                }
                if ((unsigned char)*p < 0x20 || *p == 0x7f) {
                        rd_error(rd, s, "the text of '%s' contains a control character: remove it",
                                 key->name);
                        return false;
                }
        }
        return true;
}

const char *value_text(struct reader *rd, const config_setting_t *s, const struct key *key) {
        if (config_setting_type(s) != CONFIG_TYPE_STRING) {
                rd_wrong_type(rd, s, key);
                return NULL;
        }
        const char *text = config_setting_get_string(s);
        size_t len = strlen(text);

        if (!check_text(rd, s, key, text))
                return NULL;
        if (!utf8_valid(text, len)) { /* \x escapes can make it so */
                rd_error(rd, s,
                         "the text of '%s' is not valid UTF-8: write characters instead of \\x "
                         "escapes",
                         key->name);
                return NULL;
        }
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p >= 0x80) {
                        _cleanup_free_ char *nfc = text_nfc(text);
                        if (!nfc)
                                rd->findings->failed = true;
                        return nfc ? arena_strdup(rd->arena, nfc) : NULL;
                }
        return arena_strndup(rd->arena, text, len);
}

bool value_is_id(const char *text) {
        size_t len = strlen(text);

        if (len == 0 || len > ID_MAX || *text == '.' || *text == '-')
                return false;
        for (const char *p = text; *p; p++)
                if (isspace((unsigned char)*p) || strchr("/@,;\"'\\<>|*?{}", *p))
                        return false;
        return true;
}

static bool check_id(struct reader *rd, const config_setting_t *s, const struct key *key,
                     const char *text) {
        if (value_is_id(text))
                return true;
        rd_error(rd, s,
                 "'%s' is no id for '%s': 1 to %d bytes, no blanks, none of / @ , ; * ? { }, no "
                 "dot or hyphen in front",
                 text, key->name, ID_MAX);
        return false;
}

bool value_texts(struct reader *rd, const config_setting_t *s, const struct key *key,
                 text_check_fn check, struct string_list *ret) {
        size_t n = list_length(s), kept = 0;
        bool scalar = config_setting_type(s) == CONFIG_TYPE_STRING, ok = true;

        if (!scalar && !config_setting_is_array(s) && !config_setting_is_list(s)) {
                rd_wrong_type(rd, s, key);
                return false;
        }
        const char **items = arena_new_array(rd->arena, const char *, n);
        for (size_t i = 0; i < n; i++) {
                const config_setting_t *child =
                        scalar ? s : config_setting_get_elem(s, (unsigned)i);
                const char *text = value_text(rd, child, key);

                if (!text) {
                        ok = false;
                } else if (*text == '\0') {
                        rd_error(rd, child, "'%s' contains an empty text: remove it", key->name);
                        ok = false;
                } else if (check && !check(rd, child, key, text)) {
                        ok = false;
                } else {
                        items[kept++] = text;
                }
        }
        *ret = (struct string_list){.items = items, .n = kept};
        return ok;
}

bool value_addresses(struct reader *rd, const config_setting_t *s, const struct key *key,
                     struct address_list *ret) {
        struct string_list texts;
        size_t kept = 0;
        bool ok = value_texts(rd, s, key, NULL, &texts);

        if (!ok && !config_setting_is_array(s) && !config_setting_is_list(s))
                return false;
        struct address *items = arena_new_array(rd->arena, struct address, texts.n);
        for (size_t i = 0; i < texts.n; i++) {
                const char *error;

                if (address_parse(rd->arena, texts.items[i], &items[kept], &error) < 0) {
                        rd_error(rd, s, "\"%s\" in '%s': %s", texts.items[i], key->name, error);
                        ok = false;
                        continue;
                }
                kept++;
        }
        *ret = (struct address_list){.items = items, .n = kept};
        return ok;
}

int value_time(const char *text, int *ret) {
        int hour, minute, second = 0, used = 0;

        for (const char *p = text; *p; p++)
                if (!isdigit((unsigned char)*p) && *p != ':')
                        return -EINVAL;
        if (strlen(text) == 5)
                (void)sscanf(text, "%2d:%2d%n", &hour, &minute, &used);
        else if (strlen(text) == 8)
                (void)sscanf(text, "%2d:%2d:%2d%n", &hour, &minute, &second, &used);
        if (used == 0 || text[used] != '\0')
                return -EINVAL;
        if (hour > 24 || minute > 59 || second > 59 || (hour == 24 && minute + second > 0))
                return -EINVAL;
        *ret = hour * 3600 + minute * 60 + second;
        return 0;
}

static void parse_text(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        const char *text = value_text(rd, s, key);

        if (!text)
                return;
        if (*text == '\0' && (key->flags & KEY_REQUIRED)) {
                rd_error(rd, s, "'%s' is empty: it takes %s", key->name, key_words(key));
                return;
        }
        *(const char **)target = *text ? text : NULL;
}

static void parse_id(struct reader *rd, const config_setting_t *s, const struct key *key,
                     void *target) {
        const char *text = value_text(rd, s, key);

        if (text && check_id(rd, s, key, text))
                *(const char **)target = text;
}

static void parse_bool(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
                rd_wrong_type(rd, s, key);
        else
                *(bool *)target = config_setting_get_bool(s);
}

static void parse_int(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        if (config_setting_type(s) != CONFIG_TYPE_INT) {
                rd_wrong_type(rd, s, key);
                return;
        }
        int value = config_setting_get_int(s);
        if (value < key->min || value > key->max) {
                rd_error(rd, s, "'%s' must be from %lld to %lld, not %d", key->name,
                         (long long)key->min, (long long)key->max, value);
                return;
        }
        *(uint32_t *)target = (uint32_t)value;
}

static void parse_points(struct reader *rd, const config_setting_t *s, const struct key *key,
                         void *target) {
        double value;

        if (config_setting_type(s) == CONFIG_TYPE_INT)
                value = config_setting_get_int(s);
        else if (config_setting_type(s) == CONFIG_TYPE_FLOAT)
                value = config_setting_get_float(s);
        else {
                rd_wrong_type(rd, s, key);
                return;
        }
        if (!__builtin_isfinite(value) || value < 0 || value > POINTS_MAX) {
                rd_error(rd, s, "'%s' must be from 0 to %d points", key->name, POINTS_MAX);
                return;
        }
        double hundredths = (double)(int64_t)(value * 100 + 0.5); /* round() would need libm */
        if (__builtin_fabs(value * 100 - hundredths) > 1e-6) {
                rd_error(rd, s, "'%s' is %.10g points: at most two decimals, please", key->name,
                         value);
                return;
        }
        *(points_t *)target = (points_t)hundredths;
}

static void parse_date(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        const char *text = value_text(rd, s, key);
        date_t date;

        if (!text)
                return;
        int r = date_parse(text, &date);
        if (r == -ERANGE)
                rd_error(rd, s, "there is no day \"%s\" ('%s')", text, key->name);
        else if (r < 0)
                rd_error(rd, s, "\"%s\" is no date for '%s': write it as \"2018-11-30\"", text,
                         key->name);
        else
                *(date_t *)target = date;
}

static void parse_time(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        const char *text = value_text(rd, s, key);

        if (text && value_time(text, target) < 0)
                rd_error(rd, s, "\"%s\" is no time of day for '%s': write it as \"07:30\"", text,
                         key->name);
}

static void say_duration_range(struct reader *rd, const config_setting_t *s, const struct key *key,
                               const char *text) {
        rd_error(rd, s, "\"%s\" is out of range for '%s': from %g s to %g days", text, key->name,
                 (double)key->min / (double)USEC_PER_SEC, (double)key->max / (double)USEC_PER_DAY);
}

static void parse_duration_key(struct reader *rd, const config_setting_t *s, const struct key *key,
                               void *target) {
        const char *text = value_text(rd, s, key);
        int64_t value;

        if (!text)
                return;
        int r = parse_duration(text, &value);
        if (r == -ERANGE || (r == 0 && (value < key->min || value > key->max)))
                say_duration_range(rd, s, key, text);
        else if (r < 0)
                rd_error(rd, s,
                         "\"%s\" is no duration for '%s': write it as \"5s\", \"10m\", \"1h\" or "
                         "\"5d\"",
                         text, key->name);
        else
                *(usec_t *)target = value;
}

static void parse_size_key(struct reader *rd, const config_setting_t *s, const struct key *key,
                           void *target) {
        const char *text = value_text(rd, s, key);
        uint64_t value;

        if (!text)
                return;
        if (parse_size(text, &value) < 0 || value < (uint64_t)key->min ||
            value > (uint64_t)key->max)
                rd_error(rd, s, "\"%s\" is no size for '%s': write it as \"10K\", \"2M\" or \"1G\"",
                         text, key->name);
        else
                *(uint64_t *)target = value;
}

static void parse_choice(struct reader *rd, const config_setting_t *s, const struct key *key,
                         void *target) {
        const char *text = value_text(rd, s, key);

        if (!text)
                return;
        for (size_t i = 0; i < key->n_choices; i++)
                if (strcmp(text, key->choices[i]) == 0) {
                        if (key->flags & KEY_TO_BOOL)
                                *(bool *)target = i > 0;
                        else
                                *(int *)target = (int)i;
                        return;
                }
        rd_error(rd, s, "\"%s\" is nothing that '%s' knows: it takes %s", text, key->name,
                 key_words(key));
}

static void parse_texts(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        (void)value_texts(rd, s, key, NULL, target);
}

static void parse_ids(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        (void)value_texts(rd, s, key, check_id, target);
}

void value_address(struct reader *rd, const config_setting_t *s, const struct key *key,
                   struct address *ret) {
        const char *text = value_text(rd, s, key), *error;
        struct address address;

        if (!text)
                return;
        if (address_parse(rd->arena, text, &address, &error) < 0)
                rd_error(rd, s, "\"%s\" in '%s': %s", text, key->name, error);
        else if (!address_is_ascii(&address))
                rd_error(rd, s,
                         "\"%s\" in '%s': a mail that comes from there, or is answered there, must "
                         "be ASCII before the @, so that every server takes it",
                         text, key->name);
        else
                *ret = address;
}

static void parse_address(struct reader *rd, const config_setting_t *s, const struct key *key,
                          void *target) {
        value_address(rd, s, key, target);
}

static void parse_addresses(struct reader *rd, const config_setting_t *s, const struct key *key,
                            void *target) {
        (void)value_addresses(rd, s, key, target);
}

static void parse_group(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        if (!config_setting_is_group(s))
                rd_wrong_type(rd, s, key);
        else
                (void)read_group(rd, s, key->inner, target);
}

static const key_parse_fn parsers[_KEY_TYPE_MAX] = {
        [KEY_TEXT] = parse_text,
        [KEY_ID] = parse_id,
        [KEY_BOOL] = parse_bool,
        [KEY_INT] = parse_int,
        [KEY_POINTS] = parse_points,
        [KEY_DATE] = parse_date,
        [KEY_DURATION] = parse_duration_key,
        [KEY_SIZE] = parse_size_key,
        [KEY_TIME] = parse_time,
        [KEY_CHOICE] = parse_choice,
        [KEY_TEXTS] = parse_texts,
        [KEY_IDS] = parse_ids,
        [KEY_ADDRESS] = parse_address,
        [KEY_ADDRESSES] = parse_addresses,
        [KEY_GROUP] = parse_group,
};

void value_parse(struct reader *rd, const config_setting_t *s, const struct key *key,
                 void *target) {
        key_parse_fn parse = key->parse ? key->parse : parsers[key->type];

        parse(rd, s, key, target);
}
