/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * compose-words CONFIG TEMPLATES OUT < LINES: a reminder and a trouble for each line, an object of hostile words, as
 * OUT/NUMBER.eml and OUT/NUMBER-trouble.eml:
 *         {"prefix", "from", "to", "title", "unit", "contact", "file", "need", "text", "root"}
 */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fileio.h"
#include "base/zone.h"
#include "config/config.h"
#include "config/findings.h"
#include "core/planner.h"
#include "message/compose.h"

static void die(const char *what, int r) {
        fprintf(stderr, "compose-words: %s: %s\n", what, strerror(r < 0 ? -r : r));
        exit(1);
}

static const char *word(json_t *j, const char *name) {
        const char *s = json_string_value(json_object_get(j, name));

        if (!s)
                die(name, ENOENT);
        return s;
}

struct stage {
        struct model *model;
        struct templates *templates;
        struct instance_set *instances;
        const char *out;
        usec_t now;
};

static void write_mail(const struct stage *s, const struct digest *d, const char *name) {
        _cleanup_(composed_done) struct composed c = {};
        _cleanup_free_ char *path = NULL, *id = NULL;
        struct compose_context context = {.model = s->model, .templates = s->templates};
        int r;

        if (asprintf(&id, "<%s@skhcn.example>", name) < 0 ||
            asprintf(&path, "%s/%s.eml", s->out, name) < 0)
                die("memory", ENOMEM);
        context.message_id = id;
        r = compose_message(&context, d, &c);
        if (r == 0 && strlen(c.bytes) != c.size)
                r = -EINVAL;
        if (r == 0)
                r = write_file_atomic(path, c.bytes, c.size, 0644);
        if (r < 0)
                die(name, r);
}

static void compose_line(struct stage *s, json_t *j, unsigned number) {
        struct instance instance = *instance_set_find(s->instances, "1.2@2018-11-25");
        struct unit unit = *instance.unit;
        struct address to = {
                .display = word(j, "to"), .spec = "to@skhcn.example", .key = "to@skhcn.example"};
        struct requirement requirement = instance.requirements[0];
        struct history history = HISTORY_INIT;
        struct file_note file = {
                .path = word(j, "file"), .verdict = VERDICT_NAME, .detail = word(j, "text")};
        struct string_list roots = {.items = (const char *[]){word(j, "root")}, .n = 1};
        struct digest d = {.kind = NOTICE_REMINDER, .class = NOTICE_CLASS_LEAD, .at = s->now};
        struct notice n;
        char name[32];

        s->model->organization.subject_prefix = word(j, "prefix");
        s->model->organization.contact = word(j, "contact");
        s->model->organization.short_name = word(j, "unit");
        s->model->mail.from.display = word(j, "from");
        s->model->evidence.display = roots;
        unit.name = word(j, "unit");
        instance.title = word(j, "title");
        instance.unit = &unit;
        requirement.name = word(j, "need");
        instance.requirements = &requirement;
        instance.n_requirements = 1;
        history.scanned = true;
        n = notice_about(s->model, NOTICE_REMINDER, &instance, &history, s->now);
        n.unit = &unit;
        n.rung = &instance.task->policy->rungs[0];
        n.files = &file;
        n.n_files = 1;
        if (array_push(&d.to, &to) < 0 || array_push(&d.items, n) < 0)
                die("memory", ENOMEM);
        snprintf(name, sizeof(name), "%u", number);
        write_mail(s, &d, name);
        d.kind = NOTICE_TROUBLE;
        d.items.items[0] = (struct notice){.kind = NOTICE_TROUBLE, .text = word(j, "text")};
        snprintf(name, sizeof(name), "%u-trouble", number);
        write_mail(s, &d, name);
        digest_done(&d);
}

int main(int argc, char **argv) {
        struct findings findings = {};
        struct stage s = {.out = argc > 3 ? argv[3] : NULL};
        _cleanup_free_ char *line = NULL;
        size_t cap = 0;
        date_t horizon;
        int r;

        if (argc != 4)
                die("usage: compose-words CONFIG TEMPLATES OUT", EINVAL);
        r = config_load(argv[1], NULL, &s.model, &findings);
        findings_done(&findings);
        if (r == 0)
                r = zone_init(s.model->organization.time_zone);
        if (r == 0)
                r = templates_load(argv[2], NULL, NULL, NULL, &s.templates);
        date_parse("2018-12-31", &horizon);
        if (r == 0)
                r = instance_set_new(s.model, horizon, NULL, NULL, &s.instances);
        if (r < 0)
                die(argv[1], r);
        zone_parse("2018-11-16 07:30", &s.now);
        for (unsigned number = 0; getline(&line, &cap, stdin) > 0; number++) {
                json_t *j = json_loads(line, 0, NULL);

                if (!j)
                        die("a line is no JSON", EINVAL);
                compose_line(&s, j, number);
                json_decref(j);
        }
        instance_set_free(s.instances);
        templates_free(s.templates);
        model_free(s.model);
        return 0;
}
