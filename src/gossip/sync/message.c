#include "gossip/sync/message.h"
#include "base/planted.h"
#include "gossip/detect/outcome.h"
#include "gossip/detect/record.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/state.h"

static void hear_record(struct gossip *gossip, const struct codec_message *message,
                        struct member *known, struct codec_record *record) {
    if (message->is_joining && record->state == GOSSIP_ALIVE &&
        memcmp(record->uuid, message->sender, GOSSIP_UUID_BYTES) == 0)
        record->state = GOSSIP_JOINING;
    if (PLANTED(GOSSIP_RELAY_IS_CONTACT))
        outcome_contact(gossip, record->uuid);
    if (known == NULL) /* unless an earlier record of the same datagram has brought it */
        known = member_find(gossip, record->uuid);
    record_hear(gossip, known, record, message->kind != CODEC_FILL);
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

bool message_hear(struct gossip *gossip, const struct codec_message *message) {
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

enum replay_verdict message_judge(struct gossip *gossip, const struct codec_message *message) {
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
