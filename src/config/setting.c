#include "config/setting.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "base/text/number.h"
#include <limits.h>
#include <stdio.h>

static const struct setting settings[] = {
#define SETTING_INT(field, setting_name, value, low, high, when_word, help_text)                   \
    {.name = setting_name,                                                                         \
     .kind = KIND_INT,                                                                             \
     .offset = offsetof(struct config, field),                                                     \
     .default_text = #value,                                                                       \
     .minimum = low,                                                                               \
     .maximum = high,                                                                              \
     .when = CONFIG_##when_word,                                                                   \
     .help = help_text},
#define SETTING_BYTES(field, setting_name, value, low, high, when_word, help_text)                 \
    {.name = setting_name,                                                                         \
     .kind = KIND_BYTES,                                                                           \
     .offset = offsetof(struct config, field),                                                     \
     .default_text = value,                                                                        \
     .minimum = low,                                                                               \
     .maximum = high,                                                                              \
     .when = CONFIG_##when_word,                                                                   \
     .help = help_text},
#define SETTING_TEXT(field, setting_name, value, when_word, help_text)                             \
    {.name = setting_name,                                                                         \
     .kind = KIND_TEXT,                                                                            \
     .offset = offsetof(struct config, field),                                                     \
     .default_text = value,                                                                        \
     .when = CONFIG_##when_word,                                                                   \
     .help = help_text},
#define SETTING_ENUM(field, setting_name, value, listed_words, when_word, help_text)               \
    {.name = setting_name,                                                                         \
     .kind = KIND_ENUM,                                                                            \
     .offset = offsetof(struct config, field),                                                     \
     .default_text = value,                                                                        \
     .words = listed_words,                                                                        \
     .when = CONFIG_##when_word,                                                                   \
     .help = help_text},
#define SETTING_BOOL(field, setting_name, value, when_word, help_text)                             \
    {.name = setting_name,                                                                         \
     .kind = KIND_BOOL,                                                                            \
     .offset = offsetof(struct config, field),                                                     \
     .default_text = value,                                                                        \
     .when = CONFIG_##when_word,                                                                   \
     .help = help_text},
#include "config/config.def"

#define REMEMBERED_ROW                                                                             \
    .is_remembered = true, .when = CONFIG_LIVE,                                                    \
    .help = "remembered for Redis's tools; without effect here"
#define REMEMBERED(word, setting_name, value)                                                      \
    {.name = setting_name,                                                                         \
     .kind = KIND_##word,                                                                          \
     .default_text = value,                                                                        \
     .minimum = LLONG_MIN,                                                                         \
     .maximum = LLONG_MAX,                                                                         \
     REMEMBERED_ROW},
#define REMEMBERED_ENUM(setting_name, value, listed_words)                                         \
    {.name = setting_name,                                                                         \
     .kind = KIND_ENUM,                                                                            \
     .default_text = value,                                                                        \
     .words = listed_words,                                                                        \
     REMEMBERED_ROW},
#define REMEMBERED_ALIAS(alias, name)
#include "config/remembered.def"
#undef REMEMBERED
#undef REMEMBERED_ENUM
#undef REMEMBERED_ALIAS
};

static const struct {
    const char *alias, *name;
} aliases[] = {
#define REMEMBERED(kind, name, default_value)
#define REMEMBERED_ENUM(name, default_value, words)
#define REMEMBERED_ALIAS(alias, name) {alias, name},
#include "config/remembered.def"
#undef REMEMBERED
#undef REMEMBERED_ENUM
#undef REMEMBERED_ALIAS
};

enum {
    SETTING_COUNT = sizeof settings / sizeof *settings,
    ALIAS_COUNT = sizeof aliases / sizeof *aliases
};

const struct setting *setting_at(size_t position) {
    return position < SETTING_COUNT ? &settings[position] : NULL;
}

static const struct setting *setting_find_exactly(struct bytes name) {
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (bytes_equal_ignoring_case(name, settings[i].name))
            return &settings[i];
    return NULL;
}

const struct setting *setting_find(struct bytes name) {
    for (size_t i = 0; i < ALIAS_COUNT; i++)
        if (bytes_equal_ignoring_case(name, aliases[i].alias))
            return setting_find_exactly(bytes_of_text(aliases[i].name));
    return setting_find_exactly(name);
}

void setting_each_alias(void (*emit)(void *context, const char *alias,
                                     const struct setting *setting),
                        void *context) {
    for (size_t i = 0; i < ALIAS_COUNT; i++)
        emit(context, aliases[i].alias, setting_find_exactly(bytes_of_text(aliases[i].name)));
}

/* A size as Redis reads it: k, m and g are powers of 1000; kb, mb and gb powers of 1024. */
static bool bytes_parse_size(struct bytes text, long long *size) {
    static const struct {
        const char *name;
        int64_t factor;
    } units[] = {{"", 1},           {"b", 1},          {"k", 1000},
                 {"kb", 1LL << 10}, {"m", 1000000},    {"mb", 1LL << 20},
                 {"g", 1000000000}, {"gb", 1LL << 30}, {"tb", 1LL << 40}};
    size_t digits = 0;
    while (digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    int64_t number;
    if (!number_parse_i64(bytes_of(text.data, digits), &number))
        return false;
    struct bytes unit = bytes_of(text.data + digits, text.length - digits);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (bytes_equal_ignoring_case(unit, units[i].name))
            return !__builtin_mul_overflow(number, units[i].factor, size);
    return false;
}

/* The word number `position` of "one|two|three"; empty behind the last. */
static struct bytes word_at(const char *words, int position) {
    for (; position > 0; position--) {
        words = strchr(words, '|');
        if (words == NULL)
            return BYTES_NONE;
        words++;
    }
    return bytes_of(words, strcspn(words, "|"));
}

static bool word_position(const char *words, struct bytes text, long long *position) {
    for (int i = 0;; i++) {
        struct bytes word = word_at(words, i);
        if (word.length == 0)
            return false;
        if (word.length == text.length &&
            strncasecmp((const char *)word.data, (const char *)text.data, word.length) == 0) {
            *position = i;
            return true;
        }
    }
}

static bool bool_parse(struct bytes text, long long *value) {
    *value = bytes_equal_ignoring_case(text, "yes");
    return *value || bytes_equal_ignoring_case(text, "no");
}

static bool setting_in_range(const struct setting *setting, long long number) {
    return number >= setting->minimum && number <= setting->maximum;
}

/* The value of every kind but TEXT, as a number. */
static bool setting_parse(const struct setting *setting, struct bytes text, long long *number) {
    int64_t integer;
    switch (setting->kind) {
    case KIND_INT:
        if (!number_parse_i64(text, &integer))
            return false;
        *number = integer;
        return setting_in_range(setting, *number);
    case KIND_BYTES:
        return bytes_parse_size(text, number) && setting_in_range(setting, *number);
    case KIND_TEXT:
        *number = 0;
        return text.length <= CONFIG_VALUE_MAXIMUM &&
               (text.length == 0 || memchr(text.data, '\0', text.length) == NULL);
    case KIND_ENUM:
        return word_position(setting->words, text, number);
    case KIND_BOOL:
        return bool_parse(text, number);
    }
    UNREACHABLE();
}

static const char *number_show(const struct setting *setting, long long number,
                               char scratch[SETTING_NUMBER_TEXT_BYTES]) {
    if (setting->kind == KIND_BOOL)
        return number ? "yes" : "no";
    if (setting->kind == KIND_ENUM) {
        struct bytes word = word_at(setting->words, (int)number);
        snprintf(scratch, SETTING_NUMBER_TEXT_BYTES, "%.*s", BYTES_PRINT(word));
    } else {
        snprintf(scratch, SETTING_NUMBER_TEXT_BYTES, "%lld", number);
    }
    return scratch;
}

static void setting_remember(const struct setting *setting, struct config *config,
                             struct bytes text, long long number) {
    char scratch[SETTING_NUMBER_TEXT_BYTES];
    if (setting->kind != KIND_TEXT)
        text = bytes_of_text(number_show(setting, number, scratch));
    memory_free(table_put(config->remembered, bytes_of_text(setting->name), bytes_copy_text(text)));
}

static void setting_place(const struct setting *setting, struct config *config, struct bytes text,
                          long long number) {
    char *place = (char *)config + setting->offset;
    switch (setting->kind) {
    case KIND_INT:
    case KIND_BYTES:
        *(long long *)(void *)place = number;
        break;
    case KIND_TEXT:
        memory_free(*(char **)(void *)place);
        *(char **)(void *)place = bytes_copy_text(text);
        break;
    case KIND_ENUM:
        *(int *)(void *)place = (int)number;
        break;
    case KIND_BOOL:
        *(bool *)(void *)place = number != 0;
        break;
    }
}

int setting_store(const struct setting *setting, struct config *config, struct bytes text,
                  struct buffer *problem) {
    long long number;
    if (!setting_parse(setting, text, &number)) {
        struct bytes shown = bytes_of(text.data, text.length < 64 ? text.length : 64);
        buffer_append_format(problem, "%s: '%.*s' is not allowed; it must be ", setting->name,
                             BYTES_PRINT(shown));
        setting_append_allowed(setting, problem);
        return ERR_INVALID;
    }
    if (setting->is_remembered)
        setting_remember(setting, config, text, number);
    else
        setting_place(setting, config, text, number);
    return 0;
}

const char *setting_show(const struct setting *setting, const struct config *config,
                         char scratch[SETTING_NUMBER_TEXT_BYTES]) {
    if (setting->is_remembered) {
        const char *text = table_get(config->remembered, bytes_of_text(setting->name));
        return text ? text : setting->default_text;
    }
    const char *place = (const char *)config + setting->offset;
    switch (setting->kind) {
    case KIND_INT:
    case KIND_BYTES:
        return number_show(setting, *(const long long *)(const void *)place, scratch);
    case KIND_TEXT:
        return *(char *const *)(const void *)place;
    case KIND_ENUM:
        return number_show(setting, *(const int *)(const void *)place, scratch);
    case KIND_BOOL:
        return number_show(setting, *(const bool *)(const void *)place, scratch);
    }
    UNREACHABLE();
}

/* The default as its value is shown: "8mb" in the row is 8388608. */
const char *setting_show_default(const struct setting *setting,
                                 char scratch[SETTING_NUMBER_TEXT_BYTES]) {
    long long number;
    if (setting->is_remembered || setting->kind != KIND_BYTES)
        return setting->default_text;
    bool is_right = setting_parse(setting, bytes_of_text(setting->default_text), &number);
    CHECK(is_right);
    return number_show(setting, number, scratch);
}

static void append_words(const char *words, struct buffer *out) {
    for (int i = 0;; i++) {
        struct bytes word = word_at(words, i);
        if (word.length == 0)
            return;
        bool is_last = word_at(words, i + 1).length == 0;
        if (i > 0)
            buffer_append_text(out, is_last ? " or " : ", ");
        buffer_append_bytes(out, word);
    }
}

static void append_size(struct buffer *out, long long size) {
    static const char *const units[] = {"", "kb", "mb", "gb", "tb"};
    int unit = 0;
    for (; unit < 4 && size != 0 && size % 1024 == 0; unit++)
        size /= 1024;
    buffer_append_format(out, "%lld%s", size, units[unit]);
}

void setting_append_allowed(const struct setting *setting, struct buffer *out) {
    switch (setting->kind) {
    case KIND_INT:
        if (setting->is_remembered)
            buffer_append_text(out, "a whole number");
        else
            buffer_append_format(out, "a whole number from %lld to %lld", setting->minimum,
                                 setting->maximum);
        break;
    case KIND_BYTES:
        buffer_append_text(out, "a size such as 64mb");
        if (setting->is_remembered)
            break;
        buffer_append_text(out, ", from ");
        append_size(out, setting->minimum);
        buffer_append_text(out, " to ");
        append_size(out, setting->maximum);
        break;
    case KIND_TEXT:
        buffer_append_format(out, "text of at most %d bytes", CONFIG_VALUE_MAXIMUM);
        break;
    case KIND_ENUM:
        append_words(setting->words, out);
        break;
    case KIND_BOOL:
        buffer_append_text(out, "yes or no");
        break;
    }
}
