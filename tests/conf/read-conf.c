/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads each file with the libconfig that is installed, as the service does: from memory, one config_t a file.
 * A README is read from its first line that ends in `(` or `{` on, so that the examples in it stay right, too.
 */

#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (256 * 1024)

static const char *skip_prose(char *text) {
        for (char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                size_t n = strcspn(line, "\n");
                if (n > 0 && (line[n - 1] == '(' || line[n - 1] == '{'))
                        return line;
        }
        return NULL;
}

static int read_one(const char *path, char *text) {
        FILE *f = fopen(path, "re");
        if (!f) {
                fprintf(stderr, "%s: %m\n", path);
                return -1;
        }
        size_t n = fread(text, 1, TEXT_MAX, f);
        int broken = ferror(f) || n == TEXT_MAX;
        fclose(f);
        if (broken) {
                fprintf(stderr, "%s: not read to its end\n", path);
                return -1;
        }
        text[n] = '\0';
        size_t length = strlen(path);
        int readme = length >= 6 && strcmp(path + length - 6, "README") == 0;
        const char *start = readme ? skip_prose(text) : text;
        if (!start) {
                fprintf(stderr, "%s: no example found\n", path);
                return -1;
        }
        config_t config;
        config_init(&config);
        int r = config_read_string(&config, start) ? 0 : -1;
        if (r < 0)
                fprintf(stderr, "%s: line %d of the text: %s\n", path, config_error_line(&config),
                        config_error_text(&config));
        config_destroy(&config);
        return r;
}

int main(int argc, char **argv) {
        static char text[TEXT_MAX + 1];
        int failed = 0;

        for (int i = 1; i < argc; i++)
                failed |= read_one(argv[i], text) < 0;
        return failed || argc < 2;
}
