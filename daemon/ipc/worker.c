/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ipc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define HELLO_USEC (30 * USEC_PER_SEC)

DEFINE_CLEANUP(struct framer *, framer_free)

static int exchange_hello(struct framer *peer, const char *program) {
        _cleanup_(message_done) struct message m = {};
        _cleanup_free_ char *why = NULL;
        json_t *hello = worker_hello(program);
        int r;

        if (!hello)
                return -ENOMEM;
        r = framer_send_all(peer, hello, NULL, 0, HELLO_USEC);
        json_decref(hello);
        if (r < 0)
                return r;
        r = framer_receive(peer, HELLO_USEC, &m);
        if (r < 0)
                return r;
        r = worker_check_hello(m.json, NULL, &why);
        if (r == -EPROTO)
                log_error("The other side of the socket %s: ending, it will try again", why);
        return r;
}

int worker_run_connection(int fd, const char *program, worker_serve_fn serve) {
        _cleanup_(framer_free_p) struct framer *peer = framer_new(fd);
        sigset_t term;
        int r;

        /* A peer of another version hangs up once it has read our hello; the exit status shall tell why all the same. */
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        sigprocmask(SIG_BLOCK, &term, NULL);
        if (!peer) {
                log_error_errno(errno, "Failed to use descriptor %d as a connection: %m", fd);
                return EX_OSERR;
        }
        r = exchange_hello(peer, program);
        if (r == -EPROTO || r == -EBADMSG)
                return WORKER_EXIT_PROTOCOL;
        if (r == -EPIPE || r == -ECONNRESET)
                return EXIT_SUCCESS; /* hung up before it said anything */
        if (r < 0) {
                log_error_errno(r, "Failed to exchange hello: %m, ending");
                return EX_TEMPFAIL;
        }
        sigprocmask(SIG_UNBLOCK, &term, NULL);
        return serve(peer);
}

static int usage(FILE *f, const char *program, int status) {
        fprintf(f,
                "%s [--fd=N] [--version] [--help]\n"
                "A worker of evidenced(8), not meant to be started by hand.\n"
                "  --fd=N     serve the one connection on descriptor N, then end\n"
                "Without --fd it serves the listening socket that systemd hands over "
                "(Accept=no).\n",
                program);
        return status;
}

static int run_inherited(const char *number, const char *program, worker_serve_fn serve) {
        int32_t fd;

        if (parse_i32(number, &fd) < 0 || fd < 3 || fcntl(fd, F_GETFD) < 0) {
                log_error("--fd=%s is no open descriptor", number);
                return EX_USAGE;
        }
        return worker_run_connection(fd, program, serve);
}

static int run_listening(const char *program, worker_serve_fn serve) {
        int n = sd_listen_fds(1);

        if (n != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
                log_error("%s wants --fd=N, or one listening stream socket from systemd", program);
                return EX_USAGE;
        }
        return worker_run_master(SD_LISTEN_FDS_START, program, serve,
                                 WORKER_IDLE_SEC * USEC_PER_SEC);
}

int worker_main(int argc, char *argv[], const char *program, worker_serve_fn serve) {
        static const struct option options[] = {
                {"fd", required_argument, NULL, 'f'},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'v'},
                {},
        };
        const char *fd = NULL;
        int c;

        log_init(program);
        signal(SIGPIPE, SIG_IGN);
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (c) {
                case 'f':
                        fd = optarg;
                        break;
                case 'h':
                        return usage(stdout, program, EXIT_SUCCESS);
                case 'v':
                        printf("%s %s\n", program, EVIDENCED_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return usage(stderr, program, EX_USAGE);
                }
        }
        if (optind < argc)
                return usage(stderr, program, EX_USAGE);
        return fd ? run_inherited(fd, program, serve) : run_listening(program, serve);
}
