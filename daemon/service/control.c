/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/control.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <systemd/sd-event.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/frame.h"
#include "service/interface.h"
#include "service/manager.h"
#include "service/methods.h"

#define MAX_CONNECTIONS 64
#define MAX_ASKING                                                                                 \
        48 /* of those, who may change nothing: there is always room for an administrator */
#define MAX_PER_USER 16 /* of those, of one user */
#define MAX_GROUPS 256
#define MAX_REQUEST 65536 /* bytes; anybody may connect */
#define MAX_QUEUED                                                                                 \
        (1 << 20) /* bytes of answers that wait for their reader before more is answered */

struct connection {
        struct control *control;
        struct framer *framer; /* owned */
        sd_event_source *io;   /* owned */
        sd_event_source *more; /* owned: answers the next call, one in a turn of the loop */
        struct caller caller;
        uid_t uid;
        char *name;  /* owned; caller.name */
        bool closed; /* the peer says nothing more; what it said is answered */
};

struct control {
        struct manager *manager;
        char *path; /* owned */
        int fd;
        sd_event_source *listen; /* owned */
        struct connections ARRAY(struct connection *) connections;
};

static void connection_free(struct connection *c) {
        struct control *control = c->control;

        for (size_t i = 0; i < control->connections.n; i++)
                if (control->connections.items[i] == c)
                        control->connections.items[i] =
                                control->connections.items[--control->connections.n];
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->more);
        framer_free(c->framer);
        free(c->name);
        free(c);
}

/* ---- who asks ---- */

static bool in_our_group(int fd) {
        gid_t groups[MAX_GROUPS];
        socklen_t size = sizeof(groups);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
                return false;
        for (size_t i = 0; i < size / sizeof(*groups); i++)
                if (groups[i] == getegid() && getegid() != 0)
                        return true;
        return false;
}

static int identify(struct connection *c, int fd) {
        struct ucred cred;
        socklen_t size = sizeof(cred);
        const struct passwd *pw;
        _cleanup_free_ char *clean = NULL;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
                return -errno;
        pw = getpwuid(cred.uid);
        clean = text_sanitize(pw ? pw->pw_name : "?", strlen(pw ? pw->pw_name : "?"));
        if (!clean || asprintf(&c->name, "%s (uid %u)", clean, cred.uid) < 0)
                return -ENOMEM;
        c->uid = cred.uid;
        c->caller.name = c->name;
        c->caller.may_change = cred.uid == 0 || cred.uid == geteuid() ||
                               (getegid() != 0 && cred.gid == getegid()) || in_our_group(fd);
        return 0;
}

/* ---- one call ---- */

static json_t *service_call(const char *method, json_t *parameters, const char **ret_error) {
        const char *interface = json_string_value(json_object_get(parameters, "interface"));

        if (strcmp(method, "GetInfo") == 0)
                return json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "evidenced", "product",
                                 "evidenced", "version", EVIDENCED_VERSION, "url",
                                 "https://evidenced.example/", "interfaces", "org.varlink.service",
                                 "org.evidenced");
        if (strcmp(method, "GetInterfaceDescription") == 0) {
                if (interface && strcmp(interface, "org.evidenced") == 0)
                        return json_pack("{s:s}", "description", org_evidenced_varlink);
                if (interface && strcmp(interface, "org.varlink.service") == 0)
                        return json_pack("{s:s}", "description", org_varlink_service);
                *ret_error = "org.varlink.service.InterfaceNotFound";
                return json_pack("{s:s}", "interface", interface ? interface : "");
        }
        *ret_error = "org.varlink.service.MethodNotFound";
        return json_pack("{s:s+}", "method", "org.varlink.service.", method);
}

static int answer_too_long(struct connection *c) {
        json_t *reply = json_pack("{s:s, s:{s:s}}", "error", "org.evidenced.Failed", "parameters",
                                  "text", "the answer is too long for one message");
        int r = reply ? framer_send(c->framer, reply, NULL, 0) : -ENOMEM;

        json_decref(reply);
        return r;
}

static int answer(struct connection *c, json_t *m) {
        const char *method = json_string_value(json_object_get(m, "method")), *error = NULL;
        json_t *parameters = json_object_get(m, "parameters"), *out = NULL, *reply;
        json_t *none = NULL;
        int r;

        if (!method)
                return -EBADMSG;
        if (!parameters)
                parameters = none = json_object();
        if (startswith(method, "org.evidenced."))
                method_call(c->control->manager, &c->caller, method + strlen("org.evidenced."),
                            parameters, &out, &error);
        else if (startswith(method, "org.varlink.service."))
                out = service_call(method + strlen("org.varlink.service."), parameters, &error);
        else {
                error = "org.varlink.service.InterfaceNotFound";
                out = json_pack("{s:s}", "interface", method);
        }
        json_decref(none);
        if (json_is_true(json_object_get(m, "oneway"))) {
                json_decref(out);
                return 0;
        }
        reply = error ? json_pack("{s:s, s:o}", "error", error, "parameters", out)
                      : json_pack("{s:o}", "parameters", out);
        r = reply ? framer_send(c->framer, reply, NULL, 0) : -ENOMEM;
        json_decref(reply);
        return r == -EMSGSIZE ? answer_too_long(c) : r;
}

/* Listens for more only when what came before is answered and the answers are read. */
static int arm_io(struct connection *c, bool served) {
        uint32_t events =
                served && !c->closed && framer_queued(c->framer) < MAX_QUEUED ? EPOLLIN : 0;

        if (framer_wants_write(c->framer))
                events |= EPOLLOUT;
        return sd_event_source_set_io_events(c->io, events);
}

/*
 * Answers one call and comes by again for the next: a client that sends thousands at once must not keep the loop from
 * reminders, signals and the watchdog. The connection may be gone afterwards.
 */
static int on_more(sd_event_source *s, void *userdata) {
        struct connection *c = userdata;
        struct message m = {};
        bool full = framer_queued(c->framer) >= MAX_QUEUED;
        int r = 0, n = 0;

        if (!full)
                r = n = framer_next(c->framer, &m);
        if (n > 0) {
                r = answer(c, m.json);
                message_done(&m);
        }
        if (r >= 0)
                r = framer_flush(c->framer);
        if (r >= 0 && (n > 0 || (full && framer_queued(c->framer) < MAX_QUEUED)))
                r = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        else if (r >= 0 && c->closed && !framer_wants_write(c->framer))
                r = -EPIPE;
        if (r >= 0)
                r = arm_io(c, n == 0);
        if (r < 0)
                connection_free(c);
        return 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct connection *c = userdata;
        int r = revents & EPOLLERR ? -EIO : 0;

        (void)s;
        (void)fd;
        if (r == 0 && !c->closed && revents & (EPOLLIN | EPOLLHUP))
                r = framer_fill(c->framer);
        if (r == -EPIPE) {
                c->closed = true; /* what it said before is answered still */
                r = 0;
        }
        if (r >= 0)
                r = sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
        if (r >= 0)
                r = arm_io(c, false);
        if (r < 0)
                connection_free(c);
        return 0;
}

/* ---- who comes ---- */

static bool is_welcome(const struct control *control, const struct connection *c) {
        size_t n_asking = 0, n_own = 0;

        if (control->connections.n >= MAX_CONNECTIONS)
                return false;
        if (c->caller.may_change)
                return true;
        for (size_t i = 0; i < control->connections.n; i++) {
                const struct connection *other = control->connections.items[i];

                n_asking += !other->caller.may_change;
                n_own += !other->caller.may_change && other->uid == c->uid;
        }
        return n_asking < MAX_ASKING && n_own < MAX_PER_USER;
}

/* Takes the descriptor over. */
static int connection_open(struct connection *c, int fd) {
        sd_event *event = c->control->manager->event;
        int r;

        c->framer = framer_new(fd);
        if (!c->framer)
                return -ENOMEM;
        framer_set_limits(c->framer, MAX_REQUEST, 0);
        r = sd_event_add_io(event, &c->io, fd, EPOLLIN, on_io, c);
        if (r >= 0)
                r = sd_event_add_defer(event, &c->more, on_more, c);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->more, SD_EVENT_OFF);
        return r < 0 ? r : array_push(&c->control->connections, c);
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct control *control = userdata;
        _cleanup_close_ int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct connection *c;
        int r;

        (void)s;
        (void)revents;
        if (peer < 0)
                return 0; /* it went away again */
        c = calloc(1, sizeof(*c));
        if (!c) {
                log_oom();
                return 0; /* an error would end the listening for good */
        }
        c->control = control;
        r = identify(c, peer);
        if (r == 0 && !is_welcome(control, c)) {
                log_warning("Too many control connections, refusing one of %s", c->name);
                connection_free(c);
                return 0;
        }
        if (r == 0)
                r = connection_open(c, steal_fd(&peer));
        if (r < 0) {
                log_warning_errno(r, "Failed to take a control connection: %m");
                connection_free(c);
        }
        return 0;
}

/* ---- listening ---- */

static int listen_at(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        /* The store's lock was taken before: a socket that lies there is nobody's. */
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0 ||
            listen(fd, 128) < 0)
                return -errno;
        return steal_fd(&fd);
}

int control_new(struct manager *manager, const char *path, struct control **ret) {
        struct control *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->manager = manager;
        c->path = strdup(path);
        c->fd = c->path ? listen_at(path) : -ENOMEM;
        r = c->fd < 0
                    ? c->fd
                    : sd_event_add_io(manager->event, &c->listen, c->fd, EPOLLIN, on_connection, c);
        if (r < 0) {
                control_free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct control *control_free(struct control *c) {
        if (!c)
                return NULL;
        while (c->connections.n > 0)
                connection_free(c->connections.items[0]);
        array_done(&c->connections);
        sd_event_source_disable_unref(c->listen);
        if (c->fd >= 0) {
                close(c->fd);
                unlink(c->path);
        }
        free(c->path);
        free(c);
        return NULL;
}
