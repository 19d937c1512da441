/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One connection of the sender: messages in, outcomes out, one at a time. */

#include "ipc/worker.h"

int mail_serve(struct framer *peer); /* a worker_serve_fn */
