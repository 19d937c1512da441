/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/mime.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/zone.h"

#define LINE_MAX_HEADER 76 /* RFC 2047, section 2: lines that hold an encoded word */
#define WORD_MAX_PLAIN 60  /* a longer word is encoded, so that it can be folded */
#define ENCODED_WORD_MAX 75
#define CHARSET "=?utf-8?"
#define SPEC_MAX 320 /* bytes of an address */

static const char hex_digits[] = "0123456789ABCDEF";
static const char base64_digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- a header line being written ---- */

struct line {
        struct strbuf *out;
        size_t column;
        bool fresh; /* nothing but the name, or the fold's blank, so far */
};

static struct line line_begin(struct strbuf *out, const char *name) {
        strbuf_addf(out, "%s:", name);
        return (struct line){.out = out, .column = strlen(name) + 1, .fresh = true};
}

/* A blank and @word; on a new line where it would not fit. The first word stays on the name's line only when it fits there. */
static void line_word(struct line *line, const char *word, size_t len) {
        if (line->column + 1 + len > LINE_MAX_HEADER && !line->fresh) {
                strbuf_adds(line->out, "\r\n");
                line->column = 0;
        }
        strbuf_addc(line->out, ' ');
        strbuf_add(line->out, word, len);
        line->column += 1 + len;
        line->fresh = false;
}

static void line_glue(struct line *line, char c) {
        strbuf_addc(line->out, c);
        line->column++;
}

static void line_end(const struct line *line) { strbuf_adds(line->out, "\r\n"); }

/* ---- encoded words ---- */

static size_t code_point_len(const char *s) {
        size_t n = 1;

        while (((unsigned char)s[n] & 0xc0) == 0x80)
                n++;
        return n;
}

/* What may stand for itself in a Q word everywhere, also in a phrase (RFC 2047, section 5). */
static bool is_q_plain(unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

static size_t q_len(const char *s, size_t len) {
        size_t n = 0;

        for (size_t i = 0; i < len; i++)
                n += is_q_plain((unsigned char)s[i]) || s[i] == ' ' ? 1 : 3;
        return n;
}

static void add_q(struct strbuf *out, const char *s, size_t len) {
        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char)s[i];

                if (c == ' ')
                        strbuf_addc(out, '_');
                else if (is_q_plain(c))
                        strbuf_addc(out, (char)c);
                else
                        strbuf_addf(out, "=%c%c", hex_digits[c >> 4], hex_digits[c & 15]);
        }
}

static void add_base64(struct strbuf *out, const char *s, size_t len) {
        for (size_t i = 0; i < len; i += 3) {
                size_t rest = len - i;
                uint32_t bits = (uint32_t)(unsigned char)s[i] << 16;
                char quad[4];

                if (rest > 1)
                        bits |= (uint32_t)(unsigned char)s[i + 1] << 8;
                if (rest > 2)
                        bits |= (unsigned char)s[i + 2];
                quad[0] = base64_digits[bits >> 18];
                quad[1] = base64_digits[bits >> 12 & 63];
                quad[2] = rest > 1 ? base64_digits[bits >> 6 & 63] : '=';
                quad[3] = rest > 2 ? base64_digits[bits & 63] : '=';
                strbuf_add(out, quad, sizeof(quad));
        }
}

static size_t base64_len(size_t len) { return (len + 2) / 3 * 4; }

/* Encoded words one behind the other, each of whole characters, filling the lines. */
static void line_encoded(struct line *line, const char *s) {
        bool q = q_len(s, strlen(s)) <= base64_len(strlen(s));
        size_t frame = strlen(CHARSET "Q?") + strlen("?=");

        while (*s) {
                size_t used = line->column + 1;
                size_t room = used + frame + 12 < LINE_MAX_HEADER ? LINE_MAX_HEADER - used
                                                                  : ENCODED_WORD_MAX;
                struct strbuf word = STRBUF_INIT;
                size_t n = 0;

                if (room > ENCODED_WORD_MAX)
                        room = ENCODED_WORD_MAX;
                while (s[n]) {
                        size_t more = n + code_point_len(s + n);

                        if (n > 0 && frame + (q ? q_len(s, more) : base64_len(more)) > room)
                                break;
                        n = more;
                }
                strbuf_addf(&word, CHARSET "%c?", q ? 'Q' : 'B');
                if (q)
                        add_q(&word, s, n);
                else
                        add_base64(&word, s, n);
                strbuf_adds(&word, "?=");
                line_word(line, strbuf_str(&word), word.len);
                if (word.failed)
                        line->out->failed = true;
                strbuf_done(&word);
                s += n;
        }
}

/* ---- headers ---- */

static bool is_plain_word(const char *s, size_t len) {
        if (len == 0 || len > WORD_MAX_PLAIN)
                return false;
        for (size_t i = 0; i < len; i++)
                if (s[i] <= ' ' || s[i] > '~' || (s[i] == '=' && i + 1 < len && s[i + 1] == '?'))
                        return false;
        return true;
}

/* Length of the leading words, with the blank behind each, that can stand as they are. */
static size_t plain_prefix(const char *s) {
        size_t n = 0;

        while (s[n]) {
                size_t len = strcspn(s + n, " ");

                if (!is_plain_word(s + n, len))
                        break;
                n += len;
                if (!s[n])
                        break;
                n++;
                if (!s[n]) /* a blank at the end would get lost */
                        return n - len - 1;
        }
        return n;
}

/* Fit for a header: no control characters, valid. NULL when out of memory. */
static char *clean(struct strbuf *out, const char *value) {
        char *s = text_sanitize(value, strlen(value));

        if (!s)
                out->failed = true;
        return s;
}

void mime_header(struct strbuf *out, const char *name, const char *value) {
        _cleanup_free_ char *s = clean(out, value);
        struct line line;
        size_t plain;

        if (!s)
                return;
        line = line_begin(out, name);
        plain = plain_prefix(s);
        for (size_t i = 0; i < plain;) {
                size_t len = strcspn(s + i, " ");

                if (len > plain - i)
                        len = plain - i;
                line_word(&line, s + i, len);
                i += len + (s[i + len] == ' ');
        }
        if (s[plain])
                line_encoded(&line, s + plain);
        line_end(&line);
}

/* Is it one mailbox and nothing else, if its local part were ASCII? */
static bool is_mailbox(const char *spec) {
        const char *at = strrchr(spec, '@');

        if (!at || at == spec || !at[1] || strlen(spec) > SPEC_MAX || !text_is_ascii(at) ||
            !utf8_valid(spec, strlen(spec)))
                return false;
        for (const unsigned char *c = (const unsigned char *)spec; *c; c++)
                if (*c <= ' ' || *c == 0x7f || strchr("<>()[]\\,;:\"", *c) ||
                    (*c == '@' && c != (const unsigned char *)at))
                        return false;
        return true;
}

bool mime_spec_is_safe(const char *spec) { return text_is_ascii(spec) && is_mailbox(spec); }

bool mime_id_is_safe(const char *id) {
        size_t len = strlen(id);

        if (len < 5 || len > 900 || id[0] != '<' || id[len - 1] != '>' || !strchr(id, '@'))
                return false;
        for (size_t i = 1; i < len - 1; i++)
                if (id[i] <= ' ' || id[i] > '~' || id[i] == '<' || id[i] == '>')
                        return false;
        return true;
}

/* RFC 5322 atoms and blanks need no quotes. */
static bool is_phrase_of_atoms(const char *s) {
        if (plain_prefix(s) != strlen(s))
                return false;
        for (; *s; s++)
                if (strchr("()<>[]:;@\\,.\"", *s))
                        return false;
        return true;
}

/* A quoted string that fits a line; longer ones are encoded. */
static bool add_quoted(struct line *line, const char *s) {
        struct strbuf b = STRBUF_INIT;
        bool fits = plain_prefix(s) == strlen(s) && strlen(s) <= WORD_MAX_PLAIN;

        if (!fits)
                return false;
        strbuf_addc(&b, '"');
        for (; *s; s++) {
                if (*s == '"' || *s == '\\')
                        strbuf_addc(&b, '\\');
                strbuf_addc(&b, *s);
        }
        strbuf_addc(&b, '"');
        line_word(line, strbuf_str(&b), b.len);
        line->out->failed |= b.failed;
        strbuf_done(&b);
        return true;
}

static void add_display(struct line *line, const char *display) {
        _cleanup_free_ char *s = clean(line->out, display);

        if (!s || !*s)
                return;
        if (strlen(s) <= WORD_MAX_PLAIN && is_phrase_of_atoms(s))
                line_word(line, s, strlen(s));
        else if (!add_quoted(line, s))
                line_encoded(line, s);
}

/*
 * A local part beyond ASCII stands in no header but that of RFC 6532, which needs SMTPUTF8 all the way to every recipient. So it
 * is named in an empty group (RFC 6857, section 3.1.7), which every server and program takes: one such address must not
 * keep the mail from the others.
 */
static void add_beyond_ascii(struct line *line, const struct address *a) {
        _cleanup_free_ char *words = NULL, *s = NULL;
        bool named = a->display && *a->display;

        if (asprintf(&words, named ? "%s <%s>" : "%s%s", named ? a->display : "", a->spec) < 0)
                words = NULL;
        s = words ? clean(line->out, words) : NULL;
        if (!s) {
                line->out->failed = true;
                return;
        }
        line_encoded(line, s);
        line_word(line, ":;", 2);
}

static void add_mailbox(struct line *line, const struct address *a) {
        char spec[SPEC_MAX + sizeof("<>")];
        bool named = a->display && *a->display;

        if (!text_is_ascii(a->spec)) {
                add_beyond_ascii(line, a);
                return;
        }
        if (named)
                add_display(line, a->display);
        snprintf(spec, sizeof(spec), named ? "<%s>" : "%s", a->spec);
        line_word(line, spec, strlen(spec));
}

void mime_header_addresses(struct strbuf *out, const char *name, const struct address *const *items,
                           size_t n) {
        struct line line = line_begin(out, name);
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                if (!is_mailbox(items[i]->spec))
                        continue;
                if (any)
                        line_glue(&line, ',');
                add_mailbox(&line, items[i]);
                any = true;
        }
        if (!any)
                line_word(&line, "undisclosed-recipients:;", strlen("undisclosed-recipients:;"));
        line_end(&line);
}

void mime_header_ids(struct strbuf *out, const char *name, const char *const *ids, size_t n) {
        struct line line = {};
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                if (!ids[i] || !mime_id_is_safe(ids[i]))
                        continue;
                if (!any)
                        line = line_begin(out, name);
                any = true;
                line_word(&line, ids[i], strlen(ids[i]));
        }
        if (any)
                line_end(&line);
}

void mime_header_date(struct strbuf *out, usec_t at) {
        static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        struct civil civil = zone_civil(at);
        struct ymd ymd = date_to_ymd(civil.date);
        int offset = civil.utc_offset / 60, minutes = offset < 0 ? -offset : offset;

        strbuf_addf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d %c%02d%02d\r\n",
                    days[date_weekday(civil.date)], ymd.day, months[ymd.month - 1], ymd.year,
                    civil.second / 3600, civil.second / 60 % 60, civil.second % 60,
                    offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void mime_header_list_id(struct strbuf *out, const char *words, const char *id) {
        struct line line = line_begin(out, "List-Id");
        struct strbuf b = STRBUF_INIT;

        if (words)
                add_display(&line, words);
        strbuf_addf(&b, "<%s>", id);
        line_word(&line, strbuf_str(&b), b.len);
        out->failed |= b.failed;
        strbuf_done(&b);
        line_end(&line);
}

int mime_boundary(const char *message_id, unsigned part, char ret[MIME_BOUNDARY]) {
        uint8_t sum[SHA256_SIZE];
        char hex[SHA256_HEX];
        int r = sha256_of(message_id, strlen(message_id), sum);

        if (r < 0)
                return r;
        hex_encode(sum, SHA256_SIZE, hex);
        /* "=_" is in no quoted-printable and in no base64 text. */
        snprintf(ret, MIME_BOUNDARY, "=_%u_%.32s", part, hex);
        return 0;
}

/* ---- bodies ---- */

/* Lines end in CRLF, and the text in a line's end. */
static void to_crlf(struct strbuf *out, const char *text) {
        for (const char *s = text; *s; s++) {
                if (*s == '\r')
                        continue;
                if (*s == '\n')
                        strbuf_adds(out, "\r\n");
                else
                        strbuf_addc(out, *s);
        }
        if (out->len > 0 && out->data[out->len - 1] != '\n')
                strbuf_adds(out, "\r\n");
}

static void add_body_base64(struct strbuf *out, const char *s, size_t len) {
        for (size_t i = 0; i < len; i += 57) {
                add_base64(out, s + i, len - i < 57 ? len - i : 57);
                strbuf_adds(out, "\r\n");
        }
}

/* One line of quoted-printable, without its CRLF. */
static void add_qp_line(struct strbuf *out, const char *s, size_t len) {
        size_t column = 0;

        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char)s[i];
                bool last = i + 1 == len;
                /* Blanks at the end of a line get lost, a dot at its beginning doubled, "From " quoted, by some. */
                bool plain = (c >= '!' && c <= '~' && c != '=') || (c == ' ' && !last) ||
                             (c == '\t' && !last);

                if (i == 0 && (c == '.' || (c == 'F' && len >= 5 && memcmp(s, "From ", 5) == 0)))
                        plain = false;
                if (column + (plain ? 1 : 3) > (last ? 76 : 75)) {
                        strbuf_adds(out, "=\r\n");
                        column = 0;
                        if (c == '.')
                                plain = false;
                }
                if (plain)
                        strbuf_addc(out, (char)c);
                else
                        strbuf_addf(out, "=%c%c", hex_digits[c >> 4], hex_digits[c & 15]);
                column += plain ? 1 : 3;
        }
}

static void add_body_qp(struct strbuf *out, const char *s, size_t len) {
        while (len > 0) {
                const char *stop = memmem(s, len, "\r\n", 2);
                size_t n = stop ? (size_t)(stop - s) : len;

                add_qp_line(out, s, n);
                strbuf_adds(out, "\r\n");
                n += stop ? 2 : 0;
                s += n;
                len -= n;
        }
}

static void add_body(struct strbuf *out, const char *text) {
        struct strbuf body = STRBUF_INIT, qp = STRBUF_INIT;

        to_crlf(&body, text);
        add_body_qp(&qp, strbuf_str(&body), body.len);
        if (qp.len <= base64_len(body.len) + body.len / 57 * 2) {
                strbuf_adds(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
                strbuf_add(out, strbuf_str(&qp), qp.len);
        } else {
                strbuf_adds(out, "Content-Transfer-Encoding: base64\r\n\r\n");
                add_body_base64(out, strbuf_str(&body), body.len);
        }
        out->failed |= body.failed | qp.failed;
        strbuf_done(&body);
        strbuf_done(&qp);
}

/* RFC 2231, section 4, in pieces (section 3) that fit their lines: for every name, also those of plain letters. */
static void add_filename(struct strbuf *out, const char *name) {
        size_t piece = 0;

        do {
                size_t used = 0;

                strbuf_addf(out, ";\r\n filename*%zu*=%s", piece, piece == 0 ? "UTF-8''" : "");
                for (; *name && used < 48; name++) {
                        unsigned char c = (unsigned char)*name;
                        bool plain = is_q_plain(c) && c != '*' && c != '/' && c != '!';

                        if (plain || c == '.')
                                strbuf_addc(out, (char)c);
                        else
                                strbuf_addf(out, "%%%c%c", hex_digits[c >> 4], hex_digits[c & 15]);
                        used += plain || c == '.' ? 1 : 3;
                }
                piece++;
        } while (*name);
}

void mime_part(struct strbuf *out, const char *type, const char *filename, const char *text) {
        strbuf_addf(out, "Content-Type: %s; charset=utf-8\r\n", type);
        if (filename) {
                _cleanup_free_ char *s = clean(out, filename);

                strbuf_adds(out, "Content-Disposition: attachment");
                if (s)
                        add_filename(out, s);
                strbuf_adds(out, "\r\n");
        }
        add_body(out, text);
}
