/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/sections.h"

#include <string.h>

#include "config/value.h"

static const char *const language_words[_LANGUAGE_MAX] = {
        [LANGUAGE_VI] = "vi", [LANGUAGE_EN] = "en"};

static const struct key area_keys[] = {
        KEY(ID, "id", struct area_draft, area.id, .flags = KEY_REQUIRED),
        TEXT("title", struct area_draft, area.title, .fallback = "its id"),
        KEY(POINTS, "points", struct area_draft, area.points, .fallback = "the sum of its tasks"),
        KEY(BOOL, "unassigned", struct area_draft, area.unassigned, .fallback = "false"),
};
const struct section section_area = {"areas", area_keys, ELEMENTSOF(area_keys), SECTION_REPEATED};

static void read_area(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        struct area_draft draft = {.area = {.points = -1, .source = rd_source(rd, s)}};

        (void)target;
        rd->bad = false;
        (void)read_group(rd, s, key->inner, &draft);
        draft.bad = rd->bad;
        if (!draft.area.title)
                draft.area.title = draft.area.id;
        if (draft.area.id)
                rd_check_oom(rd, array_push(&rd->areas, draft));
}

void read_areas(struct reader *rd, const config_setting_t *s, const struct key *key, void *target) {
        read_list(rd, s, key, read_area, target);
}

static bool is_reserved_role(const char *name) {
        return strcmp(name, "unit") == 0 || strcmp(name, "owner") == 0 ||
               strcmp(name, "co_units") == 0;
}

static const struct role *find_role(const struct role *roles, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(roles[i].name, name) == 0)
                        return &roles[i];
        return NULL;
}

/* One setting of a roles group: its name is the role. */
static bool read_role(struct reader *rd, const config_setting_t *s, struct role *ret) {
        struct key key = {.name = s->name, .type = KEY_ADDRESSES};
        struct address_list who = {};

        if (is_reserved_role(s->name)) {
                rd_error(rd, s,
                         "'%s' is built in and stands for the unit or the task's own addresses: "
                         "choose another name",
                         s->name);
                return false;
        }
        (void)value_addresses(rd, s, &key, &who);
        *ret = (struct role){
                .name = arena_strdup(rd->arena, s->name), .who = who, .source = rd_source(rd, s)};
        return true;
}

static void parse_unit_roles(struct reader *rd, const config_setting_t *s, const struct key *key,
                             void *target) {
        struct role_list *roles = target;
        size_t n = 0;

        if (!config_setting_is_group(s)) {
                rd_wrong_type(rd, s, key);
                return;
        }
        int length = config_setting_length(s);
        struct role *items = arena_new_array(rd->arena, struct role, (size_t)length);
        for (int i = 0; i < length; i++)
                n += read_role(rd, config_setting_get_elem(s, (unsigned)i), &items[n]);
        *roles = (struct role_list){.items = items, .n = n};
}

#define ROLES_WORDS .words = "a group of roles such as { head = [ \"chanhvp@skhcn.example\" ]; }"
static const struct key unit_keys[] = {
        KEY(ID, "id", struct unit_draft, unit.id, .flags = KEY_REQUIRED),
        TEXT("name", struct unit_draft, unit.name, .fallback = "its id"),
        KEY(ADDRESSES, "mail", struct unit_draft, unit.mail, .flags = KEY_REQUIRED),
        KEY(CHOICE, "language", struct unit_draft, language, CHOICES(language_words),
            .fallback = "the organisation's", .words = "\"vi\" or \"en\""),
        KEY(SPECIAL, "roles", struct unit_draft, unit.roles, .parse = parse_unit_roles,
            ROLES_WORDS),
};
const struct section section_unit = {"units", unit_keys, ELEMENTSOF(unit_keys), SECTION_REPEATED};

static void read_unit(struct reader *rd, const config_setting_t *s, const struct key *key,
                      void *target) {
        struct unit_draft *draft = arena_alloc(rd->scratch, sizeof(*draft));

        (void)target;
        *draft = (struct unit_draft){.language = -1, .unit.source = rd_source(rd, s)};
        rd->bad = false;
        (void)read_group(rd, s, key->inner, draft);
        if (!rd->bad && draft->unit.mail.n == 0)
                rd_error(rd, s, "unit '%s' has no mail address: add mail = [ \"…\" ]",
                         draft->unit.id);
        draft->bad = rd->bad;
        if (!draft->unit.name)
                draft->unit.name = draft->unit.id;
        if (draft->unit.id)
                rd_check_oom(rd, array_push(&rd->units, draft));
}

void read_units(struct reader *rd, const config_setting_t *s, const struct key *key, void *target) {
        read_list(rd, s, key, read_unit, target);
}

void read_roles(struct reader *rd, const config_setting_t *s, const struct key *key, void *target) {
        (void)target;
        if (!config_setting_is_group(s)) {
                rd_wrong_type(rd, s, key);
                return;
        }
        for (int i = 0, n = config_setting_length(s); i < n; i++) {
                const config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
                const struct role *before = find_role(rd->roles.items, rd->roles.n, child->name);
                struct role role;

                if (before)
                        rd_error(rd, child,
                                 "role '%s' is given twice, first at %s:%u: remove one of the two",
                                 child->name, before->source.file, before->source.line);
                else if (read_role(rd, child, &role))
                        rd_check_oom(rd, array_push(&rd->roles, role));
        }
}
