/* Segments are used again. What they held in a former life is never taken for the log, whatever
 * becomes of the bytes written over it. */
#include "../unit.h"
#include "base/memory.h"
#include "base/planted.h"
#include "store/record/format.h"
#include "store/recovery/verify.h"
#include "wal_world.h"

/* A log whose segments hold four entries each; those up to `released` are covered by a snapshot and
 * let go once `released` entries are written. It ends with entry `last`. */
static struct world *recycled_log(uint64_t released, uint64_t last) {
    struct world *world = world_opened();
    for (uint64_t i = 1; i <= last; i++) {
        if (i == 4)
            world_state(world, 0, 1, 3);
        world_entry(world, 0, i, 130);
        world_flush(world);
        if (i != released)
            continue;
        world_let_go(world, 0, released, 1);
    }
    return world;
}

static struct fake_file *newest_of(struct world *world) {
    struct fake_file *newest = NULL, *file;
    char name[DISK_NAME_MAXIMUM];
    for (uint64_t segment = 1; segment < 100; segment++) {
        wal_segment_name(segment, name);
        file = fake_disk_find(&world->fake, name);
        newest = file ? file : newest;
    }
    return newest;
}

/* The name of the spare with the lowest number; false if there is none. */
static bool first_spare(struct world *world, char name[DISK_NAME_MAXIMUM]) {
    for (uint64_t number = 1; number < 100; number++) {
        wal_spare_name(number, name);
        if (fake_disk_find(&world->fake, name))
            return true;
    }
    return false;
}

/* The bytes behind the last record of this life, told by the headers alone. */
static size_t end_of_records(const struct fake_file *file) {
    size_t at = 0;
    struct wal_header header, first = {.life = 0};
    while (at < file->live_bytes &&
           wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0) {
        first = at == 0 ? header : first;
        if (header.life != first.life)
            return at;
        at += wal_record_bytes(header.payload_bytes);
    }
    return at;
}

/* Two spares are wanted: two of the released segments are kept, the others go; the next two
 * segments need no new file, and the log is replayed as ever. */
static void test_released_segments_are_used_again(void **state) {
    (void)state;
    struct world *world = recycled_log(17, 17);
    assert_int_equal(world_statistics(world).spares, 2);
    size_t files = world->fake.file_count;
    world_entries(world, 0, 18, 25, 130);
    assert_int_equal(world_statistics(world).segments_recycled, 2);
    assert_int_equal(world->fake.file_count, files);
    world_close(world);
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, world->append_count));
    world_free(world);
}

/* A spare that was ready when the process ended is used by the next one. One of another size is of
 * no use, nor are more than are wanted. */
static void test_spares_outlive_the_process(void **state) {
    (void)state;
    struct world *world = recycled_log(20, 20);
    world_close(world);
    uint8_t zeros[500] = {0};
    fake_disk_put(&world->fake, "wal-spare-0000000099", bytes_of(zeros, sizeof zeros));
    assert_int_equal(world_open(world), 0);
    assert_int_equal(world_statistics(world).spares, 2);
    assert_null(fake_disk_find(&world->fake, "wal-spare-0000000099"));
    world_close(world);
    world->spare_count = 1;
    assert_int_equal(world_open(world), 0);
    assert_int_equal(world_statistics(world).spares, 1);
    world_free(world);
}

/* Without spares wanted, released segments are removed as they always were. */
static void test_no_spares_are_kept_where_none_are_wanted(void **state) {
    (void)state;
    struct world *world = recycled_log(20, 20);
    wal_tune(world->wal, &(struct wal_tuning){.segment_bytes = WORLD_SEGMENT_BYTES,
                                              .round_bytes = 4096,
                                              .spare_count = 0});
    world_entries(world, 0, 21, 50, 130);
    world_let_go(world, 0, 50, 1);
    assert_true(world_statistics(world).spares <= 1); /* one may be made ahead of need */
    world_free(world);
}

/* A new size of segments holds from the next one that is made; those of the old size are not kept.
 */
static void test_segments_change_their_size_while_the_log_is_used(void **state) {
    (void)state;
    struct world *world = recycled_log(0, 12);
    wal_tune(world->wal, &(struct wal_tuning){.segment_bytes = 2 * WORLD_SEGMENT_BYTES,
                                              .round_bytes = 4096,
                                              .spare_count = 2});
    world_entries(world, 0, 13, 40, 130);
    assert_int_equal(newest_of(world)->live_bytes, 2 * WORLD_SEGMENT_BYTES);
    world_let_go(world, 0, 12, 1);
    char name[DISK_NAME_MAXIMUM];
    if (first_spare(world, name)) /* made ahead of need */
        assert_int_equal(fake_disk_find(&world->fake, name)->live_bytes, 2 * WORLD_SEGMENT_BYTES);
    world_close(world);
    world->segment_bytes = 2 * WORLD_SEGMENT_BYTES;
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, world->append_count));
    world_free(world);
}

/* What the next round would overwrite stands there from a former life, whole and verifying by
 * itself. It is not replayed, wherever the log ends. */
static void test_stale_records_are_never_replayed(void **state) {
    (void)state;
    for (uint64_t last = 20; last <= 40; last++) {
        struct world *world = recycled_log(20, last);
        world_close(world);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, world->append_count));
        assert_int_equal(world->log.shards[0].last_index, last);
        world_free(world);
    }
}

/* The file has the name of its new life and not one byte of it: the power failed in between. It is
 * used as if it were new. */
static void test_a_recycled_segment_without_a_checkpoint_is_new(void **state) {
    (void)state;
    struct world *world = recycled_log(17, 17);
    world_close(world);
    char spare[DISK_NAME_MAXIMUM], next[DISK_NAME_MAXIMUM];
    struct wal_header newest;
    struct fake_file *file = newest_of(world);
    assert_int_equal(wal_header_decode(bytes_of(file->live, file->live_bytes), &newest), 0);
    wal_segment_name(newest.segment + 1, next);
    assert_true(first_spare(world, spare));
    assert_int_equal(fake_disk_find(&world->fake, spare)->live[13], WAL_CHECKPOINT);
    assert_int_equal(world->fake.disk.ops->rename(&world->fake.disk, spare, next), 0);
    assert_int_equal(world_open(world), 0);
    assert_true(world_log_is(world, world->append_count));
    world_entry(world, 0, 18, 130);
    world_flush(world);
    world_close(world);
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, world->append_count));
    world_free(world);
}

/* A record that would be the very next one, right in all but the life it cannot know: so an entry
 * of a former life may look, if somebody means ill. */
static void test_a_forged_record_is_not_replayed(void **state) {
    (void)state;
    struct world *world = recycled_log(20, 26);
    world_close(world);
    struct fake_file *file = newest_of(world);
    size_t end = end_of_records(file), at = 0, last = 0;
    struct wal_header header;
    for (; at < end; at += wal_record_bytes(header.payload_bytes)) {
        assert_int_equal(wal_header_decode(bytes_of(file->live + at, end - at), &header), 0);
        last = at;
    }
    assert_int_equal(wal_header_decode(bytes_of(file->live + last, end - last), &header), 0);
    uint32_t chain = header.record_crc32c;
    struct buffer forged;
    buffer_init(&forged, 1024);
    wal_record_append(&forged, WAL_TRUNCATE, 0, 1, BYTES_NONE);
    header.record++, header.round++, header.life ^= 1;
    header.payload_bytes = 0;
    wal_record_seal(buffer_data(&forged), &header, &chain);
    memcpy(file->live + end, buffer_data(&forged), forged.length);
    memcpy(file->live + end + 128, buffer_data(&forged), forged.length);
    buffer_release(&forged);
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, world->append_count));
    world_free(world);
}

/* Every bit of the newest segment, which is a recycled one: before the last round a flip is refused
 * by recovery and found by verification; in the last round it is a torn tail; behind the end nobody
 * minds, because nothing of the log stands there. */
static void test_every_flip_in_a_recycled_segment(void **state) {
    (void)state;
    struct world *world = recycled_log(20, 26);
    world_close(world);
    struct fake_file *file = newest_of(world);
    size_t end = end_of_records(file);
    assert_true(end > 0 && end + WAL_END_BYTES < file->live_bytes);
    size_t last_round = end - WAL_HEADER_BYTES - 136;
    struct wal_verification result;
    assert_int_equal(world_verify(world, &result), 0);
    assert_false(result.is_torn);
    for (size_t bit = 0; bit < file->live_bytes * 8; bit++) {
        uint8_t *original = memory_copy(file->live, file->live_bytes);
        file->live[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        bool is_synced = bit / 8 < last_round, is_behind = bit / 8 >= end + WAL_END_BYTES;
        assert_int_equal(world_verify(world, &result) > 0, is_synced);
        assert_int_equal(result.is_torn, !is_synced && !is_behind);
        assert_int_equal(world_recover(world), is_synced ? ERR_DAMAGED : 0);
        bool is_cut = bit / 8 >= last_round && bit / 8 < end;
        assert_true(is_synced || world_log_is(world, world->append_count - is_cut));
        memcpy(file->live, original, file->live_bytes);
        memory_free(original);
    }
    world_free(world);
}

/* A round of the newest segment is written where another one belongs, or into another segment: the
 * place it left out and the place it spoilt are both found. */
static void test_misdirected_writes_are_found(void **state) {
    (void)state;
    struct world *world = recycled_log(20, 28);
    world_close(world);
    char name[DISK_NAME_MAXIMUM];
    struct fake_file *newest = newest_of(world), *before = NULL;
    for (uint64_t segment = 1; segment < 100; segment++) {
        wal_segment_name(segment, name);
        struct fake_file *file = fake_disk_find(&world->fake, name);
        before = file && file != newest ? file : before;
    }
    const size_t record = WAL_HEADER_BYTES + 136;
    size_t end = end_of_records(newest), first = end % record;
    assert_true(end >= first + 2 * record);
    struct {
        struct fake_file *file;
        size_t offset;
    } wrong[] = {{newest, first}, {newest, first + 8}, {before, 0}, {before, first}, {before, 8}};
    struct wal_verification result;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t *kept = memory_copy(wrong[i].file->live, wrong[i].file->live_bytes);
        memcpy(wrong[i].file->live + wrong[i].offset, newest->live + end - record, record);
        assert_true(world_verify(world, &result) > 0);
        assert_int_equal(world_recover(world), ERR_DAMAGED);
        memcpy(wrong[i].file->live, kept, wrong[i].file->live_bytes);
        memory_free(kept);
    }
    assert_int_equal(world_recover(world), 0);
    world_free(world);
}

/* The last write was cut short at every length, over what the file held before: what is replayed is
 * all but the last round. */
static void test_short_writes_over_a_former_life(void **state) {
    (void)state;
    const size_t record = WAL_HEADER_BYTES + 136;
    for (size_t held = 0; held < record + WAL_END_BYTES; held += 4) {
        struct world *world = recycled_log(20, 25);
        struct fake_file *file = newest_of(world);
        uint8_t *former = memory_copy(file->live, file->live_bytes);
        size_t end = end_of_records(file);
        world_entry(world, 0, 26, 130);
        world_flush(world);
        assert_ptr_equal(newest_of(world), file);
        world_close(world);
        uint8_t *written = memory_copy(file->live + end, record);
        memcpy(file->live + end + held, former + end + held, file->live_bytes - end - held);
        bool is_lost = memcmp(file->live + end, written, record) != 0;
        memory_free(written);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, world->append_count - is_lost));
        world->append_count -= is_lost;
        world->durable = world->append_count;
        assert_int_equal(world_open(world), 0);
        world_entry(world, 0, is_lost ? 26 : 27, 130);
        world_flush(world);
        world_close(world);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, world->append_count));
        memory_free(former);
        world_free(world);
    }
}

#ifdef TROTHDB_PLANTED_FAULTS
/* The planted fault does what it says: a vote of a former life comes back. */
static void test_planted_stale_records_are_replayed(void **state) {
    (void)state;
    struct world *world = recycled_log(17, 18);
    world_state(world, 0, 2, 4);
    world_entries(world, 0, 19, 21, 130);
    world_close(world);
    planted_fault_on = PLANTED_STALE_RECORDS_BELIEVED;
    int status = world_recover(world);
    planted_fault_on = PLANTED_NOTHING;
    assert_int_equal(status, 0);
    assert_int_equal(world->log.shards[0].term, 1);
    world_free(world);
}
#endif

RUN_TESTS(cmocka_unit_test(test_released_segments_are_used_again),
          cmocka_unit_test(test_spares_outlive_the_process),
          cmocka_unit_test(test_no_spares_are_kept_where_none_are_wanted),
          cmocka_unit_test(test_segments_change_their_size_while_the_log_is_used),
          cmocka_unit_test(test_stale_records_are_never_replayed),
          cmocka_unit_test(test_a_recycled_segment_without_a_checkpoint_is_new),
          cmocka_unit_test(test_a_forged_record_is_not_replayed),
          cmocka_unit_test(test_every_flip_in_a_recycled_segment),
          cmocka_unit_test(test_misdirected_writes_are_found),
          cmocka_unit_test(test_short_writes_over_a_former_life),
#ifdef TROTHDB_PLANTED_FAULTS
          cmocka_unit_test(test_planted_stale_records_are_replayed),
#endif
)
