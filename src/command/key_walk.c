/* Over the whole keyspace of one shard; the router joins the answers of the shards. */
#include "base/memory.h"
#include "base/random.h"
#include "command/argument.h"
#include "command/key.h"
#include "command/key_commands.h"
#include "command/scan_options.h"
#include "keyspace/scan.h"

/* The records that one SCAN or KEYS answers with: an array's length comes before its elements. */
struct record_list {
    const struct record **records;
    size_t count, capacity;
};

static void record_list_append(struct record_list *list, const struct record *record) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->records = memory_resize(list->records, list->capacity * sizeof *list->records);
    }
    list->records[list->count++] = record;
}

static void record_list_reply(const struct record_list *list, struct reply *reply) {
    reply_array(reply, list->count);
    for (size_t at = 0; at < list->count; at++)
        reply_bulk(reply, record_key(list->records[at]));
}

struct scan {
    struct command_context *context;
    struct scan_options options;
    struct record_list found;
    uint64_t visited_count; /* also those that the options leave out */
};

static void scan_visit(void *context, const struct record *record) {
    struct scan *scan = context;
    scan->visited_count++;
    if (!scan_matches(&scan->options, record_key(record)))
        return;
    bool is_other_type =
        scan->options.has_type &&
        !bytes_equal_ignoring_case(scan->options.type, value_type_name(record_type(record)));
    if (!is_other_type && key_is_live(scan->context, record))
        record_list_append(&scan->found, record);
}

void key_scan(struct command_context *context) {
    enum { EMPTY_BUCKETS_AN_ELEMENT = 10 }; /* as Redis: how much emptiness a call may walk over */
    struct scan scan = {.context = context};
    if (!scan_parse_cursor(context, 1, &scan.options.cursor) ||
        !scan_parse_options(context, 2, true, &scan.options))
        return;
    uint64_t count = scan.options.count, cursor = scan.options.cursor;
    uint64_t steps_left = count > UINT64_MAX / EMPTY_BUCKETS_AN_ELEMENT
                              ? UINT64_MAX
                              : count * EMPTY_BUCKETS_AN_ELEMENT;
    do {
        cursor = keyspace_scan(context->keyspace, cursor, scan_visit, &scan);
    } while (cursor != 0 && --steps_left > 0 && scan.visited_count < count);
    reply_array(context->reply, 2);
    reply_bulk_integer(context->reply, (int64_t)cursor);
    record_list_reply(&scan.found, context->reply);
    memory_free(scan.found.records);
}

void key_keys(struct command_context *context) {
    struct scan scan = {.context = context};
    scan.options.pattern = context->arguments[1];
    scan.options.has_pattern = !bytes_equal(scan.options.pattern, BYTES_LITERAL("*"));
    keyspace_walk(context->keyspace, scan_visit, &scan);
    record_list_reply(&scan.found, context->reply);
    memory_free(scan.found.records);
}

struct first_live {
    struct command_context *context;
    const struct record *record;
};

static void first_live_visit(void *context, const struct record *record) {
    struct first_live *first = context;
    if (first->record == NULL && key_is_live(first->context, record))
        first->record = record;
}

/* A key was met whose deletion must come first: this answer will not be used. */
static bool is_void(const struct command_context *context) {
    return context->expired_keys && context->expired_keys->length > 0;
}

void key_randomkey(struct command_context *context) {
    enum { TRY_COUNT = 100 };
    struct random random;
    random_init(&random, context->seed);
    struct first_live first = {.context = context};
    for (int try = 0; try < TRY_COUNT && first.record == NULL; try++) {
        const struct record *record = keyspace_random(context->keyspace, &random);
        if (record == NULL || is_void(context))
            break;
        first_live_visit(&first, record);
    }
    /* Nearly all keys are past their time: any that is not will do. */
    if (first.record == NULL && !is_void(context))
        keyspace_walk(context->keyspace, first_live_visit, &first);
    if (first.record)
        reply_bulk(context->reply, record_key(first.record));
    else
        reply_null(context->reply);
}

void key_dbsize(struct command_context *context) {
    reply_integer(context->reply, (int64_t)keyspace_key_count(context->keyspace));
}

/* ASYNC and SYNC say when memory is given back, which nobody can see: the keys are gone at once. */
void key_flushall(struct command_context *context) {
    bool is_known = context->argument_count == 1 ||
                    (context->argument_count == 2 &&
                     (argument_is(context, 1, "async") || argument_is(context, 1, "sync")));
    if (!is_known) {
        reply_error(context->reply, REPLY_SYNTAX);
        return;
    }
    keyspace_clear(context->keyspace);
    reply_ok(context->reply);
}
