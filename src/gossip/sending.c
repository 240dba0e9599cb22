#include "gossip/sending.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/bucket.h"
#include "gossip/packing.h"

/* What one step may send and change is bounded by what one datagram can ask for, far below these.
 */
enum { OUTBOX_BYTES_MAXIMUM = 8 << 20, CHANGE_BYTES_MAXIMUM = 8 << 20 };

#define COUNT_EPOCH_US UINT64_C(1767225600000000) /* 2026-01-01, Unix time */

void sending_init(struct gossip *gossip) {
    codec_writer_init(&gossip->writer);
    buffer_init(&gossip->packed, GOSSIP_DATAGRAM_MAXIMUM);
    buffer_init(&gossip->outbox_bytes, OUTBOX_BYTES_MAXIMUM);
    buffer_init(&gossip->change_bytes, CHANGE_BYTES_MAXIMUM);
}

void sending_release(struct gossip *gossip) {
    codec_writer_release(&gossip->writer);
    buffer_release(&gossip->packed);
    buffer_release(&gossip->outbox_bytes);
    buffer_release(&gossip->change_bytes);
    memory_free(gossip->outbox);
    memory_free(gossip->changed);
    memory_free(gossip->datagrams);
    memory_free(gossip->changes);
    memory_free(gossip->streams);
    memory_free(gossip->stream_actions);
}

void sending_clear(struct gossip *gossip) {
    gossip->outbox_count = gossip->changed_count = gossip->try_count = gossip->stream_count = 0;
    gossip->round_trip_us = gossip->detection_us = 0;
    gossip->is_clock_measured = false;
    gossip->clock_skew_us = 0;
    gossip->propagation_count = 0;
    buffer_clear(&gossip->outbox_bytes);
    buffer_clear(&gossip->change_bytes);
}

/* Datagrams. */

/* Whoever is not well by what is known of it may be back as an older release by now. */
static unsigned gossip_version_for(const struct gossip *gossip, const struct member *to) {
    if (to == NULL || (to->shown.state != GOSSIP_ALIVE && to->shown.state != GOSSIP_JOINING))
        return 0;
    unsigned ours = gossip->timing.wire_maximum, theirs = contact_of(to)->wire_version;
    return ours < theirs ? ours : theirs;
}

/* It begins at the milliseconds of the wall clock since 2026: a life that is begun twice under one
 * generation, from a copied disk, is heard again at once and not when it has sent as much as
 * before.
 */
static uint64_t gossip_next_count(struct gossip *gossip) {
    if (gossip->written_count == 0 && gossip->wall_us > COUNT_EPOCH_US)
        gossip->written_count = (gossip->wall_us - COUNT_EPOCH_US) / 1000;
    return ++gossip->written_count;
}

void gossip_turn_to(struct gossip *gossip, const uint8_t *uuid, uint64_t generation) {
    gossip->partner = (struct partner){.is_set = uuid != NULL, .generation = generation};
    if (uuid != NULL)
        memcpy(gossip->partner.uuid, uuid, GOSSIP_UUID_BYTES);
}

/* Whoever is answered has said itself in which life it is. */
static void gossip_write_life(struct gossip *gossip, const struct member *to) {
    const struct partner *partner = &gossip->partner;
    const struct gossip_identity *who = to != NULL ? to->shown.who : NULL;
    bool is_partner = partner->is_set &&
                      (who == NULL || memcmp(who->uuid, partner->uuid, GOSSIP_UUID_BYTES) == 0);
    if (is_partner)
        codec_write_life(&gossip->writer, codec_life(partner->uuid, partner->generation));
    else if (who != NULL)
        codec_write_life(&gossip->writer, codec_life(who->uuid, who->generation));
}

void gossip_begin(struct gossip *gossip, enum codec_kind kind, const struct member *to) {
    struct codec_wire wire = {.version = (uint8_t)gossip_version_for(gossip, to)};
    if (wire.version > 0)
        wire.wall_us = gossip->wall_us;
    const struct gossip_member *self = &gossip->self->shown;
    codec_begin(&gossip->writer, &wire, kind, self->who->uuid, self->who->generation);
    if (wire.version < gossip->timing.wire_maximum)
        codec_write_wire(&gossip->writer, gossip->timing.wire_maximum);
    if (self->state == GOSSIP_JOINING)
        codec_write_joining(&gossip->writer);
    if (gossip->replay == NULL)
        return;
    codec_write_count(&gossip->writer, gossip_next_count(gossip));
    gossip_write_life(gossip, to);
}

/* Comparing is what can wait: the next probe finds the same difference again. */
static bool is_comparison(enum codec_kind kind) {
    return kind == CODEC_DIGEST || kind == CODEC_PULL || kind == CODEC_FILL;
}

void gossip_send(struct gossip *gossip, const struct gossip_address *to) {
    if (is_comparison(gossip->writer.kind) && !bucket_admits(gossip, BUCKET_COMPARISON))
        gossip->counters.dropped_for_bandwidth++;
    else
        gossip_send_surely(gossip, to);
}

void gossip_send_surely(struct gossip *gossip, const struct gossip_address *to) {
    struct bytes bytes = packing_pack(gossip, GOSSIP_DATAGRAM_MAXIMUM);
    if (bytes.length == 0)
        return; /* it grew beyond what it could be packed into: the next comparison mends it */
    bucket_spend(gossip, bytes.length);
    size_t at = gossip->outbox_bytes.length;
    buffer_append_bytes(&gossip->outbox_bytes, bytes);
    CHECK(!gossip->outbox_bytes.is_overflowed);
    if (gossip->outbox_count == gossip->outbox_capacity) {
        gossip->outbox_capacity = gossip->outbox_capacity ? gossip->outbox_capacity * 2 : 16;
        gossip->outbox =
            memory_resize(gossip->outbox, gossip->outbox_capacity * sizeof *gossip->outbox);
    }
    gossip->outbox[gossip->outbox_count++] =
        (struct outgoing){.to = *to, .at = at, .length = bytes.length};
    gossip->counters.datagrams_sent++;
    gossip->counters.bytes_sent += bytes.length;
}

/* Streams. */

void gossip_try_stream(struct gossip *gossip, const struct gossip_member *member) {
    if (gossip->try_count == GOSSIP_STREAM_TRY_MAXIMUM)
        return;
    struct gossip_stream_try *try = &gossip->tries[gossip->try_count++];
    gossip->counters.stream_tries++;
    try->address = member->who->address;
    memcpy(try->uuid, member->who->uuid, GOSSIP_UUID_BYTES);
}

void gossip_stream(struct gossip *gossip, const struct gossip_stream_action *action,
                   struct bytes bytes) {
    if (gossip->stream_count == gossip->stream_capacity) {
        gossip->stream_capacity = gossip->stream_capacity ? gossip->stream_capacity * 2 : 4;
        gossip->streams =
            memory_resize(gossip->streams, gossip->stream_capacity * sizeof *gossip->streams);
    }
    struct stream_out *out = &gossip->streams[gossip->stream_count++];
    *out = (struct stream_out){.action = *action, .at = gossip->outbox_bytes.length};
    out->action.bytes.length = bytes.length;
    buffer_append_bytes(&gossip->outbox_bytes, bytes);
    CHECK(!gossip->outbox_bytes.is_overflowed);
}

static void buffer_shrink(struct buffer *buffer) {
    size_t maximum_bytes = buffer->maximum_bytes;
    buffer_release(buffer);
    buffer_init(buffer, maximum_bytes);
}

void gossip_shrink(struct gossip *gossip) {
    buffer_shrink(&gossip->writer.buffer);
    buffer_shrink(&gossip->packed);
    buffer_shrink(&gossip->unpacked);
}

/* Changes. */

void gossip_changed(struct gossip *gossip, enum gossip_change_kind kind,
                    const struct member *member, struct bytes key) {
    if (coordinate_is_key(key))
        return;
    size_t at = gossip->change_bytes.length;
    buffer_append_bytes(&gossip->change_bytes, key);
    CHECK(!gossip->change_bytes.is_overflowed);
    if (gossip->changed_count == gossip->changed_capacity) {
        gossip->changed_capacity = gossip->changed_capacity ? gossip->changed_capacity * 2 : 16;
        gossip->changed =
            memory_resize(gossip->changed, gossip->changed_capacity * sizeof *gossip->changed);
    }
    gossip->changed[gossip->changed_count++] = (struct changed){
        .kind = kind, .member = &member->shown, .key_at = at, .key_length = key.length};
}

/* What the owner gets. */

static void hand_out_streams(struct gossip *gossip) {
    const uint8_t *bytes = buffer_data(&gossip->outbox_bytes);
    if (gossip->stream_action_capacity < gossip->stream_count) {
        gossip->stream_action_capacity = gossip->stream_capacity;
        gossip->stream_actions = memory_resize(
            gossip->stream_actions, gossip->stream_capacity * sizeof *gossip->stream_actions);
    }
    for (size_t i = 0; i < gossip->stream_count; i++) {
        gossip->stream_actions[i] = gossip->streams[i].action;
        gossip->stream_actions[i].bytes.data = bytes + gossip->streams[i].at;
    }
}

void sending_hand_out(struct gossip *gossip, struct gossip_actions *actions) {
    if (gossip->datagram_capacity < gossip->outbox_count) {
        gossip->datagram_capacity = gossip->outbox_capacity;
        gossip->datagrams =
            memory_resize(gossip->datagrams, gossip->datagram_capacity * sizeof *gossip->datagrams);
    }
    if (gossip->change_capacity < gossip->changed_count) {
        gossip->change_capacity = gossip->changed_capacity;
        gossip->changes =
            memory_resize(gossip->changes, gossip->change_capacity * sizeof *gossip->changes);
    }
    const uint8_t *bytes = buffer_data(&gossip->outbox_bytes),
                  *keys = buffer_data(&gossip->change_bytes);
    for (size_t i = 0; i < gossip->outbox_count; i++) {
        const struct outgoing *out = &gossip->outbox[i];
        gossip->datagrams[i] =
            (struct gossip_datagram){.to = out->to, .bytes = {bytes + out->at, out->length}};
    }
    for (size_t i = 0; i < gossip->changed_count; i++) {
        const struct changed *changed = &gossip->changed[i];
        gossip->changes[i] =
            (struct gossip_change){.kind = changed->kind, .member = changed->member};
        if (changed->key_length > 0)
            gossip->changes[i].key = bytes_of(keys + changed->key_at, changed->key_length);
    }
    hand_out_streams(gossip);
    *actions = (struct gossip_actions){.datagrams = gossip->datagrams,
                                       .datagram_count = gossip->outbox_count,
                                       .changes = gossip->changes,
                                       .change_count = gossip->changed_count,
                                       .streams = gossip->stream_actions,
                                       .stream_count = gossip->stream_count,
                                       .stream_tries = gossip->tries,
                                       .stream_try_count = gossip->try_count,
                                       .deadline_us = gossip->deadline_us,
                                       .round_trip_us = gossip->round_trip_us,
                                       .detection_us = gossip->detection_us,
                                       .is_clock_measured = gossip->is_clock_measured,
                                       .clock_skew_us = gossip->clock_skew_us,
                                       .propagations = gossip->propagations,
                                       .propagation_count = gossip->propagation_count};
}
