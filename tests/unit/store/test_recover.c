/* Recovery: a torn tail is cut, damage is refused, and nothing that was never written is ever
 * replayed. */
#include "../unit.h"
#include "base/memory.h"
#include "base/planted.h"
#include "store/record/format.h"
#include "wal_world.h"

/* The log was cut to its first `count` appends, and is open. */
static void forget(struct world *world, size_t count) {
    world->append_count = world->life_begins = world->durable = count;
}

static bool is_prefix_from(const struct world *world, size_t least) {
    for (size_t k = least; k <= SMALL_LOG_APPENDS; k++)
        if (world_log_is(world, k))
            return true;
    return false;
}

static void flip(struct fake_file *file, size_t bit) {
    file->live[bit / 8] ^= (uint8_t)(1 << (bit % 8));
}

/* Opening may zero a tail and add a record: each flip starts from the original bytes. */
static void expect_flips(struct world *world, unsigned segment, size_t first_bit, size_t end_bit,
                         bool is_refused) {
    struct fake_file *one = world_segment(world, 1), *two = world_segment(world, 2);
    uint8_t *original[2] = {memory_copy(one->live, one->live_bytes),
                            memory_copy(two->live, two->live_bytes)};
    for (size_t bit = first_bit; bit < end_bit; bit++) {
        flip(segment == 1 ? one : two, bit);
        int status = world_recover(world);
        if (is_refused) {
            if (status != ERR_DAMAGED)
                print_message("segment %u bit %zu: %d\n", segment, bit, status);
            assert_int_equal(status, ERR_DAMAGED);
            assert_non_null(strstr(world->problem.text, "damaged in wal-000000000"));
        } else {
            assert_int_equal(status, 0);
            assert_true(is_prefix_from(world, SMALL_LOG_APPENDS - 2));
        }
        memcpy(one->live, original[0], one->live_bytes);
        memcpy(two->live, original[1], two->live_bytes);
    }
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, SMALL_LOG_APPENDS));
    memory_free(original[0]);
    memory_free(original[1]);
}

static void test_refuses_every_flip_in_what_was_synced(void **state) {
    (void)state;
    struct world *world = world_small_log();
    size_t second = world_used_bytes(world_segment(world, 2)) - SMALL_LOG_LAST_ROUND_BYTES;
    expect_flips(world, 1, 0, world_used_bytes(world_segment(world, 1)) * 8, true);
    expect_flips(world, 2, 0, second * 8, true);
    world_free(world);
}

/* The last round may be torn: nothing tells a flip in it from a write that never arrived. What is
 * replayed was written. */
static void test_cuts_in_the_last_round_only(void **state) {
    (void)state;
    struct world *world = world_small_log();
    size_t end = world_used_bytes(world_segment(world, 2));
    expect_flips(world, 2, (end - SMALL_LOG_LAST_ROUND_BYTES) * 8, end * 8, false);
    expect_flips(world, 2, end * 8, WORLD_SEGMENT_BYTES * 8, false);
    size_t first_end = world_used_bytes(world_segment(world, 1));
    expect_flips(world, 1, first_end * 8, WORLD_SEGMENT_BYTES * 8, false);
    world_free(world);
}

/* The last round's first record never arrived and its second did: both are cut, and the log goes
 * on, and is cut again. */
static void test_goes_on_behind_a_cut(void **state) {
    (void)state;
    struct world *world = world_small_log();
    for (unsigned again = 0; again < 3; again++) {
        struct fake_file *file = world_segment(world, 2);
        size_t at = world_used_bytes(file) - SMALL_LOG_LAST_ROUND_BYTES + 8;
        memset(file->live + at, 0, 72);
        assert_int_equal(world_open(world), 0);
        assert_true(world_log_is(world, SMALL_LOG_APPENDS - 2));
        forget(world, SMALL_LOG_APPENDS - 2);
        world_entry(world, 0, 3, 90);
        world_entry(world, 0, 4, 91);
        world_flush(world);
        world_close(world);
    }
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, SMALL_LOG_APPENDS));
    world_free(world);
}

/* What the cut took is gone from the file, and for good: neither a later loss of power nor a
 * segment made behind this one brings back what would be called damage there. */
static void test_a_cut_leaves_nothing_behind_it(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static const uint8_t zeros[WORLD_SEGMENT_BYTES];
        struct random random;
        random_init(&random, seed);
        struct world *world = world_small_log();
        struct fake_file *file = world_segment(world, 2);
        size_t at = world_used_bytes(file) - SMALL_LOG_LAST_ROUND_BYTES;
        memset(file->live + at + 8, 0, 72); /* of the first record; the second one arrived */
        memcpy(file->durable, file->live, file->live_bytes);
        assert_int_equal(world_recover(world), 0);
        assert_memory_equal(file->live + at, zeros, file->live_bytes - at);
        fake_disk_crash(&world->fake, &random);
        assert_memory_equal(file->live + at, zeros, file->live_bytes - at);
        fake_disk_put(&world->fake, "wal-0000000003", bytes_of(zeros, sizeof zeros));
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, SMALL_LOG_APPENDS - SMALL_LOG_LAST_APPENDS));
        world_free(world);
    }
}

/* A process that dies between writing and syncing leaves records that can be read and are not on
 * the disk. Once a recovery has taken them they are built upon, so no loss of power may take them
 * back (trothdb-sim --seed 50631). */
static void test_what_was_read_is_durable(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random;
        random_init(&random, seed);
        struct world *world = world_opened();
        world_entry(world, 0, 1, 100);
        world_flush(world);
        world_entry(world, 0, 2, 100);
        fake_disk_fail_after(&world->fake, 2, ERR_IO); /* written, and not synced */
        world_flush(world);
        assert_int_equal(world->failures, 1);
        world_close(world);
        fake_disk_fail_after(&world->fake, 0, 0);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, 2));
        fake_disk_crash(&world->fake, &random);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, 2));
        world_free(world);
    }
}

/* The last round's second record never arrived: the first one stays, and a later torn round is
 * still told from damage. */
static void test_keeps_the_whole_records_of_a_torn_round(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *file = world_segment(world, 2);
    size_t end = world_used_bytes(file);
    memset(file->live + end - WAL_HEADER_BYTES - 96, 0, WAL_HEADER_BYTES + 96);
    assert_int_equal(world_open(world), 0);
    assert_true(world_log_is(world, SMALL_LOG_APPENDS - 1));
    assert_in_range(world_used_bytes(file), end - WAL_HEADER_BYTES - 96 + 1,
                    end - 96); /* the record of the cut */
    forget(world, SMALL_LOG_APPENDS - 1);
    world_entry(world, 0, 4, 20);
    world_entry(world, 0, 5, 20);
    world_flush(world);
    world_close(world);
    size_t first = world_used_bytes(file) - 2 * (WAL_HEADER_BYTES + 24);
    file->live[first] ^= 1; /* the first record of the last round, torn; the second arrived */
    assert_int_equal(world_recover(world), 0);
    world->append_count = SMALL_LOG_APPENDS - 1;
    assert_true(world_log_is(world, SMALL_LOG_APPENDS - 1));
    world_free(world);
}

static void remove_file(struct world *world, const char *name) {
    assert_int_equal(world->fake.disk.ops->remove(&world->fake.disk, name), 0);
}

static struct world *long_log(void) {
    struct world *world = world_opened();
    world_entries(world, 0, 1, 30, 200);
    world_close(world);
    return world;
}

static void test_refuses_a_missing_segment(void **state) {
    (void)state;
    const char *const missing[] = {"wal-0000000001", "wal-0000000002"};
    for (size_t i = 0; i < 2; i++) {
        struct world *world = long_log();
        remove_file(world, missing[i]);
        assert_int_equal(world_recover(world), ERR_DAMAGED);
        assert_non_null(strstr(world->problem.text, missing[i]));
        assert_non_null(strstr(world->problem.text, "missing"));
        world_free(world);
    }
}

static void test_refuses_exchanged_segments(void **state) {
    (void)state;
    struct world *world = long_log();
    struct fake_file *two = world_segment(world, 2), *three = world_segment(world, 3);
    struct fake_file copy = *two;
    *two = *three;
    *three = copy;
    assert_int_equal(world_recover(world), ERR_DAMAGED);
    world_free(world);
}

/* The end of a segment in the middle was lost as if it had never been written. */
static void test_refuses_a_zeroed_end_of_a_segment(void **state) {
    (void)state;
    struct world *world = long_log();
    struct fake_file *file = world_segment(world, 2);
    memset(file->live + world_used_bytes(file) - 256, 0, 256);
    assert_int_equal(world_recover(world), ERR_DAMAGED);
    assert_non_null(strstr(world->problem.text, "wal-0000000002"));
    world_free(world);
}

static void test_refuses_a_later_version(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *file = world_segment(world, 2);
    uint32_t chain = 0;
    struct wal_header header;
    assert_int_equal(wal_header_decode(bytes_of(file->live, file->live_bytes), &header), 0);
    file->live[12] = WAL_VERSION + 1;
    wal_record_seal(file->live, &header, &chain);
    assert_int_equal(world_recover(world), ERR_VERSION);
    assert_non_null(strstr(world->problem.text, "another release"));
    world_free(world);
}

/* The power failed between making the next segment and writing to it: the newest file is zeros. */
static void test_takes_an_empty_newest_segment(void **state) {
    (void)state;
    const size_t sizes[] = {1024, 1025, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct world *world = world_small_log();
        uint8_t zeros[5000] = {0};
        fake_disk_put(&world->fake, "wal-0000000003", bytes_of(zeros, sizes[i]));
        fake_disk_put(&world->fake, "wal-spare.new", bytes_of(zeros, 10));
        fake_disk_put(&world->fake, "wal-next.new", bytes_of(zeros, 10));
        assert_int_equal(world_open(world), 0);
        assert_null(fake_disk_find(&world->fake, "wal-spare.new"));
        assert_null(fake_disk_find(&world->fake, "wal-next.new"));
        assert_true(world_log_is(world, SMALL_LOG_APPENDS));
        world_entry(world, 0, 5, 700);
        world_flush(world);
        world_close(world);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, SMALL_LOG_APPENDS + 1));
        world_free(world);
    }
}

/* Its length was durable before it was a segment: one that is shorter than any that is made was cut
 * short, and what it held is not known. */
static void test_refuses_a_newest_segment_that_is_too_short(void **state) {
    (void)state;
    const size_t sizes[] = {0, 1, 57, 512, 1023};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct world *world = world_small_log();
        uint8_t zeros[1023] = {0};
        fake_disk_put(&world->fake, "wal-0000000003", bytes_of(zeros, sizes[i]));
        assert_int_equal(world_recover(world), ERR_DAMAGED);
        assert_non_null(strstr(world->problem.text, "wal-0000000003 at byte 0"));
        assert_non_null(strstr(world->problem.text, "cut short"));
        world_free(world);
    }
}

/* No record is written past the end of its file, whose length is durable first: wherever the newest
 * segment ends within a record, it was cut short. Between two records it cannot be told. */
static void test_refuses_a_newest_segment_that_ends_within_a_record(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *file = world_segment(world, 2);
    size_t end = world_used_bytes(file), within = 0;
    uint8_t *bytes = memory_copy(file->live, end);
    for (size_t length = 1; length < end; length++) {
        size_t at = 0;
        while (at + WAL_HEADER_BYTES <= length && at + wal_record_bytes_at(bytes + at) <= length)
            at += wal_record_bytes_at(bytes + at);
        bool is_within = at < length && (at == 0 || bytes[at] != 0);
        fake_disk_put(&world->fake, "wal-0000000002", bytes_of(bytes, length));
        if (is_within)
            assert_int_equal(world_recover(world), ERR_DAMAGED);
        within += is_within;
    }
    assert_true(within > 0);
    memory_free(bytes);
    world_free(world);
}

/* The next segment is made once all that stands in this one is durable, so what is bad in its last
 * round then is no torn tail, whether the next was written to or not. */
static void test_refuses_damage_before_an_empty_segment(void **state) {
    (void)state;
    struct world *world = world_small_log();
    struct fake_file *file = world_segment(world, 2);
    size_t end = world_used_bytes(file);
    static const uint8_t zeros[WAL_SEGMENT_MINIMUM_BYTES];
    fake_disk_put(&world->fake, "wal-0000000003", bytes_of(zeros, sizeof zeros));
    for (size_t bit = (end - SMALL_LOG_LAST_ROUND_BYTES) * 8; bit < end * 8; bit += 5) {
        flip(file, bit);
        assert_int_equal(world_recover(world), ERR_DAMAGED);
        assert_non_null(strstr(world->problem.text, "wal-0000000002"));
        flip(file, bit);
    }
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, SMALL_LOG_APPENDS));
    world_free(world);
}

/* The first round ever was torn. */
static void test_takes_a_torn_first_round(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_entry(world, 0, 1, 100);
    world_flush(world);
    world_close(world);
    memset(world_segment(world, 1)->live, 0, 40);
    assert_int_equal(world_open(world), 0);
    assert_int_equal(world->log.replayed, 0);
    forget(world, 0);
    world_entry(world, 0, 1, 100);
    world_flush(world);
    world_close(world);
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, 1));
    world_free(world);
}

/* An entry may hold anything, the bytes of a log among them: torn, it is still a torn tail. */
static void test_is_not_misled_by_a_log_inside_an_entry(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_entry(world, 0, 1, 20);
    world_flush(world);
    uint8_t inner[WAL_HEADER_BYTES * 3];
    for (size_t i = 0; i < 3; i++) {
        struct buffer record;
        buffer_init(&record, WAL_HEADER_BYTES);
        wal_record_append(&record, WAL_TRUNCATE, 0, 1, BYTES_NONE);
        struct wal_header header = {.segment = 1, .record = 99, .round = 1000};
        uint32_t chain = 0;
        wal_record_seal(buffer_data(&record), &header, &chain);
        memcpy(inner + i * WAL_HEADER_BYTES, buffer_data(&record), WAL_HEADER_BYTES);
        buffer_release(&record);
    }
    wal_append_entry(world->wal, 0, 2, bytes_of(inner, sizeof inner));
    world->append_count++; /* not in the model: it will be cut */
    world_flush(world);
    world_close(world);
    struct fake_file *file = world_segment(world, 1);
    file->live[world_used_bytes(file) - sizeof inner] ^=
        1; /* in the first inner header: the outer fails */
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, 1));
    world_free(world);
}

/* ---- crashes at every call, by chance ---- */

static void some_append(struct world *world, struct random *random, uint64_t next_index[]) {
    uint32_t shard = (uint32_t)random_below(random, WORLD_SHARDS);
    uint64_t index = next_index[shard];
    uint64_t released = world->released[shard];
    uint64_t what = random_below(random, 20);
    if (what == 0) {
        world_state(world, shard, world->append_count + 1, 1);
    } else if (what == 1 && index > released + 2) {
        next_index[shard] = random_between(random, released + 1, index - 1);
        world_truncate(world, shard, next_index[shard]);
    } else if (index < WORLD_INDEXES) {
        size_t bytes = random_chance(random, 0.02) ? 3000 : 12 + random_below(random, 200);
        world_entry(world, shard, index, bytes);
        next_index[shard]++;
    }
}

/* Marks a snapshot, makes the mark durable, then lets go of what it covers, as a shard does. */
static void some_release(struct world *world, struct random *random, uint64_t next_index[]) {
    uint32_t shard = (uint32_t)random_below(random, WORLD_SHARDS);
    uint64_t index = random_between(random, world->released[shard], next_index[shard] - 1);
    if (index <= world->released[shard])
        return;
    world_snapshot(world, shard, index, world->append_count + 1);
    world_flush(world);
    if (world->durable < world->append_count)
        return;
    world->released[shard] = index;
    if (random_chance(random, 0.5)) { /* the release waits for a round that is under way */
        some_append(world, random, next_index);
        wal_flush(world->wal);
    }
    wal_release(world->wal, shard, index);
}

static void some_work(struct world *world, struct random *random, uint64_t next_index[]) {
    for (unsigned turn = 0; turn < 60 && world->failures == 0; turn++) {
        for (uint64_t i = random_below(random, 6); i > 0; i--)
            some_append(world, random, next_index);
        wal_flush(world->wal);
        if (random_chance(random, 0.6))
            fake_disk_run_job(&world->fake, DISK_LANE_LOG);
        if (random_chance(random, 0.3))
            fake_disk_run_job(&world->fake, DISK_LANE_BULK);
        if (random_chance(random, 0.1))
            some_release(world, random, next_index);
    }
}

/* The log was cut to its first `count` appends. Entries up to a snapshot mark are needed by nobody
 * after a restart. */
static void forget_after(struct world *world, size_t count, uint64_t next_index[]) {
    struct world_log *log = memory_allocate_zeroed(1, sizeof *log);
    world->append_count = count;
    for (size_t i = 1; i <= count; i++)
        world_log_apply(log, &world->appends[i]);
    for (size_t i = 0; i < WORLD_SHARDS; i++) {
        if (world->released[i] < log->shards[i].snapshot_index)
            world->released[i] = log->shards[i].snapshot_index;
        next_index[i] = world->released[i] + 1;
        while (next_index[i] < WORLD_INDEXES && log->shards[i].entries[next_index[i]])
            next_index[i]++;
    }
    memory_free(log);
    world->durable = count;
}

static void recover_after_crash(struct world *world, uint64_t seed, uint64_t next_index[]) {
    size_t appended = world->append_count;
    int status = world_open(world);
    if (status)
        print_message("seed %llu: %s\n", (unsigned long long)seed, world->problem.text);
    assert_int_equal(status, 0);
    for (size_t k = appended; k + 1 > world->durable; k--)
        if (world_log_is(world, k)) {
            forget_after(world, k, next_index);
            world->life_begins = k;
            return;
        }
    print_message("seed %llu: durable %llu of %zu appends lost\n", (unsigned long long)seed,
                  (unsigned long long)world->durable, appended);
    fail();
}

static void test_loses_nothing_durable_in_any_crash(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct world *world = world_new();
        struct random random;
        random_init(&random, seed);
        uint64_t next_index[WORLD_SHARDS] = {1, 1, 1};
        for (unsigned life = 0; life < 8; life++) {
            recover_after_crash(world, seed, next_index);
            fake_disk_fail_after(&world->fake, (unsigned)random_between(&random, 1, 120), ERR_IO);
            some_work(world, &random, next_index);
            world_close(world);
            fake_disk_crash(&world->fake, &random);
        }
        recover_after_crash(world, seed, next_index);
        world_free(world);
    }
}

/* Recovery itself is cut short at each of its own changes, and then comes to the same end. */
static void test_recovers_from_a_crash_in_recovery(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        for (unsigned nth = 1; nth < 8; nth++) {
            struct world *world = world_small_log();
            struct random random;
            random_init(&random, seed);
            struct fake_file *file = world_segment(world, 2);
            memset(file->live + world_used_bytes(file) - WAL_HEADER_BYTES - 96 + 8, 0, 64);
            memcpy(file->durable, file->live, file->live_bytes);
            fake_disk_fail_after(&world->fake, nth, ERR_IO);
            int status = world_recover(world);
            assert_true(status == 0 || status == ERR_IO);
            fake_disk_crash(&world->fake, &random);
            assert_int_equal(world_recover(world), 0);
            assert_true(world_log_is(world, SMALL_LOG_APPENDS - 1));
            world_free(world);
        }
}

#ifdef TROTHDB_PLANTED_FAULTS
/* The planted fault does what it says: what was durable is gone without a word. */
static void test_planted_cut_loses_what_was_durable(void **state) {
    (void)state;
    struct world *world = world_small_log();
    world_segment(world, 1)->live[700] ^= 1;
    planted_fault_on = PLANTED_LOG_CUT_AT_BAD_CHECKSUM;
    int status = world_recover(world);
    planted_fault_on = PLANTED_NOTHING;
    assert_int_equal(status, 0);
    assert_true(world->log.replayed < SMALL_LOG_APPENDS);
    world_free(world);
}
#endif

/* Before the first record a replay says what a snapshot covers, by the newest segment that has
 * begun: so nobody has to hold entries until the mark comes. */
static void test_tells_first_what_is_covered(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_entries(world, 0, 1, 6, 100);
    world_snapshot(world, 0, 3, WORLD_ENTRY_TERM);
    world_entries(world, 1, 1, 12, 100); /* some segments more */
    assert_true(world_statistics(world).segments >= 3);
    world_restart(world);
    assert_true(world->log.shards[0].covered_index == 3);
    assert_true(world->log.shards[1].covered_index == 0);
    world_snapshot(world, 1, 9, WORLD_ENTRY_TERM); /* in the newest: its checkpoint lacks that */
    world_flush(world);
    uint64_t newest = world_statistics(world).segments;
    world_restart(world);
    assert_true(world->log.shards[1].covered_index == 0);
    world_entries(world, 0, 7, 12, 100);
    assert_true(world_statistics(world).segments > newest);
    newest = world_statistics(world).segments;
    world_restart(world);
    assert_true(world->log.shards[0].covered_index == 3);
    assert_true(world->log.shards[1].covered_index == 9);
    world_close(world);
    static const uint8_t zeros[WORLD_SEGMENT_BYTES]; /* a segment that was made, and not begun */
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(newest + 1, name);
    fake_disk_put(&world->fake, name, bytes_of(zeros, sizeof zeros));
    assert_int_equal(world_recover(world), 0);
    assert_true(world->log.shards[1].covered_index == 9);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_tells_first_what_is_covered),
          cmocka_unit_test(test_refuses_every_flip_in_what_was_synced),
          cmocka_unit_test(test_cuts_in_the_last_round_only),
          cmocka_unit_test(test_what_was_read_is_durable),
          cmocka_unit_test(test_goes_on_behind_a_cut),
          cmocka_unit_test(test_a_cut_leaves_nothing_behind_it),
          cmocka_unit_test(test_keeps_the_whole_records_of_a_torn_round),
          cmocka_unit_test(test_refuses_a_missing_segment),
          cmocka_unit_test(test_refuses_exchanged_segments),
          cmocka_unit_test(test_refuses_a_zeroed_end_of_a_segment),
          cmocka_unit_test(test_refuses_a_later_version),
          cmocka_unit_test(test_takes_an_empty_newest_segment),
          cmocka_unit_test(test_refuses_a_newest_segment_that_is_too_short),
          cmocka_unit_test(test_refuses_a_newest_segment_that_ends_within_a_record),
          cmocka_unit_test(test_refuses_damage_before_an_empty_segment),
          cmocka_unit_test(test_takes_a_torn_first_round),
          cmocka_unit_test(test_is_not_misled_by_a_log_inside_an_entry),
          cmocka_unit_test(test_loses_nothing_durable_in_any_crash),
          cmocka_unit_test(test_recovers_from_a_crash_in_recovery),
#ifdef TROTHDB_PLANTED_FAULTS
          cmocka_unit_test(test_planted_cut_loses_what_was_durable),
#endif
)
