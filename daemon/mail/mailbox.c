/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mail/mailbox.h"

#include <ctype.h>
#include <errno.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LOCAL_MAX 64    /* RFC 5321, 4.5.3.1.1 */
#define LABEL_MAX 63    /* RFC 1035, 2.3.4 */
#define ADDRESS_MAX 254 /* RFC 5321, 4.5.3.1.3, without the angle brackets */

/* No line end, space, bracket or control character: nothing that could end the address before its end. */
static bool has_forbidden(const char *s) {
        for (const unsigned char *p = (const unsigned char *)s; *p; p++)
                if (*p <= ' ' || *p == 0x7F || *p == '<' || *p == '>' || *p == '"' || *p == '\\' ||
                    (*p == 0xC2 && p[1] < 0xA0)) /* C1 */
                        return true;
        return false;
}

static void idn2_free_p(char **s) { idn2_free(*s); }

/* Labels of letters, digits, '-', and the '_' that inner networks have. */
static bool host_ok(const char *ascii) {
        for (const char *p = ascii; *p; p++)
                if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
                        return false;
        return ascii[0] && ascii[0] != '.' && !strstr(ascii, "..") && !endswith(ascii, ".");
}

/* Small letters, digits and single hyphens, in labels that are not too long: IDNA leaves them as they are. */
static bool is_plain(const char *domain) {
        size_t label = 0;

        for (const char *p = domain; *p; p++) {
                bool hyphen = *p == '-' && p > domain && isalnum((unsigned char)p[-1]) &&
                              isalnum((unsigned char)p[1]);

                label = *p == '.' ? 0 : label + 1;
                if (label > LABEL_MAX || (!islower((unsigned char)*p) &&
                                          !isdigit((unsigned char)*p) && *p != '.' && !hyphen))
                        return false;
        }
        return host_ok(domain);
}

static int domain_to_ascii(const char *domain, char **ret) {
        _cleanup_(idn2_free_p) char *ascii = NULL;
        int r;

        if (domain[0] == '[') { /* a literal: [192.0.2.1], [IPv6:…] */
                bool ok = domain[1] && domain[strlen(domain) - 1] == ']' && text_is_ascii(domain);

                *ret = ok ? strdup(domain) : NULL;
                return !ok ? -EINVAL : *ret ? 0 : -ENOMEM;
        }
        if (is_plain(domain)) {
                *ret = strdup(domain);
                return *ret ? 0 : -ENOMEM;
        }
        r = idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL);
        if (r == IDN2_MALLOC)
                return -ENOMEM;
        if (r != IDN2_OK || !host_ok(ascii))
                return -EINVAL;
        *ret = strdup(ascii);
        return *ret ? 0 : -ENOMEM;
}

int mailbox_prepare(const char *address, char **ret_address, bool *ret_utf8, const char **ret_why) {
        _cleanup_free_ char *local = NULL, *domain = NULL, *whole = NULL;
        const char *at = strrchr(address, '@');
        int r;

        *ret_why = "is no mail address";
        if (!at || at == address || !at[1])
                return -EINVAL;
        *ret_why = "has characters that no mail address has";
        if (!utf8_valid(address, strlen(address)) || has_forbidden(address))
                return -EINVAL;
        local = strndup(address, (size_t)(at - address));
        if (!local)
                return -ENOMEM;
        *ret_why = "has two @";
        if (strchr(local, '@'))
                return -EINVAL;
        *ret_why = "has a domain that is none";
        r = domain_to_ascii(at + 1, &domain);
        if (r < 0)
                return r;
        *ret_why = "is too long";
        if (strlen(local) > LOCAL_MAX || strlen(local) + 1 + strlen(domain) > ADDRESS_MAX)
                return -EINVAL;
        if (asprintf(&whole, "%s@%s", local, domain) < 0) {
                whole = NULL;
                return -ENOMEM;
        }
        *ret_utf8 = !text_is_ascii(local);
        *ret_address = steal_ptr(whole);
        return 0;
}
