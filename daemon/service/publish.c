/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/publish.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/calendars.h"
#include "service/events.h"
#include "service/manager.h"
#include "service/metrics.h"

#define FILE_MODE 0640
#define DIR_MODE 0750
#define MAX_ROOTS 64
#define METRICS_PAUSE_USEC USEC_PER_MINUTE

struct publish {
        sd_event_source *timer; /* owned; NULL before the first pause */
        usec_t looked;          /* monotonic; 0: never */
        usec_t passed;          /* real time of the last pass; 0: none yet */
        bool shown;             /* the files say what the fingerprint stands for */
        char *metrics;          /* owned: what was last written, but for the time of the pass */
        usec_t metrics_at;      /* monotonic */
        uint8_t fingerprint[SHA256_SIZE];
        char *error; /* owned; NULL: all is well */
};

/* One look: what is shown, and where it goes. */
struct look {
        struct manager *m;
        struct board board;
        gid_t group;
        bool grouped;
        const char *failed; /* what could not be written; into one of those below */
        char hint[200];
        char name[CALENDARS_NAME_BUFFER];
};

/* ---- what would be shown ---- */

static void mix_text(struct sha256 *d, const char *s) {
        sha256_update(d, s ? s : "", strlen(s ? s : "") + 1);
}

static void mix_number(struct sha256 *d, int64_t n) { sha256_update(d, &n, sizeof(n)); }

static void mix_instance(struct sha256 *d, const struct board *b, size_t i) {
        const struct instance *in = &b->instances->items[i];
        const struct history *h = b->histories[i];

        mix_text(d, in->key);
        mix_text(d, in->title);
        mix_text(d, in->dir);
        for (size_t k = 0; k < in->n_requirements; k++) {
                mix_text(d, in->requirements[k].name);
                mix_number(d, in->requirements[k].need->count);
                mix_number(d, k < h->n_have ? h->have[k] : 0);
        }
        mix_number(d, instance_state(b->model->calendar, in, h, b->now));
        mix_number(d, score_bucket(b->model->calendar, in, h, b->now));
        mix_number(d, instance_deadline(b->model->calendar, in, h).instant);
        mix_number(d, h->extended_to);
        mix_number(d, h->episode);
        mix_number(d, h->complete_at);
        mix_number(d, h->unverified);
}

static void mix_model(struct sha256 *d, const struct model *m) {
        mix_text(d, m->organization.name);
        mix_number(d, m->organization.language);
        mix_number(d, m->organization.closes);
        mix_text(d, m->mail.from.spec); /* the domain of UIDs */
        mix_text(d, m->publish.dir);
        mix_text(d, m->publish.group);
        mix_number(d, m->publish.html + 2 * m->publish.ics);
        for (size_t i = 0; i < m->n_areas; i++) {
                mix_text(d, m->areas[i].id);
                mix_text(d, m->areas[i].title);
        }
        for (size_t i = 0; i < m->n_units; i++) {
                mix_text(d, m->units[i].id);
                mix_text(d, m->units[i].name);
                mix_number(d, m->units[i].language);
        }
        for (size_t i = 0; i < m->n_tasks; i++) {
                mix_text(d, m->tasks[i].id);
                mix_number(d, m->tasks[i].points);
                mix_number(d, m->tasks[i].area - m->areas);
        }
        for (size_t i = 0; i < m->evidence.roots.n; i++) {
                mix_text(d, m->evidence.roots.items[i]);
                mix_text(d, i < m->evidence.display.n ? m->evidence.display.items[i] : NULL);
        }
}

static int fingerprint(const struct board *b, uint8_t ret[SHA256_SIZE]) {
        _cleanup_(sha256_free_p) struct sha256 *d = sha256_new();

        if (!d)
                return -ENOMEM;
        mix_number(d, zone_civil(b->now).date); /* days left */
        mix_model(d, b->model);
        for (size_t i = 0; i < b->instances->n; i++)
                mix_instance(d, b, i);
        return sha256_final(d, ret);
}

/* ---- files ---- */

/* Groups are looked up at each look: they may be made while the service runs. */
static int find_group(struct look *l) {
        const char *name = l->m->model->publish.group;
        const struct group *group;

        if (!name)
                return 0;
        errno = 0;
        group = getgrnam(name);
        if (!group)
                return errno > 0 ? -errno : -ESRCH;
        l->group = group->gr_gid;
        l->grouped = true;
        return 0;
}

/* A folder with the set-group-ID bit has done it already, and then chown() need not be permitted. */
static int give_group(struct look *l, const char *path) {
        struct stat st;

        if (!l->grouped)
                return 0;
        if (stat(path, &st) < 0)
                return -errno;
        if (st.st_gid == l->group)
                return 0;
        if (chown(path, (uid_t)-1, l->group) == 0)
                return 0;
        if (errno != EPERM)
                return -errno;
        snprintf(l->hint, sizeof(l->hint),
                 "publish.group: the service is no member, say 'usermod -aG %.60s evidenced' and "
                 "restart it",
                 l->m->model->publish.group);
        l->failed = l->hint;
        return -EPERM;
}

/* A folder that somebody else owns has the group that they gave it. */
static bool is_ours(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && st.st_uid == geteuid();
}

static int make_folder(struct look *l) {
        const char *dir = l->m->model->publish.dir;
        int r;

        l->failed = "publish.group";
        r = find_group(l);
        if (r < 0)
                return r;
        l->failed = "the folder";
        if (mkdir(dir, DIR_MODE) < 0 && errno != EEXIST)
                return -errno;
        return is_ours(dir) ? give_group(l, dir) : 0;
}

static int write_one(struct look *l, const char *name, const struct strbuf *text) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/%s", l->m->model->publish.dir, name) < 0)
                return -ENOMEM;
        r = replace_file(path, strbuf_str(text), text->len,
                         FILE_MODE); /* a start makes all of them */
        return r < 0 ? r : give_group(l, path);
}

static int write_page(struct look *l) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;
        int r;

        l->failed = "index.html";
        r = board_render(&l->board, &text);
        return r < 0 ? r : write_one(l, "index.html", &text);
}

static int write_calendar(struct look *l, const struct unit *unit) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT;
        int r = 0;

        l->failed = l->name;
        strcpy(l->name, "calendar.ics");
        if (unit)
                r = calendars_name(unit, l->name);
        if (r == 0)
                r = calendars_render(&l->board, unit, &text);
        return r < 0 ? r : write_one(l, l->name, &text);
}

static bool is_calendar_of_somebody(const struct model *m, const char *name) {
        char own[CALENDARS_NAME_BUFFER];

        for (size_t i = 0; i < m->n_units; i++)
                if (calendars_name(&m->units[i], own) == 0 && strcmp(own, name) == 0)
                        return true;
        return false;
}

/* Who subscribed to a unit that is gone shall see an error, not a year that never changes. */
static int drop_calendars(struct look *l) {
        _cleanup_(closedir_p) DIR *d = opendir(l->m->model->publish.dir);
        const struct dirent *e;

        l->failed = "the folder";
        if (!d)
                return -errno;
        while ((e = readdir(d)))
                if (strncmp(e->d_name, CALENDARS_PREFIX, strlen(CALENDARS_PREFIX)) == 0 &&
                    endswith(e->d_name, CALENDARS_SUFFIX) &&
                    !is_calendar_of_somebody(l->m->model, e->d_name))
                        unlinkat(dirfd(d), e->d_name, 0);
        return 0;
}

static int write_calendars(struct look *l) {
        int r = write_calendar(l, NULL);

        for (size_t i = 0; i < l->m->model->n_units && r == 0; i++)
                r = write_calendar(l, &l->m->model->units[i]);
        return r < 0 ? r : drop_calendars(l);
}

/* @changed: what else is published did; the time of a pass alone is worth a file once a minute */
static int write_metrics(struct look *l, bool changed) {
        _cleanup_(strbuf_done) struct strbuf text = STRBUF_INIT, bare = STRBUF_INIT;
        struct publish *p = l->m->publish;
        usec_t now = clock_monotonic();
        struct evidence_root roots[MAX_ROOTS];
        struct manager_counts counts;
        struct metrics metrics = {.version = EVIDENCED_VERSION,
                                  .total = &l->board.scores->total,
                                  .roots = roots,
                                  .held = manager_is_held(l->m)};
        int r;

        l->failed = "evidenced.prom";
        manager_count(l->m, &counts);
        memcpy(metrics.instances, counts.by_state, sizeof(metrics.instances));
        metrics.outbox = counts.outbox;
        metrics.n_roots = evidence_roots(l->m->evidence, roots, MAX_ROOTS);
        r = metrics_render(&metrics, &bare);
        if (r < 0)
                return r;
        if (!changed && streq_ptr(p->metrics, strbuf_str(&bare)) &&
            now < p->metrics_at + METRICS_PAUSE_USEC)
                return 0;
        metrics.last_pass = p->passed;
        r = metrics_render(&metrics, &text);
        if (r == 0)
                r = write_one(l, "evidenced.prom", &text);
        if (r < 0)
                return r;
        free(p->metrics);
        p->metrics = strbuf_steal(&bare);
        p->metrics_at = now;
        return 0;
}

/* ---- looking ---- */

static int write_what_changed(struct look *l) {
        struct publish *p = l->m->publish;
        const struct model *m = l->m->model;
        uint8_t print[SHA256_SIZE];
        bool changed;
        int r = fingerprint(&l->board, print);

        if (r < 0)
                return r;
        changed = !p->shown || memcmp(print, p->fingerprint, sizeof(print)) != 0;
        p->shown = false;
        r = make_folder(l);
        if (r == 0 && m->publish.html && changed)
                r = write_page(l);
        if (r == 0 && m->publish.ics && changed)
                r = write_calendars(l);
        if (r == 0 && m->publish.metrics)
                r = write_metrics(l, changed);
        if (r < 0)
                return r;
        memcpy(p->fingerprint, print, sizeof(print));
        p->shown = true;
        return 0;
}

static int look(struct manager *m, struct look *l) {
        _cleanup_(scoreboard_done) struct scoreboard scores = {};
        _cleanup_free_ const struct history **histories =
                calloc(m->tracks->n + 1, sizeof(*histories));
        int r;

        if (!histories)
                return -ENOMEM;
        for (size_t i = 0; i < m->tracks->n; i++)
                histories[i] = &m->tracks->items[i].history;
        *l = (struct look){.m = m,
                           .board = {.model = m->model,
                                     .templates = m->templates,
                                     .instances = m->instances,
                                     .histories = histories,
                                     .scores = &scores,
                                     .now = manager_now(m)}};
        r = scoreboard_compute(m->model, m->instances, histories, l->board.now, &scores);
        return r < 0 ? r : write_what_changed(l);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;
        publish_refresh(userdata);
        return 0;
}

static void look_again(struct manager *m, usec_t at) {
        struct publish *p = m->publish;
        int r;

        if (!p->timer)
                r = sd_event_add_time(m->event, &p->timer, CLOCK_MONOTONIC, (uint64_t)at, 0,
                                      on_timer, m);
        else
                r = sd_event_source_set_time(p->timer, (uint64_t)at);
        if (r >= 0)
                r = sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error_errno(r, "Failed to set a timer: %m; what is published waits for the "
                                   "next change");
}

static void keep_error(struct manager *m, const struct look *l, int r) {
        struct publish *p = m->publish;
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "Failed to publish in '%s' (%s): %s", m->model->publish.dir,
                     l->failed ? l->failed : "nothing was begun", strerror(-r)) < 0)
                return;
        if (!p->error || strcmp(p->error, text) != 0)
                log_event(LOG_ERR, EVENT_PUBLISH_FAILED, NULL,
                          "%s; trying again at the next change, and in 10 minutes", text);
        free(p->error);
        p->error = steal_ptr(text);
}

int publish_refresh(struct manager *m) {
        struct publish *p = m->publish;
        usec_t now = clock_monotonic();
        struct look l = {};
        int r;

        if (!p || !m->model->publish.dir || !m->tracks || !m->evidence)
                return 0;
        if (!m->options.once && p->looked > 0 && now < p->looked + PUBLISH_PAUSE_USEC) {
                look_again(m, p->looked + PUBLISH_PAUSE_USEC);
                return 0;
        }
        p->looked = now;
        r = look(m, &l);
        if (r < 0) {
                keep_error(m, &l, r);
                look_again(m, now + PUBLISH_RETRY_USEC);
                return r;
        }
        if (p->error)
                log_info("Published in '%s' again", m->model->publish.dir);
        free(p->error);
        p->error = NULL;
        return 0;
}

int publish_write(struct manager *m) {
        if (!m->publish)
                m->publish = calloc(1, sizeof(*m->publish));
        if (!m->publish)
                return log_oom();
        m->publish->passed = clock_realtime();
        return publish_refresh(m);
}

const char *publish_error(const struct manager *m) {
        return m->publish && m->model->publish.dir ? m->publish->error : NULL;
}

struct publish *publish_free(struct publish *p) {
        if (!p)
                return NULL;
        sd_event_source_disable_unref(p->timer);
        free(p->metrics);
        free(p->error);
        free(p);
        return NULL;
}
