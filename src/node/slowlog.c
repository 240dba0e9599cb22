#include "node/slowlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { NOTE_BYTES = 48 };

struct slowlog_entry {
    uint64_t id, wall_ms, duration_us;
    uint8_t *text; /* owned: client address, client name, excerpt, each length-prefixed */
    size_t text_bytes;
};

/* ---- what is kept of a command ---- */

static void append_argument(struct buffer *out, struct bytes argument) {
    if (argument.length <= SLOWLOG_ARGUMENT_BYTES_MAXIMUM) {
        buffer_append_length_prefixed(out, argument);
        return;
    }
    char note[NOTE_BYTES];
    int length = snprintf(note, sizeof(note), "... (%zu more bytes)",
                          argument.length - SLOWLOG_ARGUMENT_BYTES_MAXIMUM);
    buffer_append_varint(out, SLOWLOG_ARGUMENT_BYTES_MAXIMUM + (size_t)length);
    buffer_append(out, argument.data, SLOWLOG_ARGUMENT_BYTES_MAXIMUM);
    buffer_append(out, note, (size_t)length);
}

static bool is_secret(const struct bytes *arguments, size_t position) {
    return position >= 3 && bytes_equal_ignoring_case(arguments[position - 1], "requirepass") &&
           bytes_equal_ignoring_case(arguments[0], "config");
}

size_t slowlog_excerpt(struct buffer *out, const struct bytes *arguments, size_t count) {
    if (out->length + SLOWLOG_EXCERPT_BYTES_MAXIMUM > out->maximum_bytes) {
        return 0;
    }
    size_t before = out->length;
    size_t shown = count > SLOWLOG_ARGUMENT_MAXIMUM ? SLOWLOG_ARGUMENT_MAXIMUM - 1 : count;
    buffer_append_varint(out, shown < count ? shown + 1 : shown);
    for (size_t i = 0; i < shown; i++) {
        append_argument(out, is_secret(arguments, i) ? BYTES_LITERAL("(redacted)") : arguments[i]);
    }
    if (shown < count) {
        char note[NOTE_BYTES];
        snprintf(note, sizeof(note), "... (%zu more arguments)", count - shown);
        buffer_append_length_prefixed(out, bytes_of_text(note));
    }
    CHECK(out->length - before <= SLOWLOG_EXCERPT_BYTES_MAXIMUM);
    return out->length - before;
}

/* ---- the entries ---- */

void slowlog_init(struct slowlog *slowlog) {
    queue_init(&slowlog->entries, sizeof(struct slowlog_entry));
    slowlog->next_id = 0;
}

void slowlog_release(struct slowlog *slowlog) {
    slowlog_trim(slowlog, 0);
    queue_release(&slowlog->entries);
}

void slowlog_trim(struct slowlog *slowlog, size_t maximum) {
    while (queue_count(&slowlog->entries) > maximum) {
        memory_free(((struct slowlog_entry *)queue_front(&slowlog->entries))->text);
        queue_pop(&slowlog->entries);
    }
}

void slowlog_add(struct slowlog *slowlog, const struct slowlog_event *event, size_t maximum) {
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    buffer_append_length_prefixed(&text, bytes_of_text(event->client_address));
    buffer_append_length_prefixed(&text, bytes_of_text(event->client_name));
    buffer_append_length_prefixed(&text, event->excerpt);
    struct slowlog_entry *entry = queue_push(&slowlog->entries);
    *entry = (struct slowlog_entry){.id = slowlog->next_id++,
                                    .wall_ms = event->wall_ms,
                                    .duration_us = event->duration_us,
                                    .text = memory_copy(buffer_data(&text), text.length),
                                    .text_bytes = text.length};
    buffer_release(&text);
    slowlog_trim(slowlog, maximum);
}

/* ---- from the workers to the one that replies: varint limit, varint count, the entries ---- */

void slowlog_encode(const struct slowlog *slowlog, size_t limit, unsigned worker,
                    unsigned worker_count, struct buffer *out) {
    size_t count = slowlog_count(slowlog);
    size_t sent = count < limit ? count : limit;
    buffer_append_varint(out, limit);
    buffer_append_varint(out, sent);
    for (size_t i = count - sent; i < count; i++) {
        const struct slowlog_entry *entry = queue_at(&slowlog->entries, i);
        buffer_append_varint(out, entry->id * worker_count + worker);
        buffer_append_varint(out, entry->wall_ms);
        buffer_append_varint(out, entry->duration_us);
        buffer_append_length_prefixed(out, bytes_of(entry->text, entry->text_bytes));
    }
}

struct told {
    uint64_t id, wall_ms, duration_us;
    struct bytes text;
};

static int compare_newest_first(const void *a, const void *b) {
    const struct told *one = a, *two = b;
    if (one->wall_ms != two->wall_ms) {
        return one->wall_ms > two->wall_ms ? -1 : 1;
    }
    return one->id > two->id ? -1 : one->id < two->id;
}

static void reply_entry(const struct told *told, struct reply *reply) {
    struct cursor text = cursor_of(told->text);
    struct bytes address = cursor_length_prefixed(&text, SIZE_MAX);
    struct bytes name = cursor_length_prefixed(&text, SIZE_MAX);
    struct cursor excerpt = cursor_of(cursor_length_prefixed(&text, SIZE_MAX));
    CHECK(cursor_finish(&text) == 0);
    reply_array(reply, 6);
    reply_integer(reply, (int64_t)told->id);
    reply_integer(reply, (int64_t)(told->wall_ms / 1000));
    reply_integer(reply, (int64_t)told->duration_us);
    size_t count = cursor_left(&excerpt) ? (size_t)cursor_varint(&excerpt) : 0;
    reply_array(reply, count);
    for (size_t i = 0; i < count; i++) {
        reply_bulk(reply, cursor_length_prefixed(&excerpt, SIZE_MAX));
    }
    CHECK(cursor_finish(&excerpt) == 0);
    reply_bulk(reply, address);
    reply_bulk(reply, name);
}

/* All entries of all parts; *limit is the same in each. Returns owned. */
static struct told *decode(struct bytes encoded, size_t *count, size_t *limit) {
    struct cursor cursor = cursor_of(encoded);
    struct told *all = NULL;
    *count = *limit = 0;
    while (cursor_left(&cursor)) {
        *limit = (size_t)cursor_varint(&cursor);
        size_t more = (size_t)cursor_varint(&cursor);
        all = memory_resize(all, (*count + more + 1) * sizeof(*all));
        for (size_t i = 0; i < more; i++) {
            struct told *told = &all[(*count)++];
            told->id = cursor_varint(&cursor);
            told->wall_ms = cursor_varint(&cursor);
            told->duration_us = cursor_varint(&cursor);
            told->text = cursor_length_prefixed(&cursor, SIZE_MAX);
        }
    }
    CHECK(cursor_finish(&cursor) == 0);
    return all;
}

void slowlog_reply(struct bytes encoded, struct reply *reply) {
    size_t count, limit;
    struct told *all = decode(encoded, &count, &limit);
    if (count > 1) {
        qsort(all, count, sizeof(*all), compare_newest_first);
    }
    count = count < limit ? count : limit;
    reply_array(reply, count);
    for (size_t i = 0; i < count; i++) {
        reply_entry(&all[i], reply);
    }
    memory_free(all);
}
