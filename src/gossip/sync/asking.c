#include "gossip/sync/asking.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/instance/streams.h"
#include "gossip/members/member.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/joining.h"
#include "gossip/sync/message.h"
#include "gossip/sync/sync_room.h"
#include "gossip/wire/packing.h"

void asking_offered(struct gossip *gossip, const struct codec_message *message) {
    const struct member *member = member_find(gossip, message->sender);
    if (!message->has_range || member == NULL || !member_is_live(member) ||
        !streams_may_ask(gossip, &member->shown.who->address))
        return;
    struct asking *asking = &gossip->asking;
    *asking = (struct asking){.stream = ++gossip->sync->asked_count,
                              .address = member->shown.who->address,
                              .silent_us = gossip->now_us + ASKING_SILENCE_US,
                              .end_us = gossip->now_us + gossip->timing.stream_limit_us};
    memcpy(asking->uuid, message->sender, GOSSIP_UUID_BYTES);
    digest_write_request(gossip, message->first);
    struct gossip_stream_action open = {
        .kind = GOSSIP_STREAM_OPEN, .stream = asking->stream, .address = asking->address};
    memcpy(open.uuid, asking->uuid, GOSSIP_UUID_BYTES);
    gossip_stream(gossip, &open, buffer_bytes(&gossip->writer->buffer));
}

/* What was to come by the stream is sought by other ways. */
static void asking_seek(struct gossip *gossip, const struct asking *ended, bool is_busy) {
    struct member *other;
    if (!is_busy)
        digest_send(gossip, &ended->address);
    else if (gossip->self->shown.state == GOSSIP_JOINING &&
             member_choose(gossip, member_find(gossip, ended->uuid), 1, &other) == 1) {
        gossip_turn_to(gossip, other->shown.who->uuid, other->shown.who->generation);
        digest_send(gossip, &other->shown.who->address);
        gossip_turn_to(gossip, NULL, 0);
    }
}

static void asking_end(struct gossip *gossip, enum gossip_stream_outcome outcome) {
    struct asking ended = gossip->asking;
    bool is_busy = outcome == GOSSIP_STREAM_BUSY;
    gossip->counters.streams_asked[outcome]++;
    if (outcome != GOSSIP_STREAM_DONE)
        streams_shun(gossip, &ended.address, is_busy ? ASKING_BUSY_US : ASKING_FAILED_US);
    gossip->asking = (struct asking){0};
    gossip_shrink(gossip);
    if (outcome != GOSSIP_STREAM_DONE)
        asking_seek(gossip, &ended, is_busy);
}

void asking_ended(struct gossip *gossip, uint64_t stream, enum gossip_stream_outcome outcome) {
    if (stream != 0 && stream == gossip->asking.stream)
        asking_end(gossip, outcome);
}

static void asking_drop(struct gossip *gossip) {
    struct gossip_stream_action drop = {.kind = GOSSIP_STREAM_DROP,
                                        .stream = gossip->asking.stream};
    gossip_stream(gossip, &drop, BYTES_NONE);
    asking_end(gossip, GOSSIP_STREAM_FAILED);
}

/* A FILL of who was asked, whatever it is packed in. */
static bool asking_read(struct gossip *gossip, struct bytes piece, struct codec_message *message) {
    return piece.length <= GOSSIP_STREAM_MESSAGE_MAXIMUM &&
           packing_unpack(piece, GOSSIP_STREAM_MESSAGE_MAXIMUM, &gossip->scratch->unpacked,
                          &piece) == 0 &&
           codec_decode(message, piece) == 0 && message->kind == CODEC_FILL &&
           memcmp(message->sender, gossip->asking.uuid, GOSSIP_UUID_BYTES) == 0;
}

void asking_piece(struct gossip *gossip, uint64_t stream, struct bytes piece) {
    struct codec_message message;
    if (stream == 0 || stream != gossip->asking.stream)
        return;
    gossip->counters.stream_bytes_received += piece.length;
    if (!asking_read(gossip, piece, &message)) {
        gossip->counters.malformed++;
        asking_drop(gossip);
        return;
    }
    gossip->asking.silent_us = gossip->now_us + ASKING_SILENCE_US;
    if (message_hear(gossip, &message))
        joining_copied(gossip, &message);
}

uint64_t asking_deadline_us(const struct gossip *gossip) {
    const struct asking *asking = &gossip->asking;
    if (asking->stream == 0)
        return GOSSIP_NEVER;
    return earlier(asking->silent_us, asking->end_us);
}

void asking_run(struct gossip *gossip) {
    if (!streams_is_asking(gossip))
        return;
    const struct member *whom = member_find(gossip, gossip->asking.uuid);
    bool is_live = whom != NULL && member_is_live(whom);
    if (!is_live || gossip->now_us >= asking_deadline_us(gossip))
        asking_drop(gossip);
}
