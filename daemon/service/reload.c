/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/zone.h"
#include "service/events.h"
#include "service/manager-internal.h"

/* From model and store to a house that works, and what happens when another model takes its place. */

#define HORIZON_DAYS 400 /* steps up to then are known; expanded anew at every start and reload */

static void link_tell(struct manager *m) {
        m->tell = (struct tell){.clock = &m->clock,
                                .model = m->model,
                                .templates = m->templates,
                                .tracks = m->tracks,
                                .evidence = m->evidence,
                                .store = m->store};
}

/*
 * Instances and histories anew from model and store. What changed is told in the transaction that writes it down: a
 * deadline that moved counts as told from then on. Before the release nobody was told of anything, so nothing is news.
 */
static int build_tracks(struct manager *m, struct track_changes *changes) {
        date_t horizon = planner_horizon(m->model, zone_civil(manager_now(m)).date + HORIZON_DAYS);
        int r = instance_set_new(m->model, horizon, NULL, NULL, &m->instances);

        if (r < 0)
                return r;
        changes->silent = !m->released;
        r = store_begin(m->store);
        if (r == 0)
                r = tracks_new(m->model, m->instances, m->store, manager_now(m), &m->tracks,
                               changes);
        link_tell(m);
        if (r == 0)
                r = changes->silent ? 0 : tell_changes(&m->tell, changes);
        if (r == 0)
                r = store_commit(m->store);
        if (r < 0)
                store_rollback(m->store);
        return r;
}

static void log_changes(const struct track_changes *changes) {
        for (size_t i = 0; i < changes->n; i++)
                log_event(LOG_NOTICE, EVENT_CONFIG_CHANGED,
                          &(struct event_fields){.instance = changes->items[i].key},
                          "Configuration: %s %s",
                          changes->items[i].kind == TRACK_ADDED     ? "added"
                          : changes->items[i].kind == TRACK_DROPPED ? "dropped"
                                                                    : "new deadline for",
                          changes->items[i].key);
}

/* All rooms anew. @ret_changes: may be NULL */
int manager_build(struct manager *m, struct track_changes *ret_changes) {
        _cleanup_(track_changes_done) struct track_changes own = {};
        struct track_changes *changes = ret_changes ? ret_changes : &own;
        int r = build_tracks(m, changes);

        if (r == 0)
                r = manager_start_rooms(m);
        link_tell(m);
        if (r == 0)
                r = tell_unassigned(&m->tell);
        if (r < 0)
                return r;
        log_changes(changes);
        m->start_over = false;
        sd_event_source_set_time_relative(m->start, EVIDENCE_START_USEC);
        sd_event_source_set_enabled(m->start, SD_EVENT_ONESHOT);
        return 0;
}

static void unbuild(struct manager *m) {
        if (m->outbox)
                outbox_stop(m->outbox);
        m->outbox = outbox_free(m->outbox);
        m->evidence = evidence_free(m->evidence);
        m->tracks = tracks_free(m->tracks);
        m->instances = instance_set_free(m->instances);
}

int manager_rebuild(struct manager *m) {
        unbuild(m);
        return manager_build(m, NULL);
}

/* The templates, with those that lie beside the configuration in place of ours. */
int manager_load_templates(struct manager *m, struct findings *findings, struct templates **ret) {
        return templates_load_beside(m->options.templates, m->options.config, findings_add_error,
                                     findings, ret);
}

/* The new configuration can not be used after all. Return: -errno, @error unless going back failed too. */
static int go_back(struct manager *m, struct model *old, struct templates *old_templates,
                   int error) {
        int r;

        log_error_errno(error,
                        "Failed to take up the new configuration: %m, going back to the old one");
        unbuild(m);
        model_free(m->model);
        templates_free(m->templates);
        m->model = old;
        m->templates = old_templates;
        r = manager_build(m, NULL);
        if (r < 0) {
                log_error_errno(r, "Failed to go back to the old configuration: %m, stopping");
                sd_event_exit(m->event, 1);
        }
        return r < 0 ? r : error;
}

int manager_reload(struct manager *m, struct findings *ret_findings,
                   struct track_changes *ret_changes) {
        struct model *model = NULL, *old = m->model;
        struct templates *templates = NULL, *old_templates = m->templates;
        const char *zone = old->organization.time_zone;
        int r = config_load(m->options.config, NULL, &model, ret_findings);

        if (r == 0)
                r = manager_load_templates(m, ret_findings, &templates);
        if (r < 0) {
                model_free(model);
                log_event(LOG_ERR, EVENT_CONFIG_REFUSED, NULL,
                          "The new configuration was refused (%zu findings); the old one stays in "
                          "force",
                          ret_findings->n);
                return r;
        }
        if (strcmp(zone, model->organization.time_zone) != 0)
                log_event(LOG_WARNING, EVENT_TIME_ZONE_CHANGED, NULL,
                          "organization.time_zone is now %s; that needs a restart, until then %s "
                          "counts",
                          model->organization.time_zone, zone);
        unbuild(m);
        m->model = model;
        m->templates = templates;
        r = manager_build(m, ret_changes);
        if (r < 0)
                return go_back(m, old, old_templates, r);
        model_free(old);
        templates_free(old_templates);
        malloc_trim(0); /* for a moment there were two of everything */
        manager_turn(m);
        return 0;
}
