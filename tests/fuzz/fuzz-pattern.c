/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* First line a pattern, the rest a name. Any pattern is compiled or refused, and matched in bounded time. */

#include "base/arena.h"
#include "core/pattern.h"
#include "fuzz.h"

static bool matches(const char *text, const char *name, bool with_fold, bool *ret_compiled) {
        struct arena *arena = arena_new();
        const struct pattern *pattern = NULL;
        const char *error = NULL;
        struct match_name forms = {};
        bool found = false;

        CHECK(arena);
        *ret_compiled = pattern_compile(arena, text, with_fold, &pattern, &error) == 0;
        CHECK(*ret_compiled == (pattern != NULL));
        CHECK(*ret_compiled || error);
        if (*ret_compiled && match_name_init(&forms, name) == 0) {
                found = pattern_match(pattern, &forms);
                match_name_done(&forms);
        }
        arena_free(arena);
        return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = fuzz_string(data, size), *name = strchr(text, '\n');
        bool compiled, compiled_fold;

        if (name) {
                *name++ = '\0';
                (void)matches(text, name, true, &compiled_fold);
                (void)matches(text, name, false, &compiled);
                /* "*" takes every name that is UTF-8 and has no folder in it */
                if (strlen(text) > 0 && strspn(text, "*") == strlen(text) && strlen(name) > 0 &&
                    compiled && strspn(name, "abcdefghijklmnopqrstuvwxyz.") == strlen(name))
                        CHECK(matches(text, name, false, &compiled));
                /* a name of plain letters matches itself */
                if (strlen(text) > 0 &&
                    strspn(text, "abcdefghijklmnopqrstuvwxyz.") == strlen(text) && compiled)
                        CHECK(matches(text, text, false, &compiled) &&
                              matches(text, text, true, &compiled_fold));
        }
        free(text);
        return 0;
}
