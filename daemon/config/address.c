/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/address.h"

#include <ctype.h>
#include <errno.h>
#include <idn2.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LOCAL_MAX 64    /* bytes; RFC 5321, 4.5.3.1.1 */
#define DOMAIN_MAX 253  /* RFC 1035 in text form */
#define ADDRESS_MAX 254 /* RFC 5321, 4.5.3.1.3 without the brackets */
#define DISPLAY_MAX 200

static char *lower_ascii(struct arena *arena, const char *s) {
        char *copy = arena_strdup(arena, s);

        for (char *p = copy; *p; p++)
                *p = (char)tolower((unsigned char)*p);
        return copy;
}

/* Letters, digits and hyphens; labels of 1 to 63 that neither begin nor end in a hyphen. */
static bool is_ldh_domain(const char *s) {
        size_t label = 0, len = strlen(s);

        if (len == 0 || len > DOMAIN_MAX)
                return false;
        for (size_t i = 0; i <= len; i++) {
                if (s[i] == '.' || s[i] == '\0') {
                        if (label == 0 || label > 63 || s[i - 1] == '-')
                                return false;
                        label = 0;
                        continue;
                }
                if (!isalnum((unsigned char)s[i]) && (s[i] != '-' || label == 0))
                        return false;
                label++;
        }
        return true;
}

int domain_parse(struct arena *arena, const char *text, const char **ret, const char **ret_error) {
        uint8_t *ascii = NULL;

        *ret_error = "the part after @ is no domain such as skhcn.example";
        if (text_is_ascii(text)) {
                if (!is_ldh_domain(text))
                        return -EINVAL;
                *ret = lower_ascii(arena, text);
                return 0;
        }
        if (idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
            IDN2_OK)
                return -EINVAL;

        const char *domain = lower_ascii(arena, (const char *)ascii);
        idn2_free(ascii);
        if (!is_ldh_domain(domain))
                return -EINVAL;
        *ret = domain;
        return 0;
}

/* RFC 6532 lets every character stand in an atom; those that nobody sees, or takes for a blank, are none of a name. */
static bool is_visible(const char *s) {
        const uint8_t *p = (const uint8_t *)s;
        ucs4_t c;

        while ((p = u8_next(&c, p)))
                if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                                                UC_CATEGORY_MASK_Z))
                        return false;
        return true;
}

/* @s: NFC */
static int check_local(const char *s, const char **ret_error) {
        static const char atext[] = "!#$%&'*+-/=?^_`{|}~";
        size_t len = strlen(s);

        if (len == 0 || len > LOCAL_MAX) {
                *ret_error = "the part before @ must have 1 to 64 bytes";
                return -EINVAL;
        }
        if (!text_is_ascii(s) && !is_visible(s)) {
                *ret_error = "there is an invisible character before the @";
                return -EINVAL;
        }
        for (size_t i = 0; i < len; i++) {
                if (s[i] == '.' && (i == 0 || i == len - 1 || s[i + 1] == '.')) {
                        *ret_error = "a dot is misplaced before the @";
                        return -EINVAL;
                }
                if (s[i] != '.' && (unsigned char)s[i] < 0x80 && !isalnum((unsigned char)s[i]) &&
                    !strchr(atext, s[i])) {
                        *ret_error =
                                s[i] == '@' || s[i] == ',' || s[i] == ';'
                                        ? "write each address as a text of its own"
                                        : "there is a character before the @ that is not allowed";
                        return -EINVAL;
                }
        }
        return 0;
}

char *address_key(const char *spec) { return text_fold(spec, false); }

bool address_is_ascii(const struct address *address) { return text_is_ascii(address->spec); }

static int parse_spec(struct arena *arena, const char *s, struct address *address,
                      const char **ret_error) {
        _cleanup_free_ char *local = NULL, *key = NULL;
        const char *at = strrchr(s, '@'), *domain;
        int r;

        if (!at) {
                *ret_error = "it is no mail address: the @ is missing";
                return -EINVAL;
        }
        local = text_nfc(arena_printf(arena, "%.*s", (int)(at - s), s));
        if (!local) {
                *ret_error = "it is no UTF-8";
                return -EINVAL;
        }
        r = check_local(local, ret_error);
        if (r < 0)
                return r;
        r = domain_parse(arena, at + 1, &domain, ret_error);
        if (r < 0)
                return r;
        address->spec = arena_printf(arena, "%s@%s", local, domain);
        if (strlen(address->spec) > ADDRESS_MAX) {
                *ret_error = "the address is longer than 254 characters";
                return -EINVAL;
        }
        key = address_key(address->spec);
        if (!key) {
                *ret_error = "it is no UTF-8";
                return -EINVAL;
        }
        address->key = arena_strdup(arena, key);
        return 0;
}

static void trim(char **s) {
        char *p = *s;
        size_t len;

        while (*p == ' ')
                p++;
        len = strlen(p);
        while (len > 0 && p[len - 1] == ' ')
                p[--len] = '\0';
        *s = p;
}

/* Takes away the quotes and what they quote: "Sở \"KH\"" → Sở "KH". */
static int unquote(char *s) {
        char *out = s;

        for (char *p = s + 1; *p; p++) {
                if (*p == '"') {
                        *out = '\0';
                        return p[1] == '\0' ? 0 : -EINVAL;
                }
                if (*p == '\\' && p[1] != '\0')
                        p++;
                *out++ = *p;
        }
        return -EINVAL;
}

static int parse_display(char *s, struct address *address, const char **ret_error) {
        trim(&s);
        if (*s == '"') {
                if (unquote(s) < 0) {
                        *ret_error = "the quotes around the name do not match";
                        return -EINVAL;
                }
        } else if (strpbrk(s, "@<>\"")) {
                *ret_error = "write each address as a text of its own: Name <local@domain>";
                return -EINVAL;
        }
        if (strlen(s) > DISPLAY_MAX) {
                *ret_error = "the name before the address is longer than 200 bytes";
                return -EINVAL;
        }
        address->display = *s ? s : NULL;
        return 0;
}

static bool has_control(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        return true;
        return false;
}

int address_parse(struct arena *arena, const char *text, struct address *ret,
                  const char **ret_error) {
        struct address address = {};
        char *s = arena_strdup(arena, text);
        int r;

        if (has_control(s)) {
                *ret_error = "control characters and line breaks are not allowed in an address";
                return -EINVAL;
        }
        trim(&s);
        size_t len = strlen(s);
        char *angle = len > 0 && s[len - 1] == '>' ? strrchr(s, '<') : NULL;
        if (angle) {
                s[len - 1] = *angle = '\0';
                r = parse_display(s, &address, ret_error);
                if (r < 0)
                        return r;
                s = angle + 1;
        }
        r = parse_spec(arena, s, &address, ret_error);
        if (r < 0)
                return r;
        *ret = address;
        return 0;
}
