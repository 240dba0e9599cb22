/* One row of config.def or remembered.def as data: how its value is read from text, kept, and
 * shown. Private to config/. */
#pragma once
#include "config/config.h"

enum setting_kind { KIND_INT, KIND_BYTES, KIND_TEXT, KIND_ENUM, KIND_BOOL };

struct setting {
    const char *name;
    enum setting_kind kind;
    bool is_remembered; /* kept as text in config->remembered; else at `offset` of struct config */
    size_t offset;
    const char *default_text;
    long long minimum, maximum; /* of INT and BYTES */
    const char *words;          /* of ENUM, split by '|' */
    enum config_when when;
    const char *help;
};

enum { SETTING_NUMBER_TEXT_BYTES = 32 };

/* Row number `position` in the order of the .def files, or NULL behind the last. */
const struct setting *setting_at(size_t position);
/* By name or by one of Redis's older names, in any case; NULL if there is none. */
const struct setting *setting_find(struct bytes name);
/* Calls `emit` with every older name that stands for a setting. */
void setting_each_alias(void (*emit)(void *context, const char *alias,
                                     const struct setting *setting),
                        void *context);

/* 0 with the value kept in `config`, or ERR_INVALID, a sentence in `problem`, and `config` as it
 * was. */
int setting_store(const struct setting *setting, struct config *config, struct bytes text,
                  struct buffer *problem) MUST_CHECK;
/* The value as text: borrowed from `config`, from the row, or in `scratch`. */
const char *setting_show(const struct setting *setting, const struct config *config,
                         char scratch[SETTING_NUMBER_TEXT_BYTES]);
const char *setting_show_default(const struct setting *setting,
                                 char scratch[SETTING_NUMBER_TEXT_BYTES]);
/* What values are allowed, for people: "1 to 65535", "lease or quorum". */
void setting_append_allowed(const struct setting *setting, struct buffer *out);
