/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "mail/mailbox.h"

#define STRING_MAX_BYTES 1024 /* of any string of a server; more is a mistake */
#define FOLDER_MAX 200

/* What may stand behind smtp:// and smtps://: a host, a port, and the name for EHLO. No user, no password, no escapes. */
static bool host_ok(const char *s) {
        if (!isalnum((unsigned char)s[0]) && s[0] != '[')
                return false;
        for (; *s; s++)
                if (!isalnum((unsigned char)*s) && !strchr(".-_:[]/", *s))
                        return false;
        return true;
}

/* A path beneath our own folder: no component that leads elsewhere, or hides. */
static bool folder_ok(const char *s) {
        if (!*s || strlen(s) > FOLDER_MAX || !utf8_valid(s, strlen(s)))
                return false;
        for (const char *part = s; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
                if (*part == '.' || *part == '/' || *part == 0)
                        return false;
        for (; *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7F)
                        return false;
        return true;
}

static int bad_server(struct mail_outcome *o, const char *what) {
        outcome_set(o, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, true, "this server can not be used: %s",
                    what);
        return -EINVAL;
}

static int parse_url(struct mail_server *s, struct mail_outcome *o) {
        if (startswith(s->url, "maildir:")) {
                s->transport = MAIL_TRANSPORT_MAILDIR;
                s->folder = s->url + strlen("maildir:");
                return folder_ok(s->folder) ? 0 : bad_server(o, "no folder name after maildir:");
        }
        if (startswith(s->url, "smtps://"))
                s->transport = MAIL_TRANSPORT_SMTPS;
        else if (startswith(s->url, "smtp://"))
                s->transport = MAIL_TRANSPORT_SMTP;
        else
                return bad_server(o, "its url is neither smtps://, smtp:// nor maildir:");
        if (!host_ok(strstr(s->url, "://") + 3))
                return bad_server(o, "its url has more than a host and a port");
        return 0;
}

static bool get_string(const json_t *object, const char *key, const char **ret) {
        const json_t *value = json_object_get(object, key);
        const char *s = json_string_value(value);

        if (!value || json_is_null(value))
                return true;
        if (!s || !*s || strlen(s) > STRING_MAX_BYTES)
                return false;
        for (const char *p = s; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7F)
                        return false;
        *ret = s;
        return true;
}

static bool auth_ok(const char *auth) {
        static const char *const known[] = {"plain", "login", "cram-md5", "xoauth2", "oauthbearer"};

        for (size_t i = 0; auth && i < ELEMENTSOF(known); i++)
                if (strcmp(auth, known[i]) == 0)
                        return true;
        return !auth;
}

static int parse_server(const json_t *json, struct mail_server *s, struct mail_outcome *o) {
        const char *security = NULL;

        if (!json_is_object(json) || !get_string(json, "url", &s->url) ||
            !get_string(json, "user", &s->user) || !get_string(json, "auth", &s->auth) ||
            !get_string(json, "credential", &s->credential) ||
            !get_string(json, "password_file", &s->password_file) ||
            !get_string(json, "ca_file", &s->ca_file) ||
            !get_string(json, "client_cert", &s->client_cert) ||
            !get_string(json, "client_key", &s->client_key) ||
            !get_string(json, "security", &security) || !s->url)
                return bad_server(o, "a setting is missing, empty, too long or no text");
        if (!auth_ok(s->auth))
                return bad_server(o, "its auth is none of plain, login, cram-md5, xoauth2, "
                                     "oauthbearer");
        if (security && strcmp(security, "none") != 0 && strcmp(security, "tls") != 0)
                return bad_server(o, "its security is neither tls nor none");
        s->plaintext = security && strcmp(security, "none") == 0;
        if (!s->user && (s->credential || s->password_file || s->auth))
                return bad_server(o, "it has a credential but no user");
        if (s->user && !s->credential && !s->password_file)
                return bad_server(o, "it has a user but neither credential nor password_file");
        s->key = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        return s->key ? parse_url(s, o) : -ENOMEM;
}

static int parse_address(const json_t *json, const char *key, char **ret, bool *needs_utf8,
                         struct mail_outcome *o) {
        const char *address = json_string_value(json_object_get(json, key)), *why = "is missing";
        bool utf8 = false;
        int r = address ? mailbox_prepare(address, ret, &utf8, &why) : -EINVAL;

        if (r == -EINVAL)
                outcome_set(o, MAIL_PERMFAIL, MAIL_STAGE_CONFIG, false,
                            "the address \"%.100s\" (%s) %s", address ? address : "", key, why);
        *needs_utf8 = *needs_utf8 || utf8;
        return r;
}

int request_parse(const struct message *m, struct mail_request *ret,
                  struct mail_outcome *ret_problem) {
        const json_t *id = json_object_get(m->json, "id");
        json_int_t timeout = json_integer_value(json_object_get(m->json, "timeout"));
        int r;

        *ret = (struct mail_request){.body = m->body, .body_size = m->body_size};
        if (!json_is_integer(id))
                return -EPROTO;
        ret->id = json_integer_value(id);
        ret->timeout_usec = timeout < REQUEST_TIMEOUT_MIN   ? REQUEST_TIMEOUT_MIN
                            : timeout > REQUEST_TIMEOUT_MAX ? REQUEST_TIMEOUT_MAX
                                                            : timeout;
        r = parse_address(m->json, "from", &ret->from, &ret->needs_utf8, ret_problem);
        if (r == 0)
                r = parse_address(m->json, "to", &ret->to, &ret->needs_utf8, ret_problem);
        if (r == 0 && m->body_size == 0) {
                outcome_set(ret_problem, MAIL_PERMFAIL, MAIL_STAGE_CONFIG, false,
                            "the message is empty");
                r = -EINVAL;
        }
        if (r == 0)
                r = parse_server(json_object_get(m->json, "server"), &ret->server, ret_problem);
        return r;
}

void request_done(struct mail_request *r) {
        free(r->from);
        free(r->to);
        free(r->server.key);
        *r = (struct mail_request){};
}
