/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/clock-watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define FAR_AWAY_SEC ((time_t)4102444800) /* the year 2100: it is there to be cancelled */

struct clock_watch {
        sd_event_source *source; /* owned */
        int fd;                  /* owned */
        struct clock_watch_clocks clocks;
        usec_t difference; /* real - boot, which only a step changes */
        clock_step_fn on_step;
        void *userdata;
};

static usec_t read_boot(void) {
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts); /* can not fail for this one */
        return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

static usec_t measure(const struct clock_watch *w) { return w->clocks.real() - w->clocks.boot(); }

static int arm(struct clock_watch *w) {
        const struct itimerspec far = {.it_value.tv_sec = FAR_AWAY_SEC};

        return timerfd_settime(w->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) < 0
                       ? -errno
                       : 0;
}

int clock_watch_look(struct clock_watch *w) {
        int r = arm(w); /* before measuring: a step in between cancels it again */
        usec_t now = w->clocks.real(), step = measure(w) - w->difference;
        bool matters = step >= CLOCK_WATCH_STEP_USEC || step <= -CLOCK_WATCH_STEP_USEC;

        w->difference += step;
        w->on_step(w->userdata, matters ? now - step : now, now);
        return r;
}

static int on_timer(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct clock_watch *w = userdata;
        uint64_t expired;
        int r;

        (void)revents;
        /* ECANCELED is what we wait for; EAGAIN: woken for nothing. */
        if (read(fd, &expired, sizeof(expired)) < 0 && errno != ECANCELED)
                return 0;
        r = clock_watch_look(w);
        if (r == 0)
                return 0;
        log_error_errno(r, "Failed to watch the clock: %m; steps of it are not noticed any more");
        return sd_event_source_set_enabled(s, SD_EVENT_OFF);
}

DEFINE_CLEANUP(struct clock_watch *, clock_watch_free)

int clock_watch_new(sd_event *event, const struct clock_watch_clocks *clocks, clock_step_fn on_step,
                    void *userdata, struct clock_watch **ret) {
        _cleanup_(clock_watch_free_p) struct clock_watch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->on_step = on_step;
        w->userdata = userdata;
        w->clocks = clocks ? *clocks : (struct clock_watch_clocks){clock_realtime, read_boot};
        w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (w->fd < 0)
                return -errno;
        r = arm(w);
        if (r == 0)
                r = sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_timer, w);
        if (r < 0)
                return r;
        w->difference = measure(w);
        *ret = steal_ptr(w);
        return 0;
}

struct clock_watch *clock_watch_free(struct clock_watch *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        if (w->fd >= 0)
                close(w->fd);
        free(w);
        return NULL;
}

int clock_watch_fd(const struct clock_watch *w) { return w->fd; }
