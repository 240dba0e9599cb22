#include "cli/terminal/flags.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

static const struct flag *find(const struct flag *flags, const char *name, size_t length) {
    for (; flags->name; flags++)
        if (strlen(flags->name) == length && memcmp(flags->name, name, length) == 0)
            return flags;
    return NULL;
}

static int set(const struct flag *flag, const char *command, const char *value) {
    if (flag->text) {
        *flag->text = value;
        return 0;
    }
    int64_t number;
    if (!number_parse_i64(bytes_of_text(value), &number) || number < flag->minimum ||
        number > flag->maximum) {
        fprintf(stderr, "trothdb %s: --%s takes a number from %lld to %lld, not '%s'\n", command,
                flag->name, (long long)flag->minimum, (long long)flag->maximum, value);
        return ERR_INVALID;
    }
    *flag->number = number;
    return 0;
}

static int read_flag(const struct flag *flags, const char *command, char **argv, int *at,
                     int argc) {
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const struct flag *flag = find(flags, name, length);
    if (!flag) {
        fprintf(stderr, "trothdb %s: there is no flag --%.*s; `trothdb help %.*s` tells all\n",
                command, (int)length, name, (int)strcspn(command, " "), command);
        return ERR_INVALID;
    }
    bool has_value = name[length] == '=';
    if (flag->is_set)
        *flag->is_set = true;
    if (flag->is_set ? has_value : (!has_value && *at + 1 == argc)) {
        fprintf(stderr, "trothdb %s: --%s takes %s value\n", command, flag->name,
                flag->is_set ? "no" : "a");
        return ERR_INVALID;
    }
    if (flag->is_set)
        return 0;
    return set(flag, command, has_value ? name + length + 1 : argv[++*at]);
}

int flags_read(const struct flag *flags, const char *command, int argc, char **argv,
               int *operand_count) {
    *operand_count = 0;
    for (int at = 0; at < argc; at++) {
        if (strncmp(argv[at], "--", 2) != 0) {
            argv[(*operand_count)++] = argv[at];
            continue;
        }
        int error = read_flag(flags, command, argv, &at, argc);
        if (error)
            return error;
    }
    return 0;
}
