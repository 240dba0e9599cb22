#include "command/hash_commands.h"
#include "command/scan_options.h"
#include <stdio.h>

/* One step of HSCAN may look at this many buckets for each pair that was asked for: enough to pass
 * over the holes of a table that is about to shrink. */
enum { HASH_SCAN_BUCKETS_EACH = 10 };

/* Collects what passes MATCH. `visited` counts what was met, as COUNT does in Redis: field and
 * value one each. */
struct hash_scan {
    const struct scan_options *options;
    struct reply pairs; /* into `collected`, as the length of the array comes first */
    struct buffer collected;
    size_t matched_count;
    uint64_t visited;
};

static void hash_scan_visit(void *context, struct bytes field, struct bytes value) {
    struct hash_scan *scan = context;
    scan->visited += 2;
    if (!scan_matches(scan->options, field))
        return;
    reply_bulk(&scan->pairs, field);
    reply_bulk(&scan->pairs, value);
    scan->matched_count++;
}

static uint64_t hash_scan_run(struct hash_scan *scan, const struct hash_value *hash,
                              uint64_t cursor, uint64_t count) {
    uint64_t steps_left =
        count > UINT64_MAX / HASH_SCAN_BUCKETS_EACH ? UINT64_MAX : count * HASH_SCAN_BUCKETS_EACH;
    do
        cursor = hash_value_scan(hash, cursor, hash_scan_visit, scan);
    while (cursor != 0 && steps_left-- > 0 && scan->visited < count);
    return cursor;
}

static void hash_scan_reply(struct command_context *context, uint64_t cursor,
                            const struct hash_scan *scan) {
    reply_array(context->reply, 2);
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)cursor);
    reply_bulk(context->reply, bytes_of(digits, (size_t)length));
    reply_array(context->reply, 2 * scan->matched_count);
    if (context->reply->out == NULL)
        return;
    buffer_append_bytes(context->reply->out, buffer_bytes(&scan->collected));
    if (scan->collected.is_overflowed)
        context->reply->out->is_overflowed = true;
}

void hash_hscan(struct command_context *context) {
    const struct hash_value *hash;
    uint64_t cursor;
    struct scan_options options;
    if (!scan_parse_cursor(context, 2, &cursor) || !hash_find_read(context, &hash))
        return;
    struct hash_scan scan = {.options = &options};
    if (hash == NULL) {
        hash_scan_reply(context, 0, &scan);
        return;
    }
    if (!scan_parse_options(context, 3, false, &options))
        return;
    struct buffer *out = context->reply->out;
    buffer_init(&scan.collected, out == NULL ? 0 : out->maximum_bytes);
    scan.pairs = (struct reply){.out = out == NULL ? NULL : &scan.collected,
                                .protocol = context->reply->protocol};
    cursor = hash_scan_run(&scan, hash, cursor, options.count);
    hash_scan_reply(context, cursor, &scan);
    buffer_release(&scan.collected);
}
