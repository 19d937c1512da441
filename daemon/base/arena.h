/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Memory that lives and dies together: a bump allocator in large chunks. The checked model lives in one,
 * so that a reload frees it in a few calls and the memory goes back to the system.
 * Not for things that are freed one by one.
 */

#include <stddef.h>

#include "base/cleanup.h"

struct arena;

/** arena_new() - an empty arena. Return: owned by the caller, NULL when out of memory. */
struct arena *arena_new(void);
struct arena *arena_free(struct arena *arena);
DEFINE_CLEANUP(struct arena *, arena_free)

/**
 * arena_alloc() - zeroed memory, aligned for any type, owned by the arena
 * @size: bytes; 0 gives a valid, unique pointer
 *
 * Return: never NULL; running out of memory ends the process with a message (a model that does not fit
 * cannot be run, and the caller is the configuration of a service that keeps its old one elsewhere).
 */
void *arena_alloc(struct arena *arena, size_t size);
/* As above, with the product checked. */
void *arena_alloc_array(struct arena *arena, size_t n, size_t item_size);
char *arena_strdup(struct arena *arena, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *s, size_t n);
char *arena_printf(struct arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#define arena_new_array(arena, type, n) ((type *)arena_alloc_array((arena), (n), sizeof(type)))
