/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A small tree of texts, lists and objects: what a template is rendered from. It only grows; everything lives in one
 * pool and goes with it. An allocation that fails is remembered (value_pool_error), so that a long composition checks once.
 * What is a number, a date or an amount of points is a text here: message/words.h knows how people write them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct value_chunk;

/* Not to be moved: what is kept first lies in the pool itself, so that a subject allocates nothing. */
struct value_pool {
        struct value_chunk *chunks; /* owned */
        size_t used;                /* of room */
        bool failed;
        max_align_t room[160];
};

#define VALUE_POOL_INIT                                                                            \
        (struct value_pool) {}

void value_pool_done(struct value_pool *pool);
int value_pool_error(const struct value_pool *pool); /* 0 or -ENOMEM */

enum value_type { VALUE_TEXT, VALUE_LIST, VALUE_OBJECT };

struct value {
        enum value_type type;
        uint32_t name_len;
        const char *name; /* of a member of an object; else NULL; borrowed */
        const char *text;
        struct value *first, *last,
                *next; /* members or items, in order; next: the following sibling */
};

/** value_keep() - a copy of @len bytes that lives as long as the pool. Return: never NULL: "" when out of memory. */
const char *value_keep(struct value_pool *pool, const char *s, size_t len);

/* Each returns NULL when out of memory; all take NULL for a value and then do nothing. Texts are copied, names are
 * borrowed: most are literals. */
struct value *value_object(struct value_pool *pool);
struct value *value_list_in(struct value_pool *pool, struct value *object, const char *name);
struct value *value_object_in(struct value_pool *pool, struct value *object, const char *name);
/** Appends to a list. */
struct value *value_add_object(struct value_pool *pool, struct value *list);
struct value *value_add_text(struct value_pool *pool, struct value *list, const char *text);
/** value_set() - NULL is "", which is false, and hides a member of that name further out. A name may be set again: the last one
 *  counts. */
void value_set(struct value_pool *pool, struct value *object, const char *name, const char *text);
void value_setf(struct value_pool *pool, struct value *object, const char *name, const char *format,
                ...) __attribute__((format(printf, 4, 5)));
void value_set_flag(struct value_pool *pool, struct value *object, const char *name, bool on);

/** value_get() - a member; NULL when @object is none or has no such member. @len: of @name. */
const struct value *value_get(const struct value *object, const char *name, size_t len);
/** value_is_true() - is it there, and no empty list and no empty text? */
bool value_is_true(const struct value *value);
