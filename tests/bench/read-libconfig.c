/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* read-libconfig FILE...: libconfig reads each file and forgets it. The peer of `evidenced --check`, which reads the same. */

#include <libconfig.h>
#include <stdio.h>

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                config_t config;

                config_init(&config);
                if (config_read_file(&config, argv[i]) != CONFIG_TRUE) {
                        fprintf(stderr, "%s:%d: %s\n", argv[i], config_error_line(&config),
                                config_error_text(&config));
                        config_destroy(&config);
                        return 1;
                }
                config_destroy(&config);
        }
        return argc < 2;
}
