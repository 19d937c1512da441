/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A map from strings to pointers. Keys are copied; values are the caller's. The hash is seeded per map, since keys come
 * from file names. Not ordered.
 */

#include <stddef.h>

struct strmap;

struct strmap *strmap_new(void); /* NULL when out of memory */
struct strmap *strmap_free(struct strmap *map);
void *strmap_get(const struct strmap *map, const char *key); /* NULL: not there */
/** strmap_put() - @value not NULL; replaces what was there. Return: 0 or -ENOMEM. */
int strmap_put(struct strmap *map, const char *key, void *value);
void *strmap_remove(struct strmap *map, const char *key); /* the value, or NULL */
size_t strmap_size(const struct strmap *map);
/** Walks in no order; start with *@cursor = 0. Return: the next value, NULL at the end. Removing while walking is not allowed. */
void *strmap_next(const struct strmap *map, size_t *cursor, const char **ret_key);
