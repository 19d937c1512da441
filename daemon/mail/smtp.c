/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/smtp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/credential.h"
#include "mail/dialogue.h"
#include "mail/lines.h"
#include "mail/memory.h"

/* RFC 5321, 4.5.3.2: what a client has to wait for at least. */
#define REPLY_SEC 300L
#define DOT_SEC 600L
#define BLOCK_USEC (180 * USEC_PER_SEC)
#define CONNECT_USEC (60 * USEC_PER_SEC) /* of TCP alone; the greeting has REPLY_SEC */
#define UPLOAD_BUFFER                                                                              \
        (16L << 10) /* libcurl's least; its own is four times that, taken anew for every message */
#define QUIT_USEC (1 * USEC_PER_SEC)
/* For the answer to a dot that is sent, when nobody wants it any more: libcurl lets us look once a second, so this is two at most. */
#define ABORT_DOT_USEC (1 * USEC_PER_SEC)

struct smtp_session {
        const char *missing; /* static: why this libcurl will not do; NULL: it will */
        struct inbox *inbox; /* borrowed */
        CURL *curl;          /* owned; NULL: no session */
        char *key;           /* owned: of the server it is with */
        bool prepared;       /* what is the same for every message to it is set */
        struct dialogue dialogue;
        char error[CURL_ERROR_SIZE];

        /* the message under way */
        const struct mail_request *request; /* borrowed */
        char *body;                         /* owned, CRLF */
        size_t body_size, body_sent;
        usec_t begun_at, read_at, unwanted_at, quit_at;
        bool opened; /* a connection was opened for it */
        bool broken; /* it ended without a reply: what comes next would not be about the next message */
        const char *given_up; /* static: why we ended it; NULL: we did not */
};

/* What is missing, or NULL. */
static const char *smtp_check(void) {
        const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
        bool smtp = false, smtps = false;

        for (const char *const *p = info->protocols; *p; p++) {
                smtp = smtp || strcmp(*p, "smtp") == 0;
                smtps = smtps || strcmp(*p, "smtps") == 0;
        }
        if (!smtp || !smtps)
                return "this libcurl was built without SMTP (is libcurl-minimal installed?)";
        return NULL;
}

static size_t on_reply(char *line, size_t size, size_t n, void *userdata) {
        struct smtp_session *s = userdata;
        bool go_on = dialogue_reply(&s->dialogue, line, size * n);

        if (s->dialogue.go_ahead)
                curl_easy_setopt(s->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, DOT_SEC);
        return go_on ? size * n : 0;
}

static int on_debug(CURL *curl, curl_infotype type, char *data, size_t size, void *userdata) {
        struct smtp_session *s = userdata;

        (void)curl;
        if (type == CURLINFO_HEADER_OUT)
                dialogue_command(&s->dialogue, data, size);
        return 0;
}

static int on_socket(void *userdata, curl_socket_t fd, curlsocktype purpose) {
        struct smtp_session *s = userdata;

        (void)fd;
        if (purpose == CURLSOCKTYPE_IPCXN) {
                s->opened = true;
                dialogue_connected(&s->dialogue,
                                   s->request->server.transport == MAIL_TRANSPORT_SMTPS);
        }
        return CURL_SOCKOPT_OK;
}

static size_t on_read(char *buffer, size_t size, size_t n, void *userdata) {
        struct smtp_session *s = userdata;
        size_t left = s->body_size - s->body_sent, len = size * n < left ? size * n : left;

        s->read_at = clock_monotonic();
        if (!dialogue_body_allowed(&s->dialogue))
                return CURL_READFUNC_ABORT;
        if (len == 0) {
                dialogue_body_done(&s->dialogue);
                return 0;
        }
        memcpy(buffer, s->body + s->body_sent, len);
        s->body_sent += len;
        return len;
}

/* What nobody wants any more ends at once, but for a dot that may be on its way: its answer is worth a moment. */
static bool unwanted(struct smtp_session *s, usec_t now) {
        if (!inbox_unwanted(s->inbox))
                return false;
        if (s->unwanted_at == 0)
                s->unwanted_at = now;
        if (s->dialogue.body_done && (s->dialogue.replied || now - s->unwanted_at < ABORT_DOT_USEC))
                return false;
        s->given_up = "given up, as evidenced asked";
        return true;
}

static bool stalled(struct smtp_session *s, usec_t now) {
        curl_off_t connected = 0;

        if (s->dialogue.go_ahead)
                return !s->dialogue.body_done && now - s->read_at > BLOCK_USEC;
        return now - s->begun_at > CONNECT_USEC && s->dialogue.last == DIALOGUE_GREETING &&
               curl_easy_getinfo(s->curl, CURLINFO_CONNECT_TIME_T, &connected) == CURLE_OK &&
               connected == 0;
}

static int on_progress(void *userdata, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up) {
        struct smtp_session *s = userdata;
        usec_t now = clock_monotonic();

        (void)down_total, (void)down, (void)up_total, (void)up;
        inbox_poll(s->inbox);
        if (s->dialogue
                    .quitting) { /* the verdict stands; libcurl would wait up to two minutes, or ten, for good manners */
                if (s->quit_at == 0)
                        s->quit_at = now;
                return now - s->quit_at >= QUIT_USEC;
        }
        if (unwanted(s, now))
                return 1;
        if (stalled(s, now)) {
                s->given_up = s->dialogue.go_ahead ? "the server takes no more of the message"
                                                   : "no connection within a minute";
                return 1;
        }
        return 0;
}

/* Remembers the first failure: options are set in long rows, and each of them matters. */
struct options {
        CURL *curl;
        CURLcode code;
};
#define SET(o, option, value)                                                                      \
        do {                                                                                       \
                CURLcode _code = curl_easy_setopt((o)->curl, (option), (value));                   \
                if ((o)->code == CURLE_OK)                                                         \
                        (o)->code = _code;                                                         \
        } while (0)

static void set_callbacks(struct options *o, struct smtp_session *s) {
        SET(o, CURLOPT_ERRORBUFFER, s->error);
        SET(o, CURLOPT_HEADERFUNCTION, on_reply);
        SET(o, CURLOPT_HEADERDATA, s);
        SET(o, CURLOPT_READFUNCTION, on_read);
        SET(o, CURLOPT_READDATA, s);
        SET(o, CURLOPT_XFERINFOFUNCTION, on_progress);
        SET(o, CURLOPT_XFERINFODATA, s);
        SET(o, CURLOPT_NOPROGRESS, 0L);
        SET(o, CURLOPT_SOCKOPTFUNCTION, on_socket);
        SET(o, CURLOPT_SOCKOPTDATA, s);
        SET(o, CURLOPT_DEBUGFUNCTION, on_debug); /* the commands that libcurl sends */
        SET(o, CURLOPT_DEBUGDATA, s);
        SET(o, CURLOPT_VERBOSE, 1L);
}

static void set_network(struct options *o, const struct mail_server *server) {
        SET(o, CURLOPT_URL, server->url);
#if LIBCURL_VERSION_NUM >= 0x075500
        SET(o, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
        SET(o, CURLOPT_PROTOCOLS, CURLPROTO_SMTP | CURLPROTO_SMTPS);
#endif
        SET(o, CURLOPT_PROXY, ""); /* all_proxy in the environment would be obeyed */
        SET(o, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
        SET(o, CURLOPT_NOSIGNAL, 1L);
        SET(o, CURLOPT_UPLOAD, 1L);
        SET(o, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
}

static void set_tls(struct options *o, const struct mail_server *server) {
        SET(o, CURLOPT_USE_SSL, server->plaintext ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
        SET(o, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        SET(o, CURLOPT_SSL_VERIFYPEER, 1L);
        SET(o, CURLOPT_SSL_VERIFYHOST, 2L);
        if (server->ca_file)
                SET(o, CURLOPT_CAINFO, server->ca_file);
        if (server->client_cert)
                SET(o, CURLOPT_SSLCERT, server->client_cert);
        if (server->client_key)
                SET(o, CURLOPT_SSLKEY, server->client_key);
}

static const char *login_options(const char *auth) {
        static const struct {
                const char *auth, *options;
        } known[] = {
                {"plain", "AUTH=PLAIN"},
                {"login", "AUTH=LOGIN"},
                {"cram-md5", "AUTH=CRAM-MD5"},
                {"xoauth2", "AUTH=XOAUTH2"},
                {"oauthbearer", "AUTH=OAUTHBEARER"},
        };

        for (size_t i = 0; auth && i < ELEMENTSOF(known); i++)
                if (strcmp(auth, known[i].auth) == 0)
                        return known[i].options;
        /* Left alone, libcurl prefers what needs a domain controller or sends less than a password is worth. */
        return "AUTH=PLAIN;AUTH=LOGIN";
}

static void set_user(struct options *o, const struct mail_server *server,
                     const struct secret *secret) {
        bool token = server->auth && (strcmp(server->auth, "xoauth2") == 0 ||
                                      strcmp(server->auth, "oauthbearer") == 0);

        SET(o, CURLOPT_USERNAME, server->user);
        SET(o, CURLOPT_LOGIN_OPTIONS, login_options(server->auth));
        SET(o, token ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, secret->text);
}

/* All that differs from one message to the next, or that the last one changed. */
static void set_message(struct options *o, const struct mail_request *request,
                        struct curl_slist *recipients) {
        long timeout = (long)(request->timeout_usec / USEC_PER_MSEC);

        SET(o, CURLOPT_TIMEOUT_MS, timeout);
        SET(o, CURLOPT_CONNECTTIMEOUT_MS, timeout < REPLY_SEC * 1000 ? timeout : REPLY_SEC * 1000);
        SET(o, CURLOPT_SERVER_RESPONSE_TIMEOUT, REPLY_SEC);
        SET(o, CURLOPT_FRESH_CONNECT, 0L);
        SET(o, CURLOPT_MAIL_FROM, request->from);
        SET(o, CURLOPT_MAIL_RCPT, recipients);
}

/* What the server is known by is the session's key, so that it is set once in a session. The password is read anew each time. */
static int set_options(struct smtp_session *s, const struct secret *secret,
                       struct curl_slist *recipients) {
        struct options o = {.curl = s->curl, .code = CURLE_OK};

        if (!s->prepared) {
                set_callbacks(&o, s);
                set_network(&o, &s->request->server);
                set_tls(&o, &s->request->server);
        }
        if (s->request->server.user)
                set_user(&o, &s->request->server, secret);
        set_message(&o, s->request, recipients);
        s->prepared = o.code == CURLE_OK;
        if (o.code != CURLE_OK)
                snprintf(s->error, sizeof(s->error), "%s", curl_easy_strerror(o.code));
        return o.code == CURLE_OK ? 0 : o.code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static enum dialogue_end end_of(const struct smtp_session *s, CURLcode code) {
        switch (code) {
        case CURLE_OK:
                return DIALOGUE_END_OK;
        case CURLE_USE_SSL_FAILED:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
                return DIALOGUE_END_TLS;
        case CURLE_LOGIN_DENIED:
        case CURLE_AUTH_ERROR:
                return DIALOGUE_END_AUTH;
        case CURLE_ABORTED_BY_CALLBACK:
                return s->unwanted_at > 0 ? DIALOGUE_END_ABORTED : DIALOGUE_END_LOST;
        default:
                return DIALOGUE_END_LOST;
        }
}

static void begin_message(struct smtp_session *s) {
        dialogue_begin(&s->dialogue);
        s->dialogue.wants_auth = s->request->server.user != NULL;
        s->dialogue.wants_utf8 = s->request->needs_utf8;
        s->dialogue.plaintext = s->request->server.plaintext;
        s->body_sent = 0;
        s->opened = s->broken = false;
        s->given_up = NULL;
        s->unwanted_at = s->quit_at = 0;
        s->begun_at = s->read_at = clock_monotonic();
        s->error[0] = 0;
}

/* Return: was it a session that the server had closed meanwhile, so that nothing was said about this message? */
static bool perform(struct smtp_session *s, struct mail_outcome *ret) {
        CURLcode code;

        begin_message(s);
        code = curl_easy_perform(s->curl);
        /* libcurl would go on with a session whose answer to the dot is still to come. */
        s->broken = code != CURLE_OK && !(s->dialogue.replied && s->dialogue.code >= 400);
        dialogue_outcome(&s->dialogue, end_of(s, code),
                         s->given_up   ? s->given_up
                         : s->error[0] ? s->error
                                       : curl_easy_strerror(code),
                         ret);
        return code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT && !s->given_up && !s->opened &&
               dialogue_idle_close(&s->dialogue);
}

static int open_session(struct smtp_session *s) {
        const char *key = s->request->server.key;

        if (s->curl && streq_ptr(s->key, key))
                return 0;
        smtp_session_close(s);
        if (memory_init() < 0)
                return -ENOMEM;
        s->key = strdup(key);
        s->curl = curl_easy_init();
        if (!s->key || !s->curl) {
                smtp_session_close(s);
                return -ENOMEM;
        }
        return 0;
}

static int transmit(struct smtp_session *s, const struct secret *secret, struct mail_outcome *ret) {
        struct curl_slist *recipients = NULL;
        int r = open_session(s);

        if (r < 0)
                return r;
        recipients = curl_slist_append(NULL, s->request->to);
        if (!recipients)
                return -ENOMEM;
        r = set_options(s, secret, recipients);
        if (r == -EINVAL)
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, true, "%s", s->error);
        else if (r == 0 && perform(s, ret)) {
                log_debug("%s closed an idle session, connecting again", s->request->server.url);
                curl_easy_setopt(s->curl, CURLOPT_FRESH_CONNECT, 1L);
                curl_easy_setopt(s->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, REPLY_SEC);
                perform(s, ret);
        }
        curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, NULL);
        curl_slist_free_all(recipients);
        if (s->broken)
                smtp_session_close(s);
        return r == -EINVAL ? 0 : r;
}

void smtp_send(struct smtp_session *s, const struct mail_request *request,
               struct mail_outcome *ret) {
        _cleanup_(secret_done) struct secret secret = {};
        _cleanup_free_ char *why = NULL;
        int r = 0;

        assert(request->server.transport != MAIL_TRANSPORT_MAILDIR);
        if (s->missing) {
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, true, "%s", s->missing);
                return;
        }
        s->request = request;
        if (request->server.user) {
                r = credential_read(request->server.credential, request->server.password_file,
                                    &secret, &why);
                if (r < 0) {
                        outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, true, "%s",
                                    why ? why : strerror(-r));
                        return;
                }
        }
        r = lines_convert(request->body, request->body_size, "\r\n", &s->body, &s->body_size);
        if (r == 0)
                r = transmit(s, &secret, ret);
        if (r < 0)
                outcome_set(ret, MAIL_TEMPFAIL, MAIL_STAGE_CONFIG, false, "%s", strerror(-r));
        free(s->body);
        s->body = NULL;
        s->request = NULL;
}

struct smtp_session *smtp_session_new(struct inbox *inbox) {
        struct smtp_session *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->inbox = inbox;
        s->missing = smtp_check();
        if (s->missing)
                log_error("%s: only maildir: can be delivered to", s->missing);
        return s;
}

/* libcurl waits up to two minutes for the answer to QUIT; a reading end that is shut gives it one at once. */
void smtp_session_close(struct smtp_session *s) {
        curl_socket_t fd = CURL_SOCKET_BAD;

        if (s->curl && curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
            fd != CURL_SOCKET_BAD)
                shutdown(fd, SHUT_RD);
        dialogue_command(&s->dialogue, "QUIT", 4);
        curl_easy_cleanup(s->curl);
        s->curl = NULL;
        free(s->key);
        s->key = NULL;
        s->prepared = false;
}

bool smtp_session_is_open(const struct smtp_session *s) { return s->curl != NULL; }

struct smtp_session *smtp_session_free(struct smtp_session *s) {
        if (!s)
                return NULL;
        smtp_session_close(s);
        free(s);
        return NULL;
}
