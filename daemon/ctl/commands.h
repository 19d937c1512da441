/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The commands of evidencectl. Each returns its exit status after saying what went wrong.
 */

#include "ctl/arguments.h"

extern const struct command_table evidencectl_commands;

/* asking: command-*.c */
int command_status(const struct invocation *in);
int command_list(const struct invocation *in);
int command_show(const struct invocation *in);
int command_explain(const struct invocation *in);
int command_next(const struct invocation *in);
int command_log(const struct invocation *in);
int command_queue(const struct invocation *in);
int command_report(const struct invocation *in);
int command_preview(const struct invocation *in);
int command_export(const struct invocation *in);

/* changing */
int command_decide(const struct invocation *in); /* waive, snooze, extend, reopen */
int command_send_test(const struct invocation *in);
int command_reload(const struct invocation *in);
int command_release(const struct invocation *in);
int command_confirm(const struct invocation *in);

/* without the daemon */
int command_check(const struct invocation *in);
int command_init(const struct invocation *in);
int command_import(const struct invocation *in);
int command_simulate(const struct invocation *in);
