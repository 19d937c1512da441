/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

const char *mail_result_to_string(enum mail_result result) {
        switch (result) {
        case MAIL_SENT:
                return "sent";
        case MAIL_TEMPFAIL:
                return "temporary";
        case MAIL_PERMFAIL:
                return "permanent";
        case MAIL_DOUBT:
                return "doubt";
        case _MAIL_RESULT_MAX:
                break;
        }
        return NULL;
}

const char *mail_stage_to_string(enum mail_stage stage) {
        switch (stage) {
        case MAIL_STAGE_CONFIG:
                return "config";
        case MAIL_STAGE_CONNECT:
                return "connect";
        case MAIL_STAGE_TLS:
                return "tls";
        case MAIL_STAGE_AUTH:
                return "auth";
        case MAIL_STAGE_MAIL:
                return "mail";
        case MAIL_STAGE_RCPT:
                return "rcpt";
        case MAIL_STAGE_DATA:
                return "data";
        case MAIL_STAGE_DOT:
                return "dot";
        case _MAIL_STAGE_MAX:
                break;
        }
        return NULL;
}

void outcome_set_text(struct mail_outcome *o, const char *text) {
        _cleanup_free_ char *clean = text_sanitize(text, strlen(text));
        size_t len;

        if (!clean) {
                o->text[0] = 0;
                return;
        }
        len = strnlen(clean, OUTCOME_TEXT - 1);
        if (clean[len] != 0) /* cut: not in the middle of a character */
                while (len > 0 && ((unsigned char)clean[len] & 0xC0) == 0x80)
                        len--;
        memcpy(o->text, clean, len);
        o->text[len] = 0;
}

void outcome_set(struct mail_outcome *o, enum mail_result result, enum mail_stage stage,
                 bool connection, const char *format, ...) {
        char text[2 * OUTCOME_TEXT];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        *o = (struct mail_outcome){.result = result, .stage = stage, .connection = connection};
        outcome_set_text(o, text);
}

/* Written by hand: it is made for every mail. */
char *outcome_to_json(const struct mail_outcome *o, int64_t id, const char *server) {
        struct strbuf b = STRBUF_INIT;

        strbuf_addf(&b, "{\"reply\":%jd,\"result\":\"%s\",\"stage\":\"%s\",\"code\":%d,\"text\":",
                    (intmax_t)id, mail_result_to_string(o->result), mail_stage_to_string(o->stage),
                    o->code);
        strbuf_add_json(&b, o->text);
        strbuf_adds(&b, ",\"server\":");
        strbuf_add_json(&b, server);
        if (o->enhanced[0]) {
                strbuf_adds(&b, ",\"enhanced\":");
                strbuf_add_json(&b, o->enhanced);
        }
        strbuf_adds(&b, o->connection ? ",\"connection\":true}" : ",\"connection\":false}");
        return strbuf_steal(&b);
}
