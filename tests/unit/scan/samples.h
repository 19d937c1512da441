/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small files of every type that evidence comes in, made byte by byte, so that a test knows where each part lies. */

#include "base/strbuf.h"
#include "core/model.h"

struct sample {
        const char *name;
        void (*make)(struct strbuf *b);
        enum file_type type;
        bool signed_pdf;
        unsigned slack; /* bytes at the end that may be missing: a line end behind a trailer */
        bool formless;  /* every beginning of it is whole as well */
};

extern const struct sample samples[];
extern const size_t n_samples;
