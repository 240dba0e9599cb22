/* Into which chunks a snapshot is cut: by size, alike on replicas of like size, and with bounds
 * that stay. */
#include "../unit.h"
#include "shard/machine/plan.h"

enum { CHUNK_BYTES = 1 << 20 };

struct fake_machine {
    struct machine machine;
    uint64_t bytes[SLOT_COUNT];
    uint64_t keys; /* of each slot; 0: so many that they divide it evenly */
};

static uint64_t slot_bytes(struct machine *machine, slot_number slot) {
    return ((struct fake_machine *)(void *)machine)->bytes[slot];
}

static uint64_t slot_keys(struct machine *machine, slot_number slot) {
    const struct fake_machine *own = (struct fake_machine *)(void *)machine;
    return own->keys ? own->keys : own->bytes[slot];
}

static const struct machine_ops fake_ops = {.slot_bytes = slot_bytes, .slot_keys = slot_keys};
static struct fake_machine fake = {.machine = {.ops = &fake_ops}};

static void fill(unsigned first, unsigned last, uint64_t bytes) {
    for (unsigned slot = first; slot <= last; slot++)
        fake.bytes[slot] = bytes;
}

static struct plan plan_of(const struct snapshot_manifest *base, const struct part_set *changed) {
    const struct plan_options options = {.chunk_bytes = CHUNK_BYTES, .may_divide = true};
    struct plan plan;
    plan_init(&plan, &fake.machine, base, changed, &options);
    return plan;
}

static struct snapshot_manifest *taken(const struct plan *plan) {
    struct snapshot_meta meta = {.shard = 1, .index = 1};
    return snapshot_manifest_new(&meta, plan->chunks, plan->chunk_count);
}

/* Every slot that holds something is in one chunk, and no chunk is larger than it may be. */
static void test_covers_what_there_is(void **state) {
    (void)state;
    const struct part_set none = {.parts = NULL};
    fill(0, SLOT_COUNT - 1, 0);
    struct plan plan = plan_of(NULL, &none);
    assert_int_equal(plan.chunk_count, 0);
    plan_release(&plan);
    fill(5000, 9999, 3000);
    fill(77, 77, 50 << 20); /* a slot alone, and larger than a chunk */
    plan = plan_of(NULL, &none);
    uint64_t covered_bytes = 0;
    for (uint32_t i = 0; i < plan.chunk_count; i++) {
        const struct snapshot_chunk *chunk = &plan.chunks[i];
        uint64_t bytes = 0;
        for (unsigned slot = chunk->first_slot; slot <= chunk->last_slot; slot++)
            bytes += fake.bytes[slot];
        bytes >>= chunk->part_bits;
        assert_true(i == 0 || chunk->first_slot > plan.chunks[i - 1].last_slot ||
                    (chunk->part_bits && chunk->part == plan.chunks[i - 1].part + 1));
        assert_true(bytes > 0 && bytes <= CHUNK_BYTES);
        covered_bytes += bytes;
    }
    assert_int_equal(covered_bytes, 5000 * 3000 + (50 << 20));
    assert_int_equal(plan.new_bytes, covered_bytes);
    plan_release(&plan);
}

/* What did not change keeps its chunk though the shard grows, up to twice as large; then it is cut,
 * and stays so until the whole is half as large as a chunk may be. */
static void test_bounds_stay(void **state) {
    (void)state;
    const struct part_set none = {.parts = NULL};
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
    struct part_set changed = {.parts = NULL};
    fill(0, SLOT_COUNT - 1, 5000);
    struct plan plan = plan_of(NULL, &changed);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    part_set_add(&changed, slot_whole(300));
    plan = plan_of(base, &changed);
    for (uint32_t i = 0; i < plan.chunk_count; i++) {
        assert_int_equal(plan.is_old[i],
                         plan.chunks[i].first_slot > 300 || plan.chunks[i].last_slot < 300);
    }
    plan_release(&plan);
    snapshot_manifest_free(base);
}

/* ---- slots in parts ---- */

enum { LARGE = 100, LARGE_BYTES = 50 << 20, LARGE_BITS = 6 };

/* Slots 0 to 63 hold a little, slot 100 holds much and slot 101 a little again. */
static void fill_with_large(uint64_t large_bytes) {
    fill(0, SLOT_COUNT - 1, 0);
    fill(0, 63, 1000);
    fill(LARGE, LARGE, large_bytes);
    fill(LARGE + 1, LARGE + 1, 1000);
}

static struct plan plan_with_large(bool may_divide) {
    const struct part_set none = {.parts = NULL};
    const struct plan_options options = {.chunk_bytes = CHUNK_BYTES, .may_divide = may_divide};
    struct plan plan;
    fill_with_large(LARGE_BYTES);
    plan_init(&plan, &fake.machine, NULL, &none, &options);
    return plan;
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

/* So many parts of the large slot, in order, of which only those in `is_new` are to be written. */
static void expect_parts(const struct plan *plan, unsigned bits, const bool *is_new) {
    uint32_t at = ordinal_of(plan, LARGE);
    for (unsigned number = 0; number < 1u << bits; number++, at++) {
        expect_slots(plan, at, LARGE, LARGE);
        assert_int_equal(plan->chunks[at].part_bits, bits);
        assert_int_equal(plan->chunks[at].part, number);
        assert_int_equal(plan->is_old[at], is_new && !is_new[number]);
    }
    assert_true(at == plan->chunk_count || plan->chunks[at].first_slot > LARGE);
}

/* As it would be once it is saved. */
static struct snapshot_manifest *saved(struct plan *plan) {
    for (uint32_t i = 0; i < plan->chunk_count; i++)
        plan->chunks[i].raw_bytes = CHUNK_BYTES / 2;
    struct snapshot_manifest *manifest = taken(plan);
    plan_release(plan);
    return manifest;
}

/* One part of a slot changed: that one is written, and the others are named again, whatever else
 * is written. */
static void test_a_changed_part_is_new(void **state) {
    (void)state;
    struct plan plan = plan_with_large(true);
    bool is_new[1 << LARGE_BITS] = {false};
    uint32_t chunk_count = plan.chunk_count;
    expect_parts(&plan, LARGE_BITS, NULL);
    struct part_set changed = {.parts = NULL};
    plan_divide(plan.chunks, plan.chunk_count, &changed);
    struct snapshot_manifest *base = saved(&plan);
    plan = plan_of(base, &changed);
    assert_int_equal(plan.chunk_count, chunk_count);
    expect_parts(&plan, LARGE_BITS, is_new);
    assert_int_equal(plan.new_bytes, 0);
    plan_release(&plan);
    part_set_add_key(&changed, LARGE, BYTES_LITERAL("some key"));
    is_new[slot_part_number(slot_part_hash(BYTES_LITERAL("some key")), LARGE_BITS)] = true;
    part_set_add(&changed, (struct slot_part){.slot = LARGE, .bits = 9, .number = 511});
    is_new[(1 << LARGE_BITS) - 1] = true;
    plan = plan_of(base, &changed);
    expect_parts(&plan, LARGE_BITS, is_new);
    assert_int_equal(plan.new_bytes, 2 * (LARGE_BYTES >> LARGE_BITS));
    plan_release(&plan);
    part_set_clear(&changed);
    part_set_add(&changed, slot_whole(LARGE)); /* which of them is not known */
    plan = plan_of(base, &changed);
    expect_parts(&plan, LARGE_BITS, NULL);
    plan_release(&plan);
    part_set_clear(&changed);
    snapshot_manifest_free(base);
}

/* A part that has no keys is in no manifest, and counts as unchanged all the same; one that is more
 * than a chunk keeps its chunks together. */
static void test_parts_that_are_empty_or_several_chunks(void **state) {
    (void)state;
    struct plan plan = plan_with_large(true);
    uint32_t large = ordinal_of(&plan, LARGE), chunk_count = plan.chunk_count;
    plan_go_on(&plan, large + 1);
    plan_drop(&plan, large); /* part 0 */
    assert_int_equal(plan.chunk_count, chunk_count);
    struct part_set changed = {.parts = NULL};
    plan_divide(plan.chunks, plan.chunk_count, &changed);
    struct snapshot_manifest *base = saved(&plan);
    part_set_add(&changed, (struct slot_part){.slot = LARGE, .bits = LARGE_BITS, .number = 2});
    plan = plan_of(base, &changed);
    assert_int_equal(plan.chunk_count, chunk_count);
    assert_int_equal(plan.chunks[large].part, 1);
    assert_int_equal(plan.chunks[large + 1].part, 1);
    assert_true(plan.is_old[large] && plan.is_old[large + 1]);
    assert_int_equal(plan.chunks[large + 2].part, 2);
    assert_false(plan.is_old[large + 2]);
    plan_release(&plan);
    part_set_add(&changed, (struct slot_part){.slot = LARGE, .bits = LARGE_BITS, .number = 0});
    part_set_add(&changed, (struct slot_part){.slot = LARGE, .bits = LARGE_BITS, .number = 1});
    plan = plan_of(base, &changed);
    assert_int_equal(plan.chunk_count,
                     chunk_count); /* what is written anew is one chunk at first */
    for (uint32_t i = 0; i < 1 << LARGE_BITS; i++)
        assert_int_equal(plan.is_old[large + i], i > 2);
    plan_release(&plan);
    part_set_clear(&changed);
    snapshot_manifest_free(base);
}

static unsigned bits_of_large(const struct snapshot_manifest *base) {
    struct part_set changed = {.parts = NULL};
    part_set_add(&changed, slot_whole(LARGE));
    struct plan plan = plan_of(base, &changed);
    unsigned bits = plan.chunks[ordinal_of(&plan, LARGE)].part_bits;
    plan_release(&plan);
    return bits;
}

/* A slot that grows or shrinks keeps its parts until they are twice, or a quarter of, what they
 * should be: so it is not written again each time. */
static void test_the_number_of_parts_stays(void **state) {
    (void)state;
    struct plan plan = plan_with_large(true);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    fill_with_large((uint64_t)127 << 20); /* 64 parts of at most 2 MB */
    assert_int_equal(bits_of_large(base), LARGE_BITS);
    assert_int_equal(bits_of_large(NULL), LARGE_BITS + 1);
    fill_with_large((uint64_t)129 << 20);
    assert_int_equal(bits_of_large(base), LARGE_BITS + 2);
    snapshot_manifest_free(base);
    fill(0, 1023, 1 << 20); /* so that a chunk is as large whatever the slot holds */
    fill(LARGE, LARGE, LARGE_BYTES);
    const struct part_set none = {.parts = NULL};
    plan = plan_of(NULL, &none);
    base = taken(&plan);
    plan_release(&plan);
    fill(LARGE, LARGE, LARGE_BYTES / 3);
    assert_int_equal(bits_of_large(base), LARGE_BITS);
    assert_int_equal(bits_of_large(NULL), LARGE_BITS - 1);
    fill(LARGE, LARGE, LARGE_BYTES / 4);
    assert_int_equal(bits_of_large(base), LARGE_BITS - 2);
    fill(LARGE, LARGE, 1000);
    assert_int_equal(bits_of_large(base), 0);
    snapshot_manifest_free(base);
}

/* Few large keys fill no more parts than there are of them, one key none; and a slot that lost some
 * keys keeps its parts. */
static void test_no_more_parts_than_keys(void **state) {
    (void)state;
    const uint64_t keys[] = {1, 2, 3, 8, 63, 64, 1000};
    const unsigned bits[] = {0, 1, 1, 3, 5, 6, 6};
    for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        fill_with_large(LARGE_BYTES);
        fake.keys = keys[i];
        assert_int_equal(bits_of_large(NULL), bits[i]);
    }
    fake.keys = 8;
    struct plan plan = plan_with_large(true);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    fake.keys = 7;
    assert_int_equal(bits_of_large(base), 3);
    assert_int_equal(bits_of_large(NULL), 2);
    fake.keys = 0;
    snapshot_manifest_free(base);
}

/* How large the keys of one slot are is not known: what the last snapshot wrote of it is. */
static void test_what_was_written_says_how_large_a_slot_is(void **state) {
    (void)state;
    struct plan plan = plan_with_large(false);
    uint32_t large = ordinal_of(&plan, LARGE);
    for (uint32_t i = 0; i < 40; i++)
        plan_go_on(&plan, large);
    struct snapshot_manifest *base = saved(&plan); /* 41 chunks of half a MB each */
    fill_with_large(1000);
    fill(1000, 1999, 1 << 20);
    assert_int_equal(bits_of_large(base), 5);
    assert_int_equal(bits_of_large(NULL), 0);
    snapshot_manifest_free(base);
}

/* Before all nodes know of parts, a slot is as many chunks as it turns out to be, all of which go
 * when anything in it changes. */
static void test_an_undivided_slot_is_kept_or_written_whole(void **state) {
    (void)state;
    struct part_set changed = {.parts = NULL};
    struct plan plan = plan_with_large(false);
    uint32_t large = ordinal_of(&plan, LARGE), count = plan.chunk_count;
    assert_int_equal(plan.chunks[large].part_bits, 0);
    assert_int_equal(plan_enough_bytes(&plan, large), CHUNK_BYTES);
    assert_true(plan_enough_bytes(&plan, large - 1) == SIZE_MAX);
    for (uint32_t piece = 0; piece < 2; piece++) {
        plan.chunks[large + piece].state_hash = 3;
        plan_go_on(&plan, large + piece);
    }
    plan.chunks[large + 2].state_hash = 4; /* only the hash of a key was left */
    plan_drop(&plan, large + 2);
    assert_int_equal(plan.chunk_count, count + 1);
    expect_slots(&plan, large + 1, LARGE, LARGE);
    expect_slots(&plan, large + 2, LARGE + 1, LARGE + 1);
    assert_int_equal(plan.chunks[large].state_hash, 3);
    assert_int_equal(plan.chunks[large + 1].state_hash, 7);
    assert_int_equal(plan.chunks[large + 2].state_hash, 0);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    plan = plan_of(base, &changed); /* though it may be divided by now */
    assert_int_equal(plan.chunk_count, count + 1);
    for (uint32_t i = 0; i < plan.chunk_count; i++)
        assert_true(plan.is_old[i]);
    plan_release(&plan);
    part_set_add(&changed, slot_whole(LARGE));
    plan = plan_of(base, &changed);
    expect_parts(&plan, LARGE_BITS, NULL);
    assert_true(plan.is_old[plan.chunk_count - 1]);
    plan_release(&plan);
    snapshot_manifest_free(base);
}

/* More chunks of earlier snapshots than one manifest can name together with the rest: all is cut
 * anew. And of a slot no more are made once the manifest is full. */
static void test_chunks_are_bounded(void **state) {
    (void)state;
    const struct part_set none = {.parts = NULL};
    struct plan plan = plan_with_large(false);
    uint32_t large = ordinal_of(&plan, LARGE);
    while (plan.chunk_count < SNAPSHOT_CHUNK_COUNT_MAXIMUM)
        plan_go_on(&plan, plan.chunk_count - 2); /* behind it is slot 101 */
    assert_true(plan_enough_bytes(&plan, large) == SIZE_MAX);
    struct snapshot_manifest *base = taken(&plan);
    plan_release(&plan);
    plan = plan_of(base, &none);
    assert_int_equal(plan.chunk_count, SNAPSHOT_CHUNK_COUNT_MAXIMUM);
    plan_release(&plan);
    fill(200, 200, 1000);
    plan = plan_of(base, &none);
    assert_in_range(plan.chunk_count, 1 << LARGE_BITS, (1 << LARGE_BITS) + 8);
    assert_false(plan.is_old[0]);
    assert_int_equal(plan.new_bytes, LARGE_BYTES + 66 * 1000);
    plan_release(&plan);
    snapshot_manifest_free(base);

    fill(0, SLOT_COUNT - 1, (uint64_t)1 << 30); /* 16 TB: larger parts, but not too many */
    plan = plan_of(NULL, &none);
    assert_in_range(plan.chunk_count, SLOT_COUNT, SNAPSHOT_CHUNK_COUNT_MAXIMUM);
    plan_release(&plan);
    fill(0, SLOT_COUNT - 1, 0);
    fill(LARGE, LARGE, (uint64_t)1 << 40); /* 1 TB in one slot */
    plan = plan_of(NULL, &none);
    assert_int_equal(plan.chunk_count, SLOT_PARTS_MAXIMUM);
    plan_release(&plan);
}

RUN_TESTS(cmocka_unit_test(test_covers_what_there_is), cmocka_unit_test(test_bounds_stay),
          cmocka_unit_test(test_what_changed_is_new), cmocka_unit_test(test_a_changed_part_is_new),
          cmocka_unit_test(test_parts_that_are_empty_or_several_chunks),
          cmocka_unit_test(test_the_number_of_parts_stays),
          cmocka_unit_test(test_no_more_parts_than_keys),
          cmocka_unit_test(test_what_was_written_says_how_large_a_slot_is),
          cmocka_unit_test(test_an_undivided_slot_is_kept_or_written_whole),
          cmocka_unit_test(test_chunks_are_bounded))
