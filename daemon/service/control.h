/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The control socket: Varlink (org.evidenced and org.varlink.service) over a UNIX stream socket. Everybody may ask; root, the
 * service's own user and members of its group may change things. Decides nothing (service/manager.h).
 */

struct manager;
struct control;

/** control_new() - listens at @path (0666; its folder is the guard); a stale socket is replaced. Return: 0 or -errno. */
int control_new(struct manager *manager, const char *path, struct control **ret);
struct control *control_free(struct control *control);
