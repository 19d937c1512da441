/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

/* Larger ones are buffers for messages and replies: what libcurl keeps of a password, and the lines it makes of it, are short. */
#define WIPE_MAX (16u << 10)

static void wipe_and_free(void *p) {
        size_t size = p ? malloc_usable_size(p) : 0;

        if (size > 0 && size <= WIPE_MAX)
                explicit_bzero(p, size);
        free(p);
}

/* realloc() may leave the old bytes behind; this one does not. */
static void *wipe_and_realloc(void *p, size_t size) {
        size_t before = p ? malloc_usable_size(p) : 0;
        void *grown = malloc(size);

        if (!grown)
                return NULL;
        if (p)
                memcpy(grown, p, before < size ? before : size);
        wipe_and_free(p);
        return grown;
}

int memory_init(void) {
        static bool done;

        if (!done)
                done = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free,
                                            wipe_and_realloc, strdup, calloc) == CURLE_OK;
        return done ? 0 : -EIO;
}
