#include "shard/cut.h"

#include "base/check.h"
#include "base/memory.h"
#include "store/snapshot_chunk.h"

struct kept_slot {
    struct buffer raw;
    uint64_t state_hash;
};

struct cut {
    struct machine *machine;
    struct slot_watch *watch;
    struct kept_slot **kept; /* by slot; NULL until the first */
    uint64_t kept_bytes;
    struct buffer raw; /* of the chunk at hand */
    uint64_t state_hash;
    unsigned next_slot;
};

static void keep(void *context, slot_number slot) {
    struct cut *cut = context;
    if (PLANTED(SNAPSHOT_WITHOUT_CUT)) {
        return;
    }
    slot_set_remove(&cut->watch->awaited, slot);
    if (cut->machine->ops->slot_bytes(cut->machine, slot) == 0) {
        return;
    }
    if (!cut->kept) {
        cut->kept = memory_allocate_zeroed(SLOT_COUNT, sizeof(struct kept_slot *));
    }
    struct kept_slot *kept = memory_allocate_zeroed(1, sizeof(*kept));
    buffer_init(&kept->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    kept->state_hash = cut->machine->ops->save(cut->machine, slot, &kept->raw);
    cut->kept[slot] = kept;
    cut->kept_bytes += kept->raw.length;
}

static void free_kept(struct cut *cut, unsigned slot) {
    struct kept_slot *kept = cut->kept ? cut->kept[slot] : NULL;
    if (kept) {
        cut->kept_bytes -= kept->raw.length;
        buffer_release(&kept->raw);
        memory_free(kept);
        cut->kept[slot] = NULL;
    }
}

struct cut *cut_new(struct machine *machine, struct slot_watch *watch, const struct plan *plan) {
    struct cut *cut = memory_allocate_zeroed(1, sizeof(*cut));
    cut->machine = machine;
    cut->watch = watch;
    buffer_init(&cut->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    slot_set_clear(&watch->changed);
    slot_set_clear(&watch->awaited);
    for (uint32_t i = 0; i < plan->chunk_count; i++) {
        for (unsigned slot = plan->chunks[i].first_slot;
             !plan->is_old[i] && slot <= plan->chunks[i].last_slot; slot++) {
            slot_set_add(&watch->awaited, (slot_number)slot);
        }
    }
    watch->before_change = keep;
    watch->context = cut;
    return cut;
}

void cut_free(struct cut *cut) {
    if (!cut) {
        return;
    }
    slot_set_clear(&cut->watch->awaited);
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        free_kept(cut, slot);
    }
    memory_free(cut->kept);
    buffer_release(&cut->raw);
    memory_free(cut);
}

static void save_slot(struct cut *cut, slot_number slot) {
    struct kept_slot *kept = cut->kept ? cut->kept[slot] : NULL;
    if (kept) {
        buffer_append_bytes(&cut->raw, buffer_bytes(&kept->raw));
        cut->state_hash += kept->state_hash;
    } else if (slot_set_has(&cut->watch->awaited, slot)) {
        slot_set_remove(&cut->watch->awaited, slot);
        cut->state_hash += cut->machine->ops->save(cut->machine, slot, &cut->raw);
    }
    free_kept(cut, slot);
}

bool cut_save(struct cut *cut, struct snapshot_chunk *chunk, size_t bytes, struct buffer *raw) {
    if (cut->next_slot < chunk->first_slot) {
        cut->next_slot = chunk->first_slot;
    }
    size_t enough_bytes = cut->raw.length + bytes;
    while (cut->next_slot <= chunk->last_slot && cut->raw.length < enough_bytes) {
        save_slot(cut, (slot_number)cut->next_slot++);
    }
    if (cut->next_slot <= chunk->last_slot) {
        return false;
    }
    chunk->state_hash = cut->state_hash;
    *raw = cut->raw;
    buffer_init(&cut->raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    cut->state_hash = 0;
    return true;
}

uint64_t cut_kept_bytes(const struct cut *cut) { return cut->kept_bytes; }
