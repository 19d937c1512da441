/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "core/policy.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/output.h"

static int print_preview(const json_t *answer) {
        _cleanup_free_ char *to = joined(answer, "to", ", "), *cc = joined(answer, "cc", ", "),
                            *subject = clean_text(text_of(answer, "subject"));

        if (!to || !cc || !subject)
                return no_memory();
        printf("%sTo:%s %s\n", colour("bold"), PLAIN, to);
        if (*cc)
                printf("%sCc:%s %s\n", colour("bold"), PLAIN, cc);
        printf("%sSubject:%s %s\n\n", colour("bold"), PLAIN, subject);
        print_block(text_of(answer, "text"));
        return 0;
}

int command_preview(const struct invocation *in) {
        _cleanup_(json_decrefp) json_t *answer = NULL;
        const char *step = option_value(in, "step");
        struct offset offset;
        int r;

        if (step && offset_parse(step, &offset) < 0) {
                complain("preview: '%s' is no step: write it like -3wd, 0 or +5wd", step);
                return EX_USAGE;
        }
        r = call(in, "Preview",
                 step ? json_pack("{s:s, s:s}", "id", in->words[0], "step", step)
                      : json_pack("{s:s}", "id", in->words[0]),
                 &answer);
        if (r != 0)
                return r;
        if (option_given(in, "json"))
                return print_json(answer);
        if (option_given(in, "eml")) {
                fputs(text_of(answer, "bytes"), stdout);
                return 0;
        }
        return print_preview(answer);
}
