#include "gossip/members/order.h"
#include "base/check.h"
#include "base/memory.h"
#include "gossip/members/member.h"

enum {
    ORDER_RUN_MAXIMUM = 127
}; /* with their count 256 bytes, a size that allocators waste nothing of */

struct order_run {
    uint16_t count;
    uint16_t seats[ORDER_RUN_MAXIMUM];
};

static const uint8_t *uuid_on(struct member *const *members, uint16_t seat) {
    return members[seat]->shown.who->uuid;
}

/* The run that a UUID is in, or would be. */
static size_t order_run_of(const struct order *order, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    size_t low = 0, high = order->run_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (memcmp(order->froms[middle], uuid, GOSSIP_UUID_BYTES) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static size_t run_place_of(const struct order_run *run, struct member *const *members,
                           const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    size_t low = 0, high = run->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(uuid_on(members, run->seats[middle]), uuid, GOSSIP_UUID_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Moves all from that place on by one, up or down. */
static void run_shift(struct order_run *run, size_t from, size_t to) {
    size_t moved = run->count - from;
    memmove(run->seats + to, run->seats + from, moved * sizeof *run->seats);
    run->count = (uint16_t)(to + moved);
}

static void order_shift(struct order *order, size_t from, size_t to) {
    size_t moved = order->run_count - from;
    memmove(order->runs + to, order->runs + from, moved * sizeof *order->runs);
    memmove(order->froms + to, order->froms + from, moved * sizeof *order->froms);
    order->run_count = to + moved;
}

/* A new, empty run at that place. */
static struct order_run *order_open(struct order *order, size_t place) {
    if (order->run_count == order->run_capacity) {
        order->run_capacity = order->run_capacity ? order->run_capacity * 2 : 4;
        order->runs = memory_resize(order->runs, order->run_capacity * sizeof *order->runs);
        order->froms = memory_resize(order->froms, order->run_capacity * sizeof *order->froms);
    }
    order_shift(order, place, place + 1);
    memset(order->froms[place], 0, sizeof *order->froms);
    order->runs[place] = memory_allocate(sizeof(struct order_run));
    order->runs[place]->count = 0;
    return order->runs[place];
}

/* In halves; but what grows at its end, as a copy of another node's members does, leaves full runs
 * behind (as in a B-tree that is loaded in order). */
static void order_split(struct order *order, struct member *const *members, size_t place,
                        size_t at) {
    bool is_at_end = place + 1 == order->run_count && at == ORDER_RUN_MAXIMUM;
    struct order_run *upper = order_open(order, place + 1), *lower = order->runs[place];
    size_t kept = is_at_end ? lower->count - 1 : lower->count / 2;
    upper->count = (uint16_t)(lower->count - kept);
    memcpy(upper->seats, lower->seats + kept, upper->count * sizeof *upper->seats);
    lower->count = (uint16_t)kept;
    memcpy(order->froms[place + 1], uuid_on(members, upper->seats[0]), GOSSIP_UUID_BYTES);
}

void order_add(struct order *order, struct member *const *members, const struct member *member) {
    const uint8_t *uuid = member->shown.who->uuid;
    if (order->run_count == 0)
        order_open(order, 0);
    size_t place = order_run_of(order, uuid);
    if (order->runs[place]->count == ORDER_RUN_MAXIMUM) {
        order_split(order, members, place, run_place_of(order->runs[place], members, uuid));
        place = order_run_of(order, uuid);
    }
    struct order_run *run = order->runs[place];
    size_t at = run_place_of(run, members, uuid);
    run_shift(run, at, at + 1);
    run->seats[at] = member->shown.seat;
}

struct order_cursor order_from(const struct order *order, struct member *const *members,
                               const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct order_cursor cursor = {.order = order, .members = members};
    if (order->run_count == 0)
        return cursor;
    cursor.run = order_run_of(order, uuid);
    cursor.at = run_place_of(order->runs[cursor.run], members, uuid);
    if (cursor.at == order->runs[cursor.run]->count) {
        cursor.run++;
        cursor.at = 0;
    }
    return cursor;
}

struct member *order_peek(const struct order_cursor *cursor) {
    if (cursor->run >= cursor->order->run_count)
        return NULL;
    return cursor->members[cursor->order->runs[cursor->run]->seats[cursor->at]];
}

void order_step(struct order_cursor *cursor) {
    if (++cursor->at < cursor->order->runs[cursor->run]->count)
        return;
    cursor->run++;
    cursor->at = 0;
}

void order_remove(struct order *order, struct member *const *members, const struct member *member) {
    struct order_cursor cursor = order_from(order, members, member->shown.who->uuid);
    CHECK(order_peek(&cursor) == member);
    struct order_run *run = order->runs[cursor.run];
    run_shift(run, cursor.at + 1, cursor.at);
    if (run->count > 0)
        return;
    memory_free(run);
    order_shift(order, cursor.run + 1, cursor.run);
    if (order->run_count > 0)
        memset(order->froms[0], 0, sizeof *order->froms);
}

void order_renumber(struct order *order, const uint16_t *numbers) {
    for (size_t i = 0; i < order->run_count; i++)
        for (size_t at = 0; at < order->runs[i]->count; at++)
            order->runs[i]->seats[at] = numbers[order->runs[i]->seats[at]];
}

void order_release(struct order *order) {
    for (size_t i = 0; i < order->run_count; i++)
        memory_free(order->runs[i]);
    memory_free(order->runs);
    memory_free(order->froms);
    *order = (struct order){0};
}
