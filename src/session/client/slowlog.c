#include "session/client/slowlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "session/client/state.h"
#include "worker/worker.h"

enum { NOTE_BYTES = 48, LENGTH_BYTES_MAXIMUM = 10 };
#define REDACTED "(redacted)"

struct slowlog_entry {
    uint64_t id, wall_ms, duration_us;
    uint8_t *text; /* owned: client address, client name, excerpt, trace, each length-prefixed */
    size_t text_bytes;
};

/* ---- what is kept of a command: varint count, then each argument length-prefixed ----
 *
 * Every command of a shard passes here, so the bytes are written without a call for each. */

/* GOSSIP KEYS ADD key; and where somebody gives a key in place of an id. */
static bool is_cluster_key(const struct bytes *arguments, size_t position) {
    return position >= 3 && bytes_equal_ignoring_case(arguments[position - 2], "keys") &&
           bytes_equal_ignoring_case(arguments[position - 3], "gossip");
}

/* CONFIG SET requirepass, also behind words of TrothDB's own (TROTHDB TRACE <id> CONFIG SET...). */
static bool is_password(const struct bytes *arguments, size_t position) {
    if (position < 3 || !bytes_equal_ignoring_case(arguments[position - 1], "requirepass"))
        return false;
    for (size_t i = 0; i + 2 < position; i++)
        if (bytes_equal_ignoring_case(arguments[i], "config"))
            return true;
    return false;
}

static uint8_t *put_length(uint8_t *at, size_t length) {
    for (; length >= 0x80; length >>= 7)
        *at++ = (uint8_t)(length | 0x80);
    *at++ = (uint8_t)length;
    return at;
}

static uint8_t *put_text(uint8_t *at, struct bytes text) {
    at = put_length(at, text.length);
    if (text.length)
        memcpy(at, text.data, text.length);
    return at + text.length;
}

/* "... (384 more bytes)", without printf(), which takes longer than all the rest of an excerpt. */
static struct bytes note_of_cut(char note[NOTE_BYTES], size_t left_out) {
    static const char before[] = "... (", behind[] = " more bytes)";
    size_t length = sizeof before - 1;
    memcpy(note, before, length);
    length += number_format_i64(note + length, (int64_t)left_out);
    memcpy(note + length, behind, sizeof behind - 1);
    return bytes_of(note, length + sizeof behind - 1);
}

static uint8_t *put_cut_argument(uint8_t *at, struct bytes argument) {
    char text[NOTE_BYTES];
    struct bytes note = note_of_cut(text, argument.length - SLOWLOG_ARGUMENT_BYTES_MAXIMUM);
    at = put_length(at, SLOWLOG_ARGUMENT_BYTES_MAXIMUM + note.length);
    memcpy(at, argument.data, SLOWLOG_ARGUMENT_BYTES_MAXIMUM);
    memcpy(at + SLOWLOG_ARGUMENT_BYTES_MAXIMUM, note.data, note.length);
    return at + SLOWLOG_ARGUMENT_BYTES_MAXIMUM + note.length;
}

static size_t room_for(const struct bytes *arguments, size_t count) {
    size_t room = 1 + NOTE_BYTES + 1;
    for (size_t i = 0; i < count; i++) {
        size_t length = arguments[i].length;
        room += 2 + (length <= SLOWLOG_ARGUMENT_BYTES_MAXIMUM
                         ? length + sizeof(REDACTED)
                         : SLOWLOG_ARGUMENT_BYTES_MAXIMUM + NOTE_BYTES);
    }
    return room;
}

size_t slowlog_excerpt(struct buffer *out, const struct bytes *arguments, size_t count) {
    size_t shown = count > SLOWLOG_ARGUMENT_MAXIMUM ? SLOWLOG_ARGUMENT_MAXIMUM - 1 : count;
    size_t room = room_for(arguments, shown);
    CHECK(room <= SLOWLOG_EXCERPT_BYTES_MAXIMUM);
    if (out->length + room > out->maximum_bytes)
        return 0;
    uint8_t *start = buffer_reserve(out, room);
    uint8_t *at = put_length(start, shown < count ? shown + 1 : shown);
    for (size_t i = 0; i < shown; i++)
        if (is_password(arguments, i) || is_cluster_key(arguments, i))
            at = put_text(at, bytes_of_text(REDACTED));
        else if (arguments[i].length > SLOWLOG_ARGUMENT_BYTES_MAXIMUM)
            at = put_cut_argument(at, arguments[i]);
        else
            at = put_text(at, arguments[i]);
    if (shown < count) {
        char note[NOTE_BYTES];
        snprintf(note, sizeof note, "... (%zu more arguments)", count - shown);
        at = put_text(at, bytes_of_text(note));
    }
    CHECK((size_t)(at - start) <= room);
    buffer_grew(out, (size_t)(at - start));
    return (size_t)(at - start);
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

/* In one piece of memory: where batches take longer than what counts as slow, every command comes
 * here. */
void slowlog_add(struct slowlog *slowlog, const struct slowlog_event *event, size_t maximum) {
    const struct bytes texts[] = {bytes_of_text(event->client_address),
                                  bytes_of_text(event->client_name), event->excerpt,
                                  bytes_of_text(event->trace)};
    enum { TEXT_COUNT = sizeof texts / sizeof *texts };
    size_t room = 0;
    for (size_t i = 0; i < TEXT_COUNT; i++)
        room += LENGTH_BYTES_MAXIMUM + texts[i].length;
    uint8_t *text = memory_allocate(room), *end = text;
    for (size_t i = 0; i < TEXT_COUNT; i++)
        end = put_text(end, texts[i]);
    struct slowlog_entry *entry = queue_push(&slowlog->entries);
    *entry = (struct slowlog_entry){.id = slowlog->next_id++,
                                    .wall_ms = event->wall_ms,
                                    .duration_us = event->duration_us,
                                    .text = text,
                                    .text_bytes = (size_t)(end - text)};
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
    if (one->wall_ms != two->wall_ms)
        return one->wall_ms > two->wall_ms ? -1 : 1;
    return one->id > two->id ? -1 : one->id < two->id;
}

/* The words, and behind them what there is to say beside them, as of those that were left out. */
static void reply_words(struct bytes encoded, struct bytes trace, struct reply *reply) {
    struct cursor excerpt = cursor_of(encoded);
    size_t count = cursor_left(&excerpt) ? (size_t)cursor_varint(&excerpt) : 0;
    reply_array(reply, count + (trace.length > 0));
    for (size_t i = 0; i < count; i++)
        reply_bulk(reply, cursor_length_prefixed(&excerpt, SIZE_MAX));
    CHECK(cursor_finish(&excerpt) == 0);
    if (trace.length) {
        char note[NOTE_BYTES];
        snprintf(note, sizeof note, "... (trace %.*s)", BYTES_PRINT(trace));
        reply_bulk(reply, bytes_of_text(note));
    }
}

static void reply_entry(const struct told *told, struct reply *reply) {
    struct cursor text = cursor_of(told->text);
    struct bytes address = cursor_length_prefixed(&text, SIZE_MAX);
    struct bytes name = cursor_length_prefixed(&text, SIZE_MAX);
    struct bytes excerpt = cursor_length_prefixed(&text, SIZE_MAX);
    struct bytes trace = cursor_length_prefixed(&text, SIZE_MAX);
    CHECK(cursor_finish(&text) == 0);
    reply_array(reply, 6);
    reply_integer(reply, (int64_t)told->id);
    reply_integer(reply, (int64_t)(told->wall_ms / 1000));
    reply_integer(reply, (int64_t)told->duration_us);
    reply_words(excerpt, trace, reply);
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
        all = memory_resize(all, (*count + more + 1) * sizeof *all);
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
    if (count > 1)
        qsort(all, count, sizeof *all, compare_newest_first);
    count = count < limit ? count : limit;
    reply_array(reply, count);
    for (size_t i = 0; i < count; i++)
        reply_entry(&all[i], reply);
    memory_free(all);
}

/* ---- what is slow ---- */

bool slowlog_is_on(const struct worker *worker) {
    return worker->config.slowlog_log_slower_than >= 0 && worker->config.slowlog_max_len > 0;
}

bool slowlog_takes(const struct worker *worker, uint64_t duration_us) {
    return slowlog_is_on(worker) && duration_us >= (uint64_t)worker->config.slowlog_log_slower_than;
}

void slowlog_note(struct session *session, uint64_t duration_us, struct bytes excerpt,
                  const char *trace) {
    struct worker *worker = session->worker;
    struct slowlog_event event = {.wall_ms = worker_wall_ms(worker),
                                  .duration_us = duration_us,
                                  .client_address = session->peer_name,
                                  .client_name = session->name,
                                  .excerpt = excerpt,
                                  .trace = trace ? trace : ""};
    slowlog_add(&worker->sessions->slowlog, &event, (size_t)worker->config.slowlog_max_len);
}
