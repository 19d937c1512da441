/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "config/check.h"
#include "config/sections.h"

static void check_required(struct reader *rd, struct source main) {
        static const struct section *const sections[] = {&section_organization, &section_mail,
                                                         &section_evidence};

        if (rd->incomplete)
                return;
        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                for (size_t k = 0; k < sections[i]->n_keys; k++) {
                        const struct key *key = &sections[i]->keys[k];

                        if (!(key->flags & KEY_REQUIRED) ||
                            rd->seen[sections[i]->singleton][k].line > 0)
                                continue;
                        if (strcmp(key->name, "servers") == 0 && rd->m.mail.hold)
                                continue;
                        rd_error_at(rd, main, "'%s.%s' is missing: it takes %s", sections[i]->path,
                                    key->name, key_words(key));
                }
}

static void check_calendar(struct reader *rd) {
        const struct calendar_settings *c = &rd->calendar;

        if (c->send_at < c->window_start || c->send_at > c->window_end) {
                struct source at = rd_place(rd, &section_calendar, "send_at");

                if (at.line == 0)
                        at = rd_place(rd, &section_calendar, "send_window");
                rd_error_at(rd, at,
                            "'send_at' (%02d:%02d) lies outside 'send_window' "
                            "(%02d:%02d-%02d:%02d): move one of the two",
                            c->send_at / 3600, c->send_at / 60 % 60, c->window_start / 3600,
                            c->window_start / 60 % 60, c->window_end / 3600,
                            c->window_end / 60 % 60);
        }
        for (size_t i = 0; i < rd->work.n; i++)
                for (size_t k = 0; k < rd->off.n; k++) {
                        const struct range_draft *work = &rd->work.items[i],
                                                 *off = &rd->off.items[k];
                        date_t first = work->range.first > off->range.first ? work->range.first
                                                                            : off->range.first;
                        char date[DATE_BUFFER];

                        if (first <= work->range.last && first <= off->range.last)
                                rd_warning_at(rd, work->source,
                                              "%s is both a working day and off (%s:%u): it counts "
                                              "as a working day",
                                              date_format(first, date), off->source.file,
                                              off->source.line);
                }
}

/* Is @path @folder itself or below it? */
static bool lies_in(const char *path, const char *folder) {
        size_t len = strlen(folder);

        if (strcmp(folder, "/") == 0)
                return true;
        return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static void look_at_root(struct reader *rd, const char *root) {
        struct stat st;

        if (stat(root, &st) < 0)
                rd_warning_at(rd, rd->roots,
                              "the evidence root %s: %s: create or mount it, or correct the path",
                              root, strerror(errno));
        else if (!S_ISDIR(st.st_mode))
                rd_warning_at(rd, rd->roots, "the evidence root %s is no folder: correct the path",
                              root);
}

static void check_roots(struct reader *rd) {
        const struct string_list *roots = &rd->m.evidence.roots;
        size_t n_display = rd->m.evidence.display.n;

        if (rd->roots.line > 0 && roots->n == 0)
                rd_error_at(rd, rd->roots,
                            "'evidence.roots' names no folder: give at least one absolute path");
        for (size_t i = 0; i < roots->n; i++) {
                for (size_t k = 0; k < roots->n; k++)
                        if (i != k && lies_in(roots->items[i], roots->items[k]) &&
                            (i > k || strcmp(roots->items[i], roots->items[k]) != 0))
                                rd_error_at(
                                        rd, rd->roots,
                                        "the evidence roots %s and %s overlap: keep the outer one",
                                        roots->items[k], roots->items[i]);
                if (rd->options->look_at_roots)
                        look_at_root(rd, roots->items[i]);
                if (rd->m.publish.dir && lies_in(rd->m.publish.dir, roots->items[i]))
                        rd_warning_at(rd, rd->publish_dir,
                                      "publish.dir lies inside the evidence root %s: what is "
                                      "published there would be "
                                      "looked at as evidence; choose another folder",
                                      roots->items[i]);
        }
        if (n_display != roots->n)
                rd_error_at(rd, rd->display,
                            "'evidence.display' has %zu entries for %zu roots: give one for each "
                            "root, \"\" for none",
                            n_display, roots->n);
}

static void check_mail(struct reader *rd, struct source main) {
        const struct model *m = &rd->m;
        struct source at = rd_place(rd, &section_mail, "servers");
        size_t n_folders = 0;

        for (size_t i = 0; i < m->mail.n_servers; i++)
                n_folders += startswith(m->mail.servers[i].url, "maildir:");
        if (m->mail.hold)
                rd_warning_at(rd, rd_place(rd, &section_mail, "hold"),
                              "nobody is mailed yet: mail is held; set 'hold' to false to go live");
        else if (m->mail.n_servers > 0 && n_folders == m->mail.n_servers)
                rd_warning_at(rd, at,
                              "nobody is mailed yet: mail goes into a folder only; put a server in "
                              "front to go live");
        else if (m->mail.n_servers == 0 && at.line > 0)
                rd_error_at(rd, at,
                            "'mail.servers' names no server: add { url = \"smtps://…\"; }, or { "
                            "url = \"maildir:sent\"; } to try");
        if (rd_place(rd, &section_organization, "time_zone").line == 0 && !rd->incomplete)
                rd_warning_at(rd, main,
                              "'organization.time_zone' is not stated, times are UTC: add "
                              "time_zone = \"Asia/Ho_Chi_Minh\" or your own");
}

void check_settings(struct reader *rd, struct source main) {
        check_required(rd, main);
        check_calendar(rd);
        check_roots(rd);
        check_mail(rd, main);
}
