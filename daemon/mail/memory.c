/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

static void wipe_and_free(void *p) {
        if (p)
                explicit_bzero(p, malloc_usable_size(p));
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
