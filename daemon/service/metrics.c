/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static void add_family(struct strbuf *out, const char *name, const char *help) {
        strbuf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* A value of a label: UTF-8, with the three characters escaped that the format knows. */
static void add_label(struct strbuf *out, const char *value) {
        _cleanup_free_ char *clean = text_sanitize(value, strlen(value));

        out->failed |= !clean;
        for (const char *c = clean ? clean : ""; *c; c++) {
                if (*c == '\\' || *c == '"')
                        strbuf_addc(out, '\\');
                if (*c == '\n')
                        strbuf_adds(out, "\\n");
                else
                        strbuf_addc(out, *c);
        }
}

static void add_sample(struct strbuf *out, const char *name, const char *label, const char *value,
                       uint64_t number) {
        strbuf_addf(out, "%s{%s=\"", name, label);
        add_label(out, value);
        strbuf_addf(out, "\"} %" PRIu64 "\n", number);
}

static void add_points(struct strbuf *out, const struct score *total) {
        add_family(out, "evidenced_points", "Points by what became of them; they add up.");
        for (int i = 0; i < _BUCKET_MAX; i++)
                strbuf_addf(out, "evidenced_points{bucket=\"%s\"} %d.%02d\n",
                            bucket_to_string((enum bucket)i), (int)(total->points[i] / 100),
                            (int)(total->points[i] % 100));
}

static void add_instances(struct strbuf *out, const struct metrics *m) {
        add_family(out, "evidenced_instances", "Deadlines of criteria by state.");
        for (int i = 0; i < _STATE_MAX; i++)
                add_sample(out, "evidenced_instances", "state", state_to_string((enum state)i),
                           m->instances[i]);
}

static void add_outbox(struct strbuf *out, const struct metrics *m) {
        add_family(out, "evidenced_outbox_messages", "Mails by state.");
        for (int i = 0; i < _OUTBOX_STATE_MAX; i++)
                add_sample(out, "evidenced_outbox_messages", "state",
                           outbox_state_to_string((enum outbox_state)i), m->outbox.by_state[i]);
        add_family(out, "evidenced_mail_held", "1 while no mail may leave.");
        strbuf_addf(out, "evidenced_mail_held %d\n", m->held);
}

bool metrics_root_is_up(const struct evidence_root *root) {
        return strcmp(root->state, "ok") == 0 || strcmp(root->state, "scanning") == 0;
}

static void add_roots(struct strbuf *out, const struct metrics *m) {
        add_family(out, "evidenced_root_up", "1 when the evidence root can be looked at.");
        for (size_t i = 0; i < m->n_roots; i++)
                add_sample(out, "evidenced_root_up", "root", m->roots[i].path,
                           metrics_root_is_up(&m->roots[i]));
}

int metrics_render(const struct metrics *m, struct strbuf *ret) {
        add_family(ret, "evidenced_build_info", "Always 1.");
        add_sample(ret, "evidenced_build_info", "version", m->version, 1);
        add_points(ret, m->total);
        add_instances(ret, m);
        add_outbox(ret, m);
        add_roots(ret, m);
        add_family(ret, "evidenced_last_pass_timestamp_seconds",
                   "When it was last decided what is due.");
        strbuf_addf(ret, "evidenced_last_pass_timestamp_seconds %" PRId64 "\n",
                    m->last_pass / USEC_PER_SEC);
        strbuf_adds(ret, "# EOF\n");
        return strbuf_error(ret);
}
