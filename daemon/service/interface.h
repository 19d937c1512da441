/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Texts of the Varlink interfaces, made from the .varlink files by CMake. */

extern const char org_evidenced_varlink[];
extern const char org_varlink_service[];
