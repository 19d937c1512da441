/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The shipped configuration, made from conf/ by CMake. Ends with a NULL path. */

struct starter_file {
        const char *path; /* "tasks.d/README" */
        const char *text;
};
extern const struct starter_file starter_files[];
