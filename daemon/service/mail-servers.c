/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/mail-servers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "service/events.h"

#define DOWN_FIRST_USEC (30 * USEC_PER_SEC)
#define DOWN_MAX_USEC (15 * USEC_PER_MINUTE)

usec_t jitter(usec_t t) { /* ± 20 % */
        usec_t fifth = t / 5, span = 2 * fifth;
        uint32_t x = 0;

        if (getrandom(&x, sizeof(x), GRND_NONBLOCK) != sizeof(x))
                x = 1u << 31;
        return t - fifth + (usec_t)((double)x / UINT32_MAX * (double)span);
}

usec_t back_off(usec_t first, usec_t max, unsigned n) {
        usec_t t = n > 20 ? max : first << n;

        return t > max ? max : t;
}

int mail_servers_init(struct mail_servers *servers, const struct model *model) {
        servers->items = calloc(model->mail.n_servers + 1, sizeof(*servers->items));
        servers->model = model;
        return servers->items ? 0 : -ENOMEM;
}

void mail_servers_done(struct mail_servers *servers) {
        for (size_t i = 0; servers->items && i < servers->model->mail.n_servers; i++)
                free(servers->items[i].text);
        free(servers->items);
        servers->items = NULL;
}

size_t mail_servers_choose(const struct mail_servers *servers, usec_t now, usec_t *ret_until) {
        *ret_until = USEC_INFINITY;
        for (size_t i = 0; i < servers->model->mail.n_servers; i++) {
                if (servers->items[i].down_until <= now)
                        return i;
                if (servers->items[i].down_until < *ret_until)
                        *ret_until = servers->items[i].down_until;
        }
        return SIZE_MAX;
}

void mail_servers_try_all(struct mail_servers *servers, usec_t now) {
        for (size_t i = 0; i < servers->model->mail.n_servers; i++)
                if (servers->items[i].down_until > now)
                        servers->items[i].down_until = now;
}

void mail_servers_heard(struct mail_servers *servers, size_t index, const char *trouble,
                        usec_t now) {
        struct mail_server_state *s = &servers->items[index];

        free(s->text);
        s->text = NULL;
        if (!trouble) {
                s->down_until = 0;
                s->failures = 0;
                s->seen_ok = true;
                return;
        }
        s->text = strdup(trouble);
        s->seen_ok = false;
        if (s->down_until > now)
                return; /* several senders met the same trouble: it counts once */
        s->down_until =
                usec_add(now, jitter(back_off(DOWN_FIRST_USEC, DOWN_MAX_USEC, s->failures++)));
        log_event(LOG_WARNING, EVENT_SERVER_UNUSABLE,
                  &(struct event_fields){.server = servers->model->mail.servers[index].url},
                  "Mail server %s can not be used: %s; trying %s",
                  servers->model->mail.servers[index].url, trouble,
                  index + 1 < servers->model->mail.n_servers ? "the next one" : "again later");
}

void mail_server_json(struct strbuf *b, const struct mail_server *s) {
        strbuf_add_member(b, "{\"url\":", s->url);
        strbuf_add_member(b, ",\"user\":", s->user);
        strbuf_add_member(b, ",\"credential\":", s->credential);
        strbuf_add_member(b, ",\"password_file\":", s->password_file);
        strbuf_add_member(b, ",\"ca_file\":", s->ca_file);
        strbuf_add_member(b, ",\"client_cert\":", s->client_cert);
        strbuf_add_member(b, ",\"client_key\":", s->client_key);
        strbuf_add_member(b, ",\"auth\":", s->auth);
        strbuf_add_member(b, ",\"security\":", s->security == MAIL_SECURITY_NONE ? "none" : "tls");
        strbuf_addc(b, '}');
}
