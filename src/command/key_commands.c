#include "command/key_commands.h"
#include "command/argument.h"
#include "command/key.h"

void key_del(struct command_context *context) {
    int64_t count = 0;
    for (size_t at = 1; at < context->argument_count; at++)
        if (key_find_write(context, context->arguments[at]))
            count += keyspace_delete(context->keyspace, context->arguments[at]);
    reply_integer(context->reply, count);
}

void key_exists(struct command_context *context) {
    int64_t count = 0;
    for (size_t at = 1; at < context->argument_count; at++)
        count += key_find_read(context, context->arguments[at]) != NULL;
    reply_integer(context->reply, count);
}

void key_type(struct command_context *context) {
    const struct record *record = key_find_read(context, context->arguments[1]);
    reply_simple(context->reply, record ? value_type_name(record_type(record)) : "none");
}

/* True if there is something to rename and a place to rename it to; else the reply is given. */
static bool rename_prepare(struct command_context *context, bool is_only_if_absent) {
    struct bytes from = context->arguments[1], to = context->arguments[2];
    if (key_find_write(context, from) == NULL) {
        reply_error(context->reply, REPLY_NO_SUCH_KEY);
        return false;
    }
    bool is_same = bytes_equal(from, to);
    bool is_taken = is_same || key_find_write(context, to) != NULL;
    if (is_only_if_absent && is_taken)
        reply_integer(context->reply, 0);
    else if (is_same)
        reply_ok(context->reply);
    return !is_same && !(is_only_if_absent && is_taken);
}

void key_rename(struct command_context *context) {
    if (!rename_prepare(context, false))
        return;
    keyspace_rename(context->keyspace, context->arguments[1], context->arguments[2]);
    reply_ok(context->reply);
}

void key_renamenx(struct command_context *context) {
    if (!rename_prepare(context, true))
        return;
    keyspace_rename(context->keyspace, context->arguments[1], context->arguments[2]);
    reply_integer(context->reply, 1);
}

/* As Redis Cluster: 16 databases have a number, and only the first can be used. */
static bool copy_parse_database(struct command_context *context, size_t position,
                                int64_t *database) {
    enum { DATABASE_COUNT = 16 };
    if (!argument_i64(context, position, database))
        return false;
    bool is_int = *database >= INT32_MIN && *database <= INT32_MAX;
    bool is_known = *database >= 0 && *database < DATABASE_COUNT;
    if (!is_int)
        reply_error(context->reply, "ERR value is out of range, value must between -2147483648 and "
                                    "2147483647");
    else if (!is_known)
        reply_error(context->reply, "ERR DB index is out of range");
    return is_known;
}

static bool copy_parse(struct command_context *context, bool *replaces) {
    int64_t database = 0;
    *replaces = false;
    for (size_t at = 3; at < context->argument_count; at++) {
        if (argument_is(context, at, "replace")) {
            *replaces = true;
        } else if (argument_is(context, at, "db") && at + 1 < context->argument_count) {
            if (!copy_parse_database(context, ++at, &database))
                return false;
        } else {
            reply_error(context->reply, REPLY_SYNTAX);
            return false;
        }
    }
    if (database != 0)
        reply_error(context->reply,
                    "ERR Copying to another database is not allowed in cluster mode");
    return database == 0;
}

void key_copy(struct command_context *context) {
    struct bytes from = context->arguments[1], to = context->arguments[2];
    bool replaces;
    if (!copy_parse(context, &replaces))
        return;
    if (bytes_equal(from, to)) {
        reply_error(context->reply, "ERR source and destination objects are the same");
        return;
    }
    bool is_possible =
        key_find_write(context, from) != NULL && (key_find_write(context, to) == NULL || replaces);
    if (is_possible)
        keyspace_copy(context->keyspace, from, to);
    reply_integer(context->reply, is_possible);
}
