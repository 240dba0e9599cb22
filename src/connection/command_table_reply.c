#include "connection/command_table_reply.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text/glob.h"
#include "base/text/number.h"
#include "command/command_docs.h"

/* ---- the table, and lists of words in it -------------------------------------------------- */

/* The next row that clients of this table may know of, from *position on; NULL at the end. */
static const struct command *table_next(command_filter *has, size_t *position) {
    const struct command *command = command_at((*position)++);
    while (command != NULL && ((command->flags & COMMAND_INTERNAL) || !has(command)))
        command = command_at((*position)++);
    return command;
}

static bool command_is_subcommand(const struct command *command) {
    return strchr(command->name, '|') != NULL;
}

static bool command_is_below(const struct command *command, const struct command *container) {
    size_t length = strlen(container->name);
    return strncmp(command->name, container->name, length) == 0 && command->name[length] == '|';
}

static size_t subcommand_count(command_filter *has, const struct command *container) {
    size_t count = 0, position = 0;
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        count += command_is_below(row, container);
    return count;
}

static size_t table_count(command_filter *has) {
    size_t count = 0, position = 0;
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        count += !command_is_subcommand(row);
    return count;
}

/* By the name that clients are told: "get", "object|encoding". */
static const struct command *table_find(command_filter *has, struct bytes name) {
    size_t position = 0;
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        if (bytes_equal_ignoring_case(name, row->name))
            return row;
    return NULL;
}

/* Takes the next word off the front of *text; false when there is none. */
static bool word_next(struct bytes *text, char separator, struct bytes *word) {
    if (text->length == 0)
        return false;
    *word = bytes_take_until(text, (uint8_t)separator);
    return true;
}

static size_t word_count(struct bytes text, char separator) {
    size_t count = 0;
    struct bytes word;
    while (word_next(&text, separator, &word))
        count++;
    return count;
}

static void reply_status(struct reply *reply, struct bytes word) {
    char text[64];
    CHECK(word.length < sizeof text);
    memcpy(text, word.data, word.length);
    text[word.length] = '\0';
    reply_simple(reply, text);
}

/* A set of statuses from a list of words. */
static void reply_status_set(struct reply *reply, struct bytes text, char separator) {
    struct bytes word;
    reply_set(reply, word_count(text, separator));
    while (word_next(&text, separator, &word))
        reply_status(reply, word);
}

/* ---- INFO --------------------------------------------------------------------------------- */

static void reply_flags(struct reply *reply, unsigned flags) {
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{COMMAND_WRITE, "write"},
                 {COMMAND_READONLY, "readonly"},
                 {COMMAND_DENYOOM, "denyoom"},
                 {COMMAND_ADMIN, "admin"},
                 {COMMAND_PUBSUB, "pubsub"},
                 {COMMAND_NOSCRIPT, "noscript"},
                 {COMMAND_LOADING, "loading"},
                 {COMMAND_STALE, "stale"},
                 {COMMAND_FAST, "fast"},
                 {COMMAND_NO_AUTH, "no_auth"},
                 {COMMAND_MOVABLE_KEYS, "movablekeys"},
                 {COMMAND_ALLOW_BUSY, "allow_busy"}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        count += (flags & names[i].flag) != 0;
    reply_set(reply, count);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag)
            reply_simple(reply, names[i].name);
}

static void reply_tips(struct reply *reply, const char *tips) {
    struct bytes text = bytes_of_text(tips), tip;
    reply_set(reply, word_count(text, ' '));
    while (word_next(&text, ' ', &tip))
        reply_bulk(reply, tip);
}

static int64_t word_number(struct bytes *text, char separator) {
    struct bytes word;
    int64_t number;
    CHECK(word_next(text, separator, &word));
    CHECK(number_parse_i64(word, &number));
    return number;
}

/* "RW,access@1/0/1": flags, where the range of keys begins, its last (from there) and its step. */
static void reply_key_spec(struct reply *reply, struct bytes spec) {
    struct bytes flags;
    CHECK(word_next(&spec, '@', &flags));
    reply_map(reply, 3);
    reply_bulk_text(reply, "flags");
    reply_status_set(reply, flags, ',');
    reply_bulk_text(reply, "begin_search");
    reply_map(reply, 2);
    reply_bulk_text(reply, "type");
    reply_bulk_text(reply, "index");
    reply_bulk_text(reply, "spec");
    reply_map(reply, 1);
    reply_bulk_text(reply, "index");
    reply_integer(reply, word_number(&spec, '/'));
    reply_bulk_text(reply, "find_keys");
    reply_map(reply, 2);
    reply_bulk_text(reply, "type");
    reply_bulk_text(reply, "range");
    reply_bulk_text(reply, "spec");
    reply_map(reply, 3);
    reply_bulk_text(reply, "lastkey");
    reply_integer(reply, word_number(&spec, '/'));
    reply_bulk_text(reply, "keystep");
    reply_integer(reply, word_number(&spec, '/'));
    reply_bulk_text(reply, "limit");
    reply_integer(reply, 0);
}

static void reply_key_specs(struct reply *reply, const char *key_specs) {
    struct bytes text = bytes_of_text(key_specs), spec;
    reply_set(reply, word_count(text, ' '));
    while (word_next(&text, ' ', &spec))
        reply_key_spec(reply, spec);
}

static void reply_info_head(const struct command *command, struct reply *reply) {
    reply_array(reply, 10);
    reply_bulk_text(reply, command->name);
    reply_integer(reply, command->arity);
    reply_flags(reply, command->flags);
    reply_integer(reply, command->first_key);
    reply_integer(reply, command->last_key);
    reply_integer(reply, command->key_step);
    reply_status_set(reply, bytes_of_text(command->acl_categories), ' ');
    reply_tips(reply, command->tips);
    reply_key_specs(reply, command->key_specs);
}

static void reply_info(command_filter *has, const struct command *command, struct reply *reply) {
    reply_info_head(command, reply);
    size_t count = subcommand_count(has, command), position = 0;
    if (count == 0) {
        reply_set(reply, 0);
        return;
    }
    reply_array(reply, count);
    for (const struct command *row; (row = table_next(has, &position)) != NULL;) {
        if (!command_is_below(row, command))
            continue;
        reply_info_head(row, reply);
        reply_set(reply, 0);
    }
}

static void reply_info_all(command_filter *has, struct reply *reply) {
    size_t position = 0;
    reply_array(reply, table_count(has));
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        if (!command_is_subcommand(row))
            reply_info(has, row, reply);
}

static void reply_info_named(command_filter *has, const struct bytes *names, size_t count,
                             struct reply *reply) {
    reply_array(reply, count);
    for (size_t i = 0; i < count; i++) {
        const struct command *command = table_find(has, names[i]);
        if (command != NULL)
            reply_info(has, command, reply);
        else
            reply_null(reply);
    }
}

/* ---- DOCS --------------------------------------------------------------------------------- */

static void reply_docs(command_filter *has, const struct command *command, struct reply *reply) {
    size_t count = subcommand_count(has, command), position = 0;
    bool has_arguments = command->arguments[0] != '\0';
    reply_bulk_text(reply, command->name);
    reply_map(reply, 4u + has_arguments + (count > 0));
    reply_bulk_text(reply, "summary");
    reply_bulk_text(reply, command->summary);
    reply_bulk_text(reply, "since");
    reply_bulk_text(reply, command->since);
    reply_bulk_text(reply, "group");
    reply_bulk_text(reply, command->group);
    reply_bulk_text(reply, "complexity");
    reply_bulk_text(reply, command->complexity);
    if (has_arguments) {
        reply_bulk_text(reply, "arguments");
        command_reply_arguments(command, reply);
    }
    if (count == 0)
        return;
    reply_bulk_text(reply, "subcommands");
    reply_map(reply, count);
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        if (command_is_below(row, command))
            reply_docs(has, row, reply);
}

static void reply_docs_all(command_filter *has, struct reply *reply) {
    size_t position = 0;
    reply_map(reply, table_count(has));
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        if (!command_is_subcommand(row))
            reply_docs(has, row, reply);
}

static void reply_docs_named(command_filter *has, const struct bytes *names, size_t count,
                             struct reply *reply) {
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += table_find(has, names[i]) != NULL;
    reply_map(reply, known);
    for (size_t i = 0; i < count; i++) {
        const struct command *command = table_find(has, names[i]);
        if (command != NULL)
            reply_docs(has, command, reply);
    }
}

/* ---- LIST --------------------------------------------------------------------------------- */

enum list_filter { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

static bool has_category(const struct command *command, struct bytes category) {
    struct bytes text = bytes_of_text(command->acl_categories), word;
    while (word_next(&text, ' ', &word)) {
        char name[64] = {0};
        CHECK(word.length - 1 < sizeof name);
        memcpy(name, word.data + 1, word.length - 1); /* without its '@' */
        if (bytes_equal_ignoring_case(category, name))
            return true;
    }
    return false;
}

static bool list_includes(const struct command *command, enum list_filter filter,
                          struct bytes operand) {
    switch (filter) {
    case LIST_ALL:
        return true;
    case LIST_MODULE: /* there are none */
        return false;
    case LIST_CATEGORY:
        return has_category(command, operand);
    case LIST_PATTERN:
        return glob_match(operand, bytes_of_text(command->name), true);
    }
    UNREACHABLE();
}

static void reply_list(command_filter *has, enum list_filter filter, struct bytes operand,
                       struct reply *reply) {
    size_t count = 0, position = 0;
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        count += list_includes(row, filter, operand);
    reply_array(reply, count);
    position = 0;
    for (const struct command *row; (row = table_next(has, &position)) != NULL;)
        if (list_includes(row, filter, operand))
            reply_bulk_text(reply, row->name);
}

static void reply_list_filtered(command_filter *has, const struct bytes *arguments, size_t count,
                                struct reply *reply) {
    enum list_filter filter = LIST_ALL;
    if (count == 5 && bytes_equal_ignoring_case(arguments[2], "filterby")) {
        if (bytes_equal_ignoring_case(arguments[3], "module"))
            filter = LIST_MODULE;
        else if (bytes_equal_ignoring_case(arguments[3], "aclcat"))
            filter = LIST_CATEGORY;
        else if (bytes_equal_ignoring_case(arguments[3], "pattern"))
            filter = LIST_PATTERN;
    }
    if (count > 2 && filter == LIST_ALL)
        reply_error(reply, REPLY_SYNTAX);
    else
        reply_list(has, filter, count > 2 ? arguments[4] : BYTES_NONE, reply);
}

/* ---- GETKEYS ------------------------------------------------------------------------------ */

static bool arity_fits(const struct command *command, size_t count) {
    return command->arity >= 0 ? count == (size_t)command->arity : count >= (size_t)-command->arity;
}

static void reply_keys(command_filter *has, const struct bytes *arguments, size_t count,
                       struct reply *reply) {
    const struct command *command = command_find(arguments[0], arguments[1]);
    if (command == NULL || (command->flags & COMMAND_INTERNAL) || !has(command) ||
        command_is_container(command)) {
        reply_error(reply, "ERR Invalid command specified");
    } else if (command->first_key == 0) {
        reply_error(reply, "ERR The command has no key arguments");
    } else if (!arity_fits(command, count)) {
        reply_error(reply, "ERR Invalid number of arguments specified for command");
    } else {
        size_t *positions = memory_allocate(count * sizeof *positions);
        size_t key_count = command_keys(command, count, positions, count);
        reply_array(reply, key_count);
        for (size_t i = 0; i < key_count; i++)
            reply_bulk(reply, arguments[positions[i]]);
        memory_free(positions);
    }
}

/* ---- HELP --------------------------------------------------------------------------------- */

static void help(struct reply *reply) {
    static const char *const lines[] = {
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)",
        "    Facts of all commands.",
        "COUNT",
        "    How many commands there are.",
        "LIST [FILTERBY <MODULE <name>|ACLCAT <category>|PATTERN <pattern>>]",
        "    The names of the commands, of all or of those that fit.",
        "INFO [<command> ...]",
        "    Facts of the commands named: arity, flags, keys. Of all, if none is named.",
        "DOCS [<command> ...]",
        "    What the commands named do, and their arguments. Of all, if none is named.",
        "GETKEYS <whole command>",
        "    The keys among the arguments of a command.",
    };
    reply_help(reply, lines, sizeof lines / sizeof lines[0]);
}

bool command_is_any(const struct command *command) {
    (void)command;
    return true;
}

void command_table_reply(command_filter *has, const struct bytes *arguments, size_t count,
                         struct reply *reply) {
    CHECK(count > 0);
    struct bytes subcommand = count > 1 ? arguments[1] : BYTES_LITERAL("info");
    if (bytes_equal_ignoring_case(subcommand, "count"))
        reply_integer(reply, (int64_t)table_count(has));
    else if (bytes_equal_ignoring_case(subcommand, "list"))
        reply_list_filtered(has, arguments, count, reply);
    else if (bytes_equal_ignoring_case(subcommand, "info") && count <= 2)
        reply_info_all(has, reply);
    else if (bytes_equal_ignoring_case(subcommand, "info"))
        reply_info_named(has, arguments + 2, count - 2, reply);
    else if (bytes_equal_ignoring_case(subcommand, "docs") && count == 2)
        reply_docs_all(has, reply);
    else if (bytes_equal_ignoring_case(subcommand, "docs"))
        reply_docs_named(has, arguments + 2, count - 2, reply);
    else if (bytes_equal_ignoring_case(subcommand, "getkeys") && count > 3)
        reply_keys(has, arguments + 2, count - 2, reply);
    else if (bytes_equal_ignoring_case(subcommand, "help"))
        help(reply);
    else
        reply_error(reply, REPLY_SYNTAX);
}
