/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to config/: instances that look into the same folder, or one below the other's, with patterns that a file
 * can match both of. Warned about once per pair of tasks.
 */

#include "config/reader.h"
#include "core/instance.h"

void check_folders(struct reader *rd, const struct instance_set *set);
