/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small office, and digests of what is put together for it: for the tests of what mails say. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/model-builder.h"
#include "core/report.h"
#include "message/compose.h"

#define MAX_ITEMS 2000

struct fixture {
        struct builder b;
        const struct model *model;
        struct instance_set *set;
        struct templates *templates;
        struct history histories[64];
        usec_t now;
        struct notice notices[MAX_ITEMS];
        size_t n;
        struct digest_list digests;
};

int compose_setup(void **state);
int compose_teardown(void **state);
const struct instance *find(const struct fixture *f, const char *key);
struct notice *add(struct fixture *f, enum notice_kind kind, const char *key);
struct digest *one_digest(struct fixture *f);
struct compose_context context_of(const struct fixture *f);
void expect_subject(struct fixture *f, const char *vi, const char *en);

#define TEST(f) cmocka_unit_test_setup_teardown(f, compose_setup, compose_teardown)
