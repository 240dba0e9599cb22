#include "base/text/number.h"
#include "command/argument.h"
#include "command/hash_commands.h"

/* A hash that is being changed. It is put into the keyspace only when the change is known to
 * happen, so that no command that fails leaves an empty hash behind. */
struct hash_edit {
    struct hash_value *hash; /* the key's; or new and owned by the edit */
    bool is_new;
    size_t bytes_before;
};

/* False: the key holds another type, and the error is replied. */
static bool hash_edit_begin(struct command_context *context, struct hash_edit *edit) {
    struct record *record = key_find_write(context, context->arguments[1]);
    if (!key_check_type(context, record, VALUE_HASH))
        return false;
    edit->is_new = record == NULL;
    edit->hash =
        edit->is_new ? hash_value_new() : keyspace_object_to_change(context->keyspace, record);
    edit->bytes_before = hash_value_memory_bytes(edit->hash);
    return true;
}

/* Makes what was done to the hash count: an empty hash is no key. */
static void hash_edit_end(struct command_context *context, struct hash_edit *edit) {
    bool is_empty = hash_value_count(edit->hash) == 0;
    if (edit->is_new && is_empty) {
        hash_value_free(edit->hash);
    } else if (edit->is_new) {
        keyspace_put_object(context->keyspace, context->arguments[1], VALUE_HASH, edit->hash, 0);
    } else {
        keyspace_object_changed(context->keyspace, context->arguments[1], edit->bytes_before,
                                hash_value_memory_bytes(edit->hash));
        if (is_empty)
            keyspace_delete(context->keyspace, context->arguments[1]);
    }
}

static bool hash_set(struct command_context *context, struct hash_edit *edit, struct bytes field,
                     struct bytes value) {
    return hash_value_set(edit->hash, field, value, context->seed);
}

/* ---- setting and deleting ----------------------------------------------------------------- */

/* Sets the pairs of the arguments; false when an error was replied. */
static bool hash_set_pairs(struct command_context *context, const char *name, int64_t *new_count) {
    struct hash_edit edit;
    if (context->argument_count % 2 == 1) {
        reply_error_format(context->reply, "ERR wrong number of arguments for '%s' command", name);
        return false;
    }
    if (!hash_edit_begin(context, &edit))
        return false;
    *new_count = 0;
    for (size_t i = 2; i < context->argument_count; i += 2)
        *new_count += hash_set(context, &edit, context->arguments[i], context->arguments[i + 1]);
    hash_edit_end(context, &edit);
    return true;
}

void hash_hset(struct command_context *context) {
    int64_t new_count;
    if (hash_set_pairs(context, "hset", &new_count))
        reply_integer(context->reply, new_count);
}

void hash_hmset(struct command_context *context) {
    int64_t new_count;
    if (hash_set_pairs(context, "hmset", &new_count))
        reply_ok(context->reply);
}

void hash_hsetnx(struct command_context *context) {
    struct hash_edit edit;
    struct bytes present;
    if (!hash_edit_begin(context, &edit))
        return;
    bool is_absent = !hash_value_get(edit.hash, context->arguments[2], &present);
    if (is_absent)
        hash_set(context, &edit, context->arguments[2], context->arguments[3]);
    hash_edit_end(context, &edit);
    reply_integer(context->reply, is_absent);
}

void hash_hdel(struct command_context *context) {
    struct hash_edit edit;
    int64_t deleted = 0;
    if (!hash_edit_begin(context, &edit))
        return;
    for (size_t i = 2; i < context->argument_count; i++)
        deleted += hash_value_remove(edit.hash, context->arguments[i]);
    hash_edit_end(context, &edit);
    reply_integer(context->reply, deleted);
}

/* ---- counting ----------------------------------------------------------------------------- */

static void hash_increment(struct command_context *context, struct hash_edit *edit,
                           int64_t increment) {
    struct bytes field = context->arguments[2], present;
    int64_t value = 0;
    if (hash_value_get(edit->hash, field, &present) && !number_parse_i64(present, &value)) {
        reply_error(context->reply, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(value, increment, &value)) {
        reply_error(context->reply, "ERR increment or decrement would overflow");
        return;
    }
    char digits[NUMBER_I64_TEXT_BYTES];
    hash_set(context, edit, field, bytes_of(digits, number_format_i64(digits, value)));
    reply_integer(context->reply, value);
}

void hash_hincrby(struct command_context *context) {
    struct hash_edit edit;
    int64_t increment;
    if (!argument_i64(context, 3, &increment) || !hash_edit_begin(context, &edit))
        return;
    hash_increment(context, &edit, increment);
    hash_edit_end(context, &edit);
}

static void hash_increment_float(struct command_context *context, struct hash_edit *edit,
                                 struct extended increment) {
    struct bytes field = context->arguments[2], present;
    struct extended value = {0};
    if (hash_value_get(edit->hash, field, &present) && !extended_parse(present, &value)) {
        reply_error(context->reply, "ERR hash value is not a float");
        return;
    }
    if (!extended_add(value, increment, &value) || value.is_infinite) {
        reply_error(context->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    char digits[EXTENDED_TEXT_BYTES];
    struct bytes text = bytes_of(digits, extended_format(digits, value));
    hash_set(context, edit, field, text);
    reply_bulk(context->reply, text);
}

void hash_hincrbyfloat(struct command_context *context) {
    struct hash_edit edit;
    struct extended increment;
    if (!argument_float(context, 3, &increment))
        return;
    if (increment.is_infinite) {
        reply_error(context->reply, "ERR value is NaN or Infinity");
        return;
    }
    if (!hash_edit_begin(context, &edit))
        return;
    hash_increment_float(context, &edit, increment);
    hash_edit_end(context, &edit);
}
