#include "gossip/detect/ping.h"
#include "base/check.h"
#include "gossip/detect/doubt.h"
#include "gossip/detect/watch.h"
#include "gossip/instance/hash.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/instance/streams.h"
#include "gossip/members/member.h"
#include "gossip/news/broadcast.h"
#include "gossip/news/nearness.h"

enum {
    CONTRADICTIONS = 4, /* of suspects of who pinged, as far as there is room */
    FIRST_MAXIMUM = 2   /* records that an answer carries beside these */
};

/* Should the answer say where the hashes differ, because a comparison may be begun? */
static bool ping_may_compare(const struct gossip *gossip) {
    return !hash_is_of_few(gossip) && hash_may_be_compared(gossip) && hash_has_buckets(gossip) &&
           !streams_is_asking(gossip);
}

void ping_send(struct gossip *gossip, const struct ping *ping, const struct gossip_address *to) {
    gossip_begin(gossip, CODEC_PING, ping->to);
    codec_write_sequence(gossip->writer, ping->sequence);
    if (ping->target != NULL)
        codec_write_target(gossip->writer, ping->target);
    codec_write_hash(gossip->writer, gossip->hash);
    if (ping_may_compare(gossip))
        codec_write_compare(gossip->writer);
    if (ping->is_observation)
        codec_write_phase(gossip->writer, 0);
    broadcast_write(gossip, ping->first, ping->first_count);
    gossip_send(gossip, to);
}

void ping_about(struct gossip *gossip, const struct member *asked,
                const struct member *const *suspects, size_t count) {
    struct ping ping = {.to = asked,
                        .sequence = ++gossip->detect->sequence,
                        .target = asked->shown.who->uuid,
                        .first = suspects,
                        .first_count = count};
    ping_send(gossip, &ping, &asked->shown.who->address);
}

static bool is_meant_for_another(const struct gossip *gossip, const struct codec_message *ping) {
    return ping->has_target &&
           memcmp(ping->target, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) != 0;
}

/* Would what this node believes of the sender be news to it? An observer that asks from elsewhere
 * than where it is believed to be may be one of two processes that are one member; or there is
 * something between that changes addresses. */
static bool is_worth_telling(const struct member *sender, const struct gossip_address *from,
                             const struct codec_message *message) {
    return sender->shown.who->generation != message->generation ||
           sender->shown.state != GOSSIP_ALIVE ||
           (message->has_phase && !gossip_address_equal(&sender->shown.who->address, from));
}

void ping_answer(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message) {
    if (is_meant_for_another(gossip, message))
        return; /* meant for who was at this address before */
    const struct member *sender = member_find(gossip, message->sender);
    const struct member *first[FIRST_MAXIMUM + CONTRADICTIONS];
    size_t count = 0;
    bool is_known = sender != NULL && sender->shown.who->generation == message->generation;
    if (sender != NULL && is_worth_telling(sender, from, message))
        first[count++] = sender; /* so that it refutes, or learns that it has a successor */
    if (!is_known || gossip->self->shown.state == GOSSIP_LEFT)
        first[count++] = gossip->self;
    count += doubt_contradicted(gossip, message, CONTRADICTIONS, first + count);
    gossip_begin(gossip, CODEC_ACK, is_known ? sender : NULL);
    codec_write_sequence(gossip->writer, message->sequence);
    if (gossip->writer->wire.version > 0)
        codec_write_held(gossip->writer, 0); /* answered in the step that brought it */
    codec_write_hash(gossip->writer, gossip->hash);
    hash_write_buckets(gossip, message);
    if (message->has_phase)
        codec_write_phase(gossip->writer, watch_pinged_ms(gossip, message->sender));
    if (is_known)
        codec_write_coordinate(gossip->writer, nearness_own(gossip));
    broadcast_write(gossip, first, count);
    gossip_send(gossip, from);
}

/* Where the sender says that it is, if that is elsewhere than where the ping came from, as through
 * somebody who only hands on. */
static bool is_said_elsewhere(const struct codec_message *message,
                              const struct gossip_address *from, struct gossip_address *said) {
    struct cursor in = cursor_of(message->records);
    struct codec_record record;
    while (cursor_left(&in) > 0) {
        codec_read_record(&in, &message->wire, &record);
        if (memcmp(record.uuid, message->sender, GOSSIP_UUID_BYTES) != 0)
            continue;
        *said = record.address;
        return said->port != from->port || strcmp(said->host, from->host) != 0;
    }
    return false;
}

/* No news, no coordinate, no buckets: the answer is hardly longer than the ping, and nothing is
 * told less often to others for it. Of a ping that is meant for who was at this address before
 * nothing is learned here; so whoever sent it learns who is here now, as it may be looking for the
 * dead, and this node may know nobody whom it could ask. That answers no probe of the other. */
void ping_answer_unproven(struct gossip *gossip, const struct gossip_address *from,
                          const struct codec_message *message) {
    const struct member *sender = member_find(gossip, message->sender);
    bool is_known = sender != NULL && sender->shown.who->generation == message->generation;
    struct codec_record record;
    gossip_begin(gossip, CODEC_ACK, is_known ? sender : NULL);
    codec_write_sequence(gossip->writer, message->sequence);
    if (gossip->writer->wire.version > 0)
        codec_write_held(gossip->writer, 0);
    codec_write_hash(gossip->writer, gossip->hash);
    CHECK(codec_list_begin(gossip->writer, CODEC_SECTION_RECORDS));
    member_record(gossip->self, &record);
    CHECK(codec_write_record(gossip->writer, &record));
    if (sender != NULL && (!is_known || sender->shown.state != GOSSIP_ALIVE)) {
        member_record(sender, &record);
        CHECK(codec_write_record(gossip->writer, &record));
    }
    codec_list_end(gossip->writer);
    gossip_send(gossip, from);
    struct gossip_address said;
    if (is_said_elsewhere(message, from, &said))
        gossip_send(gossip, &said);
}
