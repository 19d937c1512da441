/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/** write_new_file() - a file that is not there yet, 0644; what could only be written in part is taken away again.
 *  Return: 0, -EEXIST, -errno. */
int write_new_file(const char *path, const char *text);
