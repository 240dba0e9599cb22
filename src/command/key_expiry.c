/* When keys expire. */
#include "command/argument.h"
#include "command/expiry_argument.h"
#include "command/key.h"
#include "command/key_commands.h"

struct expire_condition {
    bool if_none, if_any, if_later, if_earlier; /* NX XX GT LT */
};

/* Redis cuts line ends off the end of such an error. */
static void reply_unsupported(struct command_context *context, struct bytes option) {
    while (option.length > 0 &&
           (option.data[option.length - 1] == '\r' || option.data[option.length - 1] == '\n'))
        option.length--;
    reply_error_format(context->reply, "ERR Unsupported option %.*s", BYTES_PRINT(option));
}

static bool expire_parse(struct command_context *context, struct expire_condition *condition) {
    *condition = (struct expire_condition){0};
    for (size_t at = 3; at < context->argument_count; at++) {
        if (argument_is(context, at, "nx")) {
            condition->if_none = true;
        } else if (argument_is(context, at, "xx")) {
            condition->if_any = true;
        } else if (argument_is(context, at, "gt")) {
            condition->if_later = true;
        } else if (argument_is(context, at, "lt")) {
            condition->if_earlier = true;
        } else {
            reply_unsupported(context, context->arguments[at]);
            return false;
        }
    }
    bool has_other = condition->if_any || condition->if_later || condition->if_earlier;
    const char *problem = NULL;
    if (condition->if_none && has_other)
        problem = "ERR NX and XX, GT or LT options at the same time are not compatible";
    else if (condition->if_later && condition->if_earlier)
        problem = "ERR GT and LT options at the same time are not compatible";
    if (problem)
        reply_error(context->reply, problem);
    return problem == NULL;
}

/* A key that never expires counts as one that expires later than any. */
static bool expire_condition_holds(const struct expire_condition *condition,
                                   const struct record *record, int64_t expiry_ms) {
    int64_t current_ms = record->has_expiry ? (int64_t)record_expiry_ms(record) : INT64_MAX;
    if (condition->if_none && record->has_expiry)
        return false;
    if (condition->if_any && !record->has_expiry)
        return false;
    if (condition->if_later && (!record->has_expiry || expiry_ms <= current_ms))
        return false;
    return !(condition->if_earlier && record->has_expiry && expiry_ms >= current_ms);
}

static void expire(struct command_context *context, const struct expiry_argument *argument,
                   const char *name) {
    struct expire_condition condition;
    int64_t expiry_ms;
    if (!expire_parse(context, &condition))
        return;
    if (!expiry_argument_read_any(context, argument, name, &expiry_ms))
        return;
    struct record *record = key_find_write(context, context->arguments[1]);
    bool is_done = record && expire_condition_holds(&condition, record, expiry_ms);
    if (is_done && expiry_ms <= (int64_t)context->now_ms)
        keyspace_delete(context->keyspace, context->arguments[1]);
    else if (is_done)
        keyspace_set_expiry(context->keyspace, record, (uint64_t)expiry_ms);
    reply_integer(context->reply, is_done);
}

void key_expire(struct command_context *context) {
    expire(context, &(struct expiry_argument){.position = 2, .is_seconds = true}, "expire");
}

void key_pexpire(struct command_context *context) {
    expire(context, &(struct expiry_argument){.position = 2}, "pexpire");
}

void key_expireat(struct command_context *context) {
    expire(context,
           &(struct expiry_argument){.position = 2, .is_seconds = true, .is_absolute = true},
           "expireat");
}

void key_pexpireat(struct command_context *context) {
    expire(context, &(struct expiry_argument){.position = 2, .is_absolute = true}, "pexpireat");
}

/* -2: no such key; -1: it never expires; else milliseconds, of the epoch or from now on. */
static int64_t time_left(struct command_context *context, bool is_absolute) {
    const struct record *record = key_find_read(context, context->arguments[1]);
    if (record == NULL)
        return -2;
    if (!record->has_expiry)
        return -1;
    return (int64_t)(record_expiry_ms(record) - (is_absolute ? 0 : context->now_ms));
}

/* Half a second counts as one. The latest of all times may be asked for: no sum of it is signed. */
static int64_t seconds_of(int64_t time_ms) {
    return time_ms < 0 ? time_ms : (int64_t)(((uint64_t)time_ms + 500) / 1000);
}

void key_ttl(struct command_context *context) {
    reply_integer(context->reply, seconds_of(time_left(context, false)));
}

void key_pttl(struct command_context *context) {
    reply_integer(context->reply, time_left(context, false));
}

void key_expiretime(struct command_context *context) {
    reply_integer(context->reply, seconds_of(time_left(context, true)));
}

void key_pexpiretime(struct command_context *context) {
    reply_integer(context->reply, time_left(context, true));
}

void key_persist(struct command_context *context) {
    struct record *record = key_find_write(context, context->arguments[1]);
    bool is_done = record && record->has_expiry;
    if (is_done)
        keyspace_set_expiry(context->keyspace, record, 0);
    reply_integer(context->reply, is_done);
}

void key_trothdb_expire(struct command_context *context) {
    int64_t count = 0;
    for (size_t at = 1; at < context->argument_count; at++) {
        const struct record *record = keyspace_find(context->keyspace, context->arguments[at]);
        if (record && record_is_expired(record, context->now_ms))
            count += key_delete_expired(context, context->arguments[at]);
    }
    reply_integer(context->reply, count);
}
