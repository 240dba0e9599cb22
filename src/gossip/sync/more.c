#include "gossip/sync/more.h"
#include "base/planted.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/instance/streams.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/sync_room.h"

enum { MORE_ROUNDS_MAXIMUM = 256, MORE_WAIT_US = 10000 };

void more_say(struct gossip *gossip, const struct gossip_address *to,
              const struct codec_message *message) {
    gossip_begin(gossip, CODEC_FILL, member_find(gossip, message->sender));
    codec_write_range(gossip->writer, message->first, message->last);
    gossip_send(gossip, to);
}

/* Of several ranges of one answer: all between the first and the last. */
static void more_extend(struct more *more, const struct codec_message *message) {
    if (memcmp(message->first, more->first, sizeof more->first) < 0)
        memcpy(more->first, message->first, sizeof more->first);
    if (memcmp(message->last, more->last, sizeof more->last) > 0)
        memcpy(more->last, message->last, sizeof more->last);
}

void more_hear(struct gossip *gossip, const struct gossip_address *from,
               const struct codec_message *message) {
    struct more *more = &gossip->sync->more;
    if (PLANTED(GOSSIP_MORE_UNASKED))
        return;
    if (more->at_us != GOSSIP_NEVER) {
        if (gossip_address_equal(from, &more->to))
            more_extend(more, message);
        return;
    }
    more->to = *from;
    more->partner = gossip->partner;
    memcpy(more->first, message->first, sizeof more->first);
    memcpy(more->last, message->last, sizeof more->last);
    more->at_us = gossip->now_us + MORE_WAIT_US;
}

void more_begin(struct gossip *gossip) { gossip->sync->more.rounds = 0; }

uint64_t more_deadline_us(const struct gossip *gossip) { return gossip->sync->more.at_us; }

void more_run(struct gossip *gossip) {
    struct more *more = &gossip->sync->more;
    if (gossip->now_us < more->at_us)
        return;
    more->at_us = GOSSIP_NEVER;
    bool has_left = gossip->self->shown.state == GOSSIP_LEFT;
    bool is_vain = more->rounds > 0 && more->hash == gossip->hash;
    if (has_left || streams_is_asking(gossip) || more->rounds == MORE_ROUNDS_MAXIMUM ||
        (is_vain && !PLANTED(GOSSIP_MORE_ASKED_FOR_EVER)))
        return;
    more->rounds++;
    more->hash = gossip->hash;
    gossip->partner = more->partner;
    digest_send_part(gossip, &more->to, more->first, more->last, GOSSIP_SYNC_DATAGRAMS);
    gossip_turn_to(gossip, NULL, 0);
}
