#include "cli/terminal/flags.h"

#include <string.h>

#include "base/text/number.h"
#include "cli/terminal/refusal.h"

static const struct flag *find(const struct flag *flags, const char *name, size_t length) {
    for (; flags->name; flags++)
        if (strlen(flags->name) == length && memcmp(flags->name, name, length) == 0)
            return flags;
    return NULL;
}

struct reading {
    const struct flag *flags;
    const char *command;
    bool is_json; /* what is wrong is told in JSON, too */
};

static int set(const struct reading *reading, const struct flag *flag, const char *value) {
    if (flag->text) {
        *flag->text = value;
        return 0;
    }
    int64_t number;
    if (!number_parse_i64(bytes_of_text(value), &number) || number < flag->minimum ||
        number > flag->maximum) {
        refusal_tell(reading->command, reading->is_json,
                     "--%s takes a number from %lld to %lld, not '%s'", flag->name,
                     (long long)flag->minimum, (long long)flag->maximum, value);
        return ERR_INVALID;
    }
    *flag->number = number;
    return 0;
}

static int read_flag(const struct reading *reading, char **argv, int *at, int argc) {
    const char *name = argv[*at] + 2, *command = reading->command;
    size_t length = strcspn(name, "=");
    const struct flag *flag = find(reading->flags, name, length);
    if (!flag) {
        refusal_tell(command, reading->is_json,
                     "there is no flag --%.*s; `trothdb help %.*s` tells all", (int)length, name,
                     (int)strcspn(command, " "), command);
        return ERR_INVALID;
    }
    bool has_value = name[length] == '=';
    if (flag->is_set)
        *flag->is_set = true;
    if (flag->is_set ? has_value : (!has_value && *at + 1 == argc)) {
        refusal_tell(command, reading->is_json, "--%s takes %s value", flag->name,
                     flag->is_set ? "no" : "a");
        return ERR_INVALID;
    }
    if (flag->is_set)
        return 0;
    return set(reading, flag, has_value ? name + length + 1 : argv[++*at]);
}

int flags_read(const struct flag *flags, const char *command, int argc, char **argv,
               int *operand_count) {
    const struct reading reading = {.flags = flags,
                                    .command = command,
                                    .is_json = find(flags, "json", strlen("json")) &&
                                               refusal_is_json(argc, argv)};
    bool may_be_flags = true;
    *operand_count = 0;
    for (int at = 0; at < argc; at++) {
        bool is_flag = may_be_flags && strncmp(argv[at], "--", 2) == 0;
        int error = 0;
        if (!is_flag)
            argv[(*operand_count)++] = argv[at];
        else if (strcmp(argv[at], "--") == 0)
            may_be_flags = false;
        else
            error = read_flag(&reading, argv, &at, argc);
        if (error)
            return error;
    }
    return 0;
}
