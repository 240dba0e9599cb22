#include "gossip/sync/walk.h"
#include "gossip/members/member.h"

const struct codec_digest walk_nothing;

struct walk walk_of(const struct gossip *gossip, const struct codec_message *message) {
    return walk_from(gossip, message, message->first);
}

/* The next digest becomes the one at hand. */
static void walk_read(struct walk *walk) {
    if (walk->has_digest || cursor_left(&walk->in) == 0)
        return;
    codec_read_digest(&walk->in, &walk->digest);
    walk->has_digest = true;
}

struct walk walk_from(const struct gossip *gossip, const struct codec_message *message,
                      const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct walk walk = {.gossip = gossip,
                        .message = message,
                        .in = cursor_of(message->digests),
                        .place = order_from(&gossip->order, gossip->members, uuid)};
    walk_read(&walk);
    while (walk.has_digest && memcmp(walk.digest.uuid, uuid, GOSSIP_UUID_BYTES) < 0) {
        walk.has_digest = false;
        walk_read(&walk);
    }
    return walk;
}

bool walk_next(struct walk *walk, const struct codec_digest **theirs, struct member **ours) {
    walk_read(walk);
    struct member *member = order_peek(&walk->place);
    if (member != NULL &&
        memcmp(member->shown.who->uuid, walk->message->last, GOSSIP_UUID_BYTES) > 0)
        member = NULL;
    if (member == NULL && !walk->has_digest)
        return false;
    int order = 0;
    if (member != NULL && walk->has_digest)
        order = memcmp(walk->digest.uuid, member->shown.who->uuid, GOSSIP_UUID_BYTES);
    *theirs = walk->has_digest && order <= 0 ? &walk->digest : NULL;
    *ours = member != NULL && order >= 0 ? member : NULL;
    walk->has_digest = walk->has_digest && *theirs == NULL;
    if (*ours != NULL)
        order_step(&walk->place);
    return true;
}

bool walk_is_for_them(const struct codec_digest *theirs, const struct member *ours) {
    return ours != NULL && (theirs != NULL || member_is_live(ours));
}
