/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Events that an administrator may want to find or act on: journal lines with a MESSAGE_ID (their text for people is in
 * systemd/evidenced.catalog and evidenced.vi.catalog: "journalctl -x") and with fields to search by. Decides nothing
 * about what is logged, and is no ledger.
 */

/* a reload found errors; the old configuration stays */
#define EVENT_CONFIG_REFUSED "ef13a90f1b42483e97f0bf6cd8c58f29"
/* a reload added, dropped or moved a criterion */
#define EVENT_CONFIG_CHANGED "d0643083cde94caf8eb938240c55bb75"
/* organization.time_zone differs after a reload */
#define EVENT_TIME_ZONE_CHANGED "b64ca95369fe4b5da29f641876e97605"
/* mail is decided but does not leave */
#define EVENT_MAIL_HELD "8c25db7c9b514893ab4e8d8cccc66faa"
/* a corrupt database was replaced by the last copy */
#define EVENT_STORE_RESTORED "b9ed2598f062406faaff2bc7085ca9bc"
/* what is due could not be written down; nothing of it was sent */
#define EVENT_STORE_FAILED "525083692d024bf2913bb56f50c6690e"
/* the nightly copy of the database failed */
#define EVENT_BACKUP_FAILED "736959f12b8b4bc8804ba5cffcaabc15"
/* the ledger was changed by something else than evidenced */
#define EVENT_LEDGER_BROKEN "13a134ac82f045a39b2217dfa8d207ca"
/* somebody set the machine's clock */
#define EVENT_CLOCK_STEPPED "d167190e75064e5e80c62a2b74ce59fc"
/* the rules of the time zone changed on disk */
#define EVENT_ZONE_RULES "62009275e39043d19d441d955ba1e018"
/* the sign of life for a dead-man's switch could not be sent */
#define EVENT_HEARTBEAT_FAILED "62c72bfab3e5409b8a2203ee0bb3f3d9"
/* an evidence root is missing, unreadable, hangs or is another one */
#define EVENT_ROOT_AWAY "4d9a64640f194af59190eae6e2bdde81"
/* an evidence root can be looked at again */
#define EVENT_ROOT_BACK "a5843a70b44943cea1b688564f9388a3"
/* a scanner died or said nothing for too long; another one takes over */
#define EVENT_SCANNER_GONE "1b67d6701d034949b71595d5a060c5d4"
/* a sender died or can not be used; mail under way is in doubt */
#define EVENT_SENDER_GONE "127ac15deac944e0847a9343b5a42e46"
/* a mail server did not take a mail */
#define EVENT_MAIL_REFUSED "1b551f5059144314bbb3640af5d6abb6"
/* a mail server can not be used; the next one is tried */
#define EVENT_SERVER_UNUSABLE "ab965be8dc9f44b89e804b34a9d7cd00"
/* the administrator is told of something that lasts */
#define EVENT_TROUBLE "8dc6667be660466ab2c1eb091aeaa397"
/* many instances would reopen at once; a person decides */
#define EVENT_CONFIRM_NEEDED "04263608ae8c4322a864061d932abc75"
/* a person waived, snoozed, extended or reopened an instance */
#define EVENT_DECISION "fd58ede1e0e041669800526ef89b7ddc"
/* a mail was composed and put into the outbox */
#define EVENT_MAIL_DECIDED "63194f93d1ed4c3fb8a00b0318e21a7d"

/* board, calendars or metrics could not be written */
#define EVENT_PUBLISH_FAILED "01eaac1c80e34315adecd58ee55d17f9"

/* What a line is about; NULL where it does not apply. All borrowed for the call. */
struct event_fields {
        const char *
                instance; /* EVIDENCED_INSTANCE=, and EVIDENCED_TASK= from what stands before its '@' */
        const char *unit;       /* EVIDENCED_UNIT= */
        const char *root;       /* EVIDENCED_ROOT= */
        const char *recipient;  /* EVIDENCED_RECIPIENT= */
        const char *message_id; /* EVIDENCED_MESSAGE_ID=, that of the mail */
        const char *server;     /* EVIDENCED_SERVER= */
};

/**
 * log_event() - one line with the event's MESSAGE_ID= and fields
 * @level: LOG_ERR … LOG_DEBUG
 * @id: an EVENT_… of above; NULL: a line with fields that nobody has to act on
 * @fields: what it is about; NULL for nothing
 *
 * A value is cut at 1000 bytes, and a line break in it becomes a space: names of files and answers of servers come in here.
 */
void log_event(int level, const char *id, const struct event_fields *fields, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
