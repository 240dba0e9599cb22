#include "gossip/sync/joining.h"
#include "gossip/detect/record.h"
#include "gossip/instance/identity.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/instance/streams.h"
#include "gossip/members/member.h"
#include "gossip/news/broadcast.h"
#include "gossip/news/news.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/sync_room.h"

/* In probe intervals: without seeds nobody may ever come; seeds may be down. */
enum { ALONE_INTERVALS = 1, SEEDED_INTERVALS = 4 };
enum { GREETING_US = 10000 };
enum { TOGETHER_MAXIMUM = 32 }; /* of more that start at once, two may well lack the same */

void joining_begin(struct gossip *gossip) {
    gossip->sync->joining_us = gossip->now_us + ALONE_INTERVALS * gossip->timing.probe_interval_us;
}

void joining_has_seed(struct gossip *gossip) {
    const struct gossip_member *self = &gossip->self->shown;
    if (self->state == GOSSIP_JOINING)
        gossip->sync->joining_us =
            self->state_since_us + SEEDED_INTERVALS * gossip->timing.probe_interval_us;
}

/* Without the newcomer's own part: of that it knows more than anybody, and its keys may still be on
 * their way. */
static uint64_t hash_but_of(const struct gossip *gossip, const struct member *newcomer) {
    return gossip->hash - newcomer->digest_hash;
}

bool joining_write_whole(struct gossip *gossip, const struct codec_message *message) {
    const struct member *newcomer = member_find(gossip, message->sender);
    if (!message->is_joining || newcomer == NULL || gossip->self->shown.state == GOSSIP_JOINING)
        return false;
    gossip_begin(gossip, CODEC_FILL, newcomer);
    codec_write_hash(gossip->writer, hash_but_of(gossip, newcomer));
    return true;
}

void joining_say_whole(struct gossip *gossip, const struct gossip_address *to,
                       const struct codec_message *message) {
    if (joining_write_whole(gossip, message))
        gossip_send(gossip, to);
}

/* Alive now, if it is not yet. */
static void joining_end(struct gossip *gossip) {
    gossip->sync->joining_us = GOSSIP_NEVER;
    struct member *self = gossip->self;
    if (self->shown.state != GOSSIP_JOINING)
        return;
    /* Whoever accused it of the last number there is has taken that one. */
    identity_raise(gossip, earlier(self->shown.who->incarnation + 1, CODEC_NUMBER_MAXIMUM));
    record_set_state(gossip, self, GOSSIP_ALIVE);
    gossip_changed(gossip, GOSSIP_CHANGE_STATE, self, BYTES_NONE);
    news_add(gossip, self, NULL, GOSSIP_CLUSTER);
}

void joining_copied(struct gossip *gossip, const struct codec_message *message) {
    if (gossip->self->shown.state != GOSSIP_JOINING)
        return;
    if (message->has_hash) {
        gossip->sync->has_joining_hash = true;
        gossip->sync->joining_hash = message->hash;
    }
    if (gossip->sync->has_joining_hash &&
        hash_but_of(gossip, gossip->self) == gossip->sync->joining_hash)
        joining_end(gossip);
}

/* Nobody else lives yet, as when a whole cluster is started at once. */
static bool is_among_newcomers(const struct gossip *gossip) {
    if (gossip_live_count(gossip) > TOGETHER_MAXIMUM)
        return false;
    for (size_t i = 0; i < gossip_live_count(gossip); i++)
        if (gossip_live(gossip, i)->shown.state != GOSSIP_JOINING)
            return false;
    return true;
}

void joining_agree(struct gossip *gossip, const struct codec_message *message) {
    if (gossip->self->shown.state == GOSSIP_JOINING &&
        (!message->is_joining || is_among_newcomers(gossip)))
        joining_end(gossip);
}

bool joining_greet(struct gossip *gossip, const struct gossip_address *to) {
    struct greeting *greeting = &gossip->sync->greeting;
    if (gossip->replay == NULL || gossip->self->shown.state != GOSSIP_JOINING ||
        greeting->digest_us != 0)
        return false;
    *greeting = (struct greeting){
        .to = *to, .partner = gossip->partner, .digest_us = gossip->now_us + GREETING_US};
    const struct member *self = gossip->self;
    gossip_begin(gossip, CODEC_NEWS, NULL);
    broadcast_write(gossip, &self, 1);
    gossip_send(gossip, to);
    return true;
}

static void joining_greeted(struct gossip *gossip) {
    struct greeting *greeting = &gossip->sync->greeting;
    if (greeting->digest_us == 0 || gossip->now_us < greeting->digest_us)
        return;
    greeting->digest_us = GOSSIP_NEVER;
    gossip->partner = greeting->partner;
    digest_send(gossip, &greeting->to);
    gossip_turn_to(gossip, NULL, 0);
}

uint64_t joining_deadline_us(const struct gossip *gossip) {
    uint64_t digest_us = gossip->sync->greeting.digest_us;
    return digest_us > 0 ? earlier(digest_us, gossip->sync->joining_us) : gossip->sync->joining_us;
}

void joining_run(struct gossip *gossip) {
    joining_greeted(gossip);
    if (gossip->now_us < gossip->sync->joining_us)
        return;
    if (streams_is_asking(gossip))
        gossip->sync->joining_us = gossip->now_us + gossip->timing.probe_interval_us;
    else
        joining_end(gossip);
}
