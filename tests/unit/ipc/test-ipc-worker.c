/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker on command: {"do":"echo"|"exit"|"mute"|"bad"|"last"|"environment"|"stubborn"|"descriptors"|"parent"} */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/worker.h"

static int answer(struct framer *peer, json_t *json) {
        int r = framer_send_all(peer, json, NULL, 0, -1);

        json_decref(json);
        return r;
}

static json_t *list_environment(void) {
        json_t *list = json_array();

        for (char **e = environ; *e; e++)
                json_array_append_new(list, json_string(*e));
        return list;
}

static json_t *list_descriptors(void) {
        json_t *list = json_array();
        DIR *dir = opendir("/proc/self/fd");

        for (struct dirent *e; dir && (e = readdir(dir));)
                if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir))
                        json_array_append_new(list, json_integer(atoi(e->d_name)));
        if (dir)
                closedir(dir);
        return list;
}

static int serve(struct framer *peer) {
        for (;;) {
                struct message m = {};
                int r = framer_receive(peer, -1, &m);
                char what[32] = "";

                if (r < 0)
                        return r == -EPIPE ? 0 : 1;
                strncpy(what, json_string_value(json_object_get(m.json, "do")), sizeof(what) - 1);
                if (strcmp(what, "echo") == 0)
                        framer_send_all(peer, m.json, m.body, m.body_size, -1);
                message_done(&m);
                if (strcmp(what, "exit") == 0)
                        return 3;
                if (strcmp(what, "old") == 0)
                        return WORKER_EXIT_PROTOCOL;
                if (strcmp(what, "renew") == 0)
                        return WORKER_EXIT_RENEW;
                if (strcmp(what, "mute") == 0)
                        sleep(60);
                if (strcmp(what, "bad") == 0 && write(framer_fd(peer), "no json", 8) < 0)
                        return 1;
                if (strcmp(what, "pid") == 0)
                        answer(peer, json_pack("{s:i}", "pid", (int)getpid()));
                if (strcmp(what, "environment") == 0)
                        answer(peer, json_pack("{s:o}", "environment", list_environment()));
                if (strcmp(what, "descriptors") == 0)
                        answer(peer, json_pack("{s:o}", "descriptors", list_descriptors()));
                if (strcmp(what, "last") == 0) {
                        answer(peer, json_pack("{s:s}", "word", "last"));
                        return 0;
                }
                if (strcmp(what, "stubborn") == 0) {
                        signal(SIGTERM, SIG_IGN);
                        answer(peer, json_pack("{s:i}", "pid", (int)getpid()));
                        for (;;)
                                pause();
                }
        }
}

int main(int argc, char *argv[]) {
        const char *program = getenv("TEST_PROGRAM");

        return worker_main(argc, argv, program ? program : "test-ipc-worker", serve);
}
