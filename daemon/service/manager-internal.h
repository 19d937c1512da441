/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by manager.c (the life of the service) and reload.c (its configuration). */

#include "service/manager.h"

/** manager_build() - instances, histories and rooms from model and store; people are told of what changed
 *  @ret_changes: the caller's; may be NULL. Return: 0; -errno, then manager_rebuild() or the end must follow. */
int manager_build(struct manager *m, struct track_changes *ret_changes);
/** manager_rebuild() - the same again: memory is what the store says */
int manager_rebuild(struct manager *m);
/** manager_start_rooms() - the rooms that look and send */
int manager_start_rooms(struct manager *m);
/** manager_load_templates() - those beside the configuration in place of ours. @ret: owned */
int manager_load_templates(struct manager *m, struct findings *findings, struct templates **ret);
