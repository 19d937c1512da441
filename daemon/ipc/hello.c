/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

json_t *worker_hello(const char *program) {
        return json_pack("{s:{s:s, s:s, s:i}}", "hello", "program", program, "version",
                         EVIDENCED_VERSION, "protocol", WORKER_PROTOCOL);
}

/* Names come from the other side of a socket: short and harmless before anybody reads them. */
static char *quoted(const char *s) { return text_sanitize(s, strnlen(s, 64)); }

int worker_check_hello(const json_t *json, const char *program, char **ret_why) {
        _cleanup_(strbuf_done) struct strbuf why = STRBUF_INIT;
        _cleanup_free_ char *their_program = NULL, *their_version = NULL;
        const char *name, *version;
        int protocol;

        if (json_unpack((json_t *)json, "{s:{s:s, s:s, s:i}}", "hello", "program", &name, "version",
                        &version, "protocol", &protocol) < 0) {
                name = version = "";
                strbuf_adds(&why, "did not say hello");
        } else if (protocol != WORKER_PROTOCOL)
                strbuf_addf(&why, "speaks protocol %d, not %d", protocol, WORKER_PROTOCOL);
        their_program = quoted(name);
        their_version = quoted(version);
        if (!their_program || !their_version)
                return -ENOMEM;
        if (why.len == 0 && program && strcmp(name, program) != 0)
                strbuf_addf(&why, "is %s, not %s", their_program, program);
        if (why.len == 0 && strcmp(version, EVIDENCED_VERSION) != 0)
                strbuf_addf(&why, "is version %s, not %s", their_version, EVIDENCED_VERSION);
        if (strbuf_error(&why) < 0)
                return -ENOMEM;
        if (why.len == 0)
                return 0;
        *ret_why = strbuf_steal(&why);
        return *ret_why ? -EPROTO : -ENOMEM;
}
