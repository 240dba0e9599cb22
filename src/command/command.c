#include "command/command.h"
#include "base/check.h"
#include "command/hash_commands.h"
#include "command/key_commands.h"
#include "command/slot_commands.h"
#include "command/string_commands.h"
#include <assert.h>

enum { COMMAND_NAME_BYTES_MAXIMUM = 32, COMMAND_ECHO_BYTES_MAXIMUM = 128 };

enum command_row {
#define COMMAND(id, ...) COMMAND_ROW_##id,
#include "command/command.def"
#undef COMMAND
    COMMAND_ROW_COUNT
};

static const struct command commands[] = {
#define COMMAND(row_id, row_name, row_arity, row_flags, row_first, row_last, row_step, row_group,  \
                row_since, row_acl, row_tips, row_specs, row_complexity, row_summary,              \
                row_arguments, row_run)                                                            \
    {.name = row_name,                                                                             \
     .arity = row_arity,                                                                           \
     .flags = row_flags,                                                                           \
     .first_key = row_first,                                                                       \
     .last_key = row_last,                                                                         \
     .key_step = row_step,                                                                         \
     .group = row_group,                                                                           \
     .since = row_since,                                                                           \
     .acl_categories = row_acl,                                                                    \
     .tips = row_tips,                                                                             \
     .key_specs = row_specs,                                                                       \
     .complexity = row_complexity,                                                                 \
     .summary = row_summary,                                                                       \
     .arguments = row_arguments,                                                                   \
     .run = row_run},
#include "command/command.def"
#undef COMMAND
};

#define COMMAND(row_id, row_name, ...)                                                             \
    static_assert(sizeof(row_name) <= COMMAND_NAME_BYTES_MAXIMUM, "the name of " #row_id);
#include "command/command.def"
#undef COMMAND

/* Inlined for each length in turn, this leaves the compiler only the rows whose name is that long,
 * each compared as one or two words: a lookup takes a few nanoseconds, with no table to build. */
__attribute__((always_inline)) static inline const struct command *
command_find_of_length(const char *lower, size_t length) {
#define COMMAND(row_id, row_name, ...)                                                             \
    if (length == sizeof(row_name) - 1 && memcmp(lower, row_name, sizeof(row_name) - 1) == 0)      \
        return &commands[COMMAND_ROW_##row_id];
#include "command/command.def"
#undef COMMAND
    return NULL;
}

/* clang-format off */
static const struct command *command_find_lower(const char *lower, size_t length) {
#define LENGTH(n)                                                                                  \
    case n:                                                                                        \
        return command_find_of_length(lower, n);
    switch (length) {
        LENGTH(1) LENGTH(2) LENGTH(3) LENGTH(4) LENGTH(5) LENGTH(6) LENGTH(7) LENGTH(8)
        LENGTH(9) LENGTH(10) LENGTH(11) LENGTH(12) LENGTH(13) LENGTH(14) LENGTH(15) LENGTH(16)
        LENGTH(17) LENGTH(18) LENGTH(19) LENGTH(20) LENGTH(21) LENGTH(22) LENGTH(23) LENGTH(24)
        LENGTH(25) LENGTH(26) LENGTH(27) LENGTH(28) LENGTH(29) LENGTH(30) LENGTH(31)
    default:
        return NULL;
    }
#undef LENGTH
}
/* clang-format on */

/* "object|encoding" is a row's name, but nobody may call it so: then it is no name at all. */
static size_t lower_append(char *lower, size_t length, struct bytes name) {
    for (size_t at = 0; at < name.length; at++) {
        uint8_t letter = name.data[at];
        letter = letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter + ('a' - 'A')) : letter;
        lower[length++] = letter == '|' ? '\0' : (char)letter;
    }
    return length;
}

const struct command *command_find(struct bytes name, struct bytes subcommand) {
    char lower[COMMAND_NAME_BYTES_MAXIMUM];
    if (name.length >= sizeof lower)
        return NULL;
    size_t length = lower_append(lower, 0, name);
    const struct command *command = command_find_lower(lower, length);
    if (subcommand.length == 0 || command == NULL || !command_is_container(command))
        return command;
    if (length + 1 + subcommand.length >= sizeof lower)
        return command;
    lower[length++] = '|';
    const struct command *found =
        command_find_lower(lower, lower_append(lower, length, subcommand));
    return found ? found : command;
}

const struct command *command_at(size_t position) {
    return position < COMMAND_ROW_COUNT ? &commands[position] : NULL;
}

/* A container's subcommands stand right behind it; what runs by itself is none. */
bool command_is_container(const struct command *command) {
    if (command->run)
        return false;
    const struct command *next = command_at((size_t)(command - commands) + 1);
    size_t length = strlen(command->name);
    return next && strncmp(next->name, command->name, length) == 0 && next->name[length] == '|';
}

static int command_reply_unknown(const struct bytes *arguments, size_t count, struct reply *reply) {
    /* Redis stops adding arguments once the list is 128 bytes long, and cuts each to what is left.
     */
    char list[2 * COMMAND_ECHO_BYTES_MAXIMUM];
    size_t length = 0;
    for (size_t at = 1; at < count && length < COMMAND_ECHO_BYTES_MAXIMUM; at++) {
        size_t room = COMMAND_ECHO_BYTES_MAXIMUM - length;
        size_t taken = arguments[at].length < room ? arguments[at].length : room;
        taken = taken ? strnlen((const char *)arguments[at].data, taken) : 0;
        list[length++] = '\'';
        if (taken)
            memcpy(list + length, arguments[at].data, taken);
        length += taken;
        list[length++] = '\'';
        list[length++] = ' ';
    }
    size_t name_length = arguments[0].length < COMMAND_ECHO_BYTES_MAXIMUM
                             ? arguments[0].length
                             : COMMAND_ECHO_BYTES_MAXIMUM;
    reply_error_format(reply, "ERR unknown command '%.*s', with args beginning with: %.*s",
                       (int)name_length, (const char *)arguments[0].data, (int)length, list);
    return ERR_NOT_FOUND;
}

static int command_reply_unknown_subcommand(const struct command *container,
                                            struct bytes subcommand, struct reply *reply) {
    char upper[COMMAND_NAME_BYTES_MAXIMUM];
    size_t length = strlen(container->name);
    for (size_t at = 0; at < length; at++) {
        char letter = container->name[at];
        upper[at] = (char)(letter >= 'a' && letter <= 'z' ? letter - ('a' - 'A') : letter);
    }
    size_t shown = subcommand.length < COMMAND_ECHO_BYTES_MAXIMUM ? subcommand.length
                                                                  : COMMAND_ECHO_BYTES_MAXIMUM;
    reply_error_format(reply, "ERR unknown subcommand '%.*s'. Try %.*s HELP.", (int)shown,
                       (const char *)subcommand.data, (int)length, upper);
    return ERR_NOT_FOUND;
}

int command_check(const struct bytes *arguments, size_t count, const struct command **command,
                  struct reply *reply) {
    CHECK(count > 0);
    struct bytes subcommand = count > 1 ? arguments[1] : BYTES_NONE;
    const struct command *found = command_find(arguments[0], subcommand);
    if (found == NULL || (found->flags & COMMAND_INTERNAL))
        return command_reply_unknown(arguments, count, reply);
    if (count > 1 && command_is_container(found))
        return command_reply_unknown_subcommand(found, subcommand, reply);
    *command = found;
    bool is_wrong =
        found->arity > 0 ? count != (size_t)found->arity : count < (size_t)-found->arity;
    if (is_wrong) {
        reply_error_format(reply, "ERR wrong number of arguments for '%s' command", found->name);
        return ERR_INVALID;
    }
    return 0;
}

size_t command_keys(const struct command *command, size_t argument_count, size_t *positions,
                    size_t maximum) {
    if (command->first_key == 0)
        return 0;
    int64_t last =
        command->last_key < 0 ? (int64_t)argument_count + command->last_key : command->last_key;
    size_t count = 0;
    for (int64_t at = command->first_key; at <= last && at < (int64_t)argument_count;
         at += command->key_step) {
        if (count < maximum)
            positions[count] = (size_t)at;
        count++;
    }
    return count;
}
