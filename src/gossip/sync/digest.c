#include "gossip/sync/digest.h"
#include "base/check.h"
#include "gossip/detect/suspicion.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/instance/streams.h"
#include "gossip/members/member.h"
#include "gossip/news/state.h"
#include "gossip/sync/sync_room.h"

/* Sending what one knows. */

void digest_of(const struct member *member, struct codec_digest *digest) {
    const struct gossip_member *shown = &member->shown;
    *digest = (struct codec_digest){.generation = shown->who->generation,
                                    .incarnation = shown->who->incarnation,
                                    .state = shown->state,
                                    .version = member->chain->version,
                                    .floor = member->chain->floor};
    memcpy(digest->uuid, shown->who->uuid, GOSSIP_UUID_BYTES);
}

/* Whoever is asked must know who asks. */
static void digest_write_self(struct gossip *gossip) {
    struct codec_record self;
    member_record(gossip->self, &self);
    CHECK(codec_list_begin(gossip->writer, CODEC_SECTION_RECORDS));
    CHECK(codec_write_record(gossip->writer, &self));
    codec_list_end(gossip->writer);
}

bool digest_may_ask(struct gossip *gossip) {
    if (!state_is_full(gossip))
        return true;
    if (gossip->now_us < gossip->sync->full_us)
        return false;
    gossip->sync->full_us = gossip->now_us + DIGEST_FULL_SECONDS * GOSSIP_SECOND_US;
    return true;
}

void digest_begin(struct gossip *gossip, enum codec_kind kind, const struct gossip_address *to) {
    gossip_begin(gossip, kind, NULL); /* the same in all versions */
    if (streams_may_ask(gossip, to) && !state_is_full(gossip))
        codec_write_stream(gossip->writer);
    digest_write_self(gossip);
}

static void uuid_increment(uint8_t uuid[GOSSIP_UUID_BYTES]) {
    for (size_t i = GOSSIP_UUID_BYTES; i > 0 && ++uuid[i - 1] == 0;)
        i--;
}

static void uuid_decrement(uint8_t uuid[GOSSIP_UUID_BYTES]) {
    for (size_t i = GOSSIP_UUID_BYTES; i > 0 && uuid[i - 1]-- == 0;)
        i--;
}

/* The next member, if it is not behind the limit. */
static const struct member *digest_peek(const struct order_cursor *cursor,
                                        const uint8_t limit[GOSSIP_UUID_BYTES]) {
    const struct member *member = order_peek(cursor);
    bool is_behind =
        member != NULL && memcmp(member->shown.who->uuid, limit, GOSSIP_UUID_BYTES) > 0;
    return is_behind ? NULL : member;
}

enum {
    DIGEST_BYTES_MAXIMUM = GOSSIP_UUID_BYTES + 4 * 9 + 1,
    DIGEST_RANGE_BYTES = CODEC_SECTION_HEADER_BYTES + 2 * GOSSIP_UUID_BYTES,
    DIGEST_SURELY_MAXIMUM = GOSSIP_SYNC_DATAGRAMS *
                            16, /* members that one comparison covers, however long their numbers */
    DIGEST_REQUEST_SURELY_MAXIMUM =
        (GOSSIP_STREAM_MESSAGE_MAXIMUM - 1024) / DIGEST_BYTES_MAXIMUM /* that one request covers */
};

/* The digests of one range of those up to `limit`: from `first` to the last member that fits, or to
 * the limit. The cursor is behind what was written then, and `first` is where the next range
 * begins. True if there is one. */
static bool digest_write_range(struct gossip *gossip, struct order_cursor *cursor,
                               uint8_t first[GOSSIP_UUID_BYTES],
                               const uint8_t limit[GOSSIP_UUID_BYTES]) {
    struct codec_writer *writer = gossip->writer;
    CHECK(codec_list_begin(writer, CODEC_SECTION_DIGESTS));
    size_t room = writer->buffer.maximum_bytes - DIGEST_RANGE_BYTES - DIGEST_BYTES_MAXIMUM;
    uint8_t last[GOSSIP_UUID_BYTES];
    const struct member *member = digest_peek(cursor, limit);
    while (member != NULL && writer->buffer.length <= room) {
        struct codec_digest digest;
        digest_of(member, &digest);
        CHECK(codec_write_digest(writer, &digest));
        memcpy(last, member->shown.who->uuid, sizeof last);
        order_step(cursor);
        member = digest_peek(cursor, limit);
    }
    codec_list_end(writer);
    if (member == NULL)
        memcpy(last, limit, sizeof last);
    codec_write_range(writer, first, last);
    memcpy(first, last, sizeof last);
    uuid_increment(first);
    return member != NULL;
}

void digest_write_request(struct gossip *gossip, const uint8_t wanted[GOSSIP_UUID_BYTES]) {
    uint8_t first[GOSSIP_UUID_BYTES] = {0}, limit[GOSSIP_UUID_BYTES];
    memset(limit, 0xff, sizeof limit);
    if (gossip->member_count > DIGEST_REQUEST_SURELY_MAXIMUM)
        memcpy(first, wanted, sizeof first);
    struct order_cursor cursor = order_from(&gossip->order, gossip->members, first);
    gossip_begin(gossip, CODEC_DIGEST, NULL);
    codec_widen(gossip->writer);
    digest_write_self(gossip);
    digest_write_range(gossip, &cursor, first, limit);
}

unsigned digest_send_part(struct gossip *gossip, const struct gossip_address *to,
                          const uint8_t first[GOSSIP_UUID_BYTES],
                          const uint8_t last[GOSSIP_UUID_BYTES], unsigned left) {
    struct order_cursor cursor = order_from(&gossip->order, gossip->members, first);
    uint8_t from[GOSSIP_UUID_BYTES];
    memcpy(from, first, sizeof from);
    bool is_more = left > 0;
    while (is_more && left > 0) {
        digest_begin(gossip, CODEC_DIGEST, to);
        is_more = digest_write_range(gossip, &cursor, from, last);
        gossip_send(gossip, to);
        left--;
    }
    return left;
}

/* Of more members than one step may send, those behind one by lot: so all are compared in time. */
void digest_send(struct gossip *gossip, const struct gossip_address *to) {
    uint8_t start[GOSSIP_UUID_BYTES] = {0}, before[GOSSIP_UUID_BYTES],
            zeros[GOSSIP_UUID_BYTES] = {0};
    uint8_t end[GOSSIP_UUID_BYTES];
    memset(end, 0xff, sizeof end);
    if (gossip->member_count > DIGEST_SURELY_MAXIMUM) {
        size_t by_lot = random_below(&gossip->random, gossip->member_count);
        memcpy(start, gossip->members[by_lot]->shown.who->uuid, sizeof start);
    }
    unsigned left = digest_send_part(gossip, to, start, end, GOSSIP_SYNC_DATAGRAMS);
    if (memcmp(start, zeros, sizeof start) == 0)
        return;
    memcpy(before, start, sizeof before);
    uuid_decrement(before);
    digest_send_part(gossip, to, zeros, before, left);
}

/* Newcomers. */

/* Whoever compares everything has just come. */
bool digest_is_newcomers(const struct codec_message *message) {
    for (size_t i = 0; i < GOSSIP_UUID_BYTES; i++)
        if (message->first[i] != 0 || message->last[i] != 0xff)
            return false;
    return true;
}

/* Thousands that join through one seed at once would exhaust it (memberlist #158). Those that it
 * has no bandwidth or stream left for are told of a few others that they can ask. */
void digest_write_referral(struct gossip *gossip) {
    struct member *others[GOSSIP_REFERRALS];
    size_t count = member_choose(gossip, NULL, GOSSIP_REFERRALS, others);
    gossip->counters.referrals++;
    gossip_begin(gossip, CODEC_FILL, NULL);
    CHECK(codec_list_begin(gossip->writer, CODEC_SECTION_RECORDS));
    for (size_t i = 0; i < count; i++) {
        struct codec_record record;
        member_record(others[i], &record);
        if (!codec_write_record(gossip->writer, &record))
            break;
    }
    codec_list_end(gossip->writer);
}

void digest_refer(struct gossip *gossip, const struct gossip_address *to) {
    digest_write_referral(gossip);
    gossip_send_surely(gossip, to);
}

/* What others know of this node. */

/* They know more of this life than it has said. */
static bool is_more_than_said(const struct member *self, const struct codec_digest *theirs) {
    return theirs->generation == self->shown.who->generation &&
           (theirs->version > self->chain->version || theirs->floor > self->chain->floor);
}

static void digest_hear_of_self(struct gossip *gossip, const struct codec_digest *theirs) {
    struct codec_record record = {.generation = theirs->generation,
                                  .incarnation = theirs->incarnation,
                                  .state = theirs->state};
    memcpy(record.uuid, theirs->uuid, GOSSIP_UUID_BYTES);
    if (theirs->state != GOSSIP_ALIVE || theirs->generation > gossip->self->shown.who->generation)
        suspicion_hear_of_self(gossip, &record);
    else if (is_more_than_said(gossip->self, theirs))
        suspicion_meet_twin(gossip, &record);
}

void digest_note_self(struct gossip *gossip, const struct codec_message *message) {
    struct cursor in = cursor_of(message->digests);
    struct codec_digest theirs;
    while (cursor_left(&in) > 0) {
        codec_read_digest(&in, &theirs);
        if (memcmp(theirs.uuid, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) == 0)
            digest_hear_of_self(gossip, &theirs);
    }
}
