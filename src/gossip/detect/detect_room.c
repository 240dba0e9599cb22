#include "gossip/detect/detect_room.h"
#include "base/memory.h"

struct detect_room *detect_room_new(struct gossip *gossip) {
    struct detect_room *room = memory_allocate_zeroed(1, sizeof *room);
    room->round_us = room->suspicion_us = GOSSIP_NEVER;
    room->sequence = random_next(&gossip->random);
    room->probe_us =
        gossip->now_us + random_below(&gossip->random, gossip->timing.probe_interval_us);
    return room;
}

void detect_room_free(struct detect_room *room) {
    due_heap_release(&room->open);
    due_heap_release(&room->called);
    memory_free(room->relays);
    memory_free(room->seeds);
    memory_free(room);
}
