/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/manager-internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/care.h"
#include "service/control.h"
#include "service/events.h"
#include "service/publish.h"
#include "service/undeliverable.h"
#include "service/withdraw.h"

enum { EXIT_TEMPFAIL = 75, EXIT_CONFIG = 78 };

#define REBUILD_PAUSE_USEC (5 * USEC_PER_SEC)

usec_t manager_now(const struct manager *m) { return clock_now(&m->clock); }

bool manager_is_held(const struct manager *m) { return !m->released || m->model->mail.hold; }

void manager_turn(struct manager *m) { sd_event_source_set_enabled(m->turn, SD_EVENT_ONESHOT); }

void manager_count(struct manager *m, struct manager_counts *ret) {
        usec_t now = manager_now(m);
        const struct task *last = NULL;

        *ret = (struct manager_counts){.tasks = m->model->n_tasks};
        for (size_t i = 0; i < m->tracks->n; i++) {
                const struct track *track = &m->tracks->items[i];
                enum state state = track_state(m->tracks, track, now);

                ret->by_state[state]++;
                if (state != STATE_OVERDUE || track->instance->task == last)
                        continue;
                ret->overdue_tasks++;
                last = track->instance->task; /* those of a task stand together */
        }
        store_outbox_count(m->store, &ret->outbox);
}

/* ---- status ---- */

static void describe_next(const struct manager *m, char *buf, size_t size) {
        static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        struct civil c;
        char date[DATE_BUFFER];

        if (manager_is_held(m)) {
                snprintf(buf, size, "mail is held%s",
                         m->model->mail.hold ? " (mail.hold)" : " until 'evidencectl release'");
                return;
        }
        if (m->next == USEC_INFINITY) {
                snprintf(buf, size, "no reminder to come");
                return;
        }
        c = zone_civil(m->next);
        snprintf(buf, size, "next reminder %s %s %02d:%02d", days[date_weekday(c.date)],
                 date_format(c.date, date), c.second / 3600, c.second / 60 % 60);
}

static uint64_t n_waiting(const struct manager_counts *n) {
        return n->outbox.by_state[OUTBOX_QUEUED] + n->outbox.by_state[OUTBOX_HANDED] +
               n->outbox.by_state[OUTBOX_DOUBT];
}

static void publish_status(struct manager *m) {
        _cleanup_free_ char *text = NULL;
        struct manager_counts n;
        char next[120], box[60] = "outbox empty", deadlines[60] = "";
        size_t overdue;

        manager_count(m, &n);
        if (n_waiting(&n) > 0)
                snprintf(box, sizeof(box), "%ju mail%s in the outbox", (uintmax_t)n_waiting(&n),
                         plural(n_waiting(&n), "", "s"));
        overdue = n.by_state[STATE_OVERDUE];
        if (overdue > 0)
                snprintf(deadlines, sizeof(deadlines), " (%zu deadline%s)", overdue,
                         plural(overdue, "", "s"));
        describe_next(m, next, sizeof(next));
        if (asprintf(&text, "%zu %s, %zu overdue%s; %s; %s", n.tasks,
                     plural(n.tasks, "criterion", "criteria"), n.overdue_tasks, deadlines, next,
                     box) < 0)
                return;
        if (m->status && strcmp(m->status, text) == 0)
                return;
        sd_notifyf(false, "STATUS=%s", text);
        free(m->status);
        m->status = steal_ptr(text);
}

/* ---- the turn: plan, write down, look when to look again ---- */

static bool plans_can_be_trusted(const struct manager *m) {
        return m->start_over || evidence_is_quiet(m->evidence);
}

static int on_expired(void *userdata, struct track *track, enum episode_cause cause) {
        struct manager *m = userdata;
        usec_t now = manager_now(m);

        log_event(LOG_INFO, NULL,
                  &(struct event_fields){.instance = track->instance->key,
                                         .unit = track->instance->unit->id},
                  "%s: %s", track->instance->key, episode_cause_to_string(cause));
        /* Nobody is told of it, so nothing is covered: the step it stands at is due at once, and says why. */
        return track_begin_episode(m->tracks, track, cause, now, 0);
}

static int expire(struct manager *m, usec_t *ret_next) {
        const struct track_expiry expiry = {on_expired, m};
        int r = store_begin(m->store);

        if (r == 0)
                r = tracks_expire(m->tracks, manager_now(m), &expiry, ret_next);
        if (r == 0)
                r = tracks_save(m->tracks);
        if (r == 0)
                r = store_commit(m->store);
        if (r < 0)
                store_rollback(m->store);
        return r;
}

static void arm(struct manager *m) {
        usec_t next = m->next < m->next_care ? m->next : m->next_care;

        next = m->next_change < next ? m->next_change : next;
        if (next == USEC_INFINITY) {
                sd_event_source_set_enabled(m->wake, SD_EVENT_OFF);
                return;
        }
        sd_event_source_set_time(m->wake, (uint64_t)(next - m->clock.offset));
        sd_event_source_set_enabled(m->wake, SD_EVENT_ONESHOT);
}

static void finish_once(struct manager *m) {
        struct manager_counts n;
        int pending = SD_EVENT_OFF;

        if (!m->options.once || !m->planned || !outbox_is_idle(m->outbox))
                return;
        /* A mail that was parked a moment ago is told of by the turn to come. */
        if (sd_event_source_get_enabled(m->turn, &pending) > 0)
                return;
        manager_count(m, &n);
        m->exit_status = n_waiting(&n) > 0 ? EXIT_TEMPFAIL : 0;
        sd_event_exit(m->event, 0);
}

/* Return: 0 or -errno; in the second case memory may be ahead of the store. */
static int plan_and_write(struct manager *m) {
        usec_t expiry = USEC_INFINITY;
        size_t n = 0, n_withdrawn = 0;
        int r = expire(m, &expiry);

        if (r == 0)
                r = tell_flush(&m->tell, &n);
        if (r == 0)
                r = withdraw_outdated(&m->tell, &n_withdrawn);
        if (r < 0)
                return r;
        m->next = tell_next(&m->tell);
        m->next_change = expiry;
        if (n > 0)
                outbox_kick(m->outbox);
        return 0;
}

/* At once: nobody may be told, and nothing else may write down, half of what was found. But not all the time while a disk
 * is full. */
static int go_back_to_store(struct manager *m) {
        m->ahead_of_store = false;
        m->first_pass = usec_add(clock_monotonic(), REBUILD_PAUSE_USEC);
        return manager_rebuild(m) < 0 ? sd_event_exit(m->event, 1) : 0;
}

static int on_turn(sd_event_source *s, void *userdata) {
        struct manager *m = userdata;

        (void)s;
        if (m->ahead_of_store)
                return go_back_to_store(m);
        if (!plans_can_be_trusted(m))
                return 0; /* evidence tells when it is quiet; the start timer ends the wait */
        m->next_care = care_look(m); /* first: what it tells leaves with this plan */
        if (manager_is_held(m)) {
                m->next = m->next_change = USEC_INFINITY;
        } else {
                int r = plan_and_write(m);

                if (r < 0) {
                        log_event(LOG_ERR, EVENT_STORE_FAILED, NULL,
                                  "Failed to write down what is due (%s): %s; nothing of it was "
                                  "sent, trying again in 10 seconds",
                                  store_error(m->store), strerror(-r));
                        m->next = manager_now(m) + 10 * USEC_PER_SEC;
                        if (manager_rebuild(m) < 0)
                                return sd_event_exit(m->event, 1);
                }
        }
        if (!m->planned)
                outbox_hold(m->outbox, manager_is_held(m));
        m->planned = true;
        arm(m);
        publish_status(m);
        publish_write(m);
        finish_once(m);
        return 0;
}

static int on_wake(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;
        manager_turn(userdata);
        return 0;
}

static int on_start_over(sd_event_source *s, uint64_t usec, void *userdata) {
        struct manager *m = userdata;

        (void)s;
        (void)usec;
        if (!evidence_is_quiet(m->evidence))
                log_warning("Not all evidence could be looked at in %d seconds; where it was not, "
                            "the last known state "
                            "counts",
                            (int)(EVIDENCE_START_USEC / USEC_PER_SEC));
        m->start_over = true;
        manager_turn(m);
        return 0;
}

/* ---- what the rooms report ---- */

static int on_evidence(void *userdata, const struct evidence_event *event) {
        struct manager *m = userdata;

        pass_lines_add(&m->pass_lines, event->track->instance, event->kind, event->file.path);
        return tell_notice(&m->tell, event->kind, event->track, NULL,
                           &(struct tell_words){.file = &event->file});
}

static void on_evidence_changed(void *userdata) {
        struct manager *m = userdata;

        pass_lines_log(&m->pass_lines);
        manager_turn(m);
}

static void on_evidence_failed(void *userdata) {
        struct manager *m = userdata;

        pass_lines_drop(&m->pass_lines);
        m->ahead_of_store = true;
        manager_turn(m);
}

static int on_parked(void *userdata, const struct outbox_entry *entry) {
        struct manager *m = userdata;

        manager_turn(m); /* what it tells leaves at once */
        return undeliverable(&m->tell, entry);
}

static void on_outbox_changed(void *userdata) {
        struct manager *m = userdata;

        if (!outbox_is_idle(m->outbox))
                return;
        publish_status(m);
        publish_refresh(m);
        finish_once(m);
}

/* ---- starting the rooms ---- */

static int start_evidence(struct manager *m) {
        const struct evidence_callbacks callbacks = {.on_event = on_evidence,
                                                     .on_changed = on_evidence_changed,
                                                     .on_failed = on_evidence_failed};

        return evidence_new(&(struct evidence_config){.event = m->event,
                                                      .clock = &m->clock,
                                                      .model = m->model,
                                                      .tracks = m->tracks,
                                                      .store = m->store,
                                                      .first_pass = m->first_pass,
                                                      .socket = getenv("EVIDENCED_SCAN_SOCKET"),
                                                      .executable = m->scan_program,
                                                      .confirm_reopen = !m->options.once},
                            &callbacks, m, &m->evidence);
}

static int start_outbox(struct manager *m) {
        const struct outbox_callbacks callbacks = {.on_parked = on_parked,
                                                   .on_changed = on_outbox_changed};
        int r = outbox_new(&(struct outbox_config){.event = m->event,
                                                   .clock = &m->clock,
                                                   .model = m->model,
                                                   .store = m->store,
                                                   .socket = getenv("EVIDENCED_MAIL_SOCKET"),
                                                   .executable = m->mail_program,
                                                   .environment = m->mail_environment},
                           &callbacks, m, &m->outbox);

        /* What waited while we were away may be settled by now: the first plan withdraws it before anything leaves. */
        if (r == 0)
                outbox_hold(m->outbox, !m->planned || manager_is_held(m));
        return r;
}

int manager_start_rooms(struct manager *m) {
        int r = start_evidence(m);

        return r < 0 ? r : start_outbox(m);
}

/* ---- starting ---- */

static int open_store(struct manager *m) {
        enum store_condition condition;
        pid_t holder = 0;
        int64_t offset, released;
        int r = store_open(m->options.state, &m->store, &condition, &holder);

        if (r == -EBUSY)
                return log_error_errno(r, "Another evidenced (pid %d) runs on '%s'", (int)holder,
                                       m->options.state);
        if (r < 0)
                return log_error_errno(r, "Failed to open the state in '%s': %m", m->options.state);
        if (condition == STORE_RESTORED)
                log_event(LOG_WARNING, EVENT_STORE_RESTORED, NULL,
                          "The database was corrupt or missing: the last copy of it is in use; "
                          "mail is held until 'evidencectl release'");
        m->released = condition != STORE_RESTORED &&
                      store_get_i64(m->store, "released_at", &released) == 0;
        /* The offset is kept with the state, so that a restart goes on in the same time. */
        if (store_get_i64(m->store, "clock_offset", &offset) == 0) {
                m->clock.offset = offset;
                if (m->options.now_given)
                        log_warning("--now is ignored: this state has a clock of its own");
                return 0;
        }
        m->clock.offset = m->options.now_given ? m->options.now - clock_realtime() : 0;
        r = store_begin(m->store);
        if (r == 0)
                r = store_set_i64(m->store, "clock_offset", m->clock.offset);
        if (r == 0)
                r = store_commit(m->store);
        return r < 0 ? log_error_errno(r, "Failed to write to the state in '%s': %m",
                                       m->options.state)
                     : 0;
}

static int load_config(struct manager *m) {
        _cleanup_(findings_done) struct findings findings = {};
        int r = config_load(m->options.config, NULL, &m->model, &findings);

        if (r == 0)
                r = manager_load_templates(m, &findings, &m->templates);
        findings_print(&findings, stderr);
        if (r < 0)
                return r;
        r = zone_init(m->model->organization.time_zone);
        if (r < 0)
                return log_error_errno(r, "Failed to use the time zone '%s': %m",
                                       m->model->organization.time_zone);
        return 0;
}

static int on_term(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        struct manager *m = userdata;

        (void)s;
        log_info("Stopping (signal %u)", si->ssi_signo);
        sd_notify(false, "STOPPING=1");
        outbox_stop(m->outbox);
        /* A pass that was broken off has not sent all. */
        m->exit_status = m->options.once ? EXIT_TEMPFAIL : 0;
        return sd_event_exit(m->event, 0);
}

static int on_hup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        struct manager *m = userdata;
        _cleanup_(findings_done) struct findings findings = {};
        _cleanup_(track_changes_done) struct track_changes changes = {};

        (void)s;
        (void)si;
        sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%jd", (intmax_t)clock_monotonic());
        if (manager_reload(m, &findings, &changes) < 0)
                findings_print(&findings, stderr);
        sd_notify(false, "READY=1");
        return 0;
}

/* Where the workers are, should they have to be started. */
static int find_workers(struct manager *m) {
        const char *credentials = getenv("CREDENTIALS_DIRECTORY");

        if (asprintf(&m->scan_program, "%s/evidenced-scan", m->options.libexec) < 0 ||
            asprintf(&m->mail_program, "%s/evidenced-mail", m->options.libexec) < 0 ||
            (credentials &&
             asprintf(&m->mail_environment, "CREDENTIALS_DIRECTORY=%s", credentials) < 0))
                return log_oom();
        return 0;
}

static int set_up_events(struct manager *m) {
        sigset_t mask;
        int r = sd_event_default(&m->event);

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGCHLD);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        signal(SIGPIPE, SIG_IGN);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGTERM, on_term, m);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGINT, on_term, m);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGHUP, on_hup, m);
        if (r >= 0)
                r = sd_event_add_defer(m->event, &m->turn, on_turn, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->turn, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(m->event, &m->wake, CLOCK_REALTIME, UINT64_MAX, 0, on_wake,
                                      m);
        if (r >= 0)
                r = sd_event_add_time(m->event, &m->start, CLOCK_MONOTONIC, UINT64_MAX, 0,
                                      on_start_over, m);
        if (r >= 0)
                r = sd_event_set_watchdog(m->event, true);
        return r < 0 ? log_error_errno(r, "Failed to set up the event loop: %m") : 0;
}

DEFINE_CLEANUP(struct manager *, manager_free)

int manager_new(const struct manager_options *options, struct manager **ret) {
        _cleanup_(manager_free_p) struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return log_oom();
        m->options = *options;
        m->next = m->next_change = m->next_care = USEC_INFINITY;
        r = load_config(m);
        if (r == 0)
                r = find_workers(m);
        if (r == 0)
                r = set_up_events(m);
        if (r == 0)
                r = care_init(m);
        if (r == 0)
                r = open_store(m);
        if (r < 0)
                return r;
        /* A clock that was set by hand, or a single pass, says that somebody is looking. */
        if (!m->released && (options->once || options->now_given)) {
                r = manager_release(m, options->once ? "--once" : "--now");
                if (r < 0)
                        return r;
        }
        r = manager_build(m, NULL);
        if (r < 0)
                return log_error_errno(r, "Failed to start: %m");
        if (options->socket) {
                r = control_new(m, options->socket, &m->control);
                if (r < 0)
                        return log_error_errno(r, "Failed to listen on '%s': %m", options->socket);
        }
        *ret = steal_ptr(m);
        return 0;
}

struct manager *manager_free(struct manager *m) {
        if (!m)
                return NULL;
        m->control = control_free(m->control);
        m->publish = publish_free(m->publish);
        care_done(m);
        m->outbox = outbox_free(m->outbox);
        m->evidence = evidence_free(m->evidence);
        pass_lines_drop(&m->pass_lines);
        m->tracks = tracks_free(m->tracks);
        m->instances = instance_set_free(m->instances);
        templates_free(m->templates);
        store_free(m->store);
        model_free(m->model);
        sd_event_source_disable_unref(m->turn);
        sd_event_source_disable_unref(m->wake);
        sd_event_source_disable_unref(m->start);
        sd_event_unref(m->event);
        free(m->scan_program);
        free(m->mail_program);
        free(m->mail_environment);
        free(m->status);
        free(m);
        return NULL;
}

int manager_run(struct manager *m) {
        int r;

        manager_turn(m);
        publish_status(m);
        if (manager_is_held(m))
                log_event(LOG_NOTICE, EVENT_MAIL_HELD, NULL, "Mail is held%s: nothing leaves",
                          m->model->mail.hold ? " (mail.hold = true)"
                                              : " until 'evidencectl release'");
        sd_notify(false, "READY=1");
        r = sd_event_loop(m->event);
        return r < 0 ? r : r > 0 ? r : m->exit_status;
}
