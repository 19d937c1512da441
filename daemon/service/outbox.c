/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox.h"

#include <errno.h>

#include "base/cleanup.h"
#include "core/policy.h"
#include "service/outbox-internal.h"

#define STOP_USEC (2 * USEC_PER_SEC + 500 * USEC_PER_MSEC)

usec_t outbox_now(const struct outbox *o) { return clock_now(o->config.clock); }

void outbox_schedule_turn(struct outbox *o) {
        if (o->turn)
                sd_event_source_set_enabled(o->turn, SD_EVENT_ONESHOT);
}

static int on_turn(sd_event_source *s, void *userdata) {
        (void)s;
        outbox_turn(userdata);
        return 0;
}

static int on_wake(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;
        outbox_schedule_turn(userdata);
        return 0;
}

DEFINE_CLEANUP(struct outbox *, outbox_free)

int outbox_new(const struct outbox_config *config, const struct outbox_callbacks *callbacks,
               void *userdata, struct outbox **ret) {
        _cleanup_(outbox_free_p) struct outbox *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->config = *config;
        o->callbacks = *callbacks;
        o->userdata = userdata;
        o->n_senders = config->model->mail.connections;
        o->senders = calloc(o->n_senders + 1, sizeof(*o->senders));
        if (!o->senders || mail_servers_init(&o->servers, config->model) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < o->n_senders; i++)
                o->senders[i].outbox = o;
        r = sd_event_add_defer(config->event, &o->turn, on_turn, o);
        if (r >= 0)
                r = sd_event_source_set_enabled(o->turn, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(config->event, &o->wake, CLOCK_REALTIME, UINT64_MAX, 0,
                                      on_wake, o);
        if (r >= 0)
                r = sd_event_add_time(config->event, &o->group, CLOCK_MONOTONIC, UINT64_MAX, 1,
                                      on_wake, o);
        if (r >= 0)
                r = sd_event_source_set_enabled(o->group, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(config->event, &o->idle, CLOCK_MONOTONIC, UINT64_MAX,
                                      USEC_PER_SEC, outbox_on_idle, o);
        if (r < 0)
                return r;
        *ret = steal_ptr(o);
        return 0;
}

struct outbox *outbox_free(struct outbox *o) {
        if (!o)
                return NULL;
        sd_event_source_disable_unref(o->turn);
        sd_event_source_disable_unref(o->group);
        sd_event_source_disable_unref(o->wake);
        sd_event_source_disable_unref(o->idle);
        for (size_t i = 0; o->senders && i < o->n_senders; i++)
                peer_free(o->senders[i].peer);
        free(o->senders);
        mail_servers_done(&o->servers);
        for (size_t i = 0; i < o->answers.n; i++) {
                free(o->answers.items[i].reply);
                free(o->answers.items[i].enhanced);
        }
        array_done(&o->answers);
        free(o);
        return NULL;
}

void outbox_kick(struct outbox *o) {
        o->exhausted = false;
        outbox_schedule_turn(o);
}

void outbox_retry(struct outbox *o) {
        mail_servers_try_all(&o->servers, outbox_now(o));
        outbox_kick(o);
}

void outbox_hold(struct outbox *o, bool hold) {
        o->held = hold;
        outbox_kick(o);
}

usec_t outbox_leaves_at(const struct outbox *o, const struct outbox_entry *entry) {
        usec_t now = outbox_now(o), at = entry->next_try > now ? entry->next_try : now;

        if (entry->next_try == USEC_INFINITY ||
            outbox_reaches(OUTBOX_ANY_HOUR, entry->message.kind))
                return entry->next_try;
        at = send_instant_in_window(o->config.model->calendar, at);
        return at > now ? at : entry->next_try;
}

bool outbox_is_idle(const struct outbox *o) {
        return o->exhausted && o->answers.n == 0 && !outbox_senders_busy(o);
}

void outbox_stop(struct outbox *o) {
        o->stopping = true;
        outbox_stop_senders(o, usec_add(clock_monotonic(), STOP_USEC));
        outbox_turn(o); /* writes the last answers; hands out nothing */
}

size_t outbox_servers(const struct outbox *o, struct outbox_server *ret, size_t max) {
        size_t n = o->config.model->mail.n_servers;

        for (size_t i = 0; i < n && i < max; i++) {
                const struct mail_server_state *s = &o->servers.items[i];

                ret[i] = (struct outbox_server){.url = o->config.model->mail.servers[i].url,
                                                .text = s->text,
                                                .state = s->down_until ? "down"
                                                         : s->seen_ok  ? "ok"
                                                                       : "unknown"};
        }
        return n < max ? n : max;
}

usec_t outbox_failing_since(const struct outbox *o) { return o->failing_since; }
