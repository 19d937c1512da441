/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Delivery into a folder: for trying out, for demonstrations, and where another program takes the mail from there. */

#include "mail/request.h"

/**
 * maildir_deliver() - one file in new/, durable when this returns "sent"
 *
 * The folder lies in $EVIDENCED_MAIL_DIR, else in the first of $STATE_DIRECTORY, else in the current directory. Lines end in LF;
 * Return-Path and Delivered-To stand on top.
 */
void maildir_deliver(const struct mail_request *request, struct mail_outcome *ret);
