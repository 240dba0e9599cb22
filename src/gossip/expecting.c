#include "gossip/expecting.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/detect/detect_room.h"
#include "gossip/news/news_room.h"
#include "gossip/sync/sync_room.h"

static void expect_instance(struct gossip_coming *step) {
    const struct gossip *gossip = step->gossip;
    memory_fetch_all(&gossip->timing, offsetof(struct gossip_timing, observers));
    memory_fetch_all(&gossip->log,
                     offsetof(struct gossip, counters.malformed) - offsetof(struct gossip, log));
    memory_fetch(&gossip->asking.stream);
}

static bool is_rotation_over(const struct rotation *rotation) {
    return rotation->next >= rotation->live.count;
}

static void expect_rooms(struct gossip_coming *step) {
    const struct gossip *gossip = step->gossip;
    memory_fetch(gossip->self);
    news_room_fetch(gossip->news);
    detect_room_fetch(gossip->detect);
    sync_room_fetch(gossip->sync);
    if (step->sender != NULL)
        index_fetch(&gossip->index, step->sender);
    else if (!is_rotation_over(&gossip->rotation))
        memory_fetch(&gossip->rotation.live.seats[gossip->rotation.next]);
}

/* The position of the member that the step is about, plus 1; 0: it is a stranger, or there is none.
 * Whom a tick will look at may be another one by the next turn. */
static size_t position_expected(const struct gossip_coming *step) {
    const struct rotation *rotation = &step->gossip->rotation;
    if (step->sender != NULL)
        return index_guess(&step->gossip->index, step->sender);
    return is_rotation_over(rotation) ? 0 : rotation->live.seats[rotation->next] + 1;
}

/* Who is watched is known without its position. */
static void expect_place(struct gossip_coming *step) {
    const struct gossip *gossip = step->gossip;
    const struct member *watched = step->sender == NULL ? detect_room_next(gossip->detect) : NULL;
    memory_fetch(watched);
    memory_fetch_all(gossip->self->shown.who, offsetof(struct gossip_identity, address));
    step->position = watched == NULL ? position_expected(step) : 0;
    if (step->position > 0)
        memory_fetch(&gossip->members[step->position - 1]);
}

/* NULL: it is a stranger, there is none, or it was forgotten meanwhile. */
static const struct member *member_expected(const struct gossip_coming *step) {
    const struct gossip *gossip = step->gossip;
    if (step->position > 0 && step->position <= gossip->member_count)
        return gossip->members[step->position - 1];
    return step->sender == NULL ? detect_room_next(gossip->detect) : NULL;
}

static void expect_member(struct gossip_coming *step) { memory_fetch(member_expected(step)); }

static void expect_who(struct gossip_coming *step) {
    const struct member *member = member_expected(step);
    if (member == NULL)
        return;
    memory_fetch_all(member->shown.who, offsetof(struct gossip_identity, name));
    memory_fetch(member->shown.contact);
}

void gossip_expect(struct gossip_coming *steps, size_t count, unsigned turn) {
    static void (*const turns[GOSSIP_EXPECT_TURNS])(struct gossip_coming *) = {
        expect_instance, expect_rooms, expect_place, expect_member, expect_who};
    CHECK(turn < GOSSIP_EXPECT_TURNS);
    for (size_t i = 0; i < count; i++)
        turns[turn](&steps[i]);
}
