/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/evidence.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "service/events.h"
#include "service/evidence-internal.h"

#define PASS_DELAY_USEC (10 * USEC_PER_MSEC) /* lets a burst of events become one pass */

usec_t evidence_now(const struct evidence *e) { return clock_now(e->config.clock); }

void root_await_walk(struct root *root, bool awaits) {
        if (root->awaits_walk != awaits && peer_state(root->peer) == PEER_UP)
                peer_expect(root->peer, awaits ? 1 : -1);
        root->awaits_walk = awaits;
}

/* ---- the pass, a little after the last event ---- */

static void remember_root(struct root *root) {
        struct evidence *e = root->evidence;
        int r = store_begin(e->config.store);

        if (r == 0)
                r = store_put_root(e->config.store, root->path, root->identity, root->ever_walked);
        if (r == 0)
                r = store_commit(e->config.store);
        if (r < 0) {
                store_rollback(e->config.store);
                log_error_errno(r, "Failed to write down the root '%s': %m", root->path);
        }
}

/* What the first walk of a root found, and what settled right after, counts as dated; from then on, as received. */
static void note_first_walks(struct evidence *e) {
        for (size_t i = 0; evidence_is_quiet(e) && i < e->n_roots; i++) {
                struct root *root = &e->roots[i];

                if (!root->ok || !root->walked || root->ever_walked)
                        continue;
                root->ever_walked = true;
                remember_root(root);
        }
}

static void arm_pass(struct evidence *e, usec_t at) {
        sd_event_source_set_time(e->pass, (uint64_t)at);
        sd_event_source_set_enabled(e->pass, SD_EVENT_ONESHOT);
}

/* Under a flood the passes take four fifths of the time at most: those who ask are answered, scanners are heard. */
static int timed_pass(struct evidence *e) {
        usec_t began = clock_monotonic(), now;
        int r = evidence_pass(e);

        now = clock_monotonic();
        e->rest_until = usec_add(now, (now - began) / 4);
        for (size_t i = 0; i < e->n_roots; i++) /* a judgement may ask for more */
                inspect_more(&e->roots[i]);
        return r;
}

static int on_pass(sd_event_source *s, uint64_t usec, void *userdata) {
        struct evidence *e = userdata;
        int r;

        (void)s;
        (void)usec;
        /* Half a walk would assign files in an order that the whole would not. */
        if (!evidence_roots_walked(e))
                return 0;
        if (e->any_dirty) {
                e->any_dirty = false;
                r = timed_pass(e);
                if (r < 0) {
                        log_error_errno(r,
                                        "Failed to write down what was found (%s): %m, going back "
                                        "to what is written and looking again",
                                        store_error(e->config.store));
                        e->any_dirty = true; /* not quiet: no plan is made of it */
                        e->pass = sd_event_source_disable_unref(e->pass);
                        e->callbacks.on_failed(e->userdata);
                        return 0;
                }
                if (e->any_dirty)
                        evidence_schedule(e);
        }
        note_first_walks(e);
        e->callbacks.on_changed(e->userdata);
        return 0;
}

void evidence_schedule(struct evidence *e) {
        usec_t at = usec_add(clock_monotonic(), PASS_DELAY_USEC);
        int enabled;

        if (!e->pass ||
            (sd_event_source_get_enabled(e->pass, &enabled) >= 0 && enabled != SD_EVENT_OFF))
                return;
        arm_pass(e, at > e->rest_until ? at : e->rest_until);
}

static int on_expiry(sd_event_source *s, uint64_t usec, void *userdata) {
        struct evidence *e = userdata;

        (void)s;
        (void)usec;
        e->any_dirty = true;
        evidence_schedule(e);
        for (size_t i = 0; i < e->config.tracks->n; i++)
                if (e->unexplained_at[i] > 0)
                        evidence_touch_task(e, e->config.tracks->items[i].instance->task);
        return 0;
}

/* ---- what a scanner says ---- */

static void root_set_state(struct root *root, const char *state, const char *text) {
        struct evidence *e = root->evidence;
        bool ok = strcmp(state, "ok") == 0;
        _cleanup_free_ char *new_state = strdup(state),
                            *new_text = text && *text ? strdup(text) : NULL;

        if (!new_state)
                return;
        if (strcmp(root->state, state) != 0) {
                root->since = evidence_now(e);
                if (ok)
                        log_event(LOG_INFO, EVENT_ROOT_BACK,
                                  &(struct event_fields){.root = root->path},
                                  "Evidence root '%s' is there", root->path);
                else
                        log_event(
                                LOG_WARNING, EVENT_ROOT_AWAY,
                                &(struct event_fields){.root = root->path},
                                "Evidence root '%s' is %s%s%s; its instances keep their last state",
                                root->path, state, text && *text ? ": " : "", text ? text : "");
        }
        free(root->state);
        free(root->text);
        root->state = steal_ptr(new_state);
        root->text = steal_ptr(new_text);
        root->ok = ok;
        for (size_t i = 0; i < e->config.tracks->n; i++) {
                struct track *t = &e->config.tracks->items[i];
                bool unverified = false;

                for (size_t k = 0; k < e->n_roots; k++)
                        unverified = unverified || (!e->roots[k].ok &&
                                                    strcmp(e->roots[k].state, "scanning") != 0);
                if (t->history.unverified != unverified) {
                        t->history.unverified = unverified;
                        track_changed(e->config.tracks, t, evidence_now(e));
                }
        }
        evidence_schedule(e);
}

static void on_root(struct root *root, const json_t *m) {
        const char *state = "unreadable", *fsid = "", *source = "", *text = "";
        _cleanup_free_ char *identity = NULL;

        json_unpack((json_t *)m, "{s?s, s?s, s?s, s?s}", "state", &state, "fsid", &fsid, "source",
                    &source, "text", &text);
        if (strcmp(state, "ok") != 0) {
                root->walked = false;
                root_await_walk(root, false);
                /* What it told stays as it is: when the root is back, it tells what has changed since. */
                root_drop_inspections(root);
                root_set_state(root, state, text);
                return;
        }
        if (asprintf(&identity, "%s %s", fsid, source) < 0) {
                log_oom();
                return;
        }
        if (root->identity && *root->identity && strcmp(root->identity, identity) != 0) {
                /* Another file system is mounted there, or none: absence proves nothing. */
                root->walked = false;
                root_forget(root);
                root_set_state(root, "different",
                               "another file system than before is mounted there; if that is "
                               "right, say 'evidencectl confirm'");
                return;
        }
        if (!root->identity) {
                root->identity = steal_ptr(identity);
                remember_root(root);
        }
        if (!root->walked)
                root_await_walk(root, true);
        root_set_state(root, "ok", NULL);
}

static void on_folder(struct root *root, const json_t *m) {
        const char *path = NULL;
        json_t *files = NULL;
        int more = 0, r;

        if (json_unpack((json_t *)m, "{s:s, s:o, s?b}", "path", &path, "files", &files, "more",
                        &more) < 0 ||
            !json_is_array(files)) {
                peer_restart(root->peer, "it sent a folder without files");
                return;
        }
        if (root->partial && strcmp(root->partial_path, path) == 0) {
                json_array_extend(root->partial, files);
        } else if (more) {
                json_decref(root->partial);
                free(root->partial_path);
                root->partial = json_incref(files);
                root->partial_path = strdup(path);
        }
        if (more || !root->ok)
                return;
        r = folder_apply(root, path, root->partial ? root->partial : files);
        json_decref(root->partial);
        root->partial = NULL;
        free(steal_ptr(root->partial_path));
        if (r < 0)
                log_warning_errno(r, "Failed to take in folder '%s' of '%s': %m", path, root->path);
}

static void on_settled(struct root *root, const json_t *m) {
        const char *path = json_string_value(json_object_get(m, "path"));
        const json_t *files = json_object_get(m, "files");

        if (!path || !json_is_array(files)) {
                peer_restart(root->peer, "it sent a folder without files");
                return;
        }
        if (root->ok && folder_settled(root, path, files) < 0)
                log_warning("Failed to take in what settled in folder '%s' of '%s'", path,
                            root->path);
}

static void on_scanned(struct root *root, const json_t *m) {
        json_int_t folders = 0, files = 0;
        bool first = !root->ever_walked;

        json_unpack((json_t *)m, "{s?I, s?I}", "folders", &folders, "files", &files);
        root->n_folders = (uint64_t)folders;
        root->n_files = (uint64_t)files;
        if (!root->ok)
                return;
        root_await_walk(root, false);
        /* Once all that is there was named, what happens is told as it happens. */
        if (!root->walked)
                root_reconcile(root);
        root->walked = true;
        evidence_schedule(root->evidence);
        if (first)
                log_info("Evidence root '%s': %ju files in %ju folders", root->path,
                         (uintmax_t)files, (uintmax_t)folders);
}

static void on_limit(struct root *root, const json_t *m) {
        const char *text = json_string_value(json_object_get(m, "text"));
        char *copy = text ? strdup(text) : NULL;

        if (!copy)
                return;
        log_warning("%s: %s", root->path, text);
        free(root->limit);
        root->limit = copy;
        root->limit_since = evidence_now(root->evidence);
        evidence_schedule(root->evidence); /* it is shown, and may be told of */
}

static void on_trouble(struct root *root, const json_t *m) {
        const char *path = "", *text = "";
        int error = 0;

        json_unpack((json_t *)m, "{s?s, s?s, s?i}", "path", &path, "text", &text, "errno", &error);
        unreadable_forget(&root->unreadable, path);
        evidence_schedule(root->evidence);
        if (error == 0) {
                log_info("Folder '%s' of '%s' can be read again", path, root->path);
                return;
        }
        log_warning("Failed to read folder '%s' of '%s': %s; what lies in it does not count", path,
                    root->path, text);
        unreadable_add(root, &root->unreadable, path, text);
}

/* Silence from now on is a hang, also when nothing else is expected: a poll of a share that went away. */
static void root_set_busy(struct root *root, bool busy) {
        if (root->busy != busy && peer_state(root->peer) == PEER_UP)
                peer_expect(root->peer, busy ? 1 : -1);
        root->busy = busy;
}

/* How much there is, between walks; a walk that has not ended counts anew. */
static void note_amount(struct root *root, const json_t *m) {
        json_int_t folders, files;

        if (!root->walked ||
            json_unpack((json_t *)m, "{s:I, s:I}", "n_folders", &folders, "n_files", &files) < 0)
                return;
        root->n_folders = (uint64_t)folders;
        root->n_files = (uint64_t)files;
}

static void on_message(struct peer *p, struct message *m, void *userdata) {
        struct root *root = userdata;
        const char *event = json_string_value(json_object_get(m->json, "event"));
        const json_t *reply = json_object_get(m->json, "reply");
        const char *path = json_string_value(json_object_get(m->json, "path"));

        (void)p;
        note_amount(root, m->json);
        if (json_is_integer(reply))
                inspection_answered(root, m->json, (uint64_t)json_integer_value(reply));
        else if (!event)
                peer_restart(root->peer, "it said something that is not in the protocol");
        else if (strcmp(event, "root") == 0)
                on_root(root, m->json);
        else if (strcmp(event, "folder") == 0)
                on_folder(root, m->json);
        else if (strcmp(event, "settled") == 0)
                on_settled(root, m->json);
        else if (strcmp(event, "gone") == 0 && path)
                folder_gone(root, path);
        else if (strcmp(event, "scanned") == 0)
                on_scanned(root, m->json);
        else if (strcmp(event, "busy") == 0 || strcmp(event, "idle") == 0)
                root_set_busy(root, strcmp(event, "busy") == 0);
        else if (strcmp(event, "trouble") == 0)
                on_trouble(root, m->json);
        else if (strcmp(event, "limit") == 0)
                on_limit(root, m->json);
        inspect_more(root);
}

static void on_up(struct peer *p, void *userdata) {
        struct root *root = userdata;
        const struct evidence_settings *s = &root->evidence->config.model->evidence;
        json_t *m = json_pack("{s:s, s:s, s:I, s:I, s:I}", "verb", "watch", "root", root->path,
                              "settle", (json_int_t)s->settle, "poll", (json_int_t)s->poll,
                              "rescan", (json_int_t)s->rescan);

        root->walked = false;
        if (!m || peer_send(p, m, NULL, 0) < 0)
                log_oom();
        json_decref(m);
        root_await_walk(root, true);
}

static void on_down(struct peer *p, const char *why, void *userdata) {
        struct root *root = userdata;
        _cleanup_free_ char *text = NULL;
        char when[INSTANT_BUFFER];
        usec_t since;

        (void)p;
        log_event(LOG_WARNING, EVENT_SCANNER_GONE, &(struct event_fields){.root = root->path},
                  "The scanner of '%s' is gone (%s); its instances keep their last state until "
                  "it is back",
                  root->path, why);
        root->walked = root->awaits_walk = root->busy = false;
        root_forget(root);
        json_decref(root->partial);
        root->partial = NULL;
        free(steal_ptr(root->partial_path));
        since = strcmp(root->state, "hung") == 0 ? root->since : evidence_now(root->evidence);
        if (asprintf(&text, "not answering since %s (%s)", zone_format(since, when), why) < 0)
                log_oom();
        root_set_state(root, "hung", text ? text : why);
}

static int root_start(struct evidence *e, size_t index) {
        struct root *root = &e->roots[index];
        _cleanup_free_ char *name = NULL;
        const struct peer_callbacks callbacks = {
                .on_up = on_up, .on_message = on_message, .on_down = on_down};
        int r;

        root->evidence = e;
        root->index = index;
        root->path = e->config.model->evidence.roots.items[index];
        root->folders = strmap_new();
        root->state = strdup("scanning");
        root->since = evidence_now(e);
        if (!root->folders || !root->state || asprintf(&name, "scanner of %s", root->path) < 0)
                return -ENOMEM;
        r = store_get_root(e->config.store, root->path, &root->identity, &root->ever_walked);
        if (r < 0 && r != -ENOENT)
                return r;
        return peer_new(e->config.event,
                        &(struct peer_config){.name = name,
                                              .program = "evidenced-scan",
                                              .socket = e->config.socket,
                                              .executable = e->config.executable},
                        &callbacks, root, &root->peer);
}

DEFINE_CLEANUP(struct evidence *, evidence_free)

int evidence_new(const struct evidence_config *config, const struct evidence_callbacks *callbacks,
                 void *userdata, struct evidence **ret) {
        _cleanup_(evidence_free_p) struct evidence *e = calloc(1, sizeof(*e));
        int r;

        if (!e)
                return -ENOMEM;
        e->config = *config;
        e->callbacks = *callbacks;
        e->userdata = userdata;
        e->rest_until = config->first_pass;
        e->n_roots = config->model->evidence.roots.n;
        e->roots = calloc(e->n_roots + 1, sizeof(*e->roots));
        if (!e->roots)
                return -ENOMEM;
        r = evidence_index(e);
        if (r == 0)
                r = sd_event_add_time_relative(config->event, &e->pass, CLOCK_MONOTONIC, 0, 1,
                                               on_pass, e);
        if (r >= 0)
                r = sd_event_source_set_enabled(e->pass, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(config->event, &e->expiry, CLOCK_REALTIME, UINT64_MAX,
                                      USEC_PER_SEC, on_expiry, e);
        for (size_t i = 0; i < e->n_roots && r >= 0; i++)
                r = root_start(e, i);
        if (r >= 0)
                r = evidence_remember(e);
        if (r < 0)
                return r;
        *ret = steal_ptr(e);
        return 0;
}

static void root_done(struct root *root) {
        struct folder *folder;
        size_t cursor = 0;

        unreadable_done(&root->unreadable);
        unreadable_done(&root->unreadable_files);
        free(root->limit);
        peer_free(root->peer);
        json_decref(root->partial);
        free(root->partial_path);
        array_done(&root->to_inspect.files);
        array_done(&root->read_ahead.files);
        while (root->folders && (folder = strmap_next(root->folders, &cursor, NULL))) {
                for (size_t i = 0; i < folder->files.n; i++)
                        evfile_destroy(folder->files.items[i]);
                array_done(&folder->files);
                array_done(&folder->covering);
                free(folder->path);
                free(folder);
        }
        strmap_free(root->folders);
        free(root->state);
        free(root->text);
        free(root->identity);
}

static void free_tasks(struct evidence *e) {
        for (size_t i = 0; i < e->config.model->n_tasks; i++) {
                if (e->task_folders)
                        array_done(&e->task_folders[i]);
                if (e->task_absent)
                        array_done(&e->task_absent[i]);
                if (e->task_changed)
                        array_done(&e->task_changed[i]);
        }
        free(e->task_folders);
        free(e->task_absent);
        free(e->task_changed);
        free(e->task_first);
        free(e->task_all);
        free(e->first_need);
        free(e->filled);
        free(e->filled_at);
        free(e->explained_at);
        free(e->deadlines);
        free(e->unexplained_at);
}

struct evidence *evidence_free(struct evidence *e) {
        struct index_list *list;
        size_t cursor = 0;

        if (!e)
                return NULL;
        sd_event_source_disable_unref(e->pass);
        sd_event_source_disable_unref(e->expiry);
        for (size_t i = 0; e->roots && i < e->n_roots; i++)
                root_done(&e->roots[i]);
        free(e->roots);
        for (size_t i = 0; i < e->absent.n; i++)
                evfile_destroy(e->absent.items[i]);
        array_done(&e->absent);
        free_tasks(e);
        strmap_free(e->missing);
        strays_forget(e, NULL);
        free(e->contents);
        strmap_free(e->remembered);
        while (e->dirs && (list = strmap_next(e->dirs, &cursor, NULL))) {
                array_done(list);
                free(list);
        }
        strmap_free(e->dirs);
        array_done(&e->changed);
        array_done(&e->lonely);
        name_rules_free(e->rules);
        free(e);
        return NULL;
}
