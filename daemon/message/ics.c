/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message/ics.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/text.h"

#define LINE_OCTETS 75 /* RFC 5545, section 3.1 */

/* A content line, folded between characters. */
static void add_line(struct strbuf *out, const char *line) {
        size_t column = 0;

        while (*line) {
                size_t n = 1;

                while (((unsigned char)line[n] & 0xc0) == 0x80)
                        n++;
                if (column + n > LINE_OCTETS) {
                        strbuf_adds(out, "\r\n ");
                        column = 1;
                }
                strbuf_add(out, line, n);
                column += n;
                line += n;
        }
        strbuf_adds(out, "\r\n");
}

static void add_escaped(struct strbuf *b, const char *s, size_t len) {
        for (size_t i = 0; i < len; i++) {
                if (s[i] == '\\' || s[i] == ';' || s[i] == ',')
                        strbuf_addc(b, '\\');
                strbuf_addc(b, s[i]);
        }
}

/* TEXT of section 3.3.11: lines become \n, other control characters blanks. */
static void add_text(struct strbuf *out, const char *name, const char *text) {
        struct strbuf b = STRBUF_INIT;

        strbuf_addf(&b, "%s:", name);
        while (*text) {
                size_t len = strcspn(text, "\n");
                _cleanup_free_ char *clean = text_sanitize(text, len);

                if (clean)
                        add_escaped(&b, clean, strlen(clean));
                else
                        b.failed = true;
                text += len;
                if (*text == '\n') {
                        strbuf_adds(&b, "\\n");
                        text++;
                }
        }
        add_line(out, strbuf_str(&b));
        out->failed |= b.failed;
        strbuf_done(&b);
}

static void add_utc(struct strbuf *out, const char *name, usec_t at) {
        time_t seconds = (time_t)(at / USEC_PER_SEC);
        struct tm tm = {};
        char text[32];

        gmtime_r(&seconds, &tm);
        strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
        strbuf_addf(out, "%s:%s\r\n", name, text);
}

static void add_day(struct strbuf *out, const char *name, date_t day) {
        struct ymd ymd = date_to_ymd(day);

        strbuf_addf(out, "%s;VALUE=DATE:%04d%02d%02d\r\n", name, ymd.year, ymd.month, ymd.day);
}

int ics_key_hash(const char *key, char ret[ICS_KEY_HASH]) {
        uint8_t sum[SHA256_SIZE];
        char hex[SHA256_HEX];
        int r = sha256_of(key, strlen(key), sum);

        if (r < 0)
                return r;
        snprintf(ret, ICS_KEY_HASH, "%s", hex_encode(sum, (ICS_KEY_HASH - 1) / 2, hex));
        return 0;
}

void ics_begin(struct strbuf *out, const struct ics_calendar *calendar) {
        strbuf_adds(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//evidenced//" EVIDENCED_VERSION
                         "//EN\r\nCALSCALE:GREGORIAN\r\n");
        if (calendar->name)
                add_text(out, "X-WR-CALNAME", calendar->name);
}

static void add_common(struct strbuf *out, const struct ics_calendar *calendar,
                       const struct ics_item *item, const char *hash, const char *suffix) {
        struct strbuf uid = STRBUF_INIT;

        strbuf_addf(&uid, "UID:%s%s@%s", hash, suffix, calendar->domain);
        add_line(out, strbuf_str(&uid));
        out->failed |= uid.failed;
        strbuf_done(&uid);
        add_utc(out, "DTSTAMP", calendar->stamp);
        strbuf_addf(out, "SEQUENCE:%u\r\n", item->sequence);
        add_text(out, "SUMMARY", item->summary);
        if (item->description)
                add_text(out, "DESCRIPTION", item->description);
}

int ics_add(struct strbuf *out, const struct ics_calendar *calendar, const struct ics_item *item) {
        char hash[ICS_KEY_HASH];
        int r = ics_key_hash(item->key, hash);

        if (r < 0)
                return r;
        strbuf_adds(out, "BEGIN:VTODO\r\n");
        add_common(out, calendar, item, hash, "-todo");
        add_utc(out, "DUE", item->due);
        strbuf_adds(out, item->done ? "STATUS:COMPLETED\r\nPERCENT-COMPLETE:100\r\n"
                                    : "STATUS:NEEDS-ACTION\r\n");
        strbuf_adds(out, "END:VTODO\r\nBEGIN:VEVENT\r\n");
        add_common(out, calendar, item, hash, "");
        add_day(out, "DTSTART", item->day);
        add_day(out, "DTEND", item->day + 1);
        strbuf_adds(out, "TRANSP:TRANSPARENT\r\nEND:VEVENT\r\n");
        return 0;
}

void ics_end(struct strbuf *out) { strbuf_adds(out, "END:VCALENDAR\r\n"); }
