/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctl/output.h"
#include "ipc/frame.h"

#define DEFAULT_SOCKET "/run/evidenced/org.evidenced"
#define INTERFACE "org.evidenced."

/* A reload or a first release may take the daemon a while; its answer is one message. */
#define ANSWER_TIMEOUT (120 * USEC_PER_SEC)
#define SEND_TIMEOUT (10 * USEC_PER_SEC)

DEFINE_CLEANUP(struct framer *, framer_free)

static const char *socket_path(const struct invocation *in) {
        const char *path = option_value(in, "socket");

        if (!path)
                path = getenv("EVIDENCED_SOCKET");
        return path && *path ? path : DEFAULT_SOCKET;
}

static int connect_to(const char *path, int *ret) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        *ret = steal_fd(&fd);
        return 0;
}

/* What the socket itself has against us. */
static int no_connection(const char *path, int error) {
        switch (-error) {
        case ENOENT:
        case ECONNREFUSED:
                complain("no evidenced answers at %s: is the service running "
                         "(systemctl status evidenced)? --socket names another place",
                         path);
                return EX_UNAVAILABLE;
        case EACCES:
        case EPERM:
                complain("the socket %s may not be opened by this user", path);
                return EX_NOPERM;
        case EAGAIN:
                complain("evidenced at %s has too many callers, try again", path);
                return EX_TEMPFAIL;
        default:
                complain("failed to connect to %s: %s", path, strerror(-error));
                return EX_UNAVAILABLE;
        }
}

static int no_answer(const char *path, int error) {
        if (error == -ETIMEDOUT) {
                complain("evidenced at %s is busy and did not answer in time, try again", path);
                return EX_TEMPFAIL;
        }
        if (error == -EPIPE || error == -ECONNRESET) {
                complain("evidenced at %s hung up: it is stopping, or has too many callers", path);
                return EX_UNAVAILABLE;
        }
        if (error == -ENOMEM) {
                complain("out of memory");
                return EXIT_FAILURE;
        }
        complain("what answers at %s does not speak Varlink: %s", path, strerror(-error));
        return EXIT_FAILURE;
}

static int no_instance(json_t *p) {
        const char *id = text_of(p, "id"), *nearest = text_of(p, "nearest");

        if (*nearest && startswith(nearest, id))
                complain("'%s' has several deadlines: name one, such as '%s' (evidencectl list "
                         "--task %s)",
                         id, nearest, id);
        else if (*nearest)
                complain("there is no instance '%s', did you mean '%s'?", id, nearest);
        else
                complain("there is no instance '%s' (evidencectl list shows them all)", id);
        return EXIT_FAILURE;
}

static int bad_configuration(json_t *p) {
        json_t *findings = json_object_get(p, "findings"), *line;
        size_t i;

        json_array_foreach(findings, i, line) {
                _cleanup_free_ char *clean = clean_text(json_string_value(line));

                fprintf(stderr, "%s\n", clean ? clean : "?");
        }
        complain("the configuration has errors, the running one stays");
        return EX_CONFIG;
}

/* An error of the daemon as a sentence and an exit status. */
static int refused(const char *error, json_t *p) {
        static const struct {
                const char *name;
                int status;
        } plain[] = {
                {INTERFACE "NotPermitted", EX_NOPERM},
                {INTERFACE "InvalidArgument", EXIT_FAILURE},
                {INTERFACE "TryAgain", EX_TEMPFAIL},
                {INTERFACE "Failed", EXIT_FAILURE},
        };

        if (strcmp(error, INTERFACE "NoSuchInstance") == 0)
                return no_instance(p);
        if (strcmp(error, INTERFACE "ConfigurationInvalid") == 0)
                return bad_configuration(p);
        for (size_t i = 0; i < ELEMENTSOF(plain); i++)
                if (strcmp(error, plain[i].name) == 0) {
                        complain("%s", text_of(p, "text"));
                        return plain[i].status;
                }
        if (startswith(error, "org.varlink.service."))
                complain("evidenced does not know this call (%s): it is of another version",
                         error + strlen("org.varlink.service."));
        else
                complain("evidenced refused: %s", error);
        return EXIT_FAILURE;
}

static int exchange(struct framer *framer, const char *method, json_t *parameters,
                    struct message *ret) {
        json_t *question =
                json_pack("{s:s+, s:O}", "method", INTERFACE, method, "parameters", parameters);
        int r;

        if (!question)
                return -ENOMEM;
        r = framer_send_all(framer, question, NULL, 0, SEND_TIMEOUT);
        json_decref(question);
        /* A daemon that hangs up at once may have said why before. */
        if (r < 0 && r != -EPIPE)
                return r;
        return framer_receive(framer, ANSWER_TIMEOUT, ret);
}

static int ask(const char *path, const char *method, json_t *parameters, json_t **ret) {
        _cleanup_(framer_free_p) struct framer *framer = NULL;
        _cleanup_(message_done) struct message answer = {};
        const char *error;
        json_t *p;
        int r, fd = -1;

        r = connect_to(path, &fd);
        if (r < 0)
                return no_connection(path, r);
        framer = framer_new(fd);
        r = framer ? exchange(framer, method, parameters, &answer) : -ENOMEM;
        if (r < 0)
                return no_answer(path, r);
        error = json_string_value(json_object_get(answer.json, "error"));
        p = json_object_get(answer.json, "parameters");
        if (error)
                return refused(error, p);
        if (!json_is_object(p))
                return no_answer(path, -EBADMSG);
        *ret = json_incref(p);
        return 0;
}

int call(const struct invocation *in, const char *method, json_t *parameters, json_t **ret) {
        int r;

        if (!parameters) {
                complain("%s: what was given is not valid UTF-8", in->command->name);
                return EX_USAGE;
        }
        r = ask(socket_path(in), method, parameters, ret);
        json_decref(parameters);
        return r;
}

int call_pages(const struct invocation *in, const char *method, json_t *parameters,
               const char *member, json_t **ret) {
        _cleanup_(json_decrefp) json_t *asked = parameters, *all = json_array();
        json_t *next;
        size_t n;

        do {
                _cleanup_(json_decrefp) json_t *answer = NULL;
                int r = call(in, method, json_deep_copy(asked), &answer);

                if (r != 0)
                        return r;
                n = json_array_size(all);
                next = json_object_get(answer, "next");
                if (json_array_extend(all, json_object_get(answer, member)) < 0 ||
                    json_object_set(asked, "after", next ? next : json_null()) < 0)
                        return no_memory();
                /* A daemon that has no more to say must not keep us for ever. */
        } while (next && !json_is_null(next) && json_array_size(all) > n);
        *ret = steal_ptr(all);
        return 0;
}
