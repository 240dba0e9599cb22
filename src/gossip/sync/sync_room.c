#include "gossip/sync/sync_room.h"
#include "base/memory.h"

struct sync_room *sync_room_new(void) {
    struct sync_room *room = memory_allocate_zeroed(1, sizeof *room);
    room->more.at_us = GOSSIP_NEVER;
    list_init(&room->servings);
    return room;
}

/* Whether there is anything to do. */
void sync_room_fetch(const struct sync_room *room) {
    memory_fetch_all(room, offsetof(struct sync_room, offers));
    memory_fetch(&room->greeting.digest_us);
    memory_fetch(&room->more.at_us);
}

void sync_room_free(struct sync_room *room) { memory_free(room); }
