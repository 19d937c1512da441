/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What anybody may ask of the control socket: the first line a method of org.evidenced, the rest its parameters. Asked by
 * somebody who may change nothing and by somebody who may: an answer each time, and no change for the first. A service with a
 * model and a store of its own, without workers; whatever changed it gets a new one.
 */

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "service/manager.h"
#include "service/methods.h"
#include "fuzz.h"

#define NOW 1541991600000000 /* 2018-11-12, 10:00 in Vietnam */

static const char config[] =
        "organization: { name = \"Office\"; time_zone = \"Asia/Ho_Chi_Minh\"; language = \"en\"; "
        "};\n"
        "calendar: { off = ( \"2018-01-01\" ); };\n"
        "mail: { from = \"Office <office@x.example>\"; servers = ( { url = \"maildir:sent\"; } ); "
        "};\n"
        "evidence: { roots = [ \"%s/root\" ]; };\n"
        "areas: ( { id = \"1\"; title = \"Area\"; points = 3.0; } );\n"
        "units: ( { id = \"A\"; name = \"A\"; mail = [ \"a@x.example\" ]; roles: { head = [ "
        "\"h@x.example\" ]; }; } );\n"
        "roles: { coordinator = [ \"c@x.example\" ]; deputy = [ \"d@x.example\" ];\n"
        "         director = [ \"e@x.example\" ]; administrator = [ \"f@x.example\" ]; };\n"
        "tasks: ( { id = \"1.1\"; area = \"1\"; title = \"Plan\"; points = 2.0; unit = \"A\"; due "
        "= \"2018-11-15\";\n"
        "           evidence: { dir = \"1.1\"; need = ( { match = [ \"*.pdf\" ]; } ); }; },\n"
        "         { id = \"1.2\"; area = \"1\"; title = \"Report\"; points = 1.0; unit = \"A\";\n"
        "           due = ( \"2018-11-08\", \"2018-12-05\" );\n"
        "           evidence: { dir = \"1.2/{month}\"; need = ( { match = [ \"*.pdf\" ]; } ); }; } "
        ");\n";

static char folder[] = "/tmp/fuzz-control-XXXXXX";
static struct manager *manager;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
        (void)st;
        (void)kind;
        (void)ftw;
        return remove(path);
}

static void end(void) {
        manager = manager_free(manager);
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *place(char buf[256], const char *name) {
        snprintf(buf, 256, "%s/%s", folder, name);
        return buf;
}

/* Once: the folder with the configuration, which goes away at the end. */
static void begin(void) {
        char path[256];
        FILE *file;

        CHECK(mkdtemp(folder) && mkdir(place(path, "root"), 0700) == 0);
        file = fopen(place(path, "evidenced.conf"), "we");
        CHECK(file && fprintf(file, config, folder) > 0 && fclose(file) == 0);
        log_set_max_level(-1);
        atexit(end);
}

static void start_over(void) {
        static char conf[256], state[256]; /* borrowed */
        const struct manager_options options = {.config = place(conf, "evidenced.conf"),
                                                .state = place(state, "state"),
                                                .libexec = "/nonexistent",
                                                .templates = TEMPLATES,
                                                .now_given = true,
                                                .now = NOW};

        manager = manager_free(manager);
        nftw(state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        CHECK(manager_new(&options, &manager) == 0);
}

static void ask(const char *method, json_t *parameters, bool may_change) {
        const struct caller caller = {.may_change = may_change, .name = "x (uid 1)"};
        const char *error = NULL;
        json_t *out = NULL;
        char *text;

        method_call(manager, &caller, method, parameters, &out, &error);
        CHECK(json_is_object(out));
        CHECK(!error || strncmp(error, "org.", 4) == 0);
        text = json_dumps(out, JSON_COMPACT);
        CHECK(text && utf8_valid(text, strlen(text)));
        free(text);
        json_decref(out);
}

/* What people could have changed. */
struct picture {
        struct outbox_counts outbox;
        int64_t last_row;
        size_t by_state[_STATE_MAX];
        bool released;
};

static struct picture look(void) {
        struct picture p = {.released = manager->released};
        struct manager_counts counts;
        uint8_t hash[SHA256_SIZE];

        manager_count(manager, &counts);
        memcpy(p.by_state, counts.by_state, sizeof(p.by_state));
        CHECK(store_outbox_count(manager->store, &p.outbox) == 0);
        CHECK(store_ledger_head(manager->store, hash, &p.last_row) == 0);
        return p;
}

static bool is_same(const struct picture *a, const struct picture *b) {
        return a->last_row == b->last_row && a->released == b->released &&
               memcmp(&a->outbox, &b->outbox, sizeof(a->outbox)) == 0 &&
               memcmp(a->by_state, b->by_state, sizeof(a->by_state)) == 0;
}

static void ask_both(const char *method, json_t *parameters) {
        struct picture before = look(), after;

        ask(method, parameters, false);
        after = look();
        CHECK(is_same(&before, &after));
        ask(method, parameters, true);
        after = look();
        /* A reload leaves no row behind. */
        if (!is_same(&before, &after) || strcmp(method, "Reload") == 0)
                start_over();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *method = fuzz_string(data, size), *text = strchr(method, '\n');
        json_t *parameters = NULL;

        if (text) {
                *text++ = '\0';
                parameters = json_loads(text, 0, NULL);
        }
        if (parameters) {
                if (folder[strlen(folder) - 1] == 'X')
                        begin();
                if (!manager)
                        start_over();
                ask_both(method, parameters);
        }
        json_decref(parameters);
        free(method);
        return 0;
}
