/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/recipients.h"

#include <string.h>

/* Where the key stands or would stand. */
static size_t position(const struct recipients *set, const char *key, bool *ret_found) {
        size_t low = 0, high = set->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(set->items[middle]->key, key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = low < set->n && strcmp(set->items[low]->key, key) == 0;
        return low;
}

void recipients_done(struct recipients *set) { array_done(set); }

int recipients_add(struct recipients *set, const struct address *address) {
        bool found;
        size_t at = position(set, address->key, &found);
        int r;

        if (found)
                return 0;
        r = array_push(set, address);
        if (r < 0)
                return r;
        memmove(&set->items[at + 1], &set->items[at], (set->n - 1 - at) * sizeof(*set->items));
        set->items[at] = address;
        return 0;
}

int recipients_merge(struct recipients *set, const struct recipients *more) {
        int r = 0;

        for (size_t i = 0; i < more->n && r >= 0; i++)
                r = recipients_add(set, more->items[i]);
        return r;
}

bool recipients_contain(const struct recipients *set, const struct address *address) {
        bool found;

        (void)position(set, address->key, &found);
        return found;
}

void recipients_remove(struct recipients *set, const struct recipients *those) {
        size_t kept = 0;

        for (size_t i = 0; i < set->n; i++)
                if (!recipients_contain(those, set->items[i]))
                        set->items[kept++] = set->items[i];
        set->n = kept;
}

int recipients_compare(const struct recipients *a, const struct recipients *b) {
        for (size_t i = 0; i < a->n && i < b->n; i++) {
                int order = strcmp(a->items[i]->key, b->items[i]->key);

                if (order != 0)
                        return order;
        }
        return (a->n > b->n) - (a->n < b->n);
}

/* Return: how many of the list are inside the fence, already there or not; or -ENOMEM. */
static int add_list(const struct model *model, const struct address_list *list,
                    struct recipients *ret) {
        int n = 0, r;

        for (size_t i = 0; i < list->n; i++) {
                if (!model_address_allowed(model, &list->items[i]))
                        continue;
                r = recipients_add(ret, &list->items[i]);
                if (r < 0)
                        return r;
                n++;
        }
        return n;
}

static int add_co_units(const struct model *model, const struct task *task,
                        struct recipients *ret) {
        int n = 0, r;

        for (size_t i = 0; task && i < task->n_co_units; i++) {
                r = add_list(model, &task->co_units[i]->mail, ret);
                if (r < 0)
                        return r;
                n += r;
        }
        return n;
}

static const struct address_list *holders(const struct model *model, const char *name,
                                          const struct unit *unit, const struct task *task) {
        const struct role *role = NULL;

        if (strcmp(name, "unit") == 0)
                return unit ? &unit->mail : NULL;
        if (strcmp(name, "owner") == 0)
                return task ? &task->owner : NULL;
        if (unit)
                role = role_find(&unit->roles, name);
        if (!role)
                role = role_find(&model->roles, name);
        return role ? &role->who : NULL;
}

static int add_role(const struct model *model, const char *name, const struct unit *unit,
                    const struct task *task, struct recipients *ret) {
        const struct address_list *list;

        if (strcmp(name, "co_units") == 0)
                return add_co_units(model, task, ret);
        list = holders(model, name, unit, task);
        return list ? add_list(model, list, ret) : 0;
}

int recipients_resolve(const struct model *model, const char *const *roles, size_t n_roles,
                       const struct unit *unit, const struct task *task, struct recipients *ret) {
        int r;

        for (size_t i = 0; i < n_roles; i++) {
                r = add_role(model, roles[i], unit, task, ret);
                if (r == 0)
                        r = add_role(model, "coordinator", unit, task, ret);
                if (r == 0)
                        r = add_role(model, "administrator", unit, task, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool role_depends_on_task(const char *role) {
        return strcmp(role, "owner") == 0 || strcmp(role, "co_units") == 0;
}
