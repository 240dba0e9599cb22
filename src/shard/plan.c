#include "shard/plan.h"

#include "base/memory.h"

struct planning {
    struct plan *plan;
    const struct snapshot_manifest *base;
    const struct slot_set *changed;
    uint64_t wanted_bytes;  /* of a chunk */
    uint64_t *bytes_before; /* by slot: sum of all slots before it */
};

bool plan_is_changed(const struct snapshot_chunk *chunk, const struct slot_set *changed) {
    for (unsigned slot = chunk->first_slot; slot <= chunk->last_slot; slot++) {
        if (slot_set_has(changed, (slot_number)slot)) {
            return true;
        }
    }
    return false;
}

/* The base's first chunk that reaches to this slot or lies behind it; NULL: none does. */
static const struct snapshot_chunk *base_chunk(const struct planning *planning, unsigned slot) {
    if (!planning->base) {
        return NULL;
    }
    uint32_t low = 0, high = planning->base->chunk_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (planning->base->chunks[middle].last_slot < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < planning->base->chunk_count ? &planning->base->chunks[low] : NULL;
}

static void add_chunk(struct planning *planning, unsigned first, unsigned last,
                      const struct snapshot_chunk *before) {
    struct plan *plan = planning->plan;
    bool is_old = before && before->first_slot == first && before->last_slot == last &&
                  !plan_is_changed(before, planning->changed);
    plan->new_bytes +=
        is_old ? 0 : planning->bytes_before[last + 1] - planning->bytes_before[first];
    plan->is_old[plan->chunk_count] = is_old;
    plan->chunks[plan->chunk_count++] =
        is_old
            ? *before
            : (struct snapshot_chunk){.first_slot = (uint16_t)first, .last_slot = (uint16_t)last};
}

/* The depth of this is the binary logarithm of the slots: 14. */
static void plan_range(struct planning *planning, unsigned first, unsigned count) {
    uint64_t bytes = planning->bytes_before[first + count] - planning->bytes_before[first];
    if (bytes == 0) {
        return;
    }
    unsigned last = first + count - 1;
    uint64_t limit_bytes = planning->wanted_bytes;
    const struct snapshot_chunk *before = base_chunk(planning, first);
    if (before && before->first_slot == first && before->last_slot == last) {
        limit_bytes *= 2;
    } else if (before && before->first_slot >= first && before->last_slot <= last) {
        limit_bytes /= 2; /* it was halved before */
    }
    if (count == 1 || bytes <= limit_bytes) {
        add_chunk(planning, first, last, before);
        return;
    }
    plan_range(planning, first, count / 2);
    plan_range(planning, first + count / 2, count / 2);
}

void plan_init(struct plan *plan, struct machine *machine, const struct snapshot_manifest *base,
               const struct slot_set *changed, uint64_t chunk_bytes) {
    *plan = (struct plan){
        .chunks = memory_allocate(SLOT_COUNT * sizeof(*plan->chunks)),
        .is_old = memory_allocate(SLOT_COUNT * sizeof(*plan->is_old)),
    };
    struct planning planning = {.plan = plan,
                                .base = base,
                                .changed = changed,
                                .wanted_bytes = chunk_bytes >> PLAN_CHUNK_HALVINGS};
    planning.bytes_before = memory_allocate((SLOT_COUNT + 1) * sizeof(uint64_t));
    planning.bytes_before[0] = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        planning.bytes_before[slot + 1] =
            planning.bytes_before[slot] + machine->ops->slot_bytes(machine, (slot_number)slot);
    }
    uint64_t all_bytes = planning.bytes_before[SLOT_COUNT];
    while (planning.wanted_bytes < chunk_bytes &&
           planning.wanted_bytes * PLAN_CHUNKS_WANTED < all_bytes) {
        planning.wanted_bytes *= 2;
    }
    plan_range(&planning, 0, SLOT_COUNT);
    memory_free(planning.bytes_before);
    size_t kept_bytes = (plan->chunk_count + 1) * sizeof(*plan->chunks);
    plan->chunks = memory_resize(plan->chunks, kept_bytes);
}

void plan_release(struct plan *plan) {
    memory_free(plan->chunks);
    memory_free(plan->is_old);
    *plan = (struct plan){0};
}
