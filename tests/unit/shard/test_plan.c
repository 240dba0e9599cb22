/* Into which chunks a snapshot is cut: by size, alike on replicas of like size, and with bounds
 * that stay. */
#include "../unit.h"
#include "shard/plan.h"

enum { CHUNK_BYTES = 1 << 20 };

struct fake_machine {
    struct machine machine;
    uint64_t bytes[SLOT_COUNT];
};

static uint64_t slot_bytes(struct machine *machine, slot_number slot) {
    return ((struct fake_machine *)(void *)machine)->bytes[slot];
}

static const struct machine_ops fake_ops = {.slot_bytes = slot_bytes};
static struct fake_machine fake = {.machine = {.ops = &fake_ops}};

static void fill(unsigned first, unsigned last, uint64_t bytes) {
    for (unsigned slot = first; slot <= last; slot++)
        fake.bytes[slot] = bytes;
}

static struct plan plan_of(const struct snapshot_manifest *base, const struct slot_set *changed) {
    struct plan plan;
    plan_init(&plan, &fake.machine, base, changed, CHUNK_BYTES);
    return plan;
}

static struct snapshot_manifest *taken(const struct plan *plan) {
    struct snapshot_meta meta = {.shard = 1, .index = 1};
    return snapshot_manifest_new(&meta, plan->chunks, plan->chunk_count);
}

/* Every slot that holds something is in one chunk, and no chunk is larger than it may be. */
static void test_covers_what_there_is(void **state) {
    (void)state;
    struct slot_set none;
    slot_set_clear(&none);
    fill(0, SLOT_COUNT - 1, 0);
    struct plan plan = plan_of(NULL, &none);
    assert_int_equal(plan.chunk_count, 0);
    plan_release(&plan);
    fill(5000, 9999, 3000);
    fill(77, 77, 50 << 20); /* a slot alone, and larger than a chunk: it is cut as it is saved */
    plan = plan_of(NULL, &none);
    uint64_t covered_bytes = 0;
    for (uint32_t i = 0; i < plan.chunk_count; i++) {
        const struct snapshot_chunk *chunk = &plan.chunks[i];
        uint64_t bytes = 0;
        for (unsigned slot = chunk->first_slot; slot <= chunk->last_slot; slot++)
            bytes += fake.bytes[slot];
        assert_true(i == 0 || chunk->first_slot > plan.chunks[i - 1].last_slot);
        assert_true(bytes > 0 && (bytes <= CHUNK_BYTES || chunk->first_slot == chunk->last_slot));
        covered_bytes += bytes;
    }
    assert_int_equal(covered_bytes, 5000 * 3000 + (50 << 20));
    plan_release(&plan);
}

/* What did not change keeps its chunk though the shard grows, up to twice as large; then it is cut,
 * and stays so until the whole is half as large as a chunk may be. */
static void test_bounds_stay(void **state) {
    (void)state;
    struct slot_set none;
    slot_set_clear(&none);
    fill(0, SLOT_COUNT - 1, 5000); /* 80 MB: chunks of 1 MB, 128 slots each */
    struct plan plan = plan_of(NULL, &none);
    struct snapshot_manifest *base = taken(&plan);
    uint32_t chunk_count = plan.chunk_count;
    assert_int_equal(chunk_count, 128);
    plan_release(&plan);
    fill(0, SLOT_COUNT - 1, 14000);
    plan = plan_of(base, &none);
    assert_int_equal(plan.chunk_count, chunk_count);
    assert_true(plan.is_old[0] && plan.is_old[127]);
    plan_release(&plan);
    fill(0, SLOT_COUNT - 1, 17000);
    plan = plan_of(base, &none);
    assert_int_equal(plan.chunk_count, 4 * chunk_count);
    assert_false(plan.is_old[0]);
    snapshot_manifest_free(base);
    base = taken(&plan);
    plan_release(&plan);
    fill(0, SLOT_COUNT - 1, 9000);
    plan = plan_of(base, &none);
    assert_int_equal(plan.chunk_count, 4 * chunk_count);
    plan_release(&plan);
    fill(0, SLOT_COUNT - 1, 4000);
    plan = plan_of(base, &none);
    assert_int_equal(plan.chunk_count, chunk_count);
    plan_release(&plan);
    snapshot_manifest_free(base);
}

/* One slot was touched: one chunk is new. */
static void test_what_changed_is_new(void **state) {
    (void)state;
    struct slot_set changed;
    slot_set_clear(&changed);
    fill(0, SLOT_COUNT - 1, 5000);
    struct plan plan = plan_of(NULL, &changed);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    slot_set_add(&changed, 300);
    plan = plan_of(base, &changed);
    for (uint32_t i = 0; i < plan.chunk_count; i++) {
        assert_int_equal(plan.is_old[i],
                         plan.chunks[i].first_slot > 300 || plan.chunks[i].last_slot < 300);
    }
    plan_release(&plan);
    snapshot_manifest_free(base);
}

/* ---- slots in parts ---- */

/* Slots 0 to 63 hold a little, slot 100 holds much and slot 101 a little again. */
static struct plan plan_with_large(void) {
    struct slot_set none;
    slot_set_clear(&none);
    fill(0, SLOT_COUNT - 1, 0);
    fill(0, 63, 1000);
    fill(100, 100, 50 << 20);
    fill(101, 101, 1000);
    return plan_of(NULL, &none);
}

static uint32_t ordinal_of(const struct plan *plan, unsigned slot) {
    uint32_t i = 0;
    while (plan->chunks[i].last_slot < slot)
        i++;
    return i;
}

static void expect_slots(const struct plan *plan, uint32_t at, unsigned first, unsigned last) {
    assert_int_equal(plan->chunks[at].first_slot, first);
    assert_int_equal(plan->chunks[at].last_slot, last);
}

/* As if slot 100 were saved: three parts, of which the last holds only the hash of a key. */
static struct plan saved_in_parts(void) {
    struct plan plan = plan_with_large();
    uint32_t large = ordinal_of(&plan, 100), count = plan.chunk_count;
    assert_int_equal(plan_part_bytes(&plan, large), CHUNK_BYTES);
    assert_true(plan_part_bytes(&plan, large - 1) == SIZE_MAX);
    for (uint32_t part = 0; part < 2; part++) {
        plan.chunks[large + part].state_hash = 3;
        plan_add_part(&plan, large + part);
    }
    plan.chunks[large + 2].state_hash = 4;
    plan_end_parts(&plan, large + 2);
    assert_int_equal(plan.chunk_count, count + 1);
    expect_slots(&plan, large, 100, 100);
    expect_slots(&plan, large + 1, 100, 100);
    expect_slots(&plan, large + 2, 101, 101);
    assert_int_equal(plan.chunks[large].state_hash, 3);
    assert_int_equal(plan.chunks[large + 1].state_hash, 7);
    assert_int_equal(plan.chunks[large + 2].state_hash, 0);
    return plan;
}

/* A slot that did not change keeps all its parts; one that did is cut anew. */
static void test_parts_are_kept_together(void **state) {
    (void)state;
    struct slot_set changed;
    slot_set_clear(&changed);
    struct plan plan = saved_in_parts();
    uint32_t large = ordinal_of(&plan, 100), count = plan.chunk_count;
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    plan = plan_of(base, &changed);
    assert_int_equal(plan.chunk_count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(plan.is_old[i]);
    assert_int_equal(plan.new_bytes, 0);
    plan_release(&plan);
    slot_set_add(&changed, 100);
    plan = plan_of(base, &changed);
    assert_int_equal(plan.chunk_count, count - 1);
    expect_slots(&plan, large, 100, 100);
    expect_slots(&plan, large + 1, 101, 101);
    assert_false(plan.is_old[large]);
    assert_int_equal(plan.chunks[large].state_hash, 0);
    assert_true(plan.is_old[large + 1]);
    plan_release(&plan);
    snapshot_manifest_free(base);
}

/* More parts of earlier snapshots than one manifest can name together with the rest: all is cut
 * anew. And of a slot no more parts are made once the manifest is full. */
static void test_parts_are_bounded(void **state) {
    (void)state;
    struct slot_set changed;
    slot_set_clear(&changed);
    struct plan plan = plan_with_large();
    uint32_t large = ordinal_of(&plan, 100);
    while (plan.chunk_count < SNAPSHOT_CHUNK_COUNT_MAXIMUM)
        plan_add_part(&plan, plan.chunk_count - 2); /* behind it is slot 101 */
    assert_true(plan_part_bytes(&plan, large) == SIZE_MAX);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    plan = plan_of(base, &changed);
    assert_int_equal(plan.chunk_count, SNAPSHOT_CHUNK_COUNT_MAXIMUM);
    plan_release(&plan);
    fill(200, 200, 1000);
    plan = plan_of(base, &changed);
    assert_in_range(plan.chunk_count, 3, 8);
    assert_false(plan.is_old[0]);
    assert_int_equal(plan.new_bytes, (50 << 20) + 66 * 1000);
    plan_release(&plan);
    snapshot_manifest_free(base);

    fill(0, SLOT_COUNT - 1, (uint64_t)1 << 30); /* 16 TB: larger parts, but not too many */
    plan = plan_of(NULL, &changed);
    uint64_t parts = (((uint64_t)1 << 30) / plan.part_bytes + 1) * SLOT_COUNT;
    assert_in_range(parts, 1, SNAPSHOT_CHUNK_COUNT_MAXIMUM);
    plan_release(&plan);
}

RUN_TESTS(cmocka_unit_test(test_covers_what_there_is), cmocka_unit_test(test_bounds_stay),
          cmocka_unit_test(test_what_changed_is_new),
          cmocka_unit_test(test_parts_are_kept_together), cmocka_unit_test(test_parts_are_bounded))
