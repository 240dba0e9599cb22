#include "base/containers/table.h"
#include "base/random.h"
#include "command/argument.h"
#include "command/hash_commands.h"

/* With fewer than a third of the fields wanted, drawing until enough different ones came beats
 * walking over all. */
enum { HASH_DRAW_RATIO = 3 };

/* What one pair costs at least in a reply: "$0\r\n\r\n". */
enum { HASH_PAIR_REPLY_BYTES = 6 };

struct hash_draw {
    struct command_context *context;
    const struct hash_value *hash;
    struct random random;
    bool with_values;
};

static void draw_reply_length(struct hash_draw *draw, size_t count) {
    struct reply *reply = draw->context->reply;
    reply_array(reply, draw->with_values && reply->protocol < 3 ? 2 * count : count);
}

static void draw_reply_pair(struct hash_draw *draw, struct bytes field, struct bytes value) {
    struct reply *reply = draw->context->reply;
    if (draw->with_values && reply->protocol >= 3)
        reply_array(reply, 2);
    reply_bulk(reply, field);
    if (draw->with_values)
        reply_bulk(reply, value);
}

/* Any field any number of times. A client may ask for more than could ever be sent: then nothing is
 * made at all. */
static void draw_repeated(struct hash_draw *draw, uint64_t count) {
    struct buffer *out = draw->context->reply->out;
    if (out == NULL)
        return;
    if (count > out->maximum_bytes / HASH_PAIR_REPLY_BYTES) {
        out->is_overflowed = true;
        return;
    }
    struct bytes field, value;
    draw_reply_length(draw, count);
    for (; count > 0 && !out->is_overflowed; count--) {
        hash_value_random(draw->hash, &draw->random, &field, &value);
        draw_reply_pair(draw, field, value);
    }
}

/* `count` different fields in the order of the walk: each is taken with the chance "still wanted"
 * of "still to come", so every choice is equally likely. When all are wanted, all are taken. */
static void draw_by_walk(struct hash_draw *draw, size_t count) {
    struct hash_position position = {0};
    struct bytes field, value;
    size_t left = hash_value_count(draw->hash);
    draw_reply_length(draw, count);
    while (count > 0 && hash_value_next(draw->hash, &position, &field, &value)) {
        if (random_below(&draw->random, left--) >= count)
            continue;
        draw_reply_pair(draw, field, value);
        count--;
    }
}

static void draw_until_enough(struct hash_draw *draw, size_t count) {
    struct table *drawn = table_new();
    struct bytes field, value;
    draw_reply_length(draw, count);
    while (table_count(drawn) < count) {
        hash_value_random(draw->hash, &draw->random, &field, &value);
        if (table_get(drawn, field) != NULL)
            continue;
        table_put(drawn, field, drawn);
        draw_reply_pair(draw, field, value);
    }
    table_free(drawn);
}

static void draw_different(struct hash_draw *draw, uint64_t count) {
    size_t present = hash_value_count(draw->hash);
    if (count > present)
        count = present;
    bool is_few =
        count < present / HASH_DRAW_RATIO && hash_value_encoding(draw->hash) == HASH_TABLE;
    if (is_few)
        draw_until_enough(draw, count);
    else
        draw_by_walk(draw, count);
}

static void draw_one(struct hash_draw *draw) {
    struct bytes field, value;
    hash_value_random(draw->hash, &draw->random, &field, &value);
    reply_bulk(draw->context->reply, field);
}

/* The count and WITHVALUES, with Redis's refusals in Redis's order; false: an error was replied. */
static bool draw_parse(struct hash_draw *draw, int64_t *count) {
    struct command_context *context = draw->context;
    if (!argument_i64(context, 2, count))
        return false;
    if (*count == INT64_MIN) {
        reply_error_format(context->reply,
                           "ERR value is out of range, value must between %lld and %lld",
                           -(long long)INT64_MAX, (long long)INT64_MAX);
        return false;
    }
    draw->with_values = context->argument_count == 4 && argument_is(context, 3, "withvalues");
    if (context->argument_count > 4 || (context->argument_count == 4 && !draw->with_values)) {
        reply_error(context->reply, REPLY_SYNTAX);
        return false;
    }
    if (draw->with_values && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
        reply_error(context->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

void hash_hrandfield(struct command_context *context) {
    struct hash_draw draw = {.context = context};
    bool has_count = context->argument_count > 2;
    int64_t count = 0;
    if ((has_count && !draw_parse(&draw, &count)) || !hash_find_read(context, &draw.hash))
        return;
    random_init(&draw.random, context->seed);
    if (has_count && (count == 0 || draw.hash == NULL))
        reply_array(context->reply, 0);
    else if (draw.hash == NULL)
        reply_null(context->reply);
    else if (!has_count)
        draw_one(&draw);
    else if (count < 0)
        draw_repeated(&draw, (uint64_t)-count);
    else
        draw_different(&draw, (uint64_t)count);
}
