#include "member/member_view.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "member/gossiper.h"
#include <assert.h>

/* Only between threads of one process, so there is no version in it: varint count, then each
 * member's fields. */

static_assert(sizeof((struct gossip_address){0}.host) == sizeof((struct net_address){0}.host),
              "gossip and net agree on the length of a host");

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

/* The count leads, and is known only at the end: members that do not fit are not counted. */
void member_view_encode(const struct gossip *gossip, struct buffer *out) {
    struct buffer members;
    buffer_init(&members, MEMBER_VIEW_BYTES_MAXIMUM);
    size_t count = 0;
    for (; count < gossip_member_count(gossip); count++) {
        size_t length = members.length;
        member_view_append(&members, gossip, gossip_member_at(gossip, count));
        if (members.is_overflowed) {
            buffer_truncate(&members, length);
            break;
        }
    }
    buffer_append_varint(out, count);
    buffer_append_bytes(out, buffer_bytes(&members));
    buffer_release(&members);
}

static void member_view_read_text(struct cursor *in, char *out, size_t size) {
    struct bytes text = cursor_length_prefixed(in, size - 1);
    if (text.length)
        memcpy(out, text.data, text.length);
}

/* Owned. What is behind a NUL is not text, and is left out by whoever reads it as such. */
static char *member_view_copy_text(struct cursor *in) {
    struct bytes text = cursor_length_prefixed(in, GOSSIP_VALUE_MAXIMUM);
    char *copy = memory_allocate_zeroed(1, text.length + 1);
    if (text.length)
        memcpy(copy, text.data, text.length);
    return copy;
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

int member_view_decode(struct member_view *view, struct bytes bytes) {
    struct cursor in = cursor_of(bytes);
    uint64_t count = cursor_varint(&in);
    *view = (struct member_view){0};
    if (in.is_failed || count > GOSSIP_MEMBER_MAXIMUM)
        return ERR_MALFORMED;
    view->members = memory_allocate_zeroed((size_t)count, sizeof *view->members);
    for (; view->count < count && !in.is_failed; view->count++)
        member_view_read(&in, &view->members[view->count]);
    int status = cursor_finish(&in);
    if (status)
        member_view_release(view);
    return status;
}

void member_view_release(struct member_view *view) {
    for (size_t i = 0; i < view->count; i++) {
#define MEMBER_SAYS(field, key) memory_free(view->members[i].field);
#include "member/member_says.def"
#undef MEMBER_SAYS
    }
    memory_free(view->members);
    *view = (struct member_view){0};
}

const struct member_view_entry *member_view_find(const struct member_view *view,
                                                 const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    for (size_t i = 0; i < view->count; i++)
        if (memcmp(view->members[i].uuid, uuid, GOSSIP_UUID_BYTES) == 0)
            return &view->members[i];
    return NULL;
}
