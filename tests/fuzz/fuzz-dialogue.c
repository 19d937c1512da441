/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a mail server may say: the first byte chooses what the messages need, the rest are its lines, for two messages in one session.
 * A body goes out only where each command was taken, and a message is sent only when its dot was answered by 250.
 */

#include "mail/dialogue.h"
#include "fuzz.h"

struct server {
        const char *p, *end;
        bool pipelining, authenticated;
};

enum { NEEDS_AUTH = 1, NEEDS_UTF8 = 2, TLS = 4, LOGIN = 8 };

/* The next complete reply. Return: false when there is none. */
static bool hear(struct server *server, struct dialogue *d) {
        do {
                const char *line = server->p, *end;

                if (line == server->end)
                        return false;
                end = memchr(line, '\n', (size_t)(server->end - line));
                server->p = end ? end + 1 : server->end;
                if (!dialogue_reply(d, line, (size_t)(server->p - line)) &&
                    d->asked >= DIALOGUE_READY)
                        return false;
        } while (!d->reply.complete);
        CHECK(strlen(d->reply.text) < OUTCOME_TEXT);
        CHECK(d->reply.code >= 200 && d->reply.code < 600);
        CHECK(!d->reply.enhanced[0] || d->reply.enhanced[0] == '0' + d->reply.code / 100);
        return true;
}

static bool lead(struct server *server, struct dialogue *d, const char *command, int code) {
        dialogue_command(d, command, strlen(command));
        return hear(server, d) && d->reply.code == code;
}

/* What libcurl does. */
static bool connect_to(struct server *server, struct dialogue *d, int flags) {
        dialogue_connected(d);
        if (!hear(server, d) || !lead(server, d, "EHLO me\r\n", 250))
                return false;
        if ((flags & TLS) &&
            !(lead(server, d, "STARTTLS\r\n", 220) && lead(server, d, "EHLO me\r\n", 250)))
                return false;
        server->pipelining = d->pipelining_offered;
        if (flags & LOGIN)
                server->authenticated = lead(server, d, "AUTH PLAIN AGEAYg==\r\n", 235);
        return !(flags & LOGIN) || server->authenticated;
}

static int count(const char *text, const char *what) {
        int n = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                n++;
        return n;
}

/* Whole lines, as many as may be said at once, and nothing of a message that nobody may get. */
static void check_commands(const struct server *server, const struct dialogue *d,
                           const char *commands) {
        size_t len = strlen(commands);
        int lines = count(commands, "\r\n");

        CHECK(len > 2 && len < DIALOGUE_COMMANDS && strcmp(commands + len - 2, "\r\n") == 0);
        CHECK(count(commands, "\n") == lines && count(commands, "\r") == lines);
        CHECK(lines == 1 || server->pipelining);
        CHECK(strcmp(commands, ".\r\n") != 0 || d->refusal.code != 0);
}

static bool converse(struct server *server, struct dialogue *d, const struct dialogue_message *m,
                     enum dialogue_end *ret_end) {
        char commands[DIALOGUE_COMMANDS];
        bool body = false;

        for (;;) {
                enum dialogue_step step = dialogue_next(d, m, commands);

                if (step == DIALOGUE_OVER)
                        return body;
                CHECK(!m->needs_auth || server->authenticated);
                if (step == DIALOGUE_SAY)
                        check_commands(server, d, commands);
                else {
                        CHECK(!body && d->open && d->refusal.code == 0);
                        CHECK(d->reply.to == DIALOGUE_DATA && d->reply.code == 354);
                        body = true;
                        dialogue_body_sent(d);
                }
                while (dialogue_awaits(d))
                        if (!hear(server, d)) {
                                *ret_end = DIALOGUE_END_LOST;
                                return body;
                        }
        }
}

static void check_outcome(const struct dialogue *d, bool body, const struct mail_outcome *o) {
        CHECK(o->result != MAIL_SENT || (body && o->code == 250 && d->refusal.code == 0));
        CHECK(o->result != MAIL_DOUBT || body);
        CHECK(o->result != MAIL_PERMFAIL || o->code / 100 == 5 || d->lack == DIALOGUE_LACKS_UTF8);
        CHECK(o->result == MAIL_TEMPFAIL || !o->connection);
        CHECK(o->code == 0 || o->code == 250 || o->code / 100 == 4 || o->code / 100 == 5);
        CHECK(!body || !dialogue_is_untouched(d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        int flags = size > 0 ? data[0] : 0;
        char *text = fuzz_string(data + (size > 0), size > 0 ? size - 1 : 0);
        struct server server = {.p = text, .end = text + (size > 0 ? size - 1 : 0)};
        const struct dialogue_message m = {.from = "cchc@skhcn.example",
                                           .to = "vp@skhcn.example",
                                           .needs_auth = flags & NEEDS_AUTH,
                                           .needs_utf8 = flags & NEEDS_UTF8};
        bool connected;
        struct dialogue d;

        connected = connect_to(&server, &d, flags);
        for (int i = 0; i < 2; i++) {
                enum dialogue_end end = connected ? DIALOGUE_END_OK : DIALOGUE_END_LOST;
                struct mail_outcome o;
                bool body = false;

                if (connected) {
                        dialogue_begin(&d, &m);
                        body = converse(&server, &d, &m, &end);
                }
                dialogue_outcome(&d, end, "lost", &o);
                check_outcome(&d, body, &o);
                if (!dialogue_is_reusable(&d))
                        break;
        }
        free(text);
        return 0;
}
