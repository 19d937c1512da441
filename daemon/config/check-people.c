/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/text.h"
#include "config/address.h"
#include "config/check.h"
#include "config/resolve.h"

#define UNITS_NAMED 5 /* in one finding */

static void check_list(struct reader *rd, const struct address_list *list, struct source at,
                       const char *kind, const char *name) {
        for (size_t i = 0; i < list->n; i++) {
                const struct address *a = &list->items[i];

                if (!model_address_allowed(&rd->m, a))
                        rd_warning_at(rd, at,
                                      "%s of %s '%s' is beyond mail.allowed_domains and is never "
                                      "mailed: add its domain, or correct it",
                                      a->spec, kind, name);
                else if (!address_is_ascii(a))
                        rd_warning_at(rd, at,
                                      "%s of %s '%s' is beyond ASCII before the @: only a server "
                                      "that offers SMTPUTF8 (RFC 6531) takes mail to it, others "
                                      "refuse it for good; have one in mail.servers, or name "
                                      "another address",
                                      a->spec, kind, name);
        }
}

static void check_addresses(struct reader *rd) {
        const struct model *m = &rd->m;

        for (size_t i = 0; i < m->roles.n; i++)
                check_list(rd, &m->roles.items[i].who, m->roles.items[i].source, "role",
                           m->roles.items[i].name);
        for (size_t i = 0; i < m->n_units; i++) {
                const struct unit *unit = &m->units[i];

                if (strcmp(unit->id, STAND_IN_ID) == 0)
                        continue;
                check_list(rd, &unit->mail, unit->source, "unit", unit->id);
                for (size_t k = 0; k < unit->roles.n; k++)
                        check_list(rd, &unit->roles.items[k].who, unit->roles.items[k].source,
                                   "role", unit->roles.items[k].name);
        }
        for (size_t i = 0; i < m->n_tasks; i++)
                check_list(rd, &m->tasks[i].owner, m->tasks[i].source, "task", m->tasks[i].id);
}

static size_t count_reachable(const struct model *model, const struct role *role) {
        size_t n = 0;

        for (size_t i = 0; role && i < role->who.n; i++)
                n += model_address_allowed(model, &role->who.items[i]);
        return n;
}

/* Where every mail ends that nobody else takes. */
static void check_last_resort(struct reader *rd, struct source main) {
        const struct role *coordinator = role_find(&rd->m.roles, "coordinator");
        const struct role *administrator = role_find(&rd->m.roles, "administrator");

        if (rd->incomplete)
                return;
        if ((!coordinator || coordinator->who.n == 0) &&
            (!administrator || administrator->who.n == 0)) {
                rd_error_at(rd, main,
                            "neither 'coordinator' nor 'administrator' is held by anybody, so mail "
                            "could end nowhere: add "
                            "roles: { administrator = [ \"…\" ]; };");
                return;
        }
        if (count_reachable(&rd->m, coordinator) + count_reachable(&rd->m, administrator) == 0)
                rd_error_at(rd, coordinator ? coordinator->source : administrator->source,
                            "coordinator and administrator are all beyond mail.allowed_domains, so "
                            "mail could end nowhere: add their domain");
        else if (!administrator || administrator->who.n == 0)
                rd_warning_at(rd, main,
                              "nobody is 'administrator': trouble of the service is told to the "
                              "coordinator; add the role");
        else if (!coordinator || coordinator->who.n == 0)
                rd_warning_at(rd, main,
                              "nobody is 'coordinator': what nobody else takes goes to the "
                              "administrator; add the role");
}

/* Roles that are no role: they stand for addresses of the unit or the task. */
static bool is_builtin(const char *role) {
        return strcmp(role, "unit") == 0 || strcmp(role, "owner") == 0 ||
               strcmp(role, "co_units") == 0;
}

static bool is_held(const struct role_list *roles, const char *name) {
        const struct role *role = role_find(roles, name);

        return role && role->who.n > 0;
}

/* ", did you mean 'director'?" for a name that is near to a role somebody holds; else the advice to add it. */
static const char *advice(struct reader *rd, const char *name) {
        const struct role_list *roles = &rd->m.roles;
        const char **names = arena_new_array(rd->scratch, const char *, roles->n + 3);
        size_t n = 0;

        names[n++] = "unit";
        names[n++] = "owner";
        names[n++] = "co_units";
        for (size_t i = 0; i < roles->n; i++)
                names[n++] = roles->items[i].name;
        const char *nearest = text_nearest(name, names, n);
        return nearest && strcmp(nearest, name) != 0
                       ? arena_printf(rd->scratch, "did you mean '%s'?", nearest)
                       : "add the role";
}

/* Which units meet a step: in_use[unit]. */
static void check_role(struct reader *rd, const char *role, struct source at, const char *owner,
                       const bool *in_use) {
        _cleanup_(strbuf_done) struct strbuf who = STRBUF_INIT;
        struct source first = {};
        size_t n = 0;

        if (is_builtin(role) || is_held(&rd->m.roles, role))
                return;
        for (size_t i = 0; i < rd->m.n_units; i++) {
                const struct unit *unit = &rd->m.units[i];

                if (!in_use[i] || strcmp(unit->id, STAND_IN_ID) == 0 || is_held(&unit->roles, role))
                        continue;
                if (n++ == 0)
                        first = unit->source;
                if (n <= UNITS_NAMED)
                        strbuf_addf(&who, "%s%s", n > 1 ? ", " : "", unit->id);
        }
        if (n == 0)
                return;
        if (n > UNITS_NAMED)
                strbuf_addf(&who, " and %zu more", n - UNITS_NAMED);
        rd_warning_at(rd, at.file ? at : first,
                      "%s: nobody holds the role '%s' for unit %s: its mail goes to the "
                      "coordinator; %s",
                      owner, role, strbuf_str(&who), advice(rd, role));
}

struct role_seen {
        const char *items[64];
        size_t n;
};

static bool seen_before(struct role_seen *seen, const char *role) {
        for (size_t i = 0; i < seen->n; i++)
                if (strcmp(seen->items[i], role) == 0)
                        return true;
        if (seen->n < ELEMENTSOF(seen->items))
                seen->items[seen->n++] = role;
        return false;
}

static bool policy_names(const struct policy *policy, const char *role, bool in_cc) {
        for (size_t i = 0; i < policy->n_steps; i++) {
                for (size_t k = 0; k < policy->steps[i].n_to; k++)
                        if (strcmp(policy->steps[i].to[k], role) == 0)
                                return true;
                for (size_t k = 0; in_cc && k < policy->steps[i].n_cc; k++)
                        if (strcmp(policy->steps[i].cc[k], role) == 0)
                                return true;
        }
        return false;
}

/* A policy that writes to a task's own addresses, and the tasks that have none. */
static void check_policy_tasks(struct reader *rd, const struct policy *policy) {
        bool to_owner = policy_names(policy, "owner", true),
             to_co_units = policy_names(policy, "co_units", false);
        const struct task *first = NULL;
        size_t n = 0;

        if (!to_owner && !to_co_units)
                return;
        for (size_t i = 0; i < rd->m.n_tasks; i++) {
                const struct task *task = &rd->m.tasks[i];

                if (task->policy != policy ||
                    !((to_owner && task->owner.n == 0) || (to_co_units && task->n_co_units == 0)))
                        continue;
                if (n++ == 0)
                        first = task;
        }
        if (n == 0)
                return;
        rd_warning_at(rd, first->source,
                      "policy '%s' writes to '%s', but task '%s'%s has none: that mail goes to the "
                      "coordinator; add "
                      "'%s', or choose another policy",
                      policy->id, to_owner && first->owner.n == 0 ? "owner" : "co_units", first->id,
                      n > 1 ? " (and others)" : "",
                      to_owner && first->owner.n == 0 ? "owner" : "co_units");
}

static void check_policy_roles(struct reader *rd, const struct policy *policy, const bool *in_use) {
        const char *owner = arena_printf(rd->scratch, "policy '%s'", policy->id);
        struct role_seen seen = {};

        for (size_t i = 0; i < policy->n_steps; i++) {
                const struct step *step = &policy->steps[i];
                struct source at = {step->file, step->line};

                for (size_t k = 0; k < step->n_to + step->n_cc; k++) {
                        const char *role = k < step->n_to ? step->to[k] : step->cc[k - step->n_to];

                        if (!seen_before(&seen, role))
                                check_role(rd, role, at, owner, in_use);
                }
        }
}

static void mark_units(const struct model *m, const struct policy *policy, bool *in_use) {
        bool any = false;

        memset(in_use, 0, m->n_units * sizeof(*in_use));
        for (size_t i = 0; i < m->n_tasks; i++) {
                const struct task *task = &m->tasks[i];

                if (task->policy != policy)
                        continue;
                any = true;
                if (task->unit)
                        in_use[task->unit->index] = true;
                for (size_t k = 0; k < task->n_each_unit; k++)
                        in_use[task->each_unit[k]->index] = true;
        }
        if (!any && policy->n_steps > 0 &&
            policy->steps[0].file) /* written down, so meant to be used */
                memset(in_use, true, m->n_units * sizeof(*in_use));
}

static void check_report_roles(struct reader *rd, const struct report *report,
                               const bool *all_units) {
        const char *owner = arena_printf(rd->scratch, "report '%s'", report->id);

        for (size_t i = 0; i < report->to.n + report->cc.n; i++) {
                const char *role =
                        i < report->to.n ? report->to.items[i] : report->cc.items[i - report->to.n];

                if (report->per_unit)
                        check_role(rd, role, report->source, owner, all_units);
                else if (is_builtin(role))
                        rd_warning_at(rd, report->source,
                                      "%s is about all units, so '%s' stands for nobody: its mail "
                                      "goes to the "
                                      "coordinator; name another role, or set scope = \"unit\"",
                                      owner, role);
                else if (!is_held(&rd->m.roles, role))
                        rd_warning_at(rd, report->source,
                                      "%s: nobody holds the role '%s': its mail goes to the "
                                      "coordinator; %s",
                                      owner, role, advice(rd, role));
        }
}

/* It leaves in the window whatever is asked for. */
static void check_report_time(struct reader *rd, const struct report *report) {
        const struct calendar_settings *c = &rd->calendar;

        /* send_at itself is looked at where it is set. */
        if (report->at != c->send_at &&
            (report->at < c->window_start || report->at > c->window_end))
                rd_warning_at(rd, report->source,
                              "report '%s' is to leave at %02d:%02d, outside 'send_window' "
                              "(%02d:%02d-%02d:%02d): it leaves when that begins; correct 'at'",
                              report->id, report->at / 3600, report->at / 60 % 60,
                              c->window_start / 3600, c->window_start / 60 % 60,
                              c->window_end / 3600, c->window_end / 60 % 60);
}

static void check_roles(struct reader *rd) {
        bool *in_use = calloc(rd->m.n_units + 1, sizeof(*in_use));

        if (!in_use) {
                rd->findings->failed = true;
                return;
        }
        for (size_t i = 0; i < rd->m.n_policies; i++) {
                mark_units(&rd->m, &rd->m.policies[i], in_use);
                check_policy_roles(rd, &rd->m.policies[i], in_use);
                check_policy_tasks(rd, &rd->m.policies[i]);
        }
        memset(in_use, true, rd->m.n_units);
        for (size_t i = 0; i < rd->m.n_reports; i++) {
                check_report_roles(rd, &rd->m.reports[i], in_use);
                check_report_time(rd, &rd->m.reports[i]);
        }
        for (size_t i = 0; i < rd->m.roles.n; i++)
                if (rd->m.roles.items[i].who.n == 0)
                        rd_warning_at(rd, rd->m.roles.items[i].source,
                                      "role '%s' is held by nobody: add an address, or remove it",
                                      rd->m.roles.items[i].name);
        free(in_use);
}

void check_people(struct reader *rd, struct source main) {
        if (rd->m.n_units == 0 && !rd->incomplete)
                rd_error_at(rd, main,
                            "there are no units, so nobody owes anything: add units: ( { id; name; "
                            "mail; } ); in units.d");
        check_last_resort(rd, main);
        check_addresses(rd);
        if (!rd->incomplete)
                check_roles(rd);
}
