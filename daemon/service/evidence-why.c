/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "service/evidence-internal.h"

/* More words on a verdict: what a person would ask next. */

/* The types of what the task asks for under the file's name; 0: none, or any will do. */
static uint32_t types_asked(const struct evidence *e, const struct evfile *f,
                            const struct task *task) {
        const struct instance *items = e->config.tracks->instances->items;
        uint32_t types = 0;

        for (size_t i = folder_covering(f->folder, e->task_first[task->index]);
             i < f->folder->covering.n; i++) {
                const struct cover *c = &f->folder->covering.items[i];
                const struct instance *in = &items[c->instance];

                if (in->task != task)
                        break;
                for (size_t r = 0; r < in->n_requirements; r++)
                        if (evfile_asked(f, c->need + r))
                                types |= in->requirements[r].need->types;
        }
        return types;
}

/* "jpg, not pdf, docx": read by message/item.c */
static char *say_types(enum file_type is, uint32_t asked) {
        _cleanup_(strbuf_done) struct strbuf b = STRBUF_INIT;
        const char *before = ", not ";

        if (asked == 0)
                return NULL;
        strbuf_adds(&b, file_type_to_string(is));
        for (int t = 0; t < _FILE_TYPE_MAX; t++) {
                if (!(asked & (1u << t)))
                        continue;
                strbuf_adds(&b, before);
                strbuf_adds(&b, file_type_to_string((enum file_type)t));
                before = ", ";
        }
        return strbuf_error(&b) < 0 ? NULL : strdup(strbuf_str(&b));
}

/* The path of the file that counts for the task with this content. */
static char *say_original(const struct evidence *e, const struct evfile *f,
                          const struct task *task) {
        const struct instance *items = e->config.tracks->instances->items;
        const struct evfile *o = NULL;

        while ((o = content_next(e, f, o)))
                if (o->presence == EVFILE_PRESENT && o->instance != NOWHERE &&
                    items[o->instance].task == task)
                        return text_sanitize(o->file.path, strlen(o->file.path));
        return NULL;
}

char *evfile_why(const struct evidence *e, const struct evfile *f, enum verdict verdict,
                 const struct task *task) {
        if (verdict == VERDICT_TYPE && f->file.inspected && f->folder)
                return say_types(f->file.type, types_asked(e, f, task));
        if (verdict == VERDICT_DUPLICATE)
                return say_original(e, f, task);
        return NULL;
}
