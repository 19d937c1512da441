/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The methods of org.evidenced: parameters in, reply or error out.
 */

#include <stdbool.h>

#include <jansson.h>

struct manager;

/* Who asks. */
struct caller {
        bool may_change;
        const char *name; /* "root (uid 0)", for the ledger */
};

/**
 * method_call() - @name without interface
 * @ret:       new reference: parameters of the reply, or of the error
 * @ret_error: name of the error ("org.evidenced.NotPermitted"), NULL on success; static
 */
void method_call(struct manager *manager, const struct caller *caller, const char *name,
                 json_t *parameters, json_t **ret, const char **ret_error);
