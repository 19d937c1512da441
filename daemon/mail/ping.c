/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/ping.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "mail/memory.h"

#define URL_MAX_BYTES 1024

struct ping {
        struct inbox *inbox; /* borrowed */
        const char *url;     /* borrowed */
        long timeout_msec;
        size_t read; /* bytes of the answer, all thrown away */
        char error[CURL_ERROR_SIZE];
};

/* The decider has checked it; this process holds passwords and checks again. */
static bool url_ok(const char *url) {
        const char *host;

        if (!url || strlen(url) > URL_MAX_BYTES)
                return false;
        for (const unsigned char *p = (const unsigned char *)url; *p; p++)
                if (*p <= ' ' || *p >= 0x7F)
                        return false;
        if (!startswith(url, "http://") && !startswith(url, "https://"))
                return false;
        host = strstr(url, "://") + 3;
        return strcspn(host, "/?#") > 0 && !memchr(host, '@', strcspn(host, "/?#"));
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata) {
        struct ping *p = userdata;

        (void)data;
        p->read += size * n;
        return p->read <= PING_ANSWER_MAX ? size * n : 0;
}

static int on_progress(void *userdata, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up) {
        struct ping *p = userdata;

        (void)down_total, (void)down, (void)up_total, (void)up;
        inbox_poll(p->inbox);
        return inbox_unwanted(p->inbox);
}

static CURLcode set_options(CURL *curl, struct ping *p) {
        CURLcode codes[] = {
                curl_easy_setopt(curl, CURLOPT_URL, p->url),
#if LIBCURL_VERSION_NUM >= 0x075500
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https"),
#else
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS),
#endif
                curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L),
                curl_easy_setopt(curl, CURLOPT_PROXY, ""), /* as for mail */
                curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED),
                curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L),
                curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, p->timeout_msec),
                curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2),
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L),
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L),
                curl_easy_setopt(curl, CURLOPT_USERAGENT, "evidenced"),
                curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, p->error),
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body),
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, p),
                curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress),
                curl_easy_setopt(curl, CURLOPT_XFERINFODATA, p),
                curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L),
        };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (codes[i] != CURLE_OK)
                        return codes[i];
        return CURLE_OK;
}

static void fail(struct mail_outcome *o, enum mail_stage stage, const char *text) {
        outcome_set(o, MAIL_TEMPFAIL, stage, false, "%s", text);
}

static void perform(CURL *curl, struct ping *p, struct mail_outcome *ret) {
        CURLcode code = set_options(curl, p);
        long status = 0;

        if (code != CURLE_OK) {
                fail(ret, MAIL_STAGE_CONFIG, curl_easy_strerror(code));
                return;
        }
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        /* The code was said before all that we did not care to read. */
        if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && p->read > PING_ANSWER_MAX)) {
                fail(ret, MAIL_STAGE_CONNECT, p->error[0] ? p->error : curl_easy_strerror(code));
                return;
        }
        outcome_set(ret, status / 100 == 2 ? MAIL_SENT : MAIL_TEMPFAIL, MAIL_STAGE_DOT, false,
                    "HTTP %ld%s", status,
                    status / 100 == 3 ? ", a redirect, which is not followed" : "");
        ret->code = (int)status;
}

static void ping(struct ping *p, struct mail_outcome *ret) {
        CURL *curl;

        if (!url_ok(p->url)) {
                fail(ret, MAIL_STAGE_CONFIG,
                     "its url is no http:// or https:// one that can be used");
                return;
        }
        if (inbox_unwanted(p->inbox)) {
                fail(ret, MAIL_STAGE_CONFIG, "given up before it was begun, as evidenced asked");
                return;
        }
        curl = memory_init() < 0 ? NULL : curl_easy_init();
        if (!curl) {
                fail(ret, MAIL_STAGE_CONFIG, "libcurl can not be used");
                return;
        }
        perform(curl, p, ret);
        curl_easy_cleanup(curl);
}

int ping_answer(struct inbox *in, const json_t *json, char **ret) {
        const json_t *id = json_object_get(json, "id");
        json_int_t timeout = json_integer_value(json_object_get(json, "timeout"));
        struct ping p = {.inbox = in, .url = json_string_value(json_object_get(json, "url"))};
        struct mail_outcome outcome = {};
        char *reply;

        if (!json_is_integer(id))
                return -EPROTO;
        timeout = timeout < USEC_PER_SEC       ? USEC_PER_SEC
                  : timeout > PING_TIMEOUT_MAX ? PING_TIMEOUT_MAX
                                               : timeout;
        p.timeout_msec = (long)(timeout / USEC_PER_MSEC);
        ping(&p, &outcome);
        reply = outcome_to_json(&outcome, json_integer_value(id), NULL);
        if (!reply)
                return -ENOMEM;
        *ret = reply;
        return 0;
}
