/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/heartbeat.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "ipc/peer.h"
#include "service/events.h"
#include "service/manager.h"

#define PING_ID 1
#define PING_TIMEOUT_USEC (20 * USEC_PER_SEC)
#define DAY_VALUE "heartbeat_day"

static void end(struct heartbeat *hb) {
        hb->peer = peer_free(hb->peer);
        free(hb->url);
        hb->url = NULL;
}

void heartbeat_done(struct heartbeat *hb) {
        end(hb);
        free(hb->trouble);
        hb->trouble = NULL;
}

/* Once a day is enough also across restarts; that this is kept is no matter of life and death. */
static int remember(struct manager *m, date_t today) {
        int r = store_begin(m->store);

        if (r == 0)
                r = store_set_i64(m->store, DAY_VALUE, today);
        if (r == 0)
                r = store_commit(m->store);
        if (r < 0)
                store_rollback(m->store);
        return r;
}

static void succeed(struct heartbeat *hb) {
        struct manager *m = hb->manager;
        int r = remember(m, zone_civil(manager_now(m)).date);

        end(hb);
        free(hb->trouble);
        hb->trouble = NULL;
        hb->next_try = usec_add(manager_now(m), HEARTBEAT_RETRY_USEC); /* should it be forgotten */
        if (r < 0)
                log_error_errno(r, "Failed to write down that the heartbeat was sent: %m");
        log_info("Heartbeat sent");
        manager_turn(m);
}

static void fail(struct heartbeat *hb, const char *why) {
        struct manager *m = hb->manager;
        char *copy = strdup(why);

        end(hb);
        hb->next_try = usec_add(manager_now(m), HEARTBEAT_RETRY_USEC);
        free(hb->trouble);
        hb->trouble = copy;
        log_event(LOG_WARNING, EVENT_HEARTBEAT_FAILED, NULL,
                  "The heartbeat could not be sent (%s), trying again in an hour",
                  copy ? copy : "");
        manager_turn(m);
}

static void on_up(struct peer *p, void *userdata) {
        struct heartbeat *hb = userdata;
        _cleanup_(json_decrefp) json_t *ping =
                json_pack("{s:s, s:i, s:s, s:I}", "verb", "ping", "id", PING_ID, "url", hb->url,
                          "timeout", (json_int_t)PING_TIMEOUT_USEC);

        if (!ping || peer_send(p, ping, NULL, 0) < 0)
                fail(hb, "the sender takes no work");
        else
                peer_expect(p, 1);
}

static void on_message(struct peer *p, struct message *m, void *userdata) {
        struct heartbeat *hb = userdata;
        const json_t *reply = json_object_get(m->json, "reply");
        const char *text = json_string_value(json_object_get(m->json, "text"));

        (void)p;
        if (!json_is_integer(reply) || json_integer_value(reply) != PING_ID)
                return; /* alive */
        if (streq_ptr(json_string_value(json_object_get(m->json, "result")), "sent"))
                succeed(hb);
        else
                fail(hb, text && *text ? text : "no answer");
}

static void on_down(struct peer *p, const char *why, void *userdata) {
        (void)p;
        fail(userdata, why);
}

bool heartbeat_wanted(struct heartbeat *hb, struct manager *m, usec_t now, usec_t *ret_next) {
        date_t today = zone_civil(now).date;
        usec_t due = zone_instant(today, HEARTBEAT_SECOND);
        int64_t last;

        *ret_next = USEC_INFINITY;
        if (!m->model->mail.heartbeat || m->options.once) {
                heartbeat_done(hb);
                return false;
        }
        if (hb->peer)
                return false;
        if (now < due) {
                *ret_next = due;
                return false;
        }
        if (store_get_i64(m->store, DAY_VALUE, &last) == 0 && last >= today) {
                *ret_next = zone_instant(today + 1, HEARTBEAT_SECOND);
                return false;
        }
        /* A clock that was set back must not put it off for longer than that. */
        if (now < hb->next_try && hb->next_try - now <= HEARTBEAT_RETRY_USEC) {
                *ret_next = hb->next_try;
                return false;
        }
        return true;
}

void heartbeat_put_off(struct heartbeat *hb, usec_t now) {
        hb->next_try = usec_add(now, HEARTBEAT_RETRY_USEC);
}

void heartbeat_start(struct heartbeat *hb, struct manager *m) {
        const struct peer_callbacks callbacks = {
                .on_up = on_up, .on_message = on_message, .on_down = on_down};
        int r = -ENOMEM;

        hb->manager = m;
        hb->url = strdup(m->model->mail.heartbeat);
        if (hb->url)
                r = peer_new(m->event,
                             &(struct peer_config){.name = "sender of the heartbeat",
                                                   .program = "evidenced-mail",
                                                   .socket = getenv("EVIDENCED_MAIL_SOCKET"),
                                                   .executable = m->mail_program,
                                                   .environment = m->mail_environment},
                             &callbacks, hb, &hb->peer);
        if (r < 0)
                fail(hb, strerror(-r));
}
