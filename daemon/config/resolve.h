/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Internal to config/: from drafts to the model. Names become pointers, defaults are filled in, and what is missing,
 * double or unknown is reported. Warnings about what could work are check.h's.
 */

#include "config/reader.h"

/**
 * resolve_model() - completes rd->m; arrays are in the model's arena
 *
 * Afterwards every pointer in the model is valid, also when errors were found: what could not be resolved is left out.
 */
void resolve_model(struct reader *rd);

#define STAND_IN_ID "-" /* unit of tasks that nobody owns, and area of tasks that are in none */
