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

/* Few probes are in flight at a time. */
void detect_room_fetch(const struct detect_room *room) {
    memory_fetch_all(room, offsetof(struct detect_room, watches[GOSSIP_OBSERVERS]));
    memory_fetch_all(&room->probes[0], sizeof room->probes[0]);
}

const struct member *detect_room_next(const struct detect_room *room) {
    const struct member *next = NULL;
    uint64_t next_us = room->probe_us;
    for (unsigned ring = 0; ring < room->ring_count; ring++)
        if (room->watches[ring].next_us < next_us) {
            next = room->watches[ring].member;
            next_us = room->watches[ring].next_us;
        }
    return next;
}

void detect_room_free(struct detect_room *room) {
    due_heap_release(&room->open);
    due_heap_release(&room->called);
    memory_free(room->relays);
    memory_free(room->seeds);
    memory_free(room);
}
