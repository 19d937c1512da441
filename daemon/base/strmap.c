/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strmap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

struct slot {
        char *key; /* owned; NULL: empty */
        void *value;
        uint64_t hash;
};

struct strmap {
        struct slot *slots; /* owned; a power of two of them, linear probing */
        size_t n, cap;
        uint64_t seed;
};

static uint64_t hash_of(const struct strmap *map, const char *key) {
        uint64_t h = map->seed;

        for (const unsigned char *p = (const unsigned char *)key; *p; p++)
                h = (h ^ *p) * UINT64_C(0x100000001b3);
        h ^= h >> 32;
        return h * UINT64_C(0x9e3779b97f4a7c15);
}

struct strmap *strmap_new(void) {
        struct strmap *map = calloc(1, sizeof(*map));

        if (map && getrandom(&map->seed, sizeof(map->seed), GRND_NONBLOCK) < 0)
                map->seed = (uintptr_t)map ^ UINT64_C(0xcbf29ce484222325);
        return map;
}

struct strmap *strmap_free(struct strmap *map) {
        if (!map)
                return NULL;
        for (size_t i = 0; i < map->cap; i++)
                free(map->slots[i].key);
        free(map->slots);
        free(map);
        return NULL;
}

/* The slot of @key, or the empty one where it would go. The map has room. */
static struct slot *find(const struct strmap *map, const char *key, uint64_t hash) {
        for (size_t i = hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
                struct slot *s = &map->slots[i];

                if (!s->key || (s->hash == hash && strcmp(s->key, key) == 0))
                        return s;
        }
}

void *strmap_get(const struct strmap *map, const char *key) {
        return map->cap ? find(map, key, hash_of(map, key))->value : NULL;
}

static int grow(struct strmap *map) {
        struct strmap bigger = *map;

        bigger.cap = map->cap ? map->cap * 2 : 16;
        bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
        if (!bigger.slots)
                return -ENOMEM;
        for (size_t i = 0; i < map->cap; i++)
                if (map->slots[i].key)
                        *find(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
        free(map->slots);
        *map = bigger;
        return 0;
}

int strmap_put(struct strmap *map, const char *key, void *value) {
        uint64_t hash = hash_of(map, key);
        struct slot *s;

        if ((map->n + 1) * 4 > map->cap * 3 && grow(map) < 0)
                return -ENOMEM;
        s = find(map, key, hash);
        if (!s->key) {
                char *copy = strdup(key);

                if (!copy)
                        return -ENOMEM;
                *s = (struct slot){.key = copy, .hash = hash};
                map->n++;
        }
        s->value = value;
        return 0;
}

void *strmap_remove(struct strmap *map, const char *key) {
        struct slot *s;
        void *value;
        size_t hole, i;

        if (!map->cap)
                return NULL;
        s = find(map, key, hash_of(map, key));
        if (!s->key)
                return NULL;
        value = s->value;
        free(s->key);
        *s = (struct slot){};
        map->n--;
        /* Linear probing: move back whatever the hole cuts off from its place. */
        hole = (size_t)(s - map->slots);
        for (i = (hole + 1) & (map->cap - 1); map->slots[i].key; i = (i + 1) & (map->cap - 1)) {
                size_t home = map->slots[i].hash & (map->cap - 1);

                if (((i - home) & (map->cap - 1)) < ((i - hole) & (map->cap - 1)))
                        continue;
                map->slots[hole] = map->slots[i];
                map->slots[i] = (struct slot){};
                hole = i;
        }
        return value;
}

size_t strmap_size(const struct strmap *map) { return map->n; }

void *strmap_next(const struct strmap *map, size_t *cursor, const char **ret_key) {
        for (; *cursor < map->cap; (*cursor)++) {
                struct slot *s = &map->slots[*cursor];

                if (s->key) {
                        (*cursor)++;
                        if (ret_key)
                                *ret_key = s->key;
                        return s->value;
                }
        }
        return NULL;
}
