/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define REAP_USEC                                                                                  \
        (500 * USEC_PER_MSEC) /* a child that was killed is gone by then, or hangs in the kernel */
#define RETRY_USEC (60 * USEC_PER_SEC) /* for one that does */

struct child {
        pid_t pid;
        int fd;           /* owned duplicate of its connection, to see the hang-up; -1 once seen */
        usec_t kill_at;   /* USEC_INFINITY: nobody asked it to end */
        unsigned n_kills; /* one that hangs in the kernel stays all the same */
};

struct master {
        int listen_fd, signal_fd; /* owned */
        const char *program;      /* borrowed */
        worker_serve_fn serve;
        usec_t idle_usec, idle_since;
        struct child children[WORKER_MAX_CHILDREN];
        int n_children;
        bool ending;         /* takes no more connections, ends with its last child */
        sigset_t saved_mask; /* what the children get back */
};

static void child_end(struct child *c) {
        if (c->kill_at != USEC_INFINITY)
                return;
        /* SIGTERM lets the sender wait for a server's last word; what ignores it is killed when the grace is over. */
        kill(c->pid, SIGTERM);
        c->kill_at = usec_add(clock_monotonic(), WORKER_GRACE_USEC);
        if (c->fd >= 0)
                close(steal_fd(&c->fd));
}

static void end_all(struct master *m) {
        m->ending = true;
        for (int i = 0; i < m->n_children; i++)
                child_end(&m->children[i]);
}

static void reap(struct master *m) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                int i = 0;

                while (i < m->n_children && m->children[i].pid != pid)
                        i++;
                if (i == m->n_children)
                        continue;
                if (m->children[i].fd >= 0)
                        close(m->children[i].fd);
                m->children[i] = m->children[--m->n_children];
                m->idle_since = clock_monotonic();
                if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_PROTOCOL)
                        m->ending = true;
                if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_RENEW)
                        end_all(m);
                if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
                        log_warning("A connection's process was ended by signal %d",
                                    WTERMSIG(status));
        }
}

/* The child's half of fork(): nothing of the master stays open in it, or a hang-up elsewhere would go unseen. */
static _Noreturn void run_child(struct master *m, int fd, pid_t master_pid) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != master_pid)
                _exit(EXIT_SUCCESS);
        close(m->listen_fd);
        close(m->signal_fd);
        for (int i = 0; i < m->n_children; i++)
                if (m->children[i].fd >= 0)
                        close(m->children[i].fd);
        sigaddset(&m->saved_mask, SIGTERM); /* worker_run_connection() lets it in */
        sigprocmask(SIG_SETMASK, &m->saved_mask, NULL);
        exit(worker_run_connection(fd, m->program, m->serve));
}

static void serve_one(struct master *m) {
        _cleanup_close_ int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        pid_t self = getpid(), pid;

        if (fd < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                        log_error_errno(errno, "Failed to accept a connection: %m, ending");
                        m->ending = true;
                }
                return;
        }
        pid = fork();
        if (pid == 0)
                run_child(m, steal_fd(&fd), self);
        if (pid < 0) {
                log_error_errno(errno, "Failed to fork for a connection: %m, hanging up");
                return;
        }
        m->children[m->n_children++] =
                (struct child){.pid = pid, .fd = steal_fd(&fd), .kill_at = USEC_INFINITY};
}

/* Milliseconds until something is due by the clock. */
static int time_left(const struct master *m) {
        usec_t due = USEC_INFINITY, left;

        if (m->n_children == 0)
                due = usec_add(m->idle_since, m->idle_usec);
        for (int i = 0; i < m->n_children; i++)
                if (m->children[i].kill_at < due)
                        due = m->children[i].kill_at;
        if (due == USEC_INFINITY)
                return -1;
        left = due - clock_monotonic();
        if (left <= 0)
                return 0;
        return left > 60 * USEC_PER_SEC ? 60000 : (int)((left + 999) / USEC_PER_MSEC);
}

static void kill_late(struct master *m) {
        usec_t now = clock_monotonic();

        for (int i = 0; i < m->n_children; i++)
                if (m->children[i].kill_at <= now) {
                        kill(m->children[i].pid, SIGKILL);
                        m->children[i].kill_at =
                                now + (m->children[i].n_kills++ ? RETRY_USEC : REAP_USEC);
                }
}

/* Nothing left to do, or nothing that can be done: a child that no signal reaches must not keep a successor away. */
static bool is_over(const struct master *m) {
        if (m->n_children == 0)
                return m->ending || time_left(m) == 0;
        for (int i = 0; i < m->n_children; i++)
                if (m->children[i].n_kills < 2)
                        return false;
        return m->ending;
}

static void read_signals(struct master *m) {
        struct signalfd_siginfo info;

        while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                if (info.ssi_signo != SIGCHLD)
                        end_all(m);
        reap(m);
}

/* Return: 0, or -errno when waiting itself failed. */
static int master_step(struct master *m) {
        struct pollfd fds[2 + WORKER_MAX_CHILDREN];
        int n = m->n_children;

        fds[0] = (struct pollfd){.fd = m->signal_fd, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = m->ending || n == WORKER_MAX_CHILDREN ? -1 : m->listen_fd,
                                 .events = POLLIN};
        for (int i = 0; i < n; i++)
                fds[2 + i] = (struct pollfd){.fd = m->children[i].fd, .events = POLLRDHUP};
        if (poll(fds, (nfds_t)(2 + n), time_left(m)) < 0)
                return errno == EINTR ? 0 : -errno;
        for (int i = 0; i < n; i++)
                if (fds[2 + i].revents)
                        child_end(&m->children[i]);
        if (fds[1].revents)
                serve_one(m);
        if (fds[0].revents)
                read_signals(m);
        kill_late(m);
        return 0;
}

static int master_init(struct master *m) {
        int flags = fcntl(m->listen_fd, F_GETFL);
        sigset_t mask;

        /* A client may be gone between poll() and accept(). */
        if (flags < 0 || fcntl(m->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_BLOCK, &mask, &m->saved_mask) < 0)
                return -errno;
        m->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        return m->signal_fd < 0 ? -errno : 0;
}

int worker_run_master(int listen_fd, const char *program, worker_serve_fn serve,
                      int64_t idle_usec) {
        struct master m = {
                .listen_fd = listen_fd,
                .signal_fd = -1,
                .program = program,
                .serve = serve,
                .idle_usec = idle_usec,
                .idle_since = clock_monotonic(),
        };
        int r = master_init(&m);

        if (r == 0)
                sd_notify(0, "READY=1");
        while (r == 0 && !is_over(&m))
                r = master_step(&m);
        if (r < 0)
                log_error_errno(r, "Failed to wait for connections: %m, ending");
        sd_notify(0, "STOPPING=1");
        close(m.listen_fd);
        if (m.signal_fd >= 0)
                close(m.signal_fd);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
