/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/zone.h"
#include "config/config.h"
#include "core/model.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include "message/compose.h"

static int print_findings_json(const struct findings *findings) {
        _cleanup_(json_decrefp) json_t *list = json_array();

        for (size_t i = 0; i < findings->n; i++) {
                const struct finding *f = &findings->items[i];

                json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:s}", "file", f->file,
                                                      "line", (int)f->line, "severity",
                                                      finding_severity_to_string(f->severity),
                                                      "text", f->text));
        }
        return list ? print_json(list) : no_memory();
}

int command_check(const struct invocation *in) {
        _cleanup_(findings_done) struct findings findings = FINDINGS_INIT;
        const char *path = option_value(in, "config");
        const struct config_options options = {.today = zone_civil(clock_realtime()).date,
                                               .look_at_roots = true};
        struct model *model = NULL;
        int r, worse;

        if (!path)
                path = EVIDENCED_SYSCONFDIR "/evidenced.conf";
        r = config_load(path, &options, &model, &findings);
        worse = templates_check(path, findings_add_error, &findings);
        findings_sort(&findings);
        if (r == -ENOMEM || worse == -ENOMEM)
                return no_memory();
        if (option_given(in, "json"))
                print_findings_json(&findings);
        else
                findings_print(&findings, stdout);
        if (r == 0 && !option_given(in, "json"))
                printf("%s: %zu error%s, %zu warning%s; %zu task%s, %zu unit%s, %zu area%s\n", path,
                       findings.n_errors, plural(findings.n_errors, "", "s"), findings.n_warnings,
                       plural(findings.n_warnings, "", "s"), model->n_tasks,
                       plural(model->n_tasks, "", "s"), model->n_units,
                       plural(model->n_units, "", "s"), model->n_areas,
                       plural(model->n_areas, "", "s"));
        model_free(model);
        return r < 0 || worse < 0 || (option_given(in, "strict") && findings.n_warnings > 0)
                       ? EX_CONFIG
                       : 0;
}
