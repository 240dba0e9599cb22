#include "member/member_view.h"
#include "base/containers/table.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "member/said_keys.h"
#include <assert.h>

/* Only between threads of one process, so there is no version in it: whether it is the whole view,
 * varint count, then each member's fields. */

static_assert(sizeof((struct gossip_address){0}.host) == sizeof((struct net_address){0}.host),
              "gossip and net agree on the length of a host");

/* ---- on the gossiper's thread ---- */

void member_view_write_begin(struct member_view_writer *writer, bool is_whole,
                             size_t bytes_maximum) {
    *writer = (struct member_view_writer){.is_whole = is_whole};
    buffer_init(&writer->members, bytes_maximum);
}

static void member_view_append(struct buffer *out, const struct gossip *gossip,
                               const struct gossip_member *member) {
    buffer_append(out, member->who->uuid, GOSSIP_UUID_BYTES);
    buffer_append_varint(out, member->who->generation);
    buffer_append_length_prefixed(out, bytes_of_text(member->who->address.host));
    buffer_append_u16(out, member->who->address.port);
    buffer_append_length_prefixed(out, bytes_of_text(member->who->name));
    buffer_append_u8(out, (uint8_t)member->state);
    buffer_append_varint(out, member->contact->round_trip_us);
    buffer_append_varint(out, member->contact->heard_us);
#define MEMBER_SAYS(field, key)                                                                    \
    buffer_append_length_prefixed(out, gossip_get(gossip, member, BYTES_LITERAL(key)));
#include "member/member_says.def"
#undef MEMBER_SAYS
}

bool member_view_write(struct member_view_writer *writer, const struct gossip *gossip,
                       const struct gossip_member *member) {
    size_t length = writer->members.length;
    member_view_append(&writer->members, gossip, member);
    if (writer->members.is_overflowed) {
        buffer_truncate(&writer->members, length);
        return false;
    }
    writer->count++;
    return true;
}

void member_view_write_end(struct member_view_writer *writer, struct buffer *out) {
    buffer_append_u8(out, writer->is_whole);
    buffer_append_varint(out, writer->count);
    buffer_append_bytes(out, buffer_bytes(&writer->members));
    buffer_release(&writer->members);
}

/* ---- on a worker's ---- */

static void member_view_read_text(struct cursor *in, char *out, size_t size) {
    struct bytes text = cursor_length_prefixed(in, size - 1);
    if (text.length)
        memcpy(out, text.data, text.length);
}

/* Owned. What is behind a NUL is not text, and is left out by whoever reads it as such. */
static char *member_view_copy_text(struct cursor *in) {
    return bytes_copy_text(cursor_length_prefixed(in, GOSSIP_VALUE_MAXIMUM));
}

static void member_view_read(struct cursor *in, struct member_view_entry *entry) {
    struct bytes uuid = cursor_bytes(in, GOSSIP_UUID_BYTES);
    if (uuid.length)
        memcpy(entry->uuid, uuid.data, GOSSIP_UUID_BYTES);
    entry->generation = cursor_varint(in);
    member_view_read_text(in, entry->peer.host, sizeof entry->peer.host);
    entry->peer.port = cursor_u16(in);
    member_view_read_text(in, entry->name, sizeof entry->name);
    uint8_t state = cursor_u8(in);
    in->is_failed |= state >= GOSSIP_STATE_COUNT;
    entry->state = in->is_failed ? GOSSIP_DEAD : (enum gossip_member_state)state;
    entry->round_trip_us = cursor_varint(in);
    entry->heard_us = cursor_varint(in);
#define MEMBER_SAYS(field, key) entry->field = member_view_copy_text(in);
#include "member/member_says.def"
#undef MEMBER_SAYS
}

static void entry_release(struct member_view_entry *entry) {
#define MEMBER_SAYS(field, key) memory_free(entry->field);
#include "member/member_says.def"
#undef MEMBER_SAYS
}

/* As they stand in the bytes: a view without an index. */
static int member_view_decode(struct member_view *heard, bool *is_whole, struct bytes bytes) {
    struct cursor in = cursor_of(bytes);
    *is_whole = cursor_u8(&in) != 0;
    uint64_t count = cursor_varint(&in);
    *heard = (struct member_view){0};
    if (in.is_failed || count > GOSSIP_MEMBER_MAXIMUM)
        return ERR_MALFORMED;
    heard->members = memory_allocate_zeroed((size_t)count, sizeof *heard->members);
    for (; heard->count < count && !in.is_failed; heard->count++)
        member_view_read(&in, &heard->members[heard->count]);
    int status = cursor_finish(&in);
    if (status)
        member_view_release(heard);
    return status;
}

static size_t member_view_place(const struct member_view *view,
                                const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    return view->places == NULL
               ? 0
               : (uintptr_t)table_get(view->places, bytes_of(uuid, GOSSIP_UUID_BYTES));
}

static void member_view_add(struct member_view *view, const struct member_view_entry *entry) {
    if (view->places == NULL)
        view->places = table_new();
    if (view->count == view->capacity) {
        view->capacity = view->capacity + view->capacity / 2 + 4;
        view->members = memory_resize(view->members, view->capacity * sizeof *view->members);
    }
    view->members[view->count++] = *entry;
    uintptr_t place = view->count;
    table_put(view->places, bytes_of(entry->uuid, GOSSIP_UUID_BYTES), (void *)place);
}

/* Takes what the entry owns. */
static void member_view_take(struct member_view *view, const struct member_view_entry *entry) {
    size_t place = member_view_place(view, entry->uuid);
    if (place == 0) {
        member_view_add(view, entry);
        return;
    }
    entry_release(&view->members[place - 1]);
    view->members[place - 1] = *entry;
}

int member_view_hear(struct member_view *view, struct bytes bytes) {
    struct member_view heard;
    bool is_whole;
    int status = member_view_decode(&heard, &is_whole, bytes);
    if (status)
        return status;
    if (is_whole)
        member_view_release(view);
    for (size_t i = 0; i < heard.count; i++)
        member_view_take(view, &heard.members[i]);
    memory_free(heard.members);
    return 0;
}

void member_view_release(struct member_view *view) {
    for (size_t i = 0; i < view->count; i++)
        entry_release(&view->members[i]);
    memory_free(view->members);
    table_free(view->places);
    *view = (struct member_view){0};
}

const struct member_view_entry *member_view_find(const struct member_view *view,
                                                 const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    size_t place = member_view_place(view, uuid);
    return place ? &view->members[place - 1] : NULL;
}
