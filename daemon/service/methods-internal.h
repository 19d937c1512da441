/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by methods.c (asking) and methods-change.c (changing). */

#include "service/manager.h"
#include "service/methods.h"

#define CALL_NOT_PERMITTED "org.evidenced.NotPermitted"
#define CALL_NO_INSTANCE "org.evidenced.NoSuchInstance"
#define CALL_ARGUMENT "org.evidenced.InvalidArgument"
#define CALL_CONFIG "org.evidenced.ConfigurationInvalid"
#define CALL_TRY_AGAIN "org.evidenced.TryAgain"
#define CALL_FAILED "org.evidenced.Failed"

/* One call on its way, and what it gives back. */
struct call {
        struct manager *m;
        const struct caller *caller;
        json_t *in;        /* borrowed */
        json_t *out;       /* new reference */
        const char *error; /* static; NULL: none */
};

void call_fail(struct call *c, const char *error, const char *text);
void call_fail_errno(struct call *c, int r);
const char *call_string(const struct call *c, const char *name); /* NULL: not given */
/** The instance a call names, by key or, where a task has but one, by task; NULL: the call has failed. */
struct track *call_track(struct call *c);

void method_queue_action(struct call *c);
void method_reload(struct call *c);
void method_release(struct call *c);
void method_confirm(struct call *c);
void method_decide(struct call *c);
void method_send_test(struct call *c);
