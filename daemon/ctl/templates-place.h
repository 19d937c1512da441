/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the wording of mails is found. */

struct templates;

/**
 * find_templates() - those of templates_place(), replaced by files of the same name in `templates` beside the configuration
 * @config: path of evidenced.conf
 *
 * Return: 0, or the exit status after the reason was printed.
 */
int find_templates(const char *config, struct templates **ret);
