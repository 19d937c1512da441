/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and values as they come from file systems and configuration: normal forms are stable, output is printable. */

#include "base/date.h"
#include "base/text.h"
#include "fuzz.h"

static void check_stable(const char *s, char *(*normalise)(const char *)) {
        char *once = normalise(s), *twice;

        if (!once)
                return;
        CHECK(utf8_valid(once, strlen(once)));
        twice = normalise(once);
        CHECK(twice && strcmp(once, twice) == 0);
        free(once);
        free(twice);
}

static char *fold(const char *s) { return text_fold(s, false); }

static char *fold_marks(const char *s) { return text_fold(s, true); }

static void check_sanitized(const uint8_t *data, size_t size) {
        char *clean = text_sanitize((const char *)data, size), *again;

        CHECK(clean && utf8_valid(clean, strlen(clean)));
        for (const char *c = clean; *c; c++)
                CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
        again = text_sanitize(clean, strlen(clean));
        CHECK(again && strcmp(clean, again) == 0);
        free(clean);
        free(again);
}

static void check_values(const char *s) {
        char printed[DATE_BUFFER];
        date_t date;
        int64_t duration = -1;
        uint64_t bytes;

        if (date_parse(s, &date) == 0)
                CHECK(strcmp(date_format(date, printed), s) == 0);
        if (parse_duration(s, &duration) == 0)
                CHECK(duration >= 0);
        else
                CHECK(duration == -1); /* untouched on failure */
        (void)parse_size(s, &bytes);
        (void)text_width(s);
        CHECK(text_natural_compare(s, s) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *s = fuzz_string(data, size);

        check_stable(s, text_nfc);
        check_stable(s, fold);
        check_stable(s, fold_marks);
        check_sanitized(data, size);
        check_values(s);
        free(s);
        return 0;
}
