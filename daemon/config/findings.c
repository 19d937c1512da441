/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/text.h"

const char *finding_severity_to_string(enum finding_severity severity) {
        switch (severity) {
        case FINDING_ERROR:
                return "error";
        case FINDING_WARNING:
                return "warning";
        case _FINDING_SEVERITY_MAX:
                break;
        }
        return NULL;
}

void findings_done(struct findings *findings) {
        for (size_t i = 0; i < findings->n; i++)
                free(findings->items[i].text);
        for (size_t i = 0; i < findings->n_files; i++)
                free(findings->files[i]);
        free(findings->items);
        free(findings->files);
        *findings = FINDINGS_INIT;
}

/* From the last one back: findings of one file come together. */
static int find_file(struct findings *findings, const char *file, size_t *ret) {
        for (size_t i = findings->n_files; i-- > 0;)
                if (strcmp(findings->files[i], file) == 0) {
                        *ret = i;
                        return 0;
                }

        _cleanup_free_ char *copy = strdup(file);
        int r = array_reserve_raw((void **)&findings->files, findings->n_files,
                                  &findings->files_cap, 1, sizeof(*findings->files));
        if (!copy || r < 0)
                return -ENOMEM;
        findings->files[findings->n_files] = steal_ptr(copy);
        *ret = findings->n_files++;
        return 0;
}

static char *format_text(const char *format, va_list ap) {
        _cleanup_free_ char *raw = NULL;

        if (vasprintf(&raw, format, ap) < 0) {
                raw = NULL;
                return NULL;
        }
        return text_sanitize(raw, strlen(raw));
}

void findings_add(struct findings *findings, enum finding_severity severity, const char *file,
                  unsigned line, const char *format, ...) {
        size_t *count = severity == FINDING_ERROR ? &findings->n_errors : &findings->n_warnings;
        size_t file_index;
        va_list ap;

        ++*count;
        if (findings->n >= FINDINGS_MAX)
                return;
        if (find_file(findings, file, &file_index) < 0 || array_reserve(findings, 1) < 0) {
                findings->failed = true;
                return;
        }

        va_start(ap, format);
        char *text = format_text(format, ap);
        va_end(ap);
        if (!text) {
                findings->failed = true;
                return;
        }
        findings->items[findings->n] = (struct finding){
                .severity = severity,
                .file = findings->files[file_index],
                .line = line > 0 ? line : 1,
                .text = text,
                .file_index = file_index,
                .order = findings->n,
        };
        findings->n++;
}

static int compare_size(size_t a, size_t b) { return (a > b) - (a < b); }

static int compare_findings(const void *pa, const void *pb) {
        const struct finding *a = pa, *b = pb;

        if (a->severity != b->severity)
                return a->severity == FINDING_ERROR ? -1 : 1;
        if (a->file_index != b->file_index)
                return compare_size(a->file_index, b->file_index);
        if (a->line != b->line)
                return compare_size(a->line, b->line);
        return compare_size(a->order, b->order);
}

void findings_add_error(void *findings, const char *file, unsigned line, const char *text) {
        findings_add(findings, FINDING_ERROR, file, line, "%s", text);
}

void findings_sort(struct findings *findings) {
        if (findings->n > 1)
                qsort(findings->items, findings->n, sizeof(*findings->items), compare_findings);
}

void findings_print(const struct findings *findings, FILE *stream) {
        for (size_t i = 0; i < findings->n; i++) {
                const struct finding *f = &findings->items[i];

                fprintf(stream, "%s:%u: %s: %s\n", f->file, f->line,
                        finding_severity_to_string(f->severity), f->text);
        }
        size_t all = findings->n_errors + findings->n_warnings;
        if (all > findings->n && findings->n > 0)
                fprintf(stream,
                        "%s:1: warning: %zu more findings are not shown: mend these first\n",
                        findings->files[0], all - findings->n);
}
