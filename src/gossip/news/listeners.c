#include "gossip/news/listeners.h"
#include "gossip/members/member.h"
#include "gossip/news/nearness.h"
#include "gossip/news/news_room.h"

enum {
    NEXT_STEPS_MAXIMUM = 64, /* past so many graves and strangers in a row none is looked for */
    DRAWS = 8,               /* to find one that is near, or far */
    NEARER_TIMES = 2         /* a round trip half as long is nearer; less says nothing */
};

static struct member *draw(struct gossip *gossip) {
    return gossip_live(gossip, random_below(&gossip->random, gossip_live_count(gossip)));
}

static bool is_among(struct member *const *members, size_t count, const struct member *member) {
    for (size_t i = 0; i < count; i++)
        if (members[i] == member)
            return true;
    return false;
}

/* Of this node's zone or of another one, as wanted; of any if none is found. */
static struct member *draw_by_zone(struct gossip *gossip, bool is_far) {
    struct member *member = draw(gossip);
    for (unsigned i = 1; i < DRAWS && nearness_is_same_zone(gossip, member) == is_far; i++)
        member = draw(gossip);
    return member;
}

/* The nearer of two, if it is much nearer (two choices by lot: Mitzenmacher 2001). */
static struct member *draw_nearer(struct gossip *gossip) {
    struct member *first = draw(gossip), *second = draw(gossip);
    uint64_t first_us = nearness_us(gossip, first), second_us = nearness_us(gossip, second);
    return second_us > 0 && first_us > NEARER_TIMES * second_us ? second : first;
}

static struct member *draw_listener(struct gossip *gossip) {
    bool is_far = gossip->news->listener_turn++ % gossip->timing.far_one_in == 0;
    if (nearness_zone(gossip->self).length > 0)
        return draw_by_zone(gossip, is_far);
    return is_far ? draw(gossip) : draw_nearer(gossip);
}

size_t listeners_by_lot(struct gossip *gossip, size_t wanted, struct member **out) {
    size_t found = 0;
    if (gossip_live_count(gossip) == 0)
        return 0;
    for (size_t i = 0; found < wanted && i < wanted * 4 + 8; i++) {
        struct member *member = draw_listener(gossip);
        if (!is_among(out, found, member))
            out[found++] = member;
    }
    return found;
}

size_t listeners_next(const struct gossip *gossip, struct member *out[NEWS_IN_CIRCLE]) {
    struct order_cursor cursor =
        order_from(&gossip->order, gossip->members, gossip->self->shown.who->uuid);
    size_t count = 0;
    for (size_t step = 0; step < NEXT_STEPS_MAXIMUM && count < NEWS_IN_CIRCLE; step++) {
        order_step(&cursor);
        if (order_peek(&cursor) == NULL)
            cursor =
                order_from(&gossip->order, gossip->members, (const uint8_t[GOSSIP_UUID_BYTES]){0});
        struct member *member = order_peek(&cursor);
        if (member == gossip->self)
            break;
        if (member_is_live(member) && nearness_is_same_zone(gossip, member))
            out[count++] = member;
    }
    return count;
}
