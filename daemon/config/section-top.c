/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/sections.h"

#include <string.h>

#include "config/value.h"

static void parse_singleton(struct reader *rd, const config_setting_t *s, const struct key *key,
                            void *target) {
        (void)read_group(rd, s, key->inner, target);
}

/* Every file may hold any of these; lists go on from file to file, groups are merged key by key. */
static const struct key top_keys[] = {
        {"organization", KEY_GROUP, .parse = parse_singleton, .inner = &section_organization},
        {"calendar", KEY_GROUP, .parse = parse_singleton, .inner = &section_calendar},
        {"mail", KEY_GROUP, .parse = parse_singleton, .inner = &section_mail},
        {"evidence", KEY_GROUP, .parse = parse_singleton, .inner = &section_evidence},
        {"publish", KEY_GROUP, .parse = parse_singleton, .inner = &section_publish},
        {"areas", KEY_LIST, .parse = read_areas, .inner = &section_area},
        {"units", KEY_LIST, .parse = read_units, .inner = &section_unit},
        {"roles", KEY_GROUP, .parse = read_roles},
        {"policies", KEY_LIST, .parse = read_policies, .inner = &section_policy},
        {"reports", KEY_LIST, .parse = read_reports, .inner = &section_report},
        {"tasks", KEY_LIST, .parse = read_tasks, .inner = &section_task},
};
static const struct section section_top = {"the configuration", top_keys, ELEMENTSOF(top_keys),
                                           SECTION_REPEATED};

void read_top(struct reader *rd, const config_setting_t *root) {
        (void)read_group(rd, root, &section_top, rd);
}

/* What holds where nothing is said. */
void reader_defaults(struct reader *rd) {
        struct model *m = &rd->m;

        m->organization.language = LANGUAGE_VI;
        m->organization.points = -1;
        m->organization.closes = DATE_NONE;
        rd->calendar = (struct calendar_settings){
                .workdays = 0x1f, /* Monday to Friday */
                .send_at = 7 * 3600 + 30 * 60,
                .window_start = 7 * 3600,
                .window_end = 18 * 3600,
                .close_of_day = 24 * 3600,
        };
        m->mail.connections = 4;
        m->mail.retry_for = 5 * USEC_PER_DAY;
        m->mail.daily_limit = 12;
        m->mail.calendar_attachment = true;
        m->evidence.settle = 5 * USEC_PER_SEC;
        m->evidence.gone_after = 10 * USEC_PER_MINUTE;
        m->evidence.rescan = USEC_PER_HOUR;
        m->evidence.poll = 5 * USEC_PER_MINUTE;
        m->evidence.explanation = "GIAI-TRINH*";
        m->evidence.max_size = UINT64_C(1) << 30;
        m->publish.html = m->publish.ics = m->publish.metrics = true;
}

#define SCHEMA_MAX 160

static void list_keys(const struct section *section, const char *path, struct schema_key *out,
                      size_t *n) {
        for (size_t i = 0; i < section->n_keys && *n < SCHEMA_MAX; i++) {
                const struct key *key = &section->keys[i];

                out[(*n)++] = (struct schema_key){
                        .section = path,
                        .name = key->name,
                        .takes = key_words(key),
                        .fallback = key->fallback,
                        .required = key->flags & KEY_REQUIRED,
                };
        }
        for (size_t i = 0; i < section->n_keys; i++) {
                const struct section *inner = section->keys[i].inner;

                if (inner &&
                    !(inner == &section_calendar_day && strcmp(section->keys[i].name, "work") == 0))
                        list_keys(inner, inner->path, out, n);
        }
}

const struct schema_key *config_schema_keys(size_t *ret_n) {
        static struct schema_key keys[SCHEMA_MAX];
        static size_t n;

        if (n == 0) {
                list_keys(&section_top, "", keys, &n);
                const char *words = "a list of mail addresses such as [ \"vp@skhcn.example\" ]";
                keys[n++] = (struct schema_key){"roles", "*", words, NULL, false};
                keys[n++] = (struct schema_key){"units.roles", "*", words, NULL, false};
        }
        *ret_n = n;
        return keys;
}
