#include "gossip/hearing.h"
#include "gossip/detect/outcome.h"
#include "gossip/detect/ping.h"
#include "gossip/detect/relay.h"
#include "gossip/instance/sending.h"
#include "gossip/sync/asking.h"
#include "gossip/sync/compare.h"
#include "gossip/sync/joining.h"
#include "gossip/sync/mending.h"
#include "gossip/sync/message.h"
#include "gossip/sync/more.h"
#include "gossip/wire/packing.h"

/* Whoever answered a probe says what it knows, as a hash. */
static void hear_answer(struct gossip *gossip, const struct gossip_address *from,
                        const struct codec_message *message) {
    if (!outcome_answered(gossip, message))
        return;
    if (message->hash != gossip->hash)
        compare_hear(gossip, from, message);
    else
        joining_agree(gossip, message);
}

static void hearing_dispatch(struct gossip *gossip, const struct gossip_address *from,
                             const struct codec_message *message) {
    switch (message->kind) {
    case CODEC_PING:
        ping_answer(gossip, from, message);
        return;
    case CODEC_ACK:
        hear_answer(gossip, from, message);
        return;
    case CODEC_ASK:
        relay_asked(gossip, from, message);
        return;
    case CODEC_NACK:
        outcome_nacked(gossip, message);
        return;
    case CODEC_DIGEST:
        mending_digest(gossip, from, message);
        return;
    case CODEC_PULL:
        mending_pull(gossip, from, message);
        return;
    case CODEC_PACKED:
    case CODEC_FILL:
        joining_copied(gossip, message);
        if (message->has_stream)
            asking_offered(gossip, message);
        else if (message->has_range)
            more_hear(gossip, from, message);
        return;
    case CODEC_NEWS:
        return;
    }
}

static void answer_unproven(struct gossip *gossip, const struct gossip_address *from,
                            const struct codec_message *message) {
    if (!replay_is_new_ask(gossip->replay, message->sender, message->generation, message->count))
        return;
    gossip->counters.unproven_answered++;
    ping_answer_unproven(gossip, from, message);
}

void hearing_datagram(struct gossip *gossip, const struct gossip_address *from,
                      struct bytes bytes) {
    struct codec_message message;
    gossip->counters.datagrams_received++;
    gossip->counters.bytes_received += bytes.length;
    if (bytes.length > GOSSIP_DATAGRAM_MAXIMUM ||
        packing_unpack(bytes, PACKING_RAW_MAXIMUM, &gossip->scratch->unpacked, &bytes) ||
        codec_decode(&message, bytes)) {
        gossip->counters.malformed++;
        return;
    }
    if (memcmp(message.sender, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) == 0) {
        outcome_met_self(gossip, &message);
        return;
    }
    gossip_turn_to(gossip, message.sender, message.generation);
    gossip->partner.is_telling = message.kind != CODEC_FILL;
    enum replay_verdict verdict = message_judge(gossip, &message);
    if (verdict == REPLAY_UNPROVEN && message.kind == CODEC_PING)
        answer_unproven(gossip, from, &message);
    /* Of an earlier life only pings are answered, with the news that there is a later one. */
    if (verdict == REPLAY_NEW && (message_hear(gossip, &message) || message.kind == CODEC_PING))
        hearing_dispatch(gossip, from, &message);
    gossip_turn_to(gossip, NULL, 0);
}
