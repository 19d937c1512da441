/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libcurl copies the password into its handle, its connection and the lines it sends, and frees the copies as they are. Here its memory
 * is wiped when it is freed. (What OpenSSL encrypts passes through buffers of its own.)
 */

/** memory_init() - curl_global_init(), once a process; only a process that sends pays for libcurl. Return: 0 or -EIO. */
int memory_init(void);
