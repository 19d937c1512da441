/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/value.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#define CHUNK_SIZE 8192

struct value_chunk {
        struct value_chunk *next;
        size_t used, size;
        max_align_t data[];
};

void value_pool_done(struct value_pool *pool) {
        struct value_chunk *next;

        for (struct value_chunk *c = pool->chunks; c; c = next) {
                next = c->next;
                free(c);
        }
        pool->chunks = NULL;
        pool->used = 0;
        pool->failed = false;
}

int value_pool_error(const struct value_pool *pool) { return pool->failed ? -ENOMEM : 0; }

static void *pool_alloc(struct value_pool *pool, size_t size) {
        struct value_chunk *c = pool->chunks;
        size_t align = sizeof(max_align_t);
        void *p;

        if (pool->failed || size > SIZE_MAX / 4) {
                pool->failed = true;
                return NULL;
        }
        size = (size + align - 1) / align * align;
        if (sizeof(pool->room) - pool->used >= size) {
                p = (char *)pool->room + pool->used;
                pool->used += size;
                return p;
        }
        if (!c || c->size - c->used < size) {
                size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

                c = malloc(sizeof(*c) + room);
                if (!c) {
                        pool->failed = true;
                        return NULL;
                }
                *c = (struct value_chunk){.next = pool->chunks, .size = room};
                pool->chunks = c;
        }
        p = (char *)c->data + c->used;
        c->used += size;
        return p;
}

static char *pool_strndup(struct value_pool *pool, const char *s, size_t len) {
        char *copy = pool_alloc(pool, len + 1);

        if (!copy)
                return NULL;
        memcpy(copy, s, len);
        copy[len] = '\0';
        return copy;
}

const char *value_keep(struct value_pool *pool, const char *s, size_t len) {
        const char *copy = pool_strndup(pool, s, len);

        return copy ? copy : "";
}

static struct value *new_value(struct value_pool *pool, enum value_type type) {
        struct value *v = pool_alloc(pool, sizeof(*v));

        if (v)
                *v = (struct value){.type = type};
        return v;
}

static struct value *append(struct value *parent, struct value *child) {
        if (!parent || !child)
                return NULL;
        if (parent->last)
                parent->last->next = child;
        else
                parent->first = child;
        parent->last = child;
        return child;
}

static struct value *add_member(struct value_pool *pool, struct value *object, const char *name,
                                enum value_type type) {
        struct value *v = object ? new_value(pool, type) : NULL;

        if (!v)
                return NULL;
        v->name = name;
        v->name_len = (uint32_t)strlen(name);
        return append(object, v);
}

struct value *value_object(struct value_pool *pool) {
        return new_value(pool, VALUE_OBJECT);
}

struct value *value_list_in(struct value_pool *pool, struct value *object, const char *name) {
        return add_member(pool, object, name, VALUE_LIST);
}

struct value *value_object_in(struct value_pool *pool, struct value *object, const char *name) {
        return add_member(pool, object, name, VALUE_OBJECT);
}

struct value *value_add_object(struct value_pool *pool, struct value *list) {
        return list ? append(list, new_value(pool, VALUE_OBJECT)) : NULL;
}

struct value *value_add_text(struct value_pool *pool, struct value *list, const char *text) {
        struct value *v = list ? new_value(pool, VALUE_TEXT) : NULL;

        if (!v)
                return NULL;
        v->text = pool_strndup(pool, text, strlen(text));
        return v->text ? append(list, v) : NULL;
}

void value_set(struct value_pool *pool, struct value *object, const char *name, const char *text) {
        struct value *v;
        char *copy;

        if (!object)
                return;
        text = text ? text : "";
        copy = pool_strndup(pool, text, strlen(text));
        v = copy ? add_member(pool, object, name, VALUE_TEXT) : NULL;
        if (v)
                v->text = copy;
}

void value_setf(struct value_pool *pool, struct value *object, const char *name, const char *format,
                ...) {
        struct strbuf b = STRBUF_INIT;
        va_list ap;

        va_start(ap, format);
        strbuf_addv(&b, format, ap);
        va_end(ap);
        if (strbuf_error(&b) < 0)
                pool->failed = true;
        else
                value_set(pool, object, name, strbuf_str(&b));
        strbuf_done(&b);
}

void value_set_flag(struct value_pool *pool, struct value *object, const char *name, bool on) {
        struct value *v = add_member(pool, object, name, VALUE_TEXT);

        if (v)
                v->text = on ? "1" : "";
}

const struct value *value_get(const struct value *object, const char *name, size_t len) {
        const struct value *found = NULL;

        if (!object || object->type != VALUE_OBJECT)
                return NULL;
        for (const struct value *v = object->first; v; v = v->next)
                if (v->name_len == len && memcmp(v->name, name, len) == 0)
                        found = v;
        return found;
}

bool value_is_true(const struct value *value) {
        if (!value)
                return false;
        switch (value->type) {
        case VALUE_TEXT:
                return value->text[0] != '\0';
        case VALUE_LIST:
                return value->first;
        case VALUE_OBJECT:
                break;
        }
        return true;
}
