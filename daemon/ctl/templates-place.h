/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the wording of mails is found. */

struct findings;
struct templates;

/**
 * find_templates() - $EVIDENCED_TEMPLATES, else what lies beside the program (a build tree), else the installed ones;
 *                    replaced by files of the same name in `templates` beside the configuration
 * @config: path of evidenced.conf
 *
 * Return: 0, or the exit status after the reason was printed.
 */
int find_templates(const char *config, struct templates **ret);

/** check_templates() - what find_templates() would refuse, as findings. Return: 0, -EINVAL with findings, -errno. */
int check_templates(const char *config, struct findings *findings);
