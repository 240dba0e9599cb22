#include "gossip/hearing.h"
#include "base/planted.h"
#include "gossip/asking.h"
#include "gossip/digest.h"
#include "gossip/joining.h"
#include "gossip/member.h"
#include "gossip/more.h"
#include "gossip/packing.h"
#include "gossip/ping.h"
#include "gossip/probe.h"
#include "gossip/relay.h"
#include "gossip/replay.h"
#include "gossip/roster.h"
#include "gossip/state.h"

static void hear_record(struct gossip *gossip, const struct codec_message *message,
                        struct member *known, struct codec_record *record) {
    if (message->is_joining && record->state == GOSSIP_ALIVE &&
        memcmp(record->uuid, message->sender, GOSSIP_UUID_BYTES) == 0)
        record->state = GOSSIP_JOINING;
    if (PLANTED(GOSSIP_RELAY_IS_CONTACT))
        probe_contact(gossip, record->uuid);
    if (known == NULL) /* unless an earlier record of the same datagram has brought it */
        known = member_find(gossip, record->uuid);
    member_hear(gossip, known, record, message->kind != CODEC_FILL);
}

static void hear_records(struct gossip *gossip, const struct codec_message *message) {
    struct codec_record records[INDEX_FIND_MAXIMUM];
    const uint8_t *uuids[INDEX_FIND_MAXIMUM];
    struct member *known[INDEX_FIND_MAXIMUM];
    struct cursor in = cursor_of(message->records);
    while (cursor_left(&in) > 0) {
        size_t count = 0;
        while (cursor_left(&in) > 0 && count < INDEX_FIND_MAXIMUM) {
            codec_read_record(&in, &message->wire, &records[count]);
            uuids[count] = records[count].uuid;
            count++;
        }
        index_find_all(&gossip->index, gossip->members, uuids, count, known);
        for (size_t i = 0; i < count; i++)
            hear_record(gossip, message, known[i], &records[i]);
    }
}

static void hear_news(struct gossip *gossip, const struct codec_message *message) {
    bool is_told_on = message->kind != CODEC_FILL;
    struct cursor groups = cursor_of(message->groups);
    hear_records(gossip, message);
    struct codec_group group;
    for (size_t i = 0; cursor_left(&groups) > 0; i++) {
        codec_read_group(&groups, &group);
        enum gossip_priority priority = codec_priority_of(message, i);
        state_hear(gossip, &message->wire, &group, is_told_on ? &priority : NULL);
    }
}

static void hearing_dispatch(struct gossip *gossip, const struct gossip_address *from,
                             const struct codec_message *message) {
    switch (message->kind) {
    case CODEC_PING:
        ping_answer(gossip, from, message);
        return;
    case CODEC_ACK:
        probe_acknowledged(gossip, from, message);
        return;
    case CODEC_ASK:
        relay_asked(gossip, from, message);
        return;
    case CODEC_NACK:
        probe_nacked(gossip, message);
        return;
    case CODEC_DIGEST:
        digest_hear(gossip, from, message);
        return;
    case CODEC_PULL:
        digest_pulled(gossip, from, message);
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

bool gossip_hear(struct gossip *gossip, const struct codec_message *message) {
    if (gossip->met_us == 0)
        gossip->met_us = gossip->now_us;
    hear_news(gossip, message);
    struct member *sender = member_find(gossip, message->sender);
    if (sender == NULL)
        return true;
    if (message->generation == sender->shown.who->generation) {
        roster_contact(sender)->shown.heard_us = gossip->now_us;
        roster_contact(sender)->wire_version = (uint8_t)message->newest_version;
    }
    return message->generation >= sender->shown.who->generation;
}

enum replay_verdict gossip_judge(struct gossip *gossip, const struct codec_message *message) {
    const struct gossip_identity *self = gossip->self->shown.who;
    if (gossip->replay == NULL)
        return REPLAY_NEW;
    bool is_for_this_life =
        message->has_life && message->life == codec_life(self->uuid, self->generation);
    enum replay_verdict verdict = replay_judge(gossip->replay, message->sender, message->generation,
                                               message->count, is_for_this_life);
    gossip->counters.replayed += verdict == REPLAY_OLD;
    gossip->counters.unproven += verdict == REPLAY_UNPROVEN;
    return verdict;
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
        packing_unpack(bytes, PACKING_RAW_MAXIMUM, &gossip->unpacked, &bytes) ||
        codec_decode(&message, bytes)) {
        gossip->counters.malformed++;
        return;
    }
    if (memcmp(message.sender, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) == 0) {
        probe_met_self(gossip, &message);
        return;
    }
    gossip_turn_to(gossip, message.sender, message.generation);
    enum replay_verdict verdict = gossip_judge(gossip, &message);
    if (verdict == REPLAY_UNPROVEN && message.kind == CODEC_PING)
        answer_unproven(gossip, from, &message);
    /* Of an earlier life only pings are answered, with the news that there is a later one. */
    if (verdict == REPLAY_NEW && (gossip_hear(gossip, &message) || message.kind == CODEC_PING))
        hearing_dispatch(gossip, from, &message);
    gossip_turn_to(gossip, NULL, 0);
}
