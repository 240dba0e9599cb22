#include "shard/machine/cut.h"

#include "base/memory.h"
#include "store/snapshot/chunk.h"

struct cut {
    struct machine *machine;
    struct buffer raw; /* of the chunk at hand */
    size_t last_bytes; /* of the chunk before: the next will be about as long */
    uint64_t state_hash;
    bool is_begun;      /* the chunk is */
    unsigned next_slot; /* of it */
};

struct cut *cut_new(struct machine *machine, struct slot_watch *watch, const struct plan *plan) {
    struct cut *cut = memory_allocate_zeroed(1, sizeof *cut);
    cut->machine = machine;
    buffer_init(&cut->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    part_set_clear(&watch->changed);
    plan_divide(plan->chunks, plan->chunk_count, &watch->changed);
    plan_cut(plan, machine);
    return cut;
}

bool cut_free(struct cut *cut) {
    if (!cut)
        return false;
    bool has_more = cut->machine->ops->end_cut(cut->machine, 1);
    buffer_release(&cut->raw);
    memory_free(cut);
    return has_more;
}

/* Hands over what was saved, and begins anew. */
static void hand_over(struct cut *cut, struct snapshot_chunk *chunk, struct buffer *raw) {
    chunk->state_hash = cut->state_hash;
    *raw = cut->raw;
    cut->last_bytes = raw->length;
    buffer_init(&cut->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    cut->state_hash = 0;
    cut->is_begun = false;
}

static void begin_chunk(struct cut *cut, const struct snapshot_chunk *chunk) {
    cut->next_slot = chunk->first_slot;
    cut->is_begun = true;
}

enum cut_saved cut_save(struct cut *cut, struct snapshot_chunk *chunk, size_t bytes,
                        size_t enough_bytes, struct buffer *raw) {
    if (!cut->is_begun)
        begin_chunk(cut, chunk);
    if (cut->raw.capacity == 0 && cut->last_bytes > 0) {
        (void)buffer_reserve(&cut->raw, cut->last_bytes + cut->last_bytes / 8);
        cut->raw.is_overflowed = false;
    }
    size_t turn_end = cut->raw.length + bytes;
    enum cut_saved saved = CUT_SAVED_ALL;
    while (cut->next_slot <= chunk->last_slot && cut->raw.length < turn_end &&
           saved == CUT_SAVED_ALL) {
        struct slot_part part = plan_part_of(chunk);
        part.slot = (slot_number)cut->next_slot;
        saved = cut->machine->ops->save(cut->machine, part, turn_end - cut->raw.length,
                                        enough_bytes, &cut->raw, &cut->state_hash);
        cut->next_slot += saved == CUT_SAVED_ALL;
    }
    if (saved != CUT_SAVED_ENOUGH && cut->next_slot <= chunk->last_slot)
        return CUT_SAVED_SOME;
    hand_over(cut, chunk, raw);
    return saved;
}
