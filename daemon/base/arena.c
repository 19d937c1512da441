/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Mapped, not from malloc(): comes zeroed, untouched pages cost nothing, and unmapping gives all of
 * it back. */
#define CHUNK_SIZE ((size_t)1 << 20)
#define ALIGNMENT alignof(max_align_t)

#ifdef __SANITIZE_ADDRESS__
#define ARENA_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_CHECKED 1
#endif
#endif
#ifndef ARENA_CHECKED
#define ARENA_CHECKED 0
#endif

struct chunk {
        struct chunk *next; /* owned */
        size_t size, used;  /* bytes, this header included */
};

struct arena {
        struct chunk *chunks; /* owned; the first one is filled */
};

__attribute__((noreturn)) static void out_of_memory(void) {
        static const char message[] = "evidenced: out of memory\n";

        fwrite(message, 1, sizeof(message) - 1, stderr);
        abort();
}

static size_t align_up(size_t size) { return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1); }

/* Under AddressSanitizer each allocation is a chunk of malloc's, so that it is checked like any
 * other. */
static struct chunk *chunk_new(size_t size) {
        struct chunk *c;

        if (ARENA_CHECKED) {
                c = calloc(1, size);
        } else {
                c = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (c == MAP_FAILED)
                        c = NULL;
        }
        if (!c)
                out_of_memory();
        c->size = size;
        c->used = align_up(sizeof(struct chunk));
        return c;
}

static void chunk_free(struct chunk *c) {
        if (ARENA_CHECKED)
                free(c);
        else
                munmap(c, c->size);
}

struct arena *arena_new(void) {
        return calloc(1, sizeof(struct arena));
}

struct arena *arena_free(struct arena *arena) {
        struct chunk *c, *next;

        if (!arena)
                return NULL;
        for (c = arena->chunks; c; c = next) {
                next = c->next;
                chunk_free(c);
        }
        free(arena);
        return NULL;
}

/* A chunk with @size bytes free; big requests get one of their own behind the one being filled. */
static struct chunk *chunk_for(struct arena *arena, size_t size) {
        size_t header = align_up(sizeof(struct chunk));
        struct chunk *first = arena->chunks, *c;

        if (first && first->size - first->used >= size)
                return first;
        if (ARENA_CHECKED || size > CHUNK_SIZE / 4) {
                c = chunk_new(header + size);
                if (first) {
                        c->next = first->next;
                        first->next = c;
                        return c;
                }
        } else {
                c = chunk_new(CHUNK_SIZE);
        }
        c->next = first;
        arena->chunks = c;
        return c;
}

void *arena_alloc(struct arena *arena, size_t size) {
        struct chunk *c;
        void *p;

        if (size > PTRDIFF_MAX / 2)
                out_of_memory();
        if (!ARENA_CHECKED || size == 0)
                size = align_up(size ? size : 1);
        c = chunk_for(arena, size);
        p = (char *)c + c->used;
        c->used += size;
        return p;
}

void *arena_alloc_array(struct arena *arena, size_t n, size_t item_size) {
        size_t size;

        if (__builtin_mul_overflow(n, item_size, &size))
                out_of_memory();
        return arena_alloc(arena, size);
}

char *arena_strndup(struct arena *arena, const char *s, size_t n) {
        char *copy;

        if (!s)
                return NULL;
        n = strnlen(s, n);
        copy = arena_alloc(arena, n + 1);
        memcpy(copy, s, n);
        return copy;
}

char *arena_strdup(struct arena *arena, const char *s) {
        return s ? arena_strndup(arena, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
        va_list ap, again;
        char *s;
        int n;

        va_start(ap, format);
        va_copy(again, ap);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n < 0)
                out_of_memory();
        s = arena_alloc(arena, (size_t)n + 1);
        vsnprintf(s, (size_t)n + 1, format, again);
        va_end(again);
        return s;
}
