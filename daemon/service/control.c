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
#define MAX_GROUPS 256
#define MAX_REQUEST 65536 /* bytes; anybody may connect */

struct connection {
        struct control *control;
        struct framer *framer; /* owned */
        sd_event_source *io;   /* owned */
        struct caller caller;
        char *name; /* owned; caller.name */
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
        return r;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct connection *c = userdata;
        int r = 0;

        (void)fd;
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
                r = framer_fill(c->framer);
        while (r >= 0) {
                struct message m = {};

                r = framer_next(c->framer, &m);
                if (r <= 0)
                        break;
                r = answer(c, m.json);
                message_done(&m);
        }
        if (r >= 0)
                r = framer_flush(c->framer);
        if (r < 0) {
                connection_free(c);
                return 0;
        }
        return sd_event_source_set_io_events(
                s, EPOLLIN | (framer_wants_write(c->framer) ? EPOLLOUT : 0));
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
        if (control->connections.n >= MAX_CONNECTIONS) {
                log_warning("More than %d control connections, refusing one", MAX_CONNECTIONS);
                return 0;
        }
        c = calloc(1, sizeof(*c));
        if (!c)
                return log_oom();
        c->control = control;
        r = identify(c, peer);
        if (r == 0) {
                int raw = steal_fd(&peer);

                c->framer = framer_new(raw);
                if (c->framer)
                        framer_set_limits(c->framer, MAX_REQUEST, 0);
                r = c->framer ? sd_event_add_io(control->manager->event, &c->io, raw, EPOLLIN,
                                                on_io, c)
                              : -ENOMEM;
        }
        if (r >= 0)
                r = array_push(&control->connections, c);
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
            listen(fd, 16) < 0)
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
