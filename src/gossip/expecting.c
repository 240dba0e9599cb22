#include "gossip/expecting.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/detect/detect_room.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/news/news_room.h"
#include "gossip/sync/sync_room.h"

/* All but what is large and seldom looked at. */
static void expect_instance(const struct gossip *gossip) {
    memory_fetch_all(gossip, offsetof(struct gossip, buckets));
    memory_fetch_all(&gossip->asking, sizeof gossip->asking);
    memory_fetch_all(&gossip->compared_us,
                     offsetof(struct gossip, propagations) - offsetof(struct gossip, compared_us));
    memory_fetch(&gossip->propagation_count);
}

static void expect_rooms(const struct gossip_coming *step) {
    const struct gossip *gossip = step->gossip;
    sending_fetch(gossip);
    news_room_fetch(gossip->news);
    detect_room_fetch(gossip->detect);
    sync_room_fetch(gossip->sync);
    if (step->sender != NULL)
        index_fetch(&gossip->index, step->sender);
    else if (gossip_live_count(gossip) > 0)
        memory_fetch(
            &gossip->rotation.live.seats[gossip->rotation.next % gossip_live_count(gossip)]);
}

/* The place of the member that the step is about; NULL: it is a stranger, or there is none. */
static struct member *const *expect_place(const struct gossip_coming *step) {
    const struct gossip *gossip = step->gossip;
    if (step->sender != NULL)
        return index_guess(&gossip->index, gossip->members, step->sender);
    const struct member *watched = detect_room_next(gossip->detect);
    if (watched != NULL)
        return &gossip->members[watched->shown.seat];
    const struct rotation *rotation = &gossip->rotation;
    return rotation->next < rotation->live.count
               ? &gossip->members[rotation->live.seats[rotation->next]]
               : NULL;
}

void gossip_expect(const struct gossip_coming *steps, size_t count) {
    struct member *const *places[GOSSIP_COMING_MAXIMUM];
    CHECK(count <= GOSSIP_COMING_MAXIMUM);
    for (size_t i = 0; i < count; i++)
        expect_instance(steps[i].gossip);
    for (size_t i = 0; i < count; i++)
        expect_rooms(&steps[i]);
    for (size_t i = 0; i < count; i++) {
        places[i] = expect_place(&steps[i]);
        if (places[i] != NULL)
            memory_fetch(places[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (places[i] != NULL)
            memory_fetch(*places[i]);
    for (size_t i = 0; i < count; i++)
        if (places[i] != NULL) {
            memory_fetch_all((*places[i])->shown.who, sizeof *(*places[i])->shown.who);
            memory_fetch((*places[i])->shown.contact);
        }
}
