/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ipc/worker.h"

#define WORKER_FD 3

struct spawned {
        sd_event_source *exit_source; /* owned */
        sd_event_source *kill_source; /* owned; set once it was asked to end */
        pid_t pid;                    /* 0: reaped */
        spawned_exit_fn on_exit;      /* NULL: nobody wants to know */
        void *userdata;               /* borrowed */
};

struct strings ARRAY(char *);

static bool is_cleared(const char *variable) {
        static const char *const cleared[] = {"NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_",
                                              "CREDENTIALS_DIRECTORY="};

        for (size_t i = 0; i < ELEMENTSOF(cleared); i++)
                if (startswith(variable, cleared[i]))
                        return true;
        return false;
}

/* Borrowed strings in an owned, NULL-ended array. */
static int make_environment(const char *more, struct strings *ret) {
        for (char **e = environ; e && *e; e++)
                if (!is_cleared(*e) && array_push(ret, *e) < 0)
                        return -ENOMEM;
        if (more && array_push(ret, (char *)more) < 0)
                return -ENOMEM;
        return array_push(ret, NULL);
}

/* Between fork and exec: system calls only. */
static _Noreturn void exec_worker(const struct spawn_config *config, char **environment, int fd,
                                  pid_t parent) {
        char *argv[] = {(char *)config->program, (char *)"--fd=3", NULL};
        sigset_t none;
        int null;

        sigemptyset(&none);
        for (int n = 1; n < NSIG; n++)
                signal(n, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(127);
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null >= 0)
                dup2(null, STDIN_FILENO);
        if (fd == WORKER_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, WORKER_FD) < 0)
                _exit(127);
#ifdef SYS_close_range
        /* Ours are CLOEXEC; what a library opened need not be. */
        syscall(SYS_close_range, WORKER_FD + 1, ~0U, 0);
#endif
        execve(config->executable, argv, environment);
        _exit(127);
}

static int fork_worker(const struct spawn_config *config, pid_t *ret_pid, int *ret_fd) {
        struct strings environment = {};
        int pair[2], r;
        pid_t self = getpid(), pid;

        if (access(config->executable, X_OK) < 0)
                return -errno;
        r = make_environment(config->environment, &environment);
        if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                r = -errno;
        if (r < 0) {
                array_done(&environment);
                return r;
        }
        pid = fork();
        r = pid < 0 ? -errno : 0;
        if (pid == 0)
                exec_worker(config, environment.items, pair[1], self);
        array_done(&environment);
        close(pair[1]);
        if (r < 0) {
                close(pair[0]);
                return r;
        }
        *ret_pid = pid;
        *ret_fd = pair[0];
        return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        struct spawned *s = userdata;

        (void)source, (void)usec;
        if (s->pid > 0)
                kill(s->pid, SIGKILL);
        return 0;
}

void spawned_stop(struct spawned *s) {
        sd_event *event = sd_event_source_get_event(s->exit_source);

        if (s->pid == 0 || s->kill_source)
                return;
        kill(s->pid, SIGTERM);
        if (sd_event_add_time_relative(event, &s->kill_source, CLOCK_MONOTONIC, WORKER_GRACE_USEC,
                                       0, on_late, s) < 0)
                kill(s->pid, SIGKILL);
}

static void disarm(struct spawned *s) {
        if (s->kill_source)
                sd_event_source_set_floating(s->kill_source, false);
        s->kill_source = sd_event_source_disable_unref(s->kill_source);
}

/* The last thing that happens to exit_source, and with it to the object. */
static void on_source_destroyed(void *userdata) {
        struct spawned *s = userdata;

        if (s->pid > 0) {
                kill(s->pid, SIGKILL);
                waitpid(s->pid, NULL, WNOHANG);
        }
        sd_event_source_unref(s->kill_source); /* set: the loop itself ends, and has detached it */
        free(s);
}

struct spawned *spawned_free(struct spawned *s) {
        sd_event_source *source;

        if (!s)
                return NULL;
        source = s->exit_source;
        s->on_exit = NULL;
        if (s->pid > 0) {
                spawned_stop(s);
                /* From now on the loop owns it: a source that is not floating would keep the loop itself alive. */
                if (s->kill_source)
                        sd_event_source_set_floating(s->kill_source, true);
                sd_event_source_set_floating(source, true);
                sd_event_source_unref(source);
        } else
                sd_event_source_disable_unref(source);
        return NULL;
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct spawned *s = userdata;
        int status = 0;

        (void)fd, (void)revents;
        if (s->pid > 0 && waitpid(s->pid, &status, WNOHANG) == 0)
                return 0;
        s->pid = 0;
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        disarm(s);
        if (s->on_exit)
                s->on_exit(s, status, s->userdata);
        else
                sd_event_source_set_floating(source, false); /* was detached: the last reference */
        return 0;
}

int spawned_new(sd_event *event, const struct spawn_config *config, spawned_exit_fn on_exit,
                void *userdata, struct spawned **ret, int *ret_fd) {
        struct spawned *s = calloc(1, sizeof(*s));
        int pidfd, r, fd = -1;

        if (!s)
                return -ENOMEM;
        r = fork_worker(config, &s->pid, &fd);
        if (r < 0) {
                free(s);
                return r;
        }
        s->on_exit = on_exit;
        s->userdata = userdata;
        pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0); /* CLOEXEC by itself */
        r = pidfd < 0 ? -errno
                      : sd_event_add_io(event, &s->exit_source, pidfd, EPOLLIN, on_pidfd, s);
        if (r < 0) {
                if (pidfd >= 0)
                        close(pidfd);
                close(fd);
                kill(s->pid, SIGKILL);
                waitpid(s->pid, NULL, 0);
                free(s);
                return r;
        }
        sd_event_source_set_io_fd_own(s->exit_source, 1);
        sd_event_source_set_destroy_callback(s->exit_source, on_source_destroyed);
        *ret = s;
        *ret_fd = fd;
        return 0;
}
