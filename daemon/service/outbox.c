/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/outbox.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ipc/peer.h"
#include "service/events.h"
#include "service/mail-ledger.h"
#include "service/mail-result.h"
#include "service/mail-servers.h"

#define HAND_OUT_GRACE_USEC (10 * USEC_PER_SEC)
#define STOP_USEC (2 * USEC_PER_SEC + 500 * USEC_PER_MSEC)
#define SENDER_DEPTH 2 /* one under way, one behind it: a sender need not wait for the disk */
/* So long an answer waits for others, to be written together: while every sender has something to do, and when one has not. */
#define GROUP_USEC (20 * USEC_PER_MSEC)
#define GROUP_STARVING_USEC (1 * USEC_PER_MSEC)
#define START_AGAIN_USEC (1 * USEC_PER_SEC)
#define SENDER_IDLE_USEC (30 * USEC_PER_SEC)

struct sender {
        struct outbox *outbox;
        struct peer *peer;                   /* owned; NULL: nothing to do, not started */
        struct mail_work work[SENDER_DEPTH]; /* in the order in which it takes them */
        size_t n_work;
        usec_t idle_since;
};

/* What a sender said of an entry, until it is written down. */
struct answer {
        int64_t entry;
        struct outbox_result result;
        char *reply, *enhanced; /* owned */
        size_t server;
};

struct outbox {
        struct outbox_config config;
        struct outbox_callbacks callbacks;
        void *userdata;
        struct sender *senders; /* model.mail.connections */
        size_t n_senders;
        struct mail_servers servers;
        struct answers ARRAY(struct answer) answers;
        sd_event_source *turn;          /* owned: writes answers, hands out more */
        sd_event_source *group;         /* owned: answers have waited long enough */
        sd_event_source *wake;          /* owned: the next try */
        sd_event_source *idle;          /* owned: ends senders that have nothing to do */
        bool held, stopping, exhausted; /* exhausted: the last look found nothing ready */
        usec_t failing_since;
};

static usec_t now_of(const struct outbox *o) { return clock_now(o->config.clock); }

static void schedule_turn(struct outbox *o) {
        if (o->turn)
                sd_event_source_set_enabled(o->turn, SD_EVENT_ONESHOT);
}

/* ---- handing out ---- */

/* A frame that goes out once the transaction that marks it is committed. */
struct outgoing {
        struct sender *sender;
        struct mail_work work;
        size_t before; /* mails that the sender takes first */
        json_t *json;
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
};

static void outgoing_done(struct outgoing_list *list) {
        for (size_t i = 0; i < list->n; i++) {
                json_decref(list->items[i].json);
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

static int on_ready(void *userdata, const struct outbox_entry *entry) {
        struct hand_out *h = userdata;
        const struct mail_server *server = &h->o->config.model->mail.servers[h->server];
        struct outgoing out = {.size = entry->message.size};

        out.sender = free_sender(h, &out.before);
        if (!out.sender) {
                h->n_left++;
                return 0;
        }
        out.work = (struct mail_work){entry->id, h->server, entry->tries, entry->message.created};
        out.body = malloc(out.size + 1);
        out.json = json_pack("{s:s, s:I, s:s, s:s, s:I, s:o}", "verb", "send", "id",
                             (json_int_t)entry->id, "from", entry->message.from, "to",
                             entry->recipient, "timeout", (json_int_t)server->timeout, "server",
                             mail_server_json(server));
        if (!out.body || !out.json || array_push(&h->list, out) < 0) {
                free(out.body);
                json_decref(out.json);
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

static void send_out(struct hand_out *h) {
        for (size_t i = 0; i < h->list.n; i++) {
                struct outgoing *out = &h->list.items[i];
                struct sender *s = out->sender;

                s->work[s->n_work++] = out->work;
                if (peer_send(s->peer, out->json, out->body, out->size) < 0)
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

        return mail_ledger(o->config.store, entry, now_of(o), NULL);
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

static int start_senders(struct outbox *o, size_t n);

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
        r = store_outbox_ready(o->config.store, h->now, o->held, room, on_ready, h);
        if (r < 0)
                return r;
        o->exhausted = h->list.n + h->n_left == 0;
        if (h->n_left > 0 && start_senders(o, h->n_left) < 0)
                h->again = usec_add(h->now, START_AGAIN_USEC);
        return mark_handed(h);
}

static int on_turn(sd_event_source *s, void *userdata) {
        struct outbox *o = userdata;
        struct hand_out h = {.o = o, .now = now_of(o), .again = USEC_INFINITY};
        bool answered = o->answers.n > 0;
        usec_t until, next = USEC_INFINITY;
        int r;

        (void)s;
        sd_event_source_set_enabled(o->group, SD_EVENT_OFF);
        h.server = mail_servers_choose(&o->servers, h.now, &until);
        r = store_begin(o->config.store);
        if (r == 0)
                r = write_answers(o);
        if (r == 0)
                r = hand_out(o, &h);
        if (r == 0)
                r = store_outbox_next(o->config.store, o->held, &next);
        if (r == 0)
                r = store_commit(o->config.store);
        if (r < 0) {
                store_rollback(o->config.store);
                outgoing_done(&h.list);
                log_error_errno(
                        r, "Failed to write down the outbox (%s): %m, trying again in a second",
                        store_error(o->config.store));
                sd_event_source_set_time(
                        o->wake, (uint64_t)(h.now + USEC_PER_SEC - o->config.clock->offset));
                return sd_event_source_set_enabled(o->wake, SD_EVENT_ONESHOT);
        }
        log_answers(o);
        send_out(&h);
        outgoing_done(&h.list);
        arm_wake(&h, next, h.server == SIZE_MAX ? until : 0);
        if (answered || o->exhausted)
                o->callbacks.on_changed(o->userdata);
        return 0;
}

static int on_wake(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;
        schedule_turn(userdata);
        return 0;
}

/* ---- senders ---- */

/*
 * A commit costs a wait for the disk, and each of several answers would write the same pages again. So they wait for one
 * another: until half of what the senders may have is answered, while they go on with the other half.
 */
static void schedule_writing(struct outbox *o) {
        usec_t wait = GROUP_USEC;
        size_t n_busy = 0;
        uint64_t armed_for = 0;
        int armed = SD_EVENT_OFF;

        for (size_t i = 0; i < o->n_senders; i++)
                n_busy += o->senders[i].n_work > 0;
        if (o->stopping || n_busy == 0 || o->answers.n >= o->n_senders * SENDER_DEPTH / 2) {
                schedule_turn(o);
                return;
        }
        if (n_busy < o->n_senders)
                wait = GROUP_STARVING_USEC;
        if (sd_event_source_get_enabled(o->group, &armed) > 0 &&
            sd_event_source_get_time(o->group, &armed_for) >= 0 &&
            (usec_t)armed_for <= usec_add(clock_monotonic(), wait))
                return;
        sd_event_source_set_time_relative(o->group, (uint64_t)wait);
        sd_event_source_set_enabled(o->group, SD_EVENT_ONESHOT);
}

static void answer_add(struct outbox *o, struct answer a, const char *reply, const char *enhanced) {
        a.result.at = now_of(o);
        a.reply = reply ? strdup(reply) : NULL;
        a.enhanced = enhanced && *enhanced ? strdup(enhanced) : NULL;
        a.result.reply = a.reply;
        a.result.enhanced = a.enhanced;
        if (array_push(&o->answers, a) < 0) {
                log_oom(); /* stays handed, and is tried again after the timeout */
                free(a.reply);
                free(a.enhanced);
        }
        schedule_writing(o);
}

static void on_reply(struct sender *s, json_t *m) {
        struct outbox *o = s->outbox;
        struct mail_reply reply = {.result = "", .stage = "", .text = ""};
        const struct mail_work w = s->work[0];
        struct answer a = {.entry = w.entry, .server = w.server};

        json_unpack(m, "{s?s, s?s, s?s, s?i, s?s, s?b}", "result", &reply.result, "stage",
                    &reply.stage, "text", &reply.text, "code", &reply.code, "enhanced",
                    &reply.enhanced, "connection", &reply.connection);
        a.result = mail_result(o->config.model, &w, &reply, now_of(o), o->stopping);
        mail_servers_heard(&o->servers, w.server,
                           reply.connection ? (*reply.text ? reply.text : "no answer") : NULL,
                           now_of(o));
        if (a.result.state == OUTBOX_SENT)
                o->failing_since = 0;
        else if (o->failing_since == 0 && strcmp(reply.result, "permanent") != 0)
                o->failing_since = now_of(o);
        a.result.code = reply.code;
        a.result.server = o->config.model->mail.servers[w.server].url;
        s->n_work--;
        memmove(s->work, s->work + 1, s->n_work * sizeof(s->work[0]));
        s->idle_since = clock_monotonic();
        peer_expect(s->peer, -1);
        answer_add(o, a, reply.text, reply.enhanced);
}

static void on_sender_message(struct peer *p, struct message *m, void *userdata) {
        struct sender *s = userdata;
        const json_t *reply = json_object_get(m->json, "reply");

        (void)p;
        if (!json_is_integer(reply))
                return; /* alive */
        if (s->n_work > 0 && json_integer_value(reply) == s->work[0].entry)
                on_reply(s, m->json);
}

static void on_sender_up(struct peer *p, void *userdata) {
        struct sender *s = userdata;

        (void)p;
        s->idle_since = clock_monotonic();
        schedule_turn(s->outbox);
}

/* It aborts before the final dot when we are gone; whether it came so far is not known. */
static void give_back(struct outbox *o, const struct mail_work *w, const char *why) {
        struct answer a = {.entry = w->entry, .server = w->server};

        log_event(LOG_WARNING, EVENT_SENDER_GONE, NULL,
                  "A sender is gone (%s) with mail %jd: in doubt, it is sent again with the same "
                  "Message-ID",
                  why, (intmax_t)w->entry);
        a.result = mail_result_lost(o->config.model, w, now_of(o));
        answer_add(o, a, "the sender died", NULL);
}

static void on_sender_down(struct peer *p, const char *why, void *userdata) {
        struct sender *s = userdata;
        size_t n = s->n_work;

        (void)p;
        if (n == 0)
                log_event(LOG_WARNING, EVENT_SENDER_GONE, NULL,
                          "A sender can not be used (%s); trying again", why);
        s->n_work = 0;
        for (size_t i = 0; i < n; i++)
                give_back(s->outbox, &s->work[i], why);
}

static int start_senders(struct outbox *o, size_t n) {
        const struct peer_callbacks callbacks = {
                .on_up = on_sender_up, .on_message = on_sender_message, .on_down = on_sender_down};

        for (size_t i = 0; i < o->n_senders && n > 0; i++) {
                struct sender *s = &o->senders[i];
                int r;

                if (s->peer) {
                        n -= peer_state(s->peer) != PEER_UP; /* it is on its way */
                        continue;
                }
                n--;
                r = peer_new(o->config.event,
                             &(struct peer_config){.name = "sender",
                                                   .program = "evidenced-mail",
                                                   .socket = o->config.socket,
                                                   .executable = o->config.executable,
                                                   .environment = o->config.environment},
                             &callbacks, s, &s->peer);
                if (r < 0)
                        return log_error_errno(
                                r, "Failed to start a sender: %m, trying again in a second");
        }
        sd_event_source_set_time_relative(o->idle, SENDER_IDLE_USEC);
        sd_event_source_set_enabled(o->idle, SD_EVENT_ONESHOT);
        return 0;
}

static int on_idle(sd_event_source *src, uint64_t usec, void *userdata) {
        struct outbox *o = userdata;
        bool any = false;

        (void)usec;
        for (size_t i = 0; i < o->n_senders; i++) {
                struct sender *s = &o->senders[i];

                if (s->peer && s->n_work == 0 &&
                    clock_monotonic() - s->idle_since >= SENDER_IDLE_USEC / 2)
                        s->peer = peer_free(s->peer);
                any = any || s->peer;
        }
        if (!any)
                return 0;
        sd_event_source_set_time_relative(src, SENDER_IDLE_USEC);
        return sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
}

/* ---- public ---- */

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
                                      USEC_PER_SEC, on_idle, o);
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
        schedule_turn(o);
}

void outbox_retry(struct outbox *o) {
        mail_servers_try_all(&o->servers, now_of(o));
        outbox_kick(o);
}

void outbox_hold(struct outbox *o, bool hold) {
        o->held = hold;
        outbox_kick(o);
}

static bool any_busy(const struct outbox *o) {
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].n_work > 0)
                        return true;
        return false;
}

bool outbox_is_idle(const struct outbox *o) {
        return o->exhausted && o->answers.n == 0 && !any_busy(o);
}

/* Serves the senders that have something until they are done; from inside an event handler the loop can not. */
static void await_senders(struct outbox *o, usec_t end) {
        _cleanup_free_ struct peer **busy = calloc(o->n_senders + 1, sizeof(*busy));
        int r = busy ? 1 : -ENOMEM;

        while (r > 0 || r == -EINTR) {
                usec_t now = clock_monotonic();
                size_t n = 0;

                for (size_t i = 0; i < o->n_senders; i++)
                        if (o->senders[i].n_work > 0)
                                busy[n++] = o->senders[i].peer;
                if (n == 0 || now >= end)
                        return;
                r = peer_wait(busy, n, end - now);
        }
        if (r < 0 && r != -ENOTCONN)
                log_error_errno(r, "Failed to wait for the senders: %m");
}

void outbox_stop(struct outbox *o) {
        usec_t end = clock_monotonic() + STOP_USEC;
        json_t *abort_verb = json_pack("{s:s}", "verb", "abort");

        o->stopping = true;
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].n_work > 0 && abort_verb)
                        peer_send(o->senders[i].peer, abort_verb, NULL, 0);
        json_decref(abort_verb);
        await_senders(o, end);
        for (size_t i = 0; i < o->n_senders; i++)
                if (o->senders[i].n_work > 0)
                        on_sender_down(o->senders[i].peer, "the service stops", &o->senders[i]);
        on_turn(o->turn, o); /* writes the last answers; hands out nothing */
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
