/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mail/memory.h"

/* RFC 5321, 4.5.3.2: what a client has to wait for at least. */
#define REPLY_SEC 300L
#define CONNECT_USEC (60 * USEC_PER_SEC) /* of TCP alone; the greeting has REPLY_SEC */

/* What the callbacks need while libcurl leads. */
struct opening {
        struct link *link;
        const struct link_config *config;
        usec_t begun_at;
        bool unwanted, unreachable;
};

const char *link_missing(void) {
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
        struct opening *o = userdata;

        dialogue_reply(o->config->dialogue, line, size * n);
        return size * n;
}

/* The commands that libcurl sends. */
static int on_debug(CURL *curl, curl_infotype type, char *data, size_t size, void *userdata) {
        struct opening *o = userdata;

        (void)curl;
        if (type == CURLINFO_HEADER_OUT)
                dialogue_command(o->config->dialogue, data, size);
        return 0;
}

static bool is_connected(CURL *curl) {
        curl_off_t took = 0;

        return curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &took) != CURLE_OK || took > 0;
}

static int on_progress(void *userdata, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up) {
        struct opening *o = userdata;

        (void)down_total, (void)down, (void)up_total, (void)up;
        inbox_poll(o->config->inbox);
        o->unwanted = inbox_unwanted(o->config->inbox);
        o->unreachable = clock_monotonic() - o->begun_at > CONNECT_USEC &&
                         o->config->dialogue->asked == DIALOGUE_GREETING &&
                         !is_connected(o->link->curl);
        return o->unwanted || o->unreachable;
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

static void set_callbacks(struct options *o, struct opening *opening) {
        SET(o, CURLOPT_ERRORBUFFER, opening->link->error);
        SET(o, CURLOPT_HEADERFUNCTION, on_reply);
        SET(o, CURLOPT_HEADERDATA, opening);
        SET(o, CURLOPT_XFERINFOFUNCTION, on_progress);
        SET(o, CURLOPT_XFERINFODATA, opening);
        SET(o, CURLOPT_NOPROGRESS, 0L);
        SET(o, CURLOPT_DEBUGFUNCTION, on_debug);
        SET(o, CURLOPT_DEBUGDATA, opening);
        SET(o, CURLOPT_VERBOSE, 1L);
}

static void set_network(struct options *o, const struct link_config *config) {
        long left = (long)((config->until - clock_monotonic()) / USEC_PER_MSEC);

        if (left < 1)
                left = 1;
        SET(o, CURLOPT_URL, config->server->url);
#if LIBCURL_VERSION_NUM >= 0x075500
        SET(o, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
        SET(o, CURLOPT_PROTOCOLS, CURLPROTO_SMTP | CURLPROTO_SMTPS);
#endif
        SET(o, CURLOPT_CONNECT_ONLY, 1L); /* and EHLO, STARTTLS, AUTH with it */
        SET(o, CURLOPT_PROXY, "");        /* all_proxy in the environment would be obeyed */
        SET(o, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
        SET(o, CURLOPT_NOSIGNAL, 1L);
        SET(o, CURLOPT_TIMEOUT_MS, left);
        SET(o, CURLOPT_CONNECTTIMEOUT_MS, left < REPLY_SEC * 1000 ? left : REPLY_SEC * 1000);
        SET(o, CURLOPT_SERVER_RESPONSE_TIMEOUT, REPLY_SEC);
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

static CURLcode set_options(struct opening *opening) {
        struct options o = {.curl = opening->link->curl, .code = CURLE_OK};

        set_callbacks(&o, opening);
        set_network(&o, opening->config);
        set_tls(&o, opening->config->server);
        if (opening->config->server->user)
                set_user(&o, opening->config->server, opening->config->secret);
        return o.code;
}

static enum dialogue_end end_of(const struct opening *o, CURLcode code) {
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
                return o->unwanted ? DIALOGUE_END_ABORTED : DIALOGUE_END_LOST;
        default:
                return DIALOGUE_END_LOST;
        }
}

static void explain(struct link *l, const char *why) {
        snprintf(l->error, sizeof(l->error), "%s", why);
}

static CURLcode perform(struct opening *o) {
        CURL *curl = o->link->curl;
        curl_socket_t fd = CURL_SOCKET_BAD;
        CURLcode code = curl_easy_perform(curl);

        if (code == CURLE_OK)
                code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
        if (code == CURLE_OK && fd == CURL_SOCKET_BAD)
                code = CURLE_COULDNT_CONNECT;
        if (o->unwanted)
                explain(o->link, "given up, as evidenced asked");
        else if (o->unreachable)
                explain(o->link, "no connection within a minute");
        else if (code != CURLE_OK && !o->link->error[0])
                explain(o->link, curl_easy_strerror(code));
        o->link->fd = fd;
        /* What the callbacks look at ends with our caller. */
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, NULL);
        curl_easy_setopt(curl, CURLOPT_VERBOSE, 0L);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L);
        return code;
}

int link_open(struct link *l, const struct link_config *config, enum dialogue_end *ret_end) {
        struct opening o = {.link = l, .config = config, .begun_at = clock_monotonic()};
        CURLcode code;

        link_close(l);
        dialogue_connected(config->dialogue);
        l->error[0] = 0;
        l->curl = memory_init() < 0 ? NULL : curl_easy_init();
        if (!l->curl)
                return -ENOMEM;
        code = set_options(&o);
        if (code != CURLE_OK) {
                explain(l, curl_easy_strerror(code));
                link_close(l);
                return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        }
        code = perform(&o);
        if (code != CURLE_OK)
                link_close(l);
        *ret_end = end_of(&o, code);
        return 0;
}

static ssize_t failed(struct link *l, CURLcode code) {
        if (code == CURLE_AGAIN)
                return -EAGAIN;
        if (!l->error[0])
                explain(l, curl_easy_strerror(code));
        return -ECONNRESET;
}

ssize_t link_send(struct link *l, const char *data, size_t size) {
        size_t n = 0;
        CURLcode code = curl_easy_send(l->curl, data, size, &n);

        return code == CURLE_OK ? (ssize_t)n : failed(l, code);
}

ssize_t link_receive(struct link *l, char *buffer, size_t size) {
        size_t n = 0;
        CURLcode code = curl_easy_recv(l->curl, buffer, size, &n);

        if (code == CURLE_OK && n == 0)
                explain(l, "the server closed the connection");
        return code == CURLE_OK ? (ssize_t)n : failed(l, code);
}

void link_close(struct link *l) {
        curl_easy_cleanup(l->curl);
        l->curl = NULL;
        l->fd = -1;
}
