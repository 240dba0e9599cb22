#include "gossip/members/seats.h"
#include "base/memory.h"
#include "gossip/members/member.h"
#include <assert.h>

static_assert(GOSSIP_MEMBER_MAXIMUM <= UINT16_MAX, "a seat has 16 bits");

void seats_put(struct seats *seats, size_t place, struct member *member) {
    seats->seats[place] = member->shown.seat;
    member->shown.place = (uint16_t)place;
}

/* By a quarter: ten thousand of them stand in one simulator. */
void seats_add(struct seats *seats, struct member *member) {
    if (seats->count == seats->capacity) {
        seats->capacity += seats->capacity / 4 + 8;
        seats->seats = memory_resize(seats->seats, seats->capacity * sizeof *seats->seats);
    }
    seats_put(seats, seats->count++, member);
}

void seats_renumber(struct seats *seats, const uint16_t *numbers) {
    for (size_t i = 0; i < seats->count; i++)
        seats->seats[i] = numbers[seats->seats[i]];
}

void seats_release(struct seats *seats) {
    memory_free(seats->seats);
    *seats = (struct seats){0};
}
