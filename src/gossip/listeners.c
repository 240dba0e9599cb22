#include "gossip/listeners.h"
#include "gossip/member.h"

enum { NEXT_STEPS_MAXIMUM = 64 }; /* past so many graves in a row none is looked for any more */

size_t listeners_by_lot(struct gossip *gossip, size_t wanted, struct member **out) {
    return member_choose(gossip, NULL, wanted, out);
}

size_t listeners_next(const struct gossip *gossip, struct member *out[LISTENERS_NEXT]) {
    struct order_cursor cursor = order_from(&gossip->order, gossip->self->shown.who->uuid);
    size_t count = 0;
    for (size_t step = 0; step < NEXT_STEPS_MAXIMUM && count < LISTENERS_NEXT; step++) {
        order_step(&cursor);
        if (order_peek(&cursor) == NULL)
            cursor = order_from(&gossip->order, (const uint8_t[GOSSIP_UUID_BYTES]){0});
        struct member *member = order_peek(&cursor);
        if (member == gossip->self)
            break;
        if (member_is_live(member))
            out[count++] = member;
    }
    return count;
}
