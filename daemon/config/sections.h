/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to config/: the tables of keys, one per section, and the parsers that only they use. Which keys there are
 * is documented in evidenced.conf(5) and evidenced-tasks(5); a test compares.
 */

#include "config/reader.h"

#define TEXT(n, s, f, ...)                                                                         \
        { .name = n, .type = KEY_TEXT, .offset = offsetof(s, f), ##__VA_ARGS__ }
#define KEY(t, n, s, f, ...)                                                                       \
        { .name = n, .type = KEY_##t, .offset = offsetof(s, f), ##__VA_ARGS__ }
#define CHOICES(a) .choices = (a), .n_choices = ELEMENTSOF(a)

extern const struct section section_organization, section_calendar,
        section_calendar_day; /* section-general.c */
extern const struct section section_evidence, section_publish;
extern const struct section section_mail, section_server;                 /* section-mail.c */
extern const struct section section_area, section_unit;                   /* section-people.c */
extern const struct section section_policy, section_step, section_report; /* section-policy.c */
extern const struct section section_task, section_due, section_task_evidence,
        section_need; /* section-task.c */

/* Parsers of whole top-level settings; the target is the reader itself. */
void read_areas(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);
void read_units(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);
void read_roles(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);
void read_policies(struct reader *rd, const config_setting_t *s, const struct key *key,
                   void *target);
void read_reports(struct reader *rd, const config_setting_t *s, const struct key *key,
                  void *target);
void read_tasks(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);

/** read_dir() - a folder below a root: relative, normalised, without ".." */
void read_dir(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);
/** read_path() - an absolute path, normalised */
void read_path(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);
/** normalise_path() - without empty and "." parts. Return: NULL when it holds "..". */
const char *normalise_path(struct arena *arena, const char *path);

/* The target of the singletons: all that they fill. */
void reader_defaults(struct reader *rd);
/** read_file_tree() - the top of one file; section.c */
void read_top(struct reader *rd, const config_setting_t *root);
