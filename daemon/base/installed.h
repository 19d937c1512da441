/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the parts of an installation are that a program of ours needs. */

/**
 * installed_path() - $@variable; else what lies beside the program, as in a build tree; else what is installed
 * @name:      what is looked for, below the program's folder: "/templates"; "" for the folder itself
 * @probe:     what has to be there below it for that: "/evidenced-scan"
 * @installed: where the build was told to install it
 *
 * Return: owned; NULL: no memory.
 */
char *installed_path(const char *variable, const char *name, const char *probe,
                     const char *installed);
