#include "shard/cut.h"

#include "base/check.h"
#include "base/memory.h"
#include "store/snapshot_chunk.h"

struct cut {
    struct machine *machine;
    struct buffer raw; /* of the chunk at hand */
    size_t last_bytes; /* of the chunk before: the next will be about as long */
    uint64_t state_hash;
    unsigned next_slot;
};

struct cut *cut_new(struct machine *machine, struct slot_watch *watch, const struct plan *plan) {
    struct cut *cut = memory_allocate_zeroed(1, sizeof *cut);
    struct slot_set slots = {0};
    cut->machine = machine;
    buffer_init(&cut->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    slot_set_clear(&watch->changed);
    for (uint32_t i = 0; i < plan->chunk_count; i++)
        for (unsigned slot = plan->chunks[i].first_slot;
             !plan->is_old[i] && slot <= plan->chunks[i].last_slot; slot++)
            slot_set_add(&slots, (slot_number)slot);
    machine->ops->cut(machine, &slots);
    return cut;
}

void cut_free(struct cut *cut) {
    if (!cut)
        return;
    cut->machine->ops->end_cut(cut->machine);
    buffer_release(&cut->raw);
    memory_free(cut);
}

/* Hands over what was saved, and begins anew. */
static void hand_over(struct cut *cut, struct snapshot_chunk *chunk, struct buffer *raw) {
    chunk->state_hash = cut->state_hash;
    *raw = cut->raw;
    cut->last_bytes = raw->length;
    buffer_init(&cut->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    cut->state_hash = 0;
}

enum cut_saved cut_save(struct cut *cut, struct snapshot_chunk *chunk, size_t bytes,
                        size_t part_bytes, struct buffer *raw) {
    if (cut->next_slot < chunk->first_slot)
        cut->next_slot = chunk->first_slot;
    if (cut->raw.capacity == 0 && cut->last_bytes > 0) {
        (void)buffer_reserve(&cut->raw, cut->last_bytes + cut->last_bytes / 8);
        cut->raw.is_overflowed = false;
    }
    size_t enough_bytes = cut->raw.length + bytes;
    enum cut_saved saved = CUT_SAVED_ALL;
    while (cut->next_slot <= chunk->last_slot && cut->raw.length < enough_bytes &&
           saved == CUT_SAVED_ALL) {
        saved = cut->machine->ops->save(cut->machine, (slot_number)cut->next_slot,
                                        enough_bytes - cut->raw.length, part_bytes, &cut->raw,
                                        &cut->state_hash);
        cut->next_slot += saved == CUT_SAVED_ALL;
    }
    if (saved != CUT_SAVED_PART && cut->next_slot <= chunk->last_slot)
        return CUT_SAVED_SOME;
    hand_over(cut, chunk, raw);
    return saved;
}
