/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/model.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *const languages[_LANGUAGE_MAX] = {
        [LANGUAGE_VI] = "vi",
        [LANGUAGE_EN] = "en",
};

static const char *const file_types[_FILE_TYPE_MAX] = {
        [FILE_TYPE_OTHER] = "other", [FILE_TYPE_PDF] = "pdf",   [FILE_TYPE_DOCX] = "docx",
        [FILE_TYPE_XLSX] = "xlsx",   [FILE_TYPE_PPTX] = "pptx", [FILE_TYPE_ODT] = "odt",
        [FILE_TYPE_ODS] = "ods",     [FILE_TYPE_DOC] = "doc",   [FILE_TYPE_XLS] = "xls",
        [FILE_TYPE_JPG] = "jpg",     [FILE_TYPE_PNG] = "png",   [FILE_TYPE_TIF] = "tif",
        [FILE_TYPE_ZIP] = "zip",     [FILE_TYPE_RAR] = "rar",   [FILE_TYPE_7Z] = "7z",
        [FILE_TYPE_XML] = "xml",     [FILE_TYPE_TXT] = "txt",   [FILE_TYPE_EML] = "eml",
};

static const struct {
        const char *name;
        enum file_type type;
} other_names[] = {
        {"jpeg", FILE_TYPE_JPG},
        {"tiff", FILE_TYPE_TIF},
};

static int name_find(const char *const *names, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], s) == 0)
                        return (int)i;
        return -EINVAL;
}

const char *language_to_string(enum language language) { return languages[language]; }

int language_from_string(const char *s, enum language *ret) {
        int r = name_find(languages, _LANGUAGE_MAX, s);

        if (r < 0)
                return r;
        *ret = (enum language)r;
        return 0;
}

const char *file_type_to_string(enum file_type type) { return file_types[type]; }

int file_type_from_string(const char *s, enum file_type *ret) {
        int r = name_find(file_types, _FILE_TYPE_MAX, s);

        for (size_t i = 0; r < 0 && i < ELEMENTSOF(other_names); i++)
                if (strcmp(other_names[i].name, s) == 0)
                        r = (int)other_names[i].type;
        if (r < 0)
                return r;
        *ret = (enum file_type)r;
        return 0;
}

struct model *model_free(struct model *model) {
        /* The model itself lies in its arena. */
        if (model)
                arena_free(model->arena);
        return NULL;
}

const struct unit *model_find_unit(const struct model *model, const char *id) {
        for (size_t i = 0; i < model->n_units; i++)
                if (strcmp(model->units[i].id, id) == 0)
                        return &model->units[i];
        return NULL;
}

const struct task *model_find_task(const struct model *model, const char *id) {
        size_t low = 0, high = model->n_tasks;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = text_natural_compare(model->tasks[middle].id, id);

                if (order == 0)
                        return &model->tasks[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

const struct role *role_find(const struct role_list *roles, const char *name) {
        for (size_t i = 0; i < roles->n; i++)
                if (strcmp(roles->items[i].name, name) == 0)
                        return &roles->items[i];
        return NULL;
}

bool model_address_allowed(const struct model *model, const struct address *address) {
        const char *at = strrchr(address->key, '@');

        if (model->mail.allowed_domains.n == 0)
                return true;
        return at && name_find(model->mail.allowed_domains.items, model->mail.allowed_domains.n,
                               at + 1) >= 0;
}
