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
    memory_fetch_all(room, offsetof(struct news_room, has_said_coordinate));
}

void news_room_free(struct news_room *room) { memory_free(room); }
