/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* replay FOLDER...: gives each file of a corpus to the target, as libFuzzer would. An empty corpus is a failure. */

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

#define MAX_FILE_BYTES (1024 * 1024)

static void replay_file(const char *path) {
        uint8_t *data = malloc(MAX_FILE_BYTES);
        FILE *file = fopen(path, "rb");
        size_t size;

        CHECK(data && file);
        size = fread(data, 1, MAX_FILE_BYTES, file);
        CHECK(!ferror(file));
        fclose(file);
        /* exactly as large as the input, so that the sanitizer sees a read behind it */
        data = realloc(data, size > 0 ? size : 1);
        CHECK(data);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
}

static size_t replay_folder(const char *folder) {
        size_t n = 0;
        DIR *dir = opendir(folder);

        if (!dir) {
                fprintf(stderr, "Failed to open '%s': %s\n", folder, strerror(errno));
                return 0;
        }
        for (const struct dirent *entry; (entry = readdir(dir));) {
                char path[4096];
                struct stat st;

                CHECK((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
                      sizeof(path));
                if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
                        continue;
                fprintf(stderr, "%s\n", path); /* the last line names the culprit */
                replay_file(path);
                n++;
        }
        closedir(dir);
        return n;
}

int main(int argc, char *argv[]) {
        for (int i = 1; i < argc; i++)
                if (replay_folder(argv[i]) == 0) {
                        fprintf(stderr, "Nothing to replay in '%s'\n", argv[i]);
                        return 1;
                }
        return argc > 1 ? 0 : 64;
}
