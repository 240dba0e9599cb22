#include "gossip/instance/sending.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/instance/bucket.h"
#include "gossip/wire/packing.h"

/* What one step may send and change is bounded by what one datagram can ask for, far below these.
 */
enum { OUTBOX_BYTES_MAXIMUM = 8 << 20, KEY_BYTES_MAXIMUM = 8 << 20, ARRAY_FEWEST = 4 };

#define COUNT_EPOCH_US UINT64_C(1767225600000000) /* 2026-01-01, Unix time */

struct outgoing {
    struct gossip_address to;
    size_t at, length; /* in `bytes` */
};
struct stream_out {
    struct gossip_stream_action action;
    size_t at; /* its bytes, in `bytes` */
};
struct changed {
    enum gossip_change_kind kind;
    const struct gossip_member *member;
    size_t key_at, key_length; /* in `keys` */
};

/* What the owner is handed out points into buffers; while these grow, places in them are noted. */
struct outbox {
    struct buffer bytes, keys;
    struct outgoing *noted;
    struct gossip_datagram *datagrams; /* the same as handed out */
    size_t noted_count, noted_capacity, datagram_capacity;
    struct changed *changed;
    struct gossip_change *changes; /* the same */
    size_t changed_count, changed_capacity, change_capacity;
    struct stream_out *streams;
    struct gossip_stream_action *actions; /* the same */
    size_t stream_count, stream_capacity, action_capacity;
    struct gossip_stream_try tries[GOSSIP_STREAM_TRY_MAXIMUM];
    size_t try_count;
};

/* The array with room for so many elements; it may move. */
static void *array_hold(void *array, size_t count, size_t *capacity, size_t element_bytes) {
    if (count <= *capacity)
        return array;
    size_t doubled = *capacity > 0 ? 2 * *capacity : ARRAY_FEWEST;
    *capacity = doubled > count ? doubled : count;
    return memory_resize(array, *capacity * element_bytes);
}

/* Where the bytes begin. */
static size_t buffer_note(struct buffer *buffer, struct bytes bytes) {
    size_t at = buffer->length;
    buffer_append_bytes(buffer, bytes);
    CHECK(!buffer->is_overflowed);
    return at;
}

struct gossip_scratch *scratch_new(void) {
    struct gossip_scratch *scratch = memory_allocate_zeroed(1, sizeof *scratch);
    struct outbox *outbox = scratch->outbox = memory_allocate_zeroed(1, sizeof *outbox);
    codec_writer_init(&scratch->writer);
    buffer_init(&scratch->packed, GOSSIP_DATAGRAM_MAXIMUM);
    buffer_init(&scratch->unpacked, 2 * GOSSIP_STREAM_MESSAGE_MAXIMUM);
    buffer_init(&outbox->bytes, OUTBOX_BYTES_MAXIMUM);
    buffer_init(&outbox->keys, KEY_BYTES_MAXIMUM);
    return scratch;
}

void scratch_free(struct gossip_scratch *scratch) {
    if (scratch == NULL)
        return;
    struct outbox *outbox = scratch->outbox;
    codec_writer_release(&scratch->writer);
    buffer_release(&scratch->packed);
    buffer_release(&scratch->unpacked);
    buffer_release(&outbox->bytes);
    buffer_release(&outbox->keys);
    memory_free(outbox->noted);
    memory_free(outbox->datagrams);
    memory_free(outbox->changed);
    memory_free(outbox->changes);
    memory_free(outbox->streams);
    memory_free(outbox->actions);
    memory_free(outbox);
    memory_free(scratch);
}

void sending_clear(struct gossip *gossip) {
    struct outbox *outbox = gossip->scratch->outbox;
    outbox->noted_count = outbox->changed_count = outbox->stream_count = outbox->try_count = 0;
    buffer_clear(&outbox->bytes);
    buffer_clear(&outbox->keys);
    gossip->round_trip_us = gossip->detection_us = 0;
    gossip->is_clock_measured = false;
    gossip->clock_skew_us = 0;
    gossip->propagation_count = 0;
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
        codec_write_life(gossip->writer, codec_life(partner->uuid, partner->generation));
    else if (who != NULL)
        codec_write_life(gossip->writer, codec_life(who->uuid, who->generation));
}

void gossip_begin(struct gossip *gossip, enum codec_kind kind, const struct member *to) {
    struct codec_wire wire = {.version = (uint8_t)gossip_version_for(gossip, to)};
    if (wire.version > 0)
        wire.wall_us = gossip->wall_us;
    const struct gossip_member *self = &gossip->self->shown;
    codec_begin(gossip->writer, &wire, kind, self->who->uuid, self->who->generation);
    if (wire.version < gossip->timing.wire_maximum)
        codec_write_wire(gossip->writer, gossip->timing.wire_maximum);
    if (self->state == GOSSIP_JOINING)
        codec_write_joining(gossip->writer);
    if (gossip->replay == NULL)
        return;
    codec_write_count(gossip->writer, gossip_next_count(gossip));
    gossip_write_life(gossip, to);
}

/* Comparing is what can wait: the next probe finds the same difference again. */
static bool is_comparison(enum codec_kind kind) {
    return kind == CODEC_DIGEST || kind == CODEC_PULL || kind == CODEC_FILL;
}

void gossip_send(struct gossip *gossip, const struct gossip_address *to) {
    if (is_comparison(gossip->writer->kind) && !bucket_admits(gossip, BUCKET_COMPARISON))
        gossip->counters.dropped_for_bandwidth++;
    else
        gossip_send_surely(gossip, to);
}

struct bytes sending_packed(struct gossip *gossip, size_t maximum) {
    return packing_pack(gossip->writer, gossip->timing.compress_min_bytes, maximum,
                        &gossip->scratch->packed);
}

void gossip_send_surely(struct gossip *gossip, const struct gossip_address *to) {
    struct bytes bytes = sending_packed(gossip, GOSSIP_DATAGRAM_MAXIMUM);
    if (bytes.length == 0)
        return; /* it grew beyond what it could be packed into: the next comparison mends it */
    bucket_spend(gossip, bytes.length);
    struct outbox *outbox = gossip->scratch->outbox;
    outbox->noted = array_hold(outbox->noted, outbox->noted_count + 1, &outbox->noted_capacity,
                               sizeof *outbox->noted);
    outbox->noted[outbox->noted_count++] = (struct outgoing){
        .to = *to, .at = buffer_note(&outbox->bytes, bytes), .length = bytes.length};
    gossip->counters.datagrams_sent++;
    gossip->counters.bytes_sent += bytes.length;
}

/* Streams. */

void gossip_try_stream(struct gossip *gossip, const struct gossip_member *member) {
    struct outbox *outbox = gossip->scratch->outbox;
    if (outbox->try_count == GOSSIP_STREAM_TRY_MAXIMUM)
        return;
    struct gossip_stream_try *try = &outbox->tries[outbox->try_count++];
    gossip->counters.stream_tries++;
    try->address = member->who->address;
    memcpy(try->uuid, member->who->uuid, GOSSIP_UUID_BYTES);
}

void gossip_stream(struct gossip *gossip, const struct gossip_stream_action *action,
                   struct bytes bytes) {
    struct outbox *outbox = gossip->scratch->outbox;
    outbox->streams = array_hold(outbox->streams, outbox->stream_count + 1,
                                 &outbox->stream_capacity, sizeof *outbox->streams);
    struct stream_out *out = &outbox->streams[outbox->stream_count++];
    *out = (struct stream_out){.action = *action, .at = buffer_note(&outbox->bytes, bytes)};
    out->action.bytes.length = bytes.length;
}

static void buffer_shrink(struct buffer *buffer) {
    size_t maximum_bytes = buffer->maximum_bytes;
    buffer_release(buffer);
    buffer_init(buffer, maximum_bytes);
}

void gossip_shrink(struct gossip *gossip) {
    buffer_shrink(&gossip->writer->buffer);
    buffer_shrink(&gossip->scratch->packed);
    buffer_shrink(&gossip->scratch->unpacked);
}

/* Changes. */

void gossip_changed(struct gossip *gossip, enum gossip_change_kind kind,
                    const struct member *member, struct bytes key) {
    if (coordinate_is_key(key))
        return;
    struct outbox *outbox = gossip->scratch->outbox;
    outbox->changed = array_hold(outbox->changed, outbox->changed_count + 1,
                                 &outbox->changed_capacity, sizeof *outbox->changed);
    outbox->changed[outbox->changed_count++] =
        (struct changed){.kind = kind,
                         .member = &member->shown,
                         .key_at = buffer_note(&outbox->keys, key),
                         .key_length = key.length};
}

/* What the owner gets. */

static void hand_out_datagrams(struct outbox *outbox) {
    const uint8_t *bytes = buffer_data(&outbox->bytes);
    outbox->datagrams = array_hold(outbox->datagrams, outbox->noted_count,
                                   &outbox->datagram_capacity, sizeof *outbox->datagrams);
    for (size_t i = 0; i < outbox->noted_count; i++) {
        const struct outgoing *noted = &outbox->noted[i];
        outbox->datagrams[i] =
            (struct gossip_datagram){.to = noted->to, .bytes = {bytes + noted->at, noted->length}};
    }
}

static void hand_out_changes(struct outbox *outbox) {
    const uint8_t *keys = buffer_data(&outbox->keys);
    outbox->changes = array_hold(outbox->changes, outbox->changed_count, &outbox->change_capacity,
                                 sizeof *outbox->changes);
    for (size_t i = 0; i < outbox->changed_count; i++) {
        const struct changed *changed = &outbox->changed[i];
        outbox->changes[i] =
            (struct gossip_change){.kind = changed->kind, .member = changed->member};
        if (changed->key_length > 0)
            outbox->changes[i].key = bytes_of(keys + changed->key_at, changed->key_length);
    }
}

static void hand_out_streams(struct outbox *outbox) {
    const uint8_t *bytes = buffer_data(&outbox->bytes);
    outbox->actions = array_hold(outbox->actions, outbox->stream_count, &outbox->action_capacity,
                                 sizeof *outbox->actions);
    for (size_t i = 0; i < outbox->stream_count; i++) {
        outbox->actions[i] = outbox->streams[i].action;
        if (outbox->actions[i].bytes.length > 0)
            outbox->actions[i].bytes.data = bytes + outbox->streams[i].at;
    }
}

void sending_hand_out(struct gossip *gossip, struct gossip_actions *actions) {
    struct outbox *outbox = gossip->scratch->outbox;
    hand_out_datagrams(outbox);
    hand_out_changes(outbox);
    hand_out_streams(outbox);
    *actions = (struct gossip_actions){.datagrams = outbox->datagrams,
                                       .datagram_count = outbox->noted_count,
                                       .changes = outbox->changes,
                                       .change_count = outbox->changed_count,
                                       .streams = outbox->actions,
                                       .stream_count = outbox->stream_count,
                                       .stream_tries = outbox->tries,
                                       .stream_try_count = outbox->try_count,
                                       .deadline_us = gossip->deadline_us,
                                       .round_trip_us = gossip->round_trip_us,
                                       .detection_us = gossip->detection_us,
                                       .is_clock_measured = gossip->is_clock_measured,
                                       .clock_skew_us = gossip->clock_skew_us,
                                       .propagations = gossip->propagations,
                                       .propagation_count = gossip->propagation_count};
}
