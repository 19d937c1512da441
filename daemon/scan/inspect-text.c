/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/inspect-types.h"

#define HEAD 65536u /* bytes looked at for the header of a mail, the first element of XML */
#define TAIL 4096u

/* Text has no control characters but these. Legacy code pages are text as well: bytes above 0x7f may be anything. */
static bool is_text_byte(uint8_t c) {
        return c >= 0x20 ? c != 0x7f
                         : c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == 0x1b;
}

static bool is_text(struct bytes *s) {
        for (uint64_t at = 0; at < s->size;) {
                size_t n;
                const uint8_t *piece = bytes_piece(s, at, &n);

                if (!piece)
                        return false;
                for (size_t i = 0; i < n; i++)
                        if (!is_text_byte(piece[i]))
                                return false;
                at += n;
        }
        return s->size > 0;
}

/* The beginning or end of the file as a string. */
static char *read_string(struct bytes *s, uint64_t from, size_t len) {
        char *text = malloc(len + 1);

        if (!text || !bytes_read(s, from, text, len)) {
                free(text);
                return NULL;
        }
        text[len] = '\0';
        return text;
}

/* --- XML --------------------------------------------------------------------------------------------------------- */

static const char *skip_space(const char *p) { return p + strspn(p, " \t\r\n"); }

/* Behind the declaration, comments, and a document type without inner subset: at the '<' of the first element. */
static const char *find_root_element(const char *p) {
        for (;;) {
                const char *end;

                p = skip_space(p);
                if (strncmp(p, "<!--", 4) == 0) {
                        end = strstr(p, "-->");
                        p = end ? end + 3 : NULL;
                } else if (strncmp(p, "<?", 2) == 0) {
                        end = strstr(p, "?>");
                        p = end ? end + 2 : NULL;
                } else if (strncmp(p, "<!", 2) == 0) {
                        const char *subset = strpbrk(p, "[>");

                        end = subset && *subset == '[' ? strstr(p, "]") : p;
                        end = end ? strchr(end, '>') : NULL;
                        p = end ? end + 1 : NULL;
                } else {
                        return *p == '<' ? p : NULL;
                }
                if (!p)
                        return NULL;
        }
}

/* Cuts comments, instructions and blanks off the end. */
static void trim_end(char *tail) {
        for (size_t n = strlen(tail);; n = strlen(tail)) {
                static const char *const pairs[][2] = {{"-->", "<!--"}, {"?>", "<?"}};
                bool cut = false;

                while (n > 0 && strchr(" \t\r\n", tail[n - 1]))
                        tail[--n] = '\0';
                for (size_t i = 0; i < ELEMENTSOF(pairs) && !cut; i++) {
                        size_t len = strlen(pairs[i][0]);
                        char *open = NULL;

                        if (n < len || strcmp(tail + n - len, pairs[i][0]) != 0)
                                continue;
                        for (char *p = tail; (p = strstr(p, pairs[i][1])); p++)
                                open = p;
                        cut = open != NULL;
                        if (open)
                                *open = '\0';
                }
                if (!cut)
                        return;
        }
}

/* Does the text end in </NAME>, or is the first element all there is? */
static bool xml_is_whole(struct bytes *s, const char *root) {
        size_t len = strcspn(root + 1, " \t\r\n/>"), n = s->size < TAIL ? (size_t)s->size : TAIL;
        _cleanup_free_ char *tail = read_string(s, s->size - n, n);
        char *last;

        if (!tail || len == 0)
                return false;
        trim_end(tail);
        n = strlen(tail);
        if (n >= 2 && strcmp(tail + n - 2, "/>") == 0) {
                const char *end = strchr(root, '>');

                return end && end > root && end[-1] == '/' && !strchr(end + 1, '<');
        }
        last = strrchr(tail, '<');
        if (!last || last[1] != '/' || strncmp(last + 2, root + 1, len) != 0)
                return false;
        last = last + 2 + len;
        return strcmp(last + strspn(last, " \t\r\n"), ">") == 0;
}

/* --- mail ---------------------------------------------------------------------------------------------------------- */

/* The value of header @name in the header block @head, on one line; NULL when it is not there. */
static char *header_value(const char *head, const char *name) {
        size_t len = strlen(name);

        for (const char *line = head; *line;) {
                const char *end = line;

                do { /* with its continuation lines */
                        end = strchr(end, '\n');
                        end = end ? end + 1 : line + strlen(line);
                } while (*end == ' ' || *end == '\t');
                if (strncasecmp(line, name, len) == 0 && line[len] == ':')
                        return strndup(line + len + 1, (size_t)(end - line) - len - 1);
                line = end;
        }
        return NULL;
}

static bool has_header(const char *head, const char *name) {
        _cleanup_free_ char *value = header_value(head, name);

        return value != NULL;
}

/* RFC 5322: every line of the header block is a field or goes on with the one before. Cuts @head behind the block. */
static bool is_header_block(char *head, bool *ret_ended) {
        char *line = head;

        if (strncmp(line, "From ", 5) == 0) { /* a mailbox's separator */
                line = strchr(line, '\n');
                line = line ? line + 1 : head;
        }
        for (unsigned n = 0; *line; n++) {
                size_t name = strcspn(line, ": \t\r\n");
                char *end = strchr(line, '\n');

                if (line[0] == '\n' || (line[0] == '\r' && line[1] == '\n')) {
                        *line = '\0';
                        *ret_ended = true;
                        return n > 0;
                }
                if (line[0] != ' ' && line[0] != '\t' && (name == 0 || line[name] != ':'))
                        return false;
                line = end ? end + 1 : line + strlen(line);
        }
        *ret_ended = false;
        return true;
}

static bool is_mail(const char *head) {
        return has_header(head, "From") &&
               (has_header(head, "Date") || has_header(head, "Received") ||
                has_header(head, "Message-ID") || has_header(head, "MIME-Version"));
}

/* A multipart ends in --BOUNDARY-- (RFC 2046, section 5.1.1). */
static bool mail_is_whole(struct bytes *s, const char *head) {
        _cleanup_free_ char *type = header_value(head, "Content-Type"), *tail = NULL,
                            *closing = NULL;
        size_t n = s->size < TAIL ? (size_t)s->size : TAIL;
        char *boundary = type ? strcasestr(type, "boundary=") : NULL;

        if (!boundary)
                return true;
        boundary += strlen("boundary=");
        if (*boundary == '"')
                boundary[1 + strcspn(boundary + 1, "\"")] = '\0', boundary++;
        else
                boundary[strcspn(boundary, "; \t\r\n")] = '\0';
        tail = read_string(s, s->size - n, n);
        return tail && asprintf(&closing, "--%s--", boundary) >= 0 && strstr(tail, closing);
}

/* --- all of them --------------------------------------------------------------------------------------------------- */

/* UTF-16 says so in its first two bytes; its text is not looked at further. */
static bool is_utf16(const uint8_t *head, size_t n) {
        return n >= 2 &&
               ((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff));
}

void inspect_text(struct bytes *s, struct content *c) {
        size_t n = s->size < HEAD ? (size_t)s->size : HEAD;
        _cleanup_free_ char *head = read_string(s, 0, n);
        const char *begin, *root;
        bool ended = false;

        c->whole = true;
        if (!head)
                return;
        if (is_utf16((const uint8_t *)head, n) && s->size % 2 == 0) {
                c->type = FILE_TYPE_TXT;
                return;
        }
        if (!is_text(s))
                return;
        c->type = FILE_TYPE_TXT;
        begin = strncmp(head, "\xef\xbb\xbf", 3) == 0 ? head + 3 : head;
        root = find_root_element(begin);
        if (strncmp(skip_space(begin), "<?xml", 5) == 0) {
                c->type = FILE_TYPE_XML;
                c->whole = root && xml_is_whole(s, root);
        } else if (root && strncasecmp(root, "<html", 5) != 0 && xml_is_whole(s, root)) {
                c->type = FILE_TYPE_XML; /* the declaration may be left out */
        } else if (is_header_block(head, &ended) && is_mail(head)) {
                c->type = FILE_TYPE_EML;
                c->whole = ended && mail_is_whole(s, head);
        }
}
