/* Verification changes nothing, agrees with recovery about every flipped bit, and says where. */
#include "../unit.h"
#include "base/memory.h"
#include "store/recovery/verify.h"
#include "wal_world.h"

struct seen {
    struct wal_bad bad[16];
    size_t bad_count;
    struct world_log log;
    uint64_t progress;
};

static int seen_entry(void *context, uint32_t shard, struct bytes encoded) {
    (void)encoded;
    struct seen *seen = context;
    seen->log.replayed++;
    seen->log.shards[shard].last_index++;
    return 0;
}
static int seen_truncate(void *context, uint32_t shard, uint64_t from_index) {
    struct seen *seen = context;
    seen->log.replayed++;
    seen->log.shards[shard].last_index = from_index - 1;
    return 0;
}
static int seen_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    struct seen *seen = context;
    seen->log.replayed++;
    seen->log.shards[shard].term = term;
    seen->log.shards[shard].vote = vote;
    return 0;
}
static int seen_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    struct seen *seen = context;
    seen->log.replayed++;
    seen->log.shards[shard].snapshot_index = index;
    seen->log.shards[shard].snapshot_term = term;
    return 0;
}
static void seen_bad(void *context, const struct wal_bad *bad) {
    struct seen *seen = context;
    if (seen->bad_count < 16)
        seen->bad[seen->bad_count] = *bad;
    seen->bad_count++;
}
static void seen_progress(void *context, uint64_t bytes) {
    ((struct seen *)context)->progress += bytes;
}

static void verify(struct world *world, struct seen *seen, struct wal_verification *result) {
    *seen = (struct seen){.bad_count = 0};
    struct wal_verifier verifier = {.visitor = {.entry = seen_entry,
                                                .truncate = seen_truncate,
                                                .state = seen_state,
                                                .snapshot = seen_snapshot,
                                                .context = seen},
                                    .bad = seen_bad,
                                    .progress = seen_progress};
    unsigned changes = world->fake.changes;
    assert_int_equal(wal_verify(&world->fake.disk, &verifier, result), 0);
    assert_int_equal(world->fake.changes, changes);
    assert_int_equal(world->fake.open_files, 0);
}

static void test_a_sound_log_is_called_sound(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 0);
    assert_false(result.is_torn);
    assert_int_equal(result.segment_count, 2);
    assert_int_equal(result.record_count, 2 + 9);
    assert_int_equal(seen.progress, result.bytes);
    assert_int_equal(seen.log.replayed, 9);
    assert_int_equal(seen.log.shards[0].last_index, 4);
    assert_int_equal(seen.log.shards[2].snapshot_index, 9);
    world_free(world);
}

/* Every bit of both files. What recovery refuses is called damaged, at the byte that was flipped or
 * before it; what it takes is called sound or torn, but for the unused rest of the first segment.
 */
static void test_agrees_with_recovery_about_every_bit(void **state) {
    (void)state;
    struct world *world = world_small_log();
    size_t first_used = world_used_bytes(world_segment(world, 1));
    for (unsigned segment = 1; segment <= 2; segment++) {
        struct fake_file *one = world_segment(world, 1), *two = world_segment(world, 2);
        uint8_t *original[2] = {memory_copy(one->live, one->live_bytes),
                                memory_copy(two->live, two->live_bytes)};
        struct fake_file *file = segment == 1 ? one : two;
        for (size_t bit = 0; bit < file->live_bytes * 8; bit++) {
            file->live[bit / 8] ^= (uint8_t)(1 << (bit % 8));
            struct seen seen;
            struct wal_verification result;
            verify(world, &seen, &result);
            size_t appended = world->append_count;
            int status = world_open(world);
            if (status == 0)
                world_close(world);
            world->append_count = appended;
            memcpy(one->live, original[0], one->live_bytes);
            memcpy(two->live, original[1], two->live_bytes);
            bool is_rest = segment == 1 && bit / 8 >= first_used;
            bool is_damaged = seen.bad_count > 0;
            if (is_damaged != (status != 0 || is_rest))
                print_message("segment %u bit %zu: %d\n", segment, bit, status);
            assert_int_equal(is_damaged, status != 0 || is_rest);
            assert_true(is_damaged || result.is_torn);
            if (!is_damaged) {
                assert_int_equal(result.torn_segment, segment);
                assert_true(result.torn_offset <= bit / 8);
                assert_true(bit / 8 < result.torn_offset + result.torn_bytes);
                continue;
            }
            assert_int_equal(seen.bad[0].segment, segment);
            assert_true(seen.bad[0].offset <= bit / 8);
            assert_true(bit / 8 < seen.bad[0].offset + seen.bad[0].bytes);
        }
        memory_free(original[0]);
        memory_free(original[1]);
    }
    world_free(world);
}

static void test_reads_on_behind_damage(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *one = world_segment(world, 1), *two = world_segment(world, 2);
    /* The payload of the first record behind each checkpoint. */
    size_t payload_of_state = (WAL_HEADER_BYTES + 16) + WAL_HEADER_BYTES, payload_of_entry = 0;
    for (size_t at = 8; at < 600 && payload_of_entry == 0; at += 8)
        if (memcmp(two->live + at, "TWAL", 4) == 0 && two->live[at + 5] == WAL_ENTRY)
            payload_of_entry = at - 8 + WAL_HEADER_BYTES;
    one->live[payload_of_state] ^= 1;
    two->live[payload_of_entry] ^= 1;
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 2);
    assert_int_equal(seen.bad[0].kind, WAL_STATE);
    assert_true(seen.bad[0].has_header);
    assert_int_equal(seen.bad[1].segment, 2);
    assert_int_equal(seen.bad[1].kind, WAL_ENTRY);
    assert_int_equal(seen.bad[1].index, 3);
    assert_int_equal(seen.log.shards[0].last_index, 4);
    world_free(world);
}

/* The record that begins at this offset or the first one behind it; 0: none does. */
static size_t record_from(const struct fake_file *file, size_t offset) {
    for (; offset + WAL_HEADER_BYTES <= file->live_bytes; offset += 8)
        if (memcmp(file->live + offset + 8, "TWAL", 4) == 0)
            return offset;
    return 0;
}

/* Not even its header can be read: what is called damaged ends where the next record begins. */
static void test_damage_ends_where_a_record_begins(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *one = world_segment(world, 1);
    size_t second = record_from(one, 8), third = record_from(one, second + 8);
    assert_true(second > 0 && third > second);
    one->live[second + 8] ^= 1;
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 1);
    assert_int_equal(seen.bad[0].offset, second);
    assert_int_equal(seen.bad[0].bytes, third - second);
    world_free(world);
}

/* The second segment is another log's, whole in itself, and has its numbers. Only what it knows of
 * the first one is wrong. */
static void test_an_exchanged_segment_does_not_follow(void **state) {
    (void)state;
    struct world *world = world_small_log(), *other = world_small_log_with_vote(2);
    const struct fake_file *two = world_segment(other, 2);
    fake_disk_put(&world->fake, "wal-0000000002", bytes_of(two->live, two->live_bytes));
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 1);
    assert_int_equal(seen.bad[0].segment, 2);
    assert_int_equal(seen.bad[0].offset, 0);
    assert_string_equal(seen.bad[0].what,
                        "its checkpoint does not follow from the segments before it");
    world_free(other);
    world_free(world);
}

static void test_a_missing_segment_is_missed(void **state) {
    (void)state;
    struct world *world = world_small_log();
    assert_int_equal(world_open(world), 0);
    for (uint64_t index = 5; index < 9; index++) {
        world_entry(world, 0, index, 300);
        world_flush(world);
    }
    world_close(world);
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 0);
    assert_true(result.segment_count >= 3);
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(2, name);
    assert_int_equal(world->fake.disk.ops->remove(&world->fake.disk, name), 0);
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 1);
    assert_int_equal(seen.bad[0].segment, 2);
    assert_string_equal(seen.bad[0].what, "the file is missing");
    world_free(world);
}

static void test_an_open_round_is_torn(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *two = world_segment(world, 2);
    size_t end = world_used_bytes(two);
    memset(two->live + end - SMALL_LOG_LAST_ROUND_BYTES / 2, 0, SMALL_LOG_LAST_ROUND_BYTES / 2);
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 0);
    assert_true(result.is_torn);
    assert_int_equal(result.torn_segment, 2);
    assert_int_equal(result.torn_offset, end - SMALL_LOG_LAST_ROUND_BYTES / 2);
    world_free(world);
}

static void header_at(const struct fake_file *file, size_t offset, struct wal_header *header) {
    struct bytes here = bytes_of(file->live + offset, file->live_bytes - offset);
    assert_int_equal(wal_header_decode(here, header), 0);
}

/* The last record of a log becomes one that verifies, and is of a kind with another payload. */
static void test_a_payload_that_nothing_wrote(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *two = world_segment(world, 2);
    size_t last = world_used_bytes(two) - SMALL_LOG_LAST_ROUND_BYTES / 2;
    struct wal_header before, header;
    header_at(two, last - SMALL_LOG_LAST_ROUND_BYTES / 2, &before);
    header_at(two, last, &header);
    struct buffer record;
    buffer_init(&record, 4096);
    wal_record_append(&record, WAL_STATE, 0, 0, BYTES_LITERAL("no term"));
    header.payload_bytes = 7;
    wal_record_seal(buffer_data(&record), &header, &before.record_crc32c);
    memset(two->live + last, 0, SMALL_LOG_LAST_ROUND_BYTES / 2);
    memcpy(two->live + last, buffer_data(&record), record.length);
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 1);
    assert_string_equal(seen.bad[0].what, "a record verifies but has a payload that nothing wrote");
    assert_int_equal(seen.bad[0].segment, 2);
    assert_int_equal(seen.bad[0].offset, last);
    assert_int_equal(seen.bad[0].bytes, record.length);
    buffer_release(&record);
    world_free(world);
}

/* A record of the segment, but for its life, in an entry whose own header is lost. The segment's
 * life is known from the records before it though the checkpoint cannot be read. */
static void test_what_an_entry_holds_is_no_record(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *one = world_segment(world, 1);
    size_t state_at = record_from(one, 8), first_at = record_from(one, state_at + 8),
           second_at = record_from(one, first_at + 8), third_at = record_from(one, second_at + 8);
    struct wal_header header;
    header_at(one, second_at, &header);
    assert_int_equal(header.payload_bytes, 200);
    header.life++;
    header.record += 5;
    struct buffer record;
    buffer_init(&record, 4096);
    wal_record_append(&record, WAL_ENTRY, 1, 9, bytes_of("", 0));
    uint32_t chain = 0;
    header.payload_bytes = 0;
    wal_record_seal(buffer_data(&record), &header, &chain);
    memcpy(one->live + second_at + WAL_HEADER_BYTES + 16, buffer_data(&record), record.length);
    one->live[0] ^= 1;
    one->live[second_at] ^= 1;
    struct seen seen;
    struct wal_verification result;
    verify(world, &seen, &result);
    assert_int_equal(seen.bad_count, 2);
    assert_int_equal(seen.bad[0].offset, 0);
    assert_int_equal(seen.bad[1].offset, second_at);
    assert_int_equal(seen.bad[1].bytes, third_at - second_at);
    buffer_release(&record);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_a_sound_log_is_called_sound),
          cmocka_unit_test(test_agrees_with_recovery_about_every_bit),
          cmocka_unit_test(test_reads_on_behind_damage),
          cmocka_unit_test(test_damage_ends_where_a_record_begins),
          cmocka_unit_test(test_an_exchanged_segment_does_not_follow),
          cmocka_unit_test(test_a_missing_segment_is_missed),
          cmocka_unit_test(test_an_open_round_is_torn),
          cmocka_unit_test(test_a_payload_that_nothing_wrote),
          cmocka_unit_test(test_what_an_entry_holds_is_no_record))
