/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every key that the configuration takes, a line each: section, name, what it takes, default ("-": none), required or not,
 * with tabs between. The manual pages are compared with it.
 */

#include <stdio.h>

#include "config/config.h"

int main(void) {
        size_t n;
        const struct schema_key *keys = config_schema_keys(&n);

        for (size_t i = 0; i < n; i++)
                printf("%s\t%s\t%s\t%s\t%s\n", keys[i].section, keys[i].name, keys[i].takes,
                       keys[i].fallback ? keys[i].fallback : "-",
                       keys[i].required ? "required" : "optional");
        return n > 0 ? 0 : 1;
}
