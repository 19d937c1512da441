/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/clock-watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"

#define START (1542000000 * USEC_PER_SEC)

/* Clocks that go as the test says; both go on in a suspend, only real is set. */
static usec_t real, boot;

static usec_t read_real(void) { return real; }
static usec_t read_boot(void) { return boot; }

static void pass(usec_t time) {
        real += time;
        boot += time;
}

static struct {
        unsigned n;
        usec_t from, to;
} told;

static void on_step(void *userdata, usec_t from, usec_t to) {
        (void)userdata;
        told.n++;
        told.from = from;
        told.to = to;
}

static struct clock_watch *watch;
static sd_event *event;

static int set_up(void **state) {
        const struct clock_watch_clocks clocks = {read_real, read_boot};

        (void)state;
        real = START;
        boot = 5 * USEC_PER_HOUR;
        told.n = 0;
        return sd_event_new(&event) < 0 ||
               clock_watch_new(event, &clocks, on_step, NULL, &watch) < 0;
}

static int tear_down(void **state) {
        (void)state;
        watch = clock_watch_free(watch);
        event = sd_event_unref(event);
        return 0;
}

static void look(usec_t from, usec_t to) {
        unsigned before = told.n;

        assert_int_equal(clock_watch_look(watch), 0);
        assert_int_equal(told.n, before + 1);
        assert_int_equal(told.from, from);
        assert_int_equal(told.to, to);
}

static void test_steps(void **state) {
        (void)state;
        pass(USEC_PER_HOUR);
        real += 2 * USEC_PER_MINUTE;
        look(START + USEC_PER_HOUR, START + USEC_PER_HOUR + 2 * USEC_PER_MINUTE);

        /* Told once: the next one is measured from there. */
        pass(USEC_PER_HOUR);
        look(real, real);
        real -= USEC_PER_DAY;
        look(real + USEC_PER_DAY, real);
}

static void test_suspend_is_no_step(void **state) {
        (void)state;
        pass(8 * USEC_PER_HOUR); /* the kernel cancels the timer after it, too */
        look(real, real);
}

static void test_small_ones_do_not_matter(void **state) {
        (void)state;
        real += CLOCK_WATCH_STEP_USEC - 1;
        look(real, real);
        real -= CLOCK_WATCH_STEP_USEC;
        look(real + CLOCK_WATCH_STEP_USEC, real);
}

/* Setting this machine's clock is not for a test: what the kernel was asked for says that it would tell. */
static void assert_armed(void) {
        char path[64], line[128];
        bool armed = false, real_time = false;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", clock_watch_fd(watch));
        _cleanup_(fclose_p) FILE *f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                real_time = real_time || strcmp(line, "clockid: 0\n") == 0;
                armed = armed ||
                        strcmp(line, "settime flags: 03\n") == 0; /* ABSTIME | CANCEL_ON_SET */
        }
        assert_true(real_time);
        assert_true(armed);
}

static void test_the_kernel_was_asked(void **state) {
        (void)state;
        assert_armed();
        look(real, real);
        assert_armed();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_steps, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_suspend_is_no_step, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_small_ones_do_not_matter, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_the_kernel_was_asked, set_up, tear_down)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
