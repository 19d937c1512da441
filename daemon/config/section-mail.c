/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/sections.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/address.h"
#include "config/value.h"

#define FILE_NAME_MAX 64
#define HEARTBEAT_MAX 1024 /* bytes of its url */

/* Name of a credential or of a maildir: a file name of plain characters. */
static bool is_plain_name(const char *s) {
        size_t len = strlen(s);

        if (len == 0 || len > FILE_NAME_MAX || *s == '.' || *s == '-')
                return false;
        for (; *s; s++)
                if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
                        return false;
        return true;
}

/* RFC 5321, 4.5.3.2.6: ten minutes for the answer to the message alone; what comes before it takes its time as well. */
#define TIMEOUT_USEC (15 * USEC_PER_MINUTE)

static bool is_loopback(const char *host) {
        return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
               (startswith(host, "127.") && strspn(host, "0123456789.") == strlen(host));
}

struct url {
        const char *host; /* ASCII; IPv6 in its brackets */
        const char *port; /* "" when not given */
};

/* Everything that is not host[:port] has no meaning for a mail server, and must not be taken for something else. */
static int split_url(struct arena *arena, const char *text, struct url *ret,
                     const char **ret_error) {
        char *s = arena_strdup(arena, text), *port = NULL;
        size_t len = strlen(s);

        if (len > 0 && s[len - 1] == '/')
                s[--len] = '\0';
        if (strpbrk(s, "/?#")) {
                *ret_error =
                        "there is no path in the url of a mail server: end it after host or port";
                return -EINVAL;
        }
        char *bracket = *s == '[' ? strchr(s, ']') : NULL;
        port = strchr(bracket ? bracket : s, ':');
        if (port)
                *port++ = '\0';
        if (port) {
                int32_t number;

                if (parse_i32(port, &number) < 0 || number < 1 || number > 65535) {
                        *ret_error = "the port must be a number from 1 to 65535";
                        return -EINVAL;
                }
        }
        if (bracket) {
                if (bracket[1] != '\0' ||
                    strspn(s + 1, "0123456789abcdefABCDEF:.") != (size_t)(bracket - s - 1)) {
                        *ret_error = "write an IPv6 address as [::1]";
                        return -EINVAL;
                }
                ret->host = s;
        } else if (domain_parse(arena, s, &ret->host, ret_error) < 0) {
                *ret_error = "the host must be a name such as mail.skhcn.example or an IP address";
                return -EINVAL;
        }
        ret->port = port ? port : "";
        return 0;
}

/* The server's url in the form that the sender gets, "" after an error. */
/* One side would wait for the other to speak first, until the time limit. */
static void check_port(struct reader *rd, struct mail_server *server, const char *scheme,
                       const char *port) {
        bool smtps = strcmp(scheme, "smtps://") == 0;

        if (!smtps && strcmp(port, "465") == 0)
                rd_warning_at(rd, server->source,
                              "port 465 speaks TLS from the first byte: write smtps://");
        if (smtps && (strcmp(port, "25") == 0 || strcmp(port, "587") == 0))
                rd_warning_at(rd, server->source,
                              "port %s begins without TLS, and STARTTLS follows: write smtp://",
                              port);
}

static const char *check_smtp_url(struct reader *rd, struct mail_server *server, const char *scheme,
                                  bool stated) {
        const char *rest = server->url + strlen(scheme), *error = NULL;
        struct url url;

        if (strchr(rest, '@')) {
                const char *colon = strchr(rest, ':');

                rd_error_at(rd, server->source,
                            colon && colon < strchr(rest, '@')
                                    ? "a password does not belong into the url: use 'user' and "
                                      "'credential'"
                                    : "the user does not belong into the url: use 'user'");
                rd->bad = true;
                return NULL;
        }
        if (split_url(rd->arena, rest, &url, &error) < 0) {
                rd_error_at(rd, server->source, "\"%s\": %s", server->url, error);
                return NULL;
        }
        check_port(rd, server, scheme, url.port);
        if (!stated && strcmp(scheme, "smtp://") == 0 && is_loopback(url.host))
                server->security = MAIL_SECURITY_NONE;
        if (server->security == MAIL_SECURITY_NONE && (server->user || server->credential) &&
            !is_loopback(url.host))
                rd_warning_at(rd, server->source,
                              "with security = \"none\" the password travels in clear to %s: use "
                              "smtps://, or leave "
                              "out 'user'",
                              url.host);
        return arena_printf(rd->arena, "%s%s%s%s", scheme, url.host, *url.port ? ":" : "",
                            url.port);
}

static void check_maildir(struct reader *rd, const struct mail_server *server) {
        if (!is_plain_name(server->url + strlen("maildir:")))
                rd_error_at(rd, server->source,
                            "\"%s\": maildir: takes a plain name such as maildir:sent; it lies in "
                            "the sender's state directory",
                            server->url);
        if (server->user || server->credential || server->password_file)
                rd_warning_at(rd, server->source,
                              "a maildir takes neither user nor password: remove them");
}

static void check_password_file(struct reader *rd, const struct mail_server *server) {
        struct stat st;

        if (stat(server->password_file, &st) < 0) {
                if (errno != EACCES) /* the sender's user may see what this one does not */
                        rd_warning_at(rd, server->source,
                                      "password_file %s: %s: without it no mail is sent",
                                      server->password_file, strerror(errno));
                return;
        }
        if (!S_ISREG(st.st_mode))
                rd_error_at(rd, server->source, "password_file %s is no regular file",
                            server->password_file);
        else if (st.st_mode & S_IRWXO)
                rd_error_at(rd, server->source,
                            "password_file %s can be read or changed by others: chmod 0600 it, and "
                            "change the password",
                            server->password_file);
}

static void check_login(struct reader *rd, const struct mail_server *server) {
        if (server->credential && server->password_file)
                rd_error_at(rd, server->source,
                            "give either 'credential' or 'password_file', not both");
        if (server->user && !server->credential && !server->password_file && !server->client_cert)
                rd_error_at(rd, server->source,
                            "'user' is set but no password is named: add credential = \"NAME\"");
        if (!server->user && (server->credential || server->password_file))
                rd_error_at(rd, server->source, "a password is named but no 'user': add it");
        if (!server->client_cert != !server->client_key)
                rd_error_at(rd, server->source,
                            "'client_cert' and 'client_key' go together: add the other one");
        if (server->password_file)
                check_password_file(rd, server);
}

struct server_draft {
        struct mail_server server;
        int security; /* -1: not stated */
        int auth;     /* -1: not stated */
};

static const char *const security_words[] = {"tls", "none"};
static const char *const auth_words[] = {"plain", "login", "xoauth2"};

static void check_server(struct reader *rd, struct server_draft *draft) {
        struct mail_server *server = &draft->server;

        if (draft->security >= 0)
                server->security = (enum mail_security)draft->security;
        if (draft->auth >= 0)
                server->auth = auth_words[draft->auth];
        if (startswith(server->url, "maildir:")) {
                check_maildir(rd, server);
                return;
        }
        const char *scheme = startswith(server->url, "smtps://") ? "smtps://" : "smtp://";
        if (!startswith(server->url, scheme)) {
                rd_error_at(
                        rd, server->source,
                        "\"%s\" is no mail server: write smtps://HOST, smtp://HOST or maildir:NAME",
                        server->url);
                return;
        }
        if (draft->security == MAIL_SECURITY_NONE && strcmp(scheme, "smtps://") == 0)
                rd_error_at(rd, server->source,
                            "smtps:// and security = \"none\" contradict each other: remove one of "
                            "the two");
        const char *url = check_smtp_url(rd, server, scheme, draft->security >= 0);
        if (url)
                server->url = url;
        check_login(rd, server);
}

static void parse_credential(struct reader *rd, const config_setting_t *s, const struct key *key,
                             void *target) {
        const char *text = value_text(rd, s, key);

        if (!text)
                return;
        if (!is_plain_name(text))
                rd_error(rd, s,
                         "\"%s\" is no name of a credential: letters, digits and . _ - only, no "
                         "path",
                         text);
        else
                *(const char **)target = text;
}

#define PATH_WORDS .words = "an absolute path"
static const struct key server_keys[] = {
        TEXT("url", struct server_draft, server.url, .flags = KEY_REQUIRED,
             .words = "smtps://HOST[:PORT], smtp://HOST[:PORT] or maildir:NAME in double quotes"),
        TEXT("user", struct server_draft, server.user),
        KEY(SPECIAL, "credential", struct server_draft, server.credential,
            .parse = parse_credential, .words = "the name of a file in $CREDENTIALS_DIRECTORY"),
        KEY(SPECIAL, "password_file", struct server_draft, server.password_file, .parse = read_path,
            PATH_WORDS),
        KEY(SPECIAL, "ca_file", struct server_draft, server.ca_file, .parse = read_path, PATH_WORDS,
            .fallback = "the system's"),
        KEY(SPECIAL, "client_cert", struct server_draft, server.client_cert, .parse = read_path,
            PATH_WORDS),
        KEY(SPECIAL, "client_key", struct server_draft, server.client_key, .parse = read_path,
            PATH_WORDS),
        KEY(CHOICE, "auth", struct server_draft, auth, CHOICES(auth_words),
            .fallback = "what the server offers", .words = "\"plain\", \"login\" or \"xoauth2\""),
        KEY(CHOICE, "security", struct server_draft, security, CHOICES(security_words),
            .fallback = "tls; none for smtp:// to this machine", .words = "\"tls\" or \"none\""),
        KEY(DURATION, "timeout", struct server_draft, server.timeout, .fallback = "15m",
            .min = USEC_PER_SEC, .max = USEC_PER_HOUR),
};
const struct section section_server = {"mail.servers", server_keys, ELEMENTSOF(server_keys),
                                       SECTION_REPEATED};

static void read_server(struct reader *rd, const config_setting_t *s, const struct key *key,
                        void *target) {
        struct server_array *servers = target;
        struct server_draft draft = {
                .server = {.timeout = TIMEOUT_USEC, .source = rd_source(rd, s)},
                .security = -1,
                .auth = -1,
        };

        (void)read_group(rd, s, key->inner, &draft);
        if (!draft.server.url)
                return;
        check_server(rd, &draft);
        rd_check_oom(rd, array_push(servers, draft.server));
}

static void parse_servers(struct reader *rd, const config_setting_t *s, const struct key *key,
                          void *target) {
        read_list(rd, s, key, read_server, target);
}

static void parse_domains(struct reader *rd, const config_setting_t *s, const struct key *key,
                          void *target) {
        struct string_list list, *domains = target;

        rd->allowed_domains = rd_source(rd, s);
        if (!value_texts(rd, s, key, NULL, &list))
                return;
        const char **items = arena_new_array(rd->arena, const char *, list.n);
        for (size_t i = 0; i < list.n; i++) {
                const char *error;

                if (domain_parse(rd->arena, list.items[i], &items[i], &error) < 0) {
                        rd_error(rd, s, "\"%s\" in '%s' is no domain such as skhcn.example",
                                 list.items[i], key->name);
                        return;
                }
        }
        *domains = (struct string_list){.items = items, .n = list.n};
}

static void parse_from(struct reader *rd, const config_setting_t *s, const struct key *key,
                       void *target) {
        rd->mail_from = rd_source(rd, s);
        value_address(rd, s, key, target);
}

/* Its words end up in a request: nothing in it may end a line, and it is shown where passwords must not be. */
static const char *heartbeat_fault(const char *url) {
        const char *host = strstr(url, "://");
        size_t length;

        if (!startswith(url, "http://") && !startswith(url, "https://"))
                return "write http://HOST/… or https://HOST/…";
        for (const unsigned char *p = (const unsigned char *)url; *p; p++)
                if (*p <= ' ' || *p >= 0x7F)
                        return "a url has no blanks, and letters beyond ASCII only as %XX";
        if (strlen(url) > HEARTBEAT_MAX)
                return "it is longer than 1024 bytes";
        host += strlen("://");
        length = strcspn(host, "/?#");
        if (memchr(host, '@', length))
                return "a user or password does not belong into it";
        return length > 0 && *host != ':' ? NULL : "it names no host";
}

static void parse_heartbeat(struct reader *rd, const config_setting_t *s, const struct key *key,
                            void *target) {
        const char *text = value_text(rd, s, key), *fault = text ? heartbeat_fault(text) : NULL;

        if (fault) /* not the text itself: it may hold a password */
                rd_error(rd, s, "'%s': %s", key->name, fault);
        else if (text)
                *(const char **)target = text;
}

static const struct key mail_keys[] = {
        KEY(BOOL, "hold", struct reader, m.mail.hold, .fallback = "false"),
        KEY(SPECIAL, "from", struct reader, m.mail.from, .parse = parse_from, .flags = KEY_REQUIRED,
            .words = "a mail address such as \"Name <local@domain>\""),
        KEY(ADDRESS, "reply_to", struct reader, m.mail.reply_to),
        KEY(INT, "connections", struct reader, m.mail.connections, .fallback = "4", .min = 1,
            .max = 64),
        KEY(DURATION, "retry_for", struct reader, m.mail.retry_for, .fallback = "5d",
            .max = 365 * USEC_PER_DAY),
        KEY(INT, "daily_limit", struct reader, m.mail.daily_limit, .fallback = "12; 0: no limit",
            .max = 100000),
        KEY(SPECIAL, "allowed_domains", struct reader, m.mail.allowed_domains,
            .parse = parse_domains, .fallback = "any domain",
            .words = "a list of domains such as [ \"skhcn.example\" ]"),
        KEY(BOOL, "calendar_attachment", struct reader, m.mail.calendar_attachment,
            .fallback = "true"),
        KEY(SPECIAL, "heartbeat", struct reader, m.mail.heartbeat, .parse = parse_heartbeat,
            .words = "a url such as \"https://hc.example/0f3a\""),
        KEY(LIST, "servers", struct reader, servers, .parse = parse_servers, .flags = KEY_REQUIRED,
            .inner = &section_server,
            .words = "a list such as ( { url = \"smtps://mail.skhcn.example\"; … } )"),
};
const struct section section_mail = {"mail", mail_keys, ELEMENTSOF(mail_keys), SECTION_MAIL};
