/* Giving a key a string: SET and all that came before it and after it. */
#include "base/planted.h"
#include "command/argument.h"
#include "command/expiry_argument.h"
#include "command/key.h"
#include "command/string_commands.h"

struct set_options {
    bool if_absent, if_present, get, keep_expiry, persist;
    struct expiry_argument expiry;
};

/* What an expiry option does not go together with: any other way to say what becomes of the expiry,
 * but the same word again replaces what it said before. */
static bool expiry_is_free(const struct set_options *options, bool is_seconds, bool is_absolute) {
    if (options->keep_expiry || options->persist)
        return false;
    return options->expiry.position == 0 ||
           (options->expiry.is_seconds == is_seconds && options->expiry.is_absolute == is_absolute);
}

static bool set_option_expiry(struct command_context *context, struct set_options *options,
                              size_t position) {
    static const struct {
        const char *word;
        bool is_seconds, is_absolute;
    } kinds[] = {
        {"ex", true, false}, {"px", false, false}, {"exat", true, true}, {"pxat", false, true}};
    if (position + 1 >= context->argument_count)
        return false;
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        if (!argument_is(context, position, kinds[kind].word))
            continue;
        if (!expiry_is_free(options, kinds[kind].is_seconds, kinds[kind].is_absolute))
            return false;
        options->expiry =
            (struct expiry_argument){position + 1, kinds[kind].is_seconds, kinds[kind].is_absolute};
        return true;
    }
    return false;
}

/* The words of SET that stand alone. */
static bool set_option_word(struct command_context *context, struct set_options *options,
                            size_t position) {
    if (argument_is(context, position, "nx") && !options->if_present)
        return options->if_absent = true;
    if (argument_is(context, position, "xx") && !options->if_absent)
        return options->if_present = true;
    if (argument_is(context, position, "get"))
        return options->get = true;
    if (argument_is(context, position, "keepttl") && options->expiry.position == 0)
        return options->keep_expiry = true;
    return false;
}

static bool getex_option_word(struct command_context *context, struct set_options *options,
                              size_t position) {
    if (argument_is(context, position, "persist") && options->expiry.position == 0)
        return options->persist = true;
    return false;
}

static bool set_parse(struct command_context *context, size_t position,
                      bool (*word)(struct command_context *, struct set_options *, size_t),
                      struct set_options *options) {
    for (; position < context->argument_count; position++) {
        if (word(context, options, position))
            continue;
        if (!set_option_expiry(context, options, position)) {
            reply_error(context->reply, REPLY_SYNTAX);
            return false;
        }
        position++;
    }
    return true;
}

/* A key whose time is over at once is as good as deleted. */
static void set_store(struct command_context *context, struct bytes key, struct bytes text,
                      uint64_t expiry_ms) {
    bool is_over = expiry_ms != 0 && expiry_ms <= context->now_ms;
    if (is_over)
        keyspace_delete(context->keyspace, key);
    else
        keyspace_put_string(context->keyspace, key, text, string_encoding_of(text), expiry_ms);
}

static void reply_string(struct command_context *context, const struct record *record) {
    if (record)
        string_reply(context, record);
    else
        reply_null(context->reply);
}

static void set_with_options(struct command_context *context, const struct set_options *options,
                             uint64_t expiry_ms) {
    struct bytes key = context->arguments[1];
    const struct record *record = key_find_write(context, key);
    if (options->get) {
        if (!key_check_type(context, record, VALUE_STRING))
            return;
        reply_string(context, record);
    }
    bool is_refused = (options->if_absent && record) || (options->if_present && !record);
    if (is_refused && !options->get)
        reply_null(context->reply);
    if (is_refused)
        return;
    if (options->keep_expiry && record)
        expiry_ms = record_expiry_ms(record);
    set_store(context, key, context->arguments[2], expiry_ms);
    if (!options->get)
        reply_ok(context->reply);
}

void string_set(struct command_context *context) {
    if (context->argument_count == 3) { /* the common case needs no look before */
        set_store(context, context->arguments[1], context->arguments[2], 0);
        reply_ok(context->reply);
        return;
    }
    struct set_options options = {0};
    uint64_t expiry_ms = 0;
    if (!set_parse(context, 3, set_option_word, &options))
        return;
    if (options.expiry.position &&
        !expiry_argument_read(context, &options.expiry, "set", &expiry_ms))
        return;
    set_with_options(context, &options, expiry_ms);
}

static void set_with_expiry(struct command_context *context, bool is_seconds, const char *name) {
    uint64_t expiry_ms;
    struct expiry_argument argument = {.position = 2, .is_seconds = is_seconds};
    if (!expiry_argument_read(context, &argument, name, &expiry_ms))
        return;
    set_store(context, context->arguments[1], context->arguments[3], expiry_ms);
    reply_ok(context->reply);
}

void string_setex(struct command_context *context) { set_with_expiry(context, true, "setex"); }
void string_psetex(struct command_context *context) { set_with_expiry(context, false, "psetex"); }

void string_setnx(struct command_context *context) {
    bool is_absent = key_find_write(context, context->arguments[1]) == NULL;
    if (is_absent)
        set_store(context, context->arguments[1], context->arguments[2], 0);
    reply_integer(context->reply, is_absent);
}

void string_getset(struct command_context *context) {
    const struct record *record = key_find_write(context, context->arguments[1]);
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    reply_string(context, record);
    set_store(context, context->arguments[1], context->arguments[2], 0);
}

void string_getex(struct command_context *context) {
    struct set_options options = {0};
    if (!set_parse(context, 2, getex_option_word, &options))
        return;
    struct record *record = key_find_write(context, context->arguments[1]);
    if (record == NULL) {
        reply_null(context->reply);
        return;
    }
    uint64_t expiry_ms = 0;
    if (!key_check_type(context, record, VALUE_STRING))
        return;
    if (options.expiry.position &&
        !expiry_argument_read(context, &options.expiry, "getex", &expiry_ms))
        return;
    string_reply(context, record);
    if (expiry_ms != 0 && expiry_ms <= context->now_ms)
        keyspace_delete(context->keyspace, context->arguments[1]);
    else if (expiry_ms != 0 || options.persist)
        keyspace_set_expiry(context->keyspace, record, expiry_ms);
}

static bool mset_has_pairs(struct command_context *context, const char *name) {
    if (context->argument_count % 2 == 1)
        return true;
    reply_error_format(context->reply, "ERR wrong number of arguments for '%s' command", name);
    return false;
}

static void mset_store(struct command_context *context) {
    for (size_t at = 1; at + 1 < context->argument_count; at += 2)
        set_store(context, context->arguments[at], context->arguments[at + 1], 0);
}

void string_mset(struct command_context *context) {
    if (!mset_has_pairs(context, "mset"))
        return;
    mset_store(context);
    reply_ok(context->reply);
}

void string_msetnx(struct command_context *context) {
    if (!mset_has_pairs(context, "msetnx"))
        return;
    size_t looked_at = PLANTED(MANY_KEYS_IN_PARTS) ? 2 : context->argument_count;
    for (size_t at = 1; at < looked_at; at += 2) {
        if (key_find_write(context, context->arguments[at])) {
            reply_integer(context->reply, 0);
            return;
        }
    }
    mset_store(context);
    reply_integer(context->reply, 1);
}
