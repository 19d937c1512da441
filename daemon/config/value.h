/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to config/: single values of the configuration, checked and converted. Each parser leaves its target
 * untouched when it reports an error.
 */

#include "config/reader.h"

/** value_parse() - by the key's own parser or its type's */
void value_parse(struct reader *rd, const config_setting_t *s, const struct key *key, void *target);

/**
 * value_text() - a text as one line of NFC in the model's arena
 * Return: NULL after an error was reported; "" is a text.
 */
const char *value_text(struct reader *rd, const config_setting_t *s, const struct key *key);

/** value_texts() - a text or a list of them, each through @check (may be NULL), which reports errors itself */
typedef bool (*text_check_fn)(struct reader *rd, const config_setting_t *s, const struct key *key,
                              const char *text);
bool value_texts(struct reader *rd, const config_setting_t *s, const struct key *key,
                 text_check_fn check, struct string_list *ret);

/** value_time() - "07:30", "07:30:15", up to "24:00": second of the day. Return: 0 or -EINVAL. */
int value_time(const char *text, int *ret);
/** value_is_id() - may @text name something? Not empty, no blanks, none of / @ , and no leading dot. */
bool value_is_id(const char *text);
/** value_address() - that of a sender: ASCII, so that nobody needs SMTPUTF8 who does not have such an address */
void value_address(struct reader *rd, const config_setting_t *s, const struct key *key,
                   struct address *ret);
/** value_addresses() - an address or a list of them */
bool value_addresses(struct reader *rd, const config_setting_t *s, const struct key *key,
                     struct address_list *ret);
