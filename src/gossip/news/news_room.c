#include "gossip/news/news_room.h"
#include "base/memory.h"

struct news_room *news_room_new(void) {
    struct news_room *room = memory_allocate_zeroed(1, sizeof *room);
    room->due_us = GOSSIP_NEVER;
    for (unsigned priority = 0; priority < GOSSIP_PRIORITY_COUNT; priority++)
        for (unsigned sent = 0; sent < GOSSIP_SENT_MAXIMUM; sent++)
            list_init(&room->lists[priority][sent]);
    return room;
}

void news_room_fetch(const struct news_room *room) {
    memory_fetch_all(room->lists_held,
                     offsetof(struct news_room, removals) - offsetof(struct news_room, lists_held));
    memory_fetch_all(&room->removal_count,
                     sizeof *room - offsetof(struct news_room, removal_count));
}

void news_room_free(struct news_room *room) { memory_free(room); }
