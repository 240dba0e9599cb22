#include "shard/machine/plan.h"

#include "base/check.h"
#include "base/memory.h"

struct planning {
    struct plan *plan;
    struct machine *machine;
    const struct snapshot_manifest *base;
    const struct part_set *changed;
    bool may_divide;
    uint64_t wanted_bytes;  /* of a chunk */
    uint64_t *bytes_before; /* by slot: sum of all slots before it */
};

/* ---- chunks ---- */

struct slot_part plan_part_of(const struct snapshot_chunk *chunk) {
    return (struct slot_part){
        .slot = chunk->first_slot, .bits = chunk->part_bits, .number = chunk->part};
}

bool plan_is_changed(const struct snapshot_chunk *chunk, const struct part_set *changed) {
    if (chunk->first_slot == chunk->last_slot)
        return part_set_has(changed, plan_part_of(chunk));
    for (unsigned slot = chunk->first_slot; slot <= chunk->last_slot; slot++)
        if (part_set_has(changed, slot_whole((slot_number)slot)))
            return true;
    return false;
}

void plan_note_changed(const struct snapshot_chunk *chunk, struct part_set *changed) {
    part_set_add(changed, plan_part_of(chunk));
    for (unsigned slot = chunk->first_slot + 1u; slot <= chunk->last_slot; slot++)
        part_set_add(changed, slot_whole((slot_number)slot));
}

void plan_divide(const struct snapshot_chunk *chunks, uint32_t chunk_count,
                 struct part_set *changed) {
    for (uint32_t i = 0; i < chunk_count; i++)
        if (chunks[i].part_bits > 0)
            part_set_divide(changed, chunks[i].first_slot);
}

/* ---- ranges ---- */

static bool is_range(const struct snapshot_chunk *chunk, unsigned first, unsigned last) {
    return chunk->first_slot == first && chunk->last_slot == last;
}

/* The base's first chunk that reaches to this slot or lies behind it; NULL: none does. */
static const struct snapshot_chunk *base_chunk(const struct planning *planning, unsigned slot) {
    const struct snapshot_manifest *base = planning->base;
    uint32_t found = base ? snapshot_manifest_find(base, slot) : 0;
    return base && found < base->chunk_count ? &base->chunks[found] : NULL;
}

/* NULL: there is no base. */
static const struct snapshot_chunk *base_end(const struct planning *planning) {
    return planning->base ? planning->base->chunks + planning->base->chunk_count : NULL;
}

static void fit(struct plan *plan, uint32_t chunk_count) {
    plan->capacity = chunk_count;
    plan->chunks = memory_resize(plan->chunks, chunk_count * sizeof *plan->chunks);
    plan->is_old = memory_resize(plan->is_old, chunk_count * sizeof *plan->is_old);
}

static void add_chunk(struct plan *plan, const struct snapshot_chunk *chunk, bool is_old) {
    if (plan->chunk_count == plan->capacity)
        fit(plan, 2 * plan->capacity);
    plan->is_old[plan->chunk_count] = is_old;
    plan->chunks[plan->chunk_count++] = *chunk;
}

static void add_new(struct planning *planning, const struct snapshot_chunk *chunk, uint64_t bytes) {
    planning->plan->new_bytes += bytes;
    add_chunk(planning->plan, chunk, false);
}

static bool is_same_part(const struct snapshot_chunk *one, const struct snapshot_chunk *other) {
    return is_range(one, other->first_slot, other->last_slot) && one->part == other->part;
}

/* Passes the base's chunks, from `before` on, of this range or part, and adds them if they are
 * kept. Of an empty part there are none. Returns the next one. */
static const struct snapshot_chunk *pass_old(struct planning *planning,
                                             const struct snapshot_chunk *before,
                                             const struct snapshot_chunk *of, bool is_kept) {
    for (; before < base_end(planning) && is_same_part(before, of); before++)
        if (is_kept)
            add_chunk(planning->plan, before, true);
    return before;
}

/* ---- a slot in parts ---- */

/* Into how many parts: as many as before, unless they became too large or too small; no more than
 * there are keys to be in them. */
static unsigned part_bits(const struct planning *planning, slot_number slot, uint64_t bytes,
                          const struct snapshot_chunk *before) {
    if (!planning->may_divide)
        return 0;
    uint64_t wanted_bytes = planning->plan->part_bytes;
    unsigned bits = before ? before->part_bits : 0;
    if (bytes >> bits < wanted_bytes / 4)
        bits = 0;
    else if (bytes >> bits <= (before ? 2 * wanted_bytes : wanted_bytes))
        return bits;
    uint64_t keys = planning->machine->ops->slot_keys(planning->machine, slot);
    while (bytes >> bits > wanted_bytes && bits < SLOT_PART_BITS_MAXIMUM && keys >> bits > 1)
        bits++;
    return bits;
}

/* The slot changed, or is new. */
static void add_slot(struct planning *planning, slot_number slot, uint64_t bytes,
                     const struct snapshot_chunk *before) {
    unsigned bits = part_bits(planning, slot, bytes, before);
    bool is_alike = before && bits > 0 && before->part_bits == bits;
    for (unsigned number = 0; number < 1u << bits; number++) {
        const struct snapshot_chunk part = {.first_slot = slot,
                                            .last_slot = slot,
                                            .part = (uint16_t)number,
                                            .part_bits = (uint8_t)bits};
        bool is_old = is_alike && !plan_is_changed(&part, planning->changed);
        if (!is_old)
            add_new(planning, &part, bytes >> bits);
        if (is_alike)
            before = pass_old(planning, before, &part, is_old);
    }
}

/* ---- all slots ---- */

static bool is_unchanged(const struct planning *planning, unsigned first, unsigned last) {
    const struct snapshot_chunk range = {.first_slot = (uint16_t)first,
                                         .last_slot = (uint16_t)last};
    return !plan_is_changed(&range, planning->changed);
}

/* `before`: the base's first chunk there, of just this range; NULL: it has none. */
static void add_range(struct planning *planning, unsigned first, unsigned last, uint64_t bytes,
                      const struct snapshot_chunk *before) {
    const struct snapshot_chunk range = {.first_slot = (uint16_t)first,
                                         .last_slot = (uint16_t)last};
    if (!before || !is_unchanged(planning, first, last)) {
        if (first == last)
            add_slot(planning, (slot_number)first, bytes, before);
        else
            add_new(planning, &range, bytes);
        return;
    }
    while (before < base_end(planning) && is_range(before, first, last))
        before = pass_old(planning, before, before, true);
}

/* The depth of this is the binary logarithm of the slots: 14. */
static void plan_range(struct planning *planning, unsigned first, unsigned count) {
    uint64_t bytes = planning->bytes_before[first + count] - planning->bytes_before[first];
    if (bytes == 0)
        return;
    unsigned last = first + count - 1;
    uint64_t limit_bytes = planning->wanted_bytes;
    const struct snapshot_chunk *before = base_chunk(planning, first);
    bool is_same = before && is_range(before, first, last);
    if (is_same)
        limit_bytes *= 2;
    else if (before && before->first_slot >= first && before->last_slot <= last)
        limit_bytes /= 2; /* it was halved before */
    if (count == 1 || bytes <= limit_bytes) {
        add_range(planning, first, last, bytes, is_same ? before : NULL);
        return;
    }
    plan_range(planning, first, count / 2);
    plan_range(planning, first + count / 2, count / 2);
}

/* ---- the whole ---- */

/* How large the keys of one slot are the machine does not know, but what the base has written of a
 * slot alone is known. */
static void sum_slots(struct planning *planning) {
    struct machine *machine = planning->machine;
    const struct snapshot_chunk *chunk = planning->base ? planning->base->chunks : NULL;
    planning->bytes_before[0] = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        uint64_t bytes = machine->ops->slot_bytes(machine, (slot_number)slot), written = 0;
        for (; chunk < base_end(planning) && chunk->last_slot <= slot; chunk++)
            if (is_range(chunk, slot, slot))
                written += chunk->raw_bytes;
        bytes = bytes > 0 && written > bytes ? written : bytes;
        planning->bytes_before[slot + 1] = planning->bytes_before[slot] + bytes;
    }
}

static uint64_t wanted_bytes(uint64_t chunk_bytes, uint64_t all_bytes) {
    uint64_t bytes = chunk_bytes >> PLAN_CHUNK_HALVINGS;
    while (bytes < chunk_bytes && bytes * PLAN_CHUNKS_WANTED < all_bytes)
        bytes *= 2;
    return bytes;
}

static size_t part_bytes(uint64_t wanted_bytes, uint64_t all_bytes) {
    uint64_t least_bytes = all_bytes / PLAN_PARTS_MAXIMUM;
    return (size_t)(wanted_bytes > least_bytes ? wanted_bytes : least_bytes);
}

static void plan_slots(struct planning *planning, const struct snapshot_manifest *base,
                       uint64_t chunk_bytes) {
    planning->base = base;
    sum_slots(planning);
    uint64_t all_bytes = planning->bytes_before[SLOT_COUNT];
    planning->wanted_bytes = wanted_bytes(chunk_bytes, all_bytes);
    planning->plan->part_bytes = part_bytes(planning->wanted_bytes, all_bytes);
    planning->plan->chunk_count = 0;
    planning->plan->new_bytes = 0;
    fit(planning->plan, SLOT_COUNT + (base ? base->chunk_count : 0));
    plan_range(planning, 0, SLOT_COUNT);
}

/* Parts that many earlier snapshots have cut may be more than one manifest can name. Then none of
 * them is kept. */
void plan_init(struct plan *plan, struct machine *machine, const struct snapshot_manifest *base,
               const struct part_set *changed, const struct plan_options *options) {
    *plan = (struct plan){.may_split = options->may_split};
    struct planning planning = {.plan = plan,
                                .machine = machine,
                                .changed = changed,
                                .may_divide =
                                    options->may_divide && machine->ops->slot_keys != NULL};
    planning.bytes_before = memory_allocate((SLOT_COUNT + 1) * sizeof(uint64_t));
    plan_slots(&planning, base, options->chunk_bytes);
    if (plan->chunk_count > SNAPSHOT_CHUNK_COUNT_MAXIMUM)
        plan_slots(&planning, NULL, options->chunk_bytes);
    memory_free(planning.bytes_before);
    fit(plan, plan->chunk_count + 1);
}

void plan_cut(const struct plan *plan, struct machine *machine) {
    struct part_set wanted = {.parts = NULL};
    plan_divide(plan->chunks, plan->chunk_count, &wanted);
    for (uint32_t i = 0; i < plan->chunk_count; i++)
        if (!plan->is_old[i])
            plan_note_changed(&plan->chunks[i], &wanted);
    if (machine->ops->split_strings)
        machine->ops->split_strings(machine, plan->may_split);
    machine->ops->cut(machine, &wanted);
}

/* ---- what turns out while it is saved ---- */

/* Parts are of even size, about: what is a little more than it should be is no reason for a second
 * chunk. */
size_t plan_enough_bytes(const struct plan *plan, uint32_t chunk) {
    const struct snapshot_chunk *range = &plan->chunks[chunk];
    bool may_go_on =
        range->first_slot == range->last_slot && plan->chunk_count < SNAPSHOT_CHUNK_COUNT_MAXIMUM;
    if (!may_go_on)
        return SIZE_MAX;
    return range->part_bits ? 2 * plan->part_bytes : plan->part_bytes;
}

void plan_go_on(struct plan *plan, uint32_t chunk) {
    uint32_t moved = plan->chunk_count++ - chunk;
    if (plan->chunk_count > plan->capacity)
        fit(plan, 2 * plan->chunk_count);
    memmove(&plan->chunks[chunk + 1], &plan->chunks[chunk], moved * sizeof *plan->chunks);
    memmove(&plan->is_old[chunk + 1], &plan->is_old[chunk], moved * sizeof *plan->is_old);
    plan->chunks[chunk + 1].state_hash = 0;
}

void plan_drop(struct plan *plan, uint32_t chunk) {
    uint64_t state_hash = plan->chunks[chunk].state_hash;
    if (chunk > 0 && is_same_part(&plan->chunks[chunk - 1], &plan->chunks[chunk]))
        plan->chunks[chunk - 1].state_hash += state_hash;
    else
        CHECK(state_hash == 0);
    uint32_t moved = --plan->chunk_count - chunk;
    memmove(&plan->chunks[chunk], &plan->chunks[chunk + 1], moved * sizeof *plan->chunks);
    memmove(&plan->is_old[chunk], &plan->is_old[chunk + 1], moved * sizeof *plan->is_old);
}

void plan_release(struct plan *plan) {
    memory_free(plan->chunks);
    memory_free(plan->is_old);
    *plan = (struct plan){0};
}
