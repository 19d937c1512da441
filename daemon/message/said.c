/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "message/document.h"

/*
 * What a program said is kept in its own words, in the ledger and the queue, which are English. A mail says it in its reader's
 * language where it is one of these. The quoted ones stand behind their translation as they were: they name hosts and files.
 */
struct said {
        const char *begins, *phrase;
        bool quoted; /* else the rest is told by itself */
};

/* evidenced-mail, evidenced-scan and the decider; a test looks for them in their sources. */
static const struct said own[] = {
        {"given up", "stopped", false},
        {"the server takes no more of the message", "stalled", false},
        {"no answer in time", "silent", false},
        {"the server closed the connection", "closed", false},
        {"the server speaks out of turn", "no-smtp", false},
        {"what the server says is no SMTP", "no-smtp", false},
        {"not the reply that was due: ", "not-due", false},
        {"no connection within a minute", "no-connection", false},
        {"the address is beyond ASCII and needs SMTPUTF8", "beyond-ascii", true},
        {"the server offers no AUTH", "no-auth", false},
        {"lost after the message: ", "lost", false},
        {"no way to authenticate in common with the server: ", "no-mechanism", false},
        {"this server can not be used: ", "server-setting", true},
        {"the credential in '", "credential", true},
        {"there is no password '", "credential", true},
        {"the address \"", "address", true},
        {"the folder '", "folder", true},
        {"stored as ", "stored", false},
        {"fs.inotify.max_user_watches is reached", "watches", true},
        {"inotify lost events", "queue", true},
        {"another file system than before", "another", true},
};

static const struct said others[] = {
        /* libcurl */
        {"Failed to connect to ", "refused", true},
        {"Couldn't connect to server", "refused", true},
        {"Could not resolve host", "unresolved", true},
        {"Couldn't resolve host", "unresolved", true},
        {"Resolving timed out", "unresolved", true},
        {"Connection timed out", "timeout", true},
        {"Operation timed out", "timeout", true},
        {"Timeout was reached", "timeout", true},
        {"Connection timeout", "timeout", true},
        {"SSL ", "tls", true},
        {"Login denied", "denied-login", true},
        /* the C library */
        {"Connection refused", "refused", true},
        {"Permission denied", "permission", true},
        {"Operation not permitted", "permission", true},
        {"No such file or directory", "missing", true},
        {"Not a directory", "missing", true},
        {"Input/output error", "io", true},
        {"Stale file handle", "share", true},
        {"Transport endpoint is not connected", "share", true},
        {"Host is down", "share", true},
        {"No route to host", "share", true},
        {"No space left on device", "full", true},
        {"Disk quota exceeded", "full", true},
        {"Read-only file system", "read-only", true},
};

static const struct said *find(const struct said *list, size_t n, const char *text) {
        for (size_t i = 0; i < n; i++)
                if (startswith(text, list[i].begins))
                        return &list[i];
        return NULL;
}

const char *said_phrase(size_t i) {
        return i < ELEMENTSOF(own)                        ? own[i].phrase
               : i - ELEMENTSOF(own) < ELEMENTSOF(others) ? others[i - ELEMENTSOF(own)].phrase
                                                          : NULL;
}

const char *said_own(size_t i) { return i < ELEMENTSOF(own) ? own[i].begins : NULL; }

/* "550 5.1.1 nobody of that name" */
static bool is_reply(const char *s) {
        for (int i = 0; i < 3; i++)
                if (!isdigit((unsigned char)s[i]))
                        return false;
        return s[3] == ' ' || s[3] == '\0';
}

const char *said_words(struct words *w, const char *said) {
        const struct said *known;
        const char *phrase, *rest = said;
        struct value *context;

        if (!said || !*said || is_reply(said))
                return words_clean(w, said);
        known = find(own, ELEMENTSOF(own), said);
        if (!known)
                known = find(others, ELEMENTSOF(others), said);
        phrase = known ? known->phrase : "other";
        if (known && !known->quoted)
                rest = said + strlen(known->begins);
        if (!words_have(w, "said-", phrase)) /* their language is this one */
                return words_clean(w, said);
        context = value_object(w->pool);
        value_set(w->pool, context, "said", words_clean(w, said));
        value_set(w->pool, context, "rest",
                  rest == said ? words_clean(w, rest) : said_words(w, rest));
        return words_named(w, "said-", phrase, context);
}
