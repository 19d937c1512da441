/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox-internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "core/policy.h"
#include "service/mail-ledger.h"

#define HAND_OUT_GRACE_USEC (10 * USEC_PER_SEC)
#define START_AGAIN_USEC (1 * USEC_PER_SEC)

/* ---- handing out ---- */

/* A frame that goes out once the transaction that marks it is committed. */
struct outgoing {
        struct sender *sender;
        struct mail_work work;
        size_t before; /* mails that the sender takes first */
        char *text;    /* owned, like the body */
        char *body;
        size_t size;
};
struct outgoing_list ARRAY(struct outgoing);

struct hand_out {
        struct outbox *o;
        struct outgoing_list list;
        size_t server;
        size_t n_left; /* ready, and nobody there to take it */
        usec_t now, again;
        usec_t opens; /* when all mail may leave: now, or the start of the next window */
        enum outbox_reach reach;
};

static void outgoing_done(struct outgoing_list *list) {
        for (size_t i = 0; i < list->n; i++) {
                free(list->items[i].text);
                free(list->items[i].body);
        }
        array_done(list);
}

/* How many a sender may have: of a server that was not heard yet, one shows whether it is there. */
static size_t depth_of(const struct hand_out *h) {
        return h->o->servers.items[h->server].seen_ok ? SENDER_DEPTH : 1;
}

static size_t load_of(const struct sender *s, const struct outgoing_list *list) {
        size_t n = s->n_work;

        for (size_t i = 0; i < list->n; i++)
                n += list->items[i].sender == s;
        return n;
}

/* The one with the least to do. */
static struct sender *free_sender(const struct hand_out *h, size_t *ret_before) {
        struct sender *best = NULL;
        size_t least = depth_of(h);

        for (size_t i = 0; i < h->o->n_senders && least > 0; i++) {
                struct sender *s = &h->o->senders[i];
                size_t load = load_of(s, &h->list);

                if (load < least && s->peer && peer_state(s->peer) == PEER_UP) {
                        best = s;
                        least = load;
                }
        }
        *ret_before = least;
        return best;
}

/* Written by hand: it is made for every mail. */
static char *write_request(const struct outbox_entry *entry, const struct mail_server *server) {
        struct strbuf b = STRBUF_INIT;

        strbuf_addf(&b,
                    "{\"verb\":\"send\",\"id\":%jd,\"timeout\":%jd,\"body_bytes\":%zu,\"from\":",
                    (intmax_t)entry->id, (intmax_t)server->timeout, entry->message.size);
        strbuf_add_json(&b, entry->message.from);
        strbuf_adds(&b, ",\"to\":");
        strbuf_add_json(&b, entry->recipient);
        strbuf_adds(&b, ",\"server\":");
        mail_server_json(&b, server);
        strbuf_addc(&b, '}');
        return strbuf_steal(&b);
}

static int on_ready(void *userdata, const struct outbox_entry *entry) {
        struct hand_out *h = userdata;
        struct outgoing out = {.size = entry->message.size};

        out.sender = free_sender(h, &out.before);
        if (!out.sender) {
                h->n_left++;
                return 0;
        }
        out.work = (struct mail_work){entry->id, h->server, entry->tries, entry->message.created};
        out.body = malloc(out.size + 1);
        out.text = write_request(entry, &h->o->config.model->mail.servers[h->server]);
        if (!out.body || !out.text || array_push(&h->list, out) < 0) {
                free(out.body);
                free(out.text);
                return -ENOMEM;
        }
        memcpy(out.body, entry->message.bytes, out.size);
        return 0;
}

/* Marks what will be handed out, inside the transaction of the turn. Should we die, it is not handed out again before the
 * sender, who may have it still, must have given up. */
static int mark_handed(struct hand_out *h) {
        usec_t timeout = h->o->config.model->mail.servers[h->server].timeout + HAND_OUT_GRACE_USEC;

        for (size_t i = 0; i < h->list.n; i++) {
                const struct outgoing *out = &h->list.items[i];
                usec_t end = usec_add(h->now, timeout * (usec_t)(out->before + 1));
                int r = store_outbox_update(h->o->config.store, out->work.entry,
                                            &(struct outbox_result){.state = OUTBOX_HANDED,
                                                                    .at = h->now,
                                                                    .next_try = end});

                if (r < 0)
                        return r;
        }
        return 0;
}

static bool has_more(const struct hand_out *h, size_t i) {
        const struct sender *s = h->list.items[i].sender;

        while (++i < h->list.n)
                if (h->list.items[i].sender == s)
                        return true;
        return false;
}

static void send_out(struct hand_out *h) {
        for (size_t i = 0; i < h->list.n; i++) {
                struct outgoing *out = &h->list.items[i];
                struct sender *s = out->sender;

                s->work[s->n_work++] = out->work;
                if (peer_send_text(s->peer, out->text, out->body, out->size, has_more(h, i)) < 0)
                        peer_restart(s->peer,
                                     "it takes no more work"); /* on_down queues it again */
                else
                        peer_expect(s->peer, 1);
        }
}

/* ---- writing down ---- */

static int on_parked_entry(void *userdata, const struct outbox_entry *entry) {
        struct outbox *o = userdata;

        return o->callbacks.on_parked(o->userdata, entry);
}

static int on_ledger_entry(void *userdata, const struct outbox_entry *entry) {
        struct outbox *o = userdata;

        return mail_ledger(o->config.store, entry, outbox_now(o), NULL);
}

static int write_answer(struct outbox *o, const struct answer *a) {
        int r;

        r = store_outbox_update(o->config.store, a->entry, &a->result);
        if (r < 0 || (a->result.state == OUTBOX_QUEUED))
                return r;
        r = store_outbox_get(o->config.store, a->entry, on_ledger_entry, o);
        if (r == 0 && a->result.state == OUTBOX_PARKED)
                r = store_outbox_get(o->config.store, a->entry, on_parked_entry, o);
        return r;
}

static int write_answers(struct outbox *o) {
        for (size_t i = 0; i < o->answers.n; i++) {
                int r = write_answer(o, &o->answers.items[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

static void log_answers(struct outbox *o) {
        for (size_t i = 0; i < o->answers.n; i++) {
                struct answer *a = &o->answers.items[i];

                if (a->result.state != OUTBOX_SENT)
                        (void)store_outbox_get(o->config.store, a->entry, mail_log_refused, NULL);
                free(a->reply);
                free(a->enhanced);
        }
        o->answers.n = 0;
}

/* ---- the turn ---- */

/* What is due already waits for a sender, not for a time. */
static void arm_wake(const struct hand_out *h, usec_t next, usec_t at) {
        struct outbox *o = h->o;

        if (next == USEC_INFINITY)
                o->failing_since = 0; /* what failed was withdrawn, dropped or given up */
        if (next < at)
                next = at;
        if (next <= h->now)
                next = h->again;
        if (next == USEC_INFINITY) {
                sd_event_source_set_enabled(o->wake, SD_EVENT_OFF);
                return;
        }
        sd_event_source_set_time(o->wake, (uint64_t)(next - o->config.clock->offset));
        sd_event_source_set_enabled(o->wake, SD_EVENT_ONESHOT);
}

static size_t room_for(const struct hand_out *h) {
        size_t n = 0, depth = depth_of(h);

        for (size_t i = 0; i < h->o->n_senders; i++)
                n += depth > h->o->senders[i].n_work ? depth - h->o->senders[i].n_work : 0;
        return n;
}

static int hand_out(struct outbox *o, struct hand_out *h) {
        bool may = !o->stopping && h->server != SIZE_MAX;
        size_t room = may ? room_for(h) : 0;
        int r;

        if (room == 0) {
                o->exhausted = !may;
                return 0;
        }
        r = store_outbox_ready(o->config.store, h->now, h->reach, room, on_ready, h);
        if (r < 0)
                return r;
        o->exhausted = h->list.n + h->n_left == 0;
        if (h->n_left > 0 && outbox_start_senders(o, h->n_left) < 0)
                h->again = usec_add(h->now, START_AGAIN_USEC);
        return mark_handed(h);
}

/* When the next one that waits may be tried. */
static int next_try(const struct hand_out *h, usec_t *ret) {
        usec_t bound = USEC_INFINITY;
        int r = store_outbox_next(h->o->config.store, h->reach, ret);

        if (r < 0 || h->reach != OUTBOX_ANY_HOUR)
                return r;
        r = store_outbox_next(h->o->config.store, OUTBOX_ALL, &bound);
        if (r == 0 && bound != USEC_INFINITY && h->opens < *ret)
                *ret = h->opens;
        return r;
}

/* What is written is written together, and nothing is handed out before. @ret_next: what waits comes due then. */
static int write_down(struct hand_out *h, usec_t *ret_next) {
        struct outbox *o = h->o;
        int r = store_begin(o->config.store);

        if (r == 0)
                r = write_answers(o);
        if (r == 0)
                r = hand_out(o, h);
        if (r == 0)
                r = next_try(h, ret_next);
        if (r == 0)
                r = store_commit(o->config.store);
        if (r < 0)
                store_rollback(o->config.store);
        return r;
}

static void try_again(struct outbox *o, usec_t now, int error) {
        log_error_errno(error, "Failed to write down the outbox (%s): %m, trying again in a second",
                        store_error(o->config.store));
        sd_event_source_set_time(o->wake, (uint64_t)(now + USEC_PER_SEC - o->config.clock->offset));
        sd_event_source_set_enabled(o->wake, SD_EVENT_ONESHOT);
}

static void look_at_clock(struct hand_out *h) {
        h->now = outbox_now(h->o);
        h->opens = send_instant_in_window(h->o->config.model->calendar, h->now);
        h->reach = h->o->held ? OUTBOX_ASKED : h->opens > h->now ? OUTBOX_ANY_HOUR : OUTBOX_ALL;
}

void outbox_turn(struct outbox *o) {
        struct hand_out h = {.o = o, .again = USEC_INFINITY};
        bool answered = o->answers.n > 0;
        usec_t until, next = USEC_INFINITY;
        int r;

        sd_event_source_set_enabled(o->group, SD_EVENT_OFF);
        look_at_clock(&h);
        h.server = mail_servers_choose(&o->servers, h.now, &until);
        r = write_down(&h, &next);
        if (r < 0)
                try_again(o, h.now, r);
        else {
                log_answers(o);
                send_out(&h);
                arm_wake(&h, next, h.server == SIZE_MAX ? until : 0);
        }
        outgoing_done(&h.list);
        if (r == 0 && (answered || o->exhausted))
                o->callbacks.on_changed(o->userdata);
}
