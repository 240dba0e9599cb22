/* A full disk, or a system that opens no more files: nothing fails and nothing is reported durable
 * that is not; the reserve keeps terms and votes going; with space again the log goes on as if
 * nothing had been. */
#include "../planting.h"
#include "wal_world.h"

enum { PROBE_US = 1000 * 1000 };

static struct world *world_with_reserve(uint64_t reserve_bytes) {
    struct world *world = world_new();
    world->reserve_bytes = reserve_bytes;
    assert_int_equal(world_open(world), 0);
    wal_tick(world->wal);
    fake_disk_run_all(&world->fake);
    return world;
}

static void world_end(struct world *world) {
    assert_int_equal(world->failures, 0);
    world_free(world);
}

static void tick(struct world *world) {
    world->now_us += PROBE_US;
    wal_tick(world->wal);
    fake_disk_run_all(&world->fake);
}

/* Entries of 130 bytes, one a round, until the log waits. Returns the next index. */
static uint64_t fill(struct world *world, uint64_t index, enum wal_space until) {
    for (; wal_space(world->wal) < until; index++) {
        assert_true(index < 200);
        world_entry(world, 0, index, 130);
        world_flush(world);
    }
    return index;
}

/* The spare cannot be made: that is said while there is room yet, and again taken back once there
 * is space. */
static void test_is_known_while_there_is_room(void **state) {
    (void)state;
    struct world *world = world_with_reserve(256);
    assert_non_null(fake_disk_find(&world->fake, "wal-reserve"));
    world->fake.is_full = true;
    fill(world, 1, WAL_SPACE_SHORT);
    assert_int_equal(world->durable, world->append_count);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_SHORT);
    tick(world);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_SHORT);
    world->fake.is_full = false;
    tick(world);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
    world_end(world);
}

/* A full disk is asked at most twice a second. */
static void test_is_not_asked_too_often(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world->fake.is_full = true;
    fill(world, 1, WAL_SPACE_SHORT);
    world->fake.is_full = false;
    world->now_us += PROBE_US / 4;
    wal_tick(world->wal);
    assert_true(wal_is_idle(world->wal));
    tick(world);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
    world_end(world);
}

static void vote_in_the_reserve(struct world *world) {
    assert_int_equal(world->durable, world->append_count);
    for (uint64_t term = 1; term <= 5; term++) {
        world_state(world, 0, term, 2);
        world_flush(world);
        assert_int_equal(world->durable, world->append_count);
    }
    assert_null(fake_disk_find(&world->fake, "wal-reserve"));
}

/* Entries use up all but the reserve; then terms and votes go on in it, and are durable. */
static void test_votes_go_on_in_the_reserve(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world->fake.is_full = true;
    fill(world, 1, WAL_SPACE_RESERVED);
    vote_in_the_reserve(world);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_RESERVED);
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world->fake.is_full = false;
    tick(world);
    assert_non_null(fake_disk_find(&world->fake, "wal-reserve"));
    world_end(world);
}

/* It is there for the next process, which may find the disk full. */
static void test_the_reserve_outlives_the_process(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world->fake.is_full = true;
    world_restart(world);
    fill(world, 1, WAL_SPACE_RESERVED);
    vote_in_the_reserve(world);
    world_end(world);
}

/* Not even the reserve is left: what is appended waits and is not durable, however long; when there
 * is space it is, in order. */
static void test_rounds_wait_for_space(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world->fake.is_full = true;
    uint64_t index = fill(world, 1, WAL_SPACE_RESERVED);
    for (uint64_t i = 0; i < 20; i++) {
        world_entry(world, 0, index++, 130);
        world_flush(world);
    }
    assert_true(wal_is_stalled(world->wal));
    assert_false(wal_is_idle(world->wal));
    uint64_t durable = world->durable;
    assert_true(durable < world->append_count);
    tick(world);
    tick(world);
    assert_int_equal(world->durable, durable);
    world->fake.is_full = false;
    tick(world);
    assert_int_equal(world->durable, world->append_count);
    tick(world);
    tick(world);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_end(world);
}

/* The process ends while a round waits: what was durable is there, and nothing else. */
static void test_what_waits_is_not_there_after_a_crash(void **state) {
    (void)state;
    struct world *world = world_with_reserve(0);
    world->fake.is_full = true;
    uint64_t index = fill(world, 1, WAL_SPACE_RESERVED);
    for (uint64_t i = 0; i < 9; i++) {
        world_entry(world, 0, index++, 130);
        world_flush(world);
    }
    assert_true(wal_is_stalled(world->wal));
    uint64_t durable = world->durable;
    world_close(world);
    struct random random;
    random_init(&random, 7);
    fake_disk_crash(&world->fake, &random);
    assert_int_equal(world_open(world), 0);
    assert_true(world_log_is(world, durable));
    world_end(world);
}

/* Segments that are released give space too, without the disk having more: the round that waits
 * takes one. */
static void test_a_released_segment_is_space(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world_entries(world, 0, 1, 12, 130);
    world->fake.is_full = true;
    world_let_go(world, 0, 12, 1);
    fill(world, 13, WAL_SPACE_SHORT);
    assert_int_equal(world->durable, world->append_count);
    assert_true(world_statistics(world).segments_recycled >= 1);
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_end(world);
}

/* The directory has no room for another name: the next segment waits under its first one. */
static void test_a_full_directory_is_a_full_disk(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world->fake.is_directory_full = true;
    uint64_t index = fill(world, 1, WAL_SPACE_RESERVED);
    for (uint64_t i = 0; i < 9; i++) {
        world_entry(world, 0, index++, 130);
        world_flush(world);
    }
    assert_true(wal_is_stalled(world->wal));
    world->fake.is_directory_full = false;
    for (unsigned i = 0; i < 4; i++)
        tick(world);
    assert_int_equal(world->durable, world->append_count);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_end(world);
}

/* An entry longer than a segment needs a longer file. It waits like the others. */
static void test_a_long_entry_waits(void **state) {
    (void)state;
    struct world *world = world_with_reserve(512);
    world_entry(world, 0, 1, 20);
    world_flush(world);
    world->fake.is_full = true;
    world_entry(world, 0, 2, 5000);
    world_flush(world);
    assert_true(wal_is_stalled(world->wal));
    assert_int_equal(world->durable, 1);
    world->fake.is_full = false;
    tick(world);
    assert_int_equal(world->durable, 2);
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_end(world);
}

/* ---- nothing can be opened ---- */

static const int SHORTAGES[] = {ERR_BUSY, ERR_NO_MEMORY};
enum { SHORTAGE_COUNT = 2 };

/* For a while there is no file to be had: the log goes on in the segment that it has, and nobody is
 * refused. */
static void test_a_short_lack_of_files_is_not_felt(void **state) {
    (void)state;
    for (unsigned i = 0; i < SHORTAGE_COUNT; i++) {
        struct world *world = world_with_reserve(256);
        world->fake.no_open = SHORTAGES[i];
        unsigned asked = world->fake.calls[FAKE_OPEN];
        for (uint64_t index = 1; index <= 3; index++) {
            world_entry(world, 0, index, 130);
            world_flush(world);
            assert_int_equal(world->durable, index);
            assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
        }
        assert_int_equal(world->fake.calls[FAKE_OPEN], asked + 1);
        world->fake.no_open = 0;
        tick(world);
        world_entries(world, 0, 4, 40, 130);
        assert_int_equal(world->durable, world->append_count);
        world_restart(world);
        assert_true(world_log_is(world, world->append_count));
        world_end(world);
    }
}

/* It lasts: entries are refused, votes go on in the reserve, then all waits; and when there is a
 * file again all that waited is durable, in order. */
static void test_a_lasting_lack_of_files_is_a_full_disk(void **state) {
    (void)state;
    for (unsigned i = 0; i < SHORTAGE_COUNT; i++) {
        struct world *world = world_with_reserve(512);
        world->fake.no_open = SHORTAGES[i];
        uint64_t index = fill(world, 1, WAL_SPACE_RESERVED);
        vote_in_the_reserve(world);
        for (unsigned more = 0; more < 20; more++) {
            world_entry(world, 0, index++, 130);
            world_flush(world);
        }
        assert_int_equal(wal_stalled_for(world->wal), SHORTAGES[i]);
        uint64_t durable = world->durable;
        assert_true(durable < world->append_count);
        tick(world);
        assert_int_equal(world->durable, durable);
        world->fake.no_open = 0;
        for (unsigned ticks = 0; ticks < 4; ticks++)
            tick(world);
        assert_int_equal(wal_stalled_for(world->wal), 0);
        assert_int_equal(world->durable, world->append_count);
        assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
        world_restart(world);
        assert_true(world_log_is(world, world->append_count));
        world_end(world);
    }
}

/* Segments that nobody needs are let go all the same: what cannot be opened to be used again is
 * removed, which takes no file. */
static void test_segments_are_released_without_files(void **state) {
    (void)state;
    for (unsigned i = 0; i < SHORTAGE_COUNT; i++) {
        struct world *world = world_with_reserve(512);
        world_entries(world, 0, 1, 24, 130);
        uint64_t before = world_statistics(world).segments;
        world->fake.no_open = SHORTAGES[i];
        world_let_go(world, 0, 24, 1);
        assert_true(world_statistics(world).segments < before);
        assert_null(world_segment(world, 1));
        world->fake.no_open = 0;
        tick(world);
        world_entries(world, 0, 25, 40, 130);
        world_restart(world);
        assert_true(world_log_is(world, world->append_count));
        world_end(world);
    }
}

/* ---- a damaged segment ---- */

static bool has_second_segment(struct world *world) {
    return fake_disk_find(&world->fake, "wal-0000000002") != NULL;
}

static void write_entry(struct world *world, uint64_t index) {
    world_entry(world, 0, index, 20);
    world_flush(world);
}

/* The newest segment was found damaged, and the disk has no room for another, which nobody knows
 * yet: what is appended goes on in the damaged one, rather than waiting or taking the reserve. Once
 * there is space, the log leaves it. */
static void damaged_segment_is_left_with_space(uint64_t reserve_bytes) {
    struct world *world = world_with_reserve(reserve_bytes);
    write_entry(world, 1);
    world->fake.is_full = true;
    wal_note_damage(world->wal, 1);
    for (uint64_t index = 2; index <= 4; index++) {
        write_entry(world, index);
        assert_int_equal(world->durable, index);
    }
    assert_false(wal_is_stalled(world->wal));
    assert_false(has_second_segment(world));
    assert_int_equal(wal_space(world->wal), WAL_SPACE_SHORT);
    world->fake.is_full = false;
    tick(world);
    assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
    write_entry(world, 5);
    assert_true(has_second_segment(world));
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    world_end(world);
}

static void test_a_damaged_segment_is_left_with_space(void **state) {
    (void)state;
    damaged_segment_is_left_with_space(0);
    damaged_segment_is_left_with_space(256);
}

/* Space comes and goes by chance; nothing fails, and in the end all is durable and replayed. */
static void test_space_comes_and_goes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct world *world = world_with_reserve(seed % 2 ? 512 : 1024);
        struct random random;
        random_init(&random, seed);
        uint64_t released = 0;
        for (uint64_t i = 1; i <= 150; i++) {
            world->fake.is_full = random_chance(&random, 0.6);
            world->fake.is_directory_full = random_chance(&random, 0.2);
            world->fake.no_open = random_chance(&random, 0.2) ? ERR_BUSY : 0;
            world_entry(world, 0, i, 12 + random_below(&random, 400));
            wal_flush(world->wal);
            if (random_chance(&random, 0.7))
                fake_disk_run_job(&world->fake, DISK_LANE_LOG);
            if (random_chance(&random, 0.5))
                fake_disk_run_job(&world->fake, DISK_LANE_BULK);
            world->now_us += random_below(&random, PROBE_US);
            wal_tick(world->wal);
            bool is_covered = world->durable == world->append_count && i > released + 20;
            if (!is_covered || random_chance(&random, 0.5))
                continue;
            world_snapshot(world, 0, i, 1);
            world_flush(world);
            if (world->durable < world->append_count)
                continue;
            world->released[0] = released = i;
            wal_release(world->wal, 0, i);
        }
        world->fake.is_full = world->fake.is_directory_full = false;
        world->fake.no_open = 0;
        world_flush(world);
        for (unsigned i = 0; i < 6; i++)
            tick(world);
        assert_int_equal(world->durable, world->append_count);
        assert_int_equal(wal_space(world->wal), WAL_SPACE_ENOUGH);
        world_restart(world);
        assert_true(world_log_is(world, world->append_count));
        world_free(world);
    }
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_is_known_while_there_is_room),
                   cmocka_unit_test(test_is_not_asked_too_often),
                   cmocka_unit_test(test_votes_go_on_in_the_reserve),
                   cmocka_unit_test(test_the_reserve_outlives_the_process),
                   cmocka_unit_test(test_rounds_wait_for_space),
                   cmocka_unit_test(test_what_waits_is_not_there_after_a_crash),
                   cmocka_unit_test(test_a_released_segment_is_space),
                   cmocka_unit_test(test_a_full_directory_is_a_full_disk),
                   cmocka_unit_test(test_a_long_entry_waits),
                   cmocka_unit_test(test_a_short_lack_of_files_is_not_felt),
                   cmocka_unit_test(test_a_lasting_lack_of_files_is_a_full_disk),
                   cmocka_unit_test(test_segments_are_released_without_files),
                   cmocka_unit_test(test_a_damaged_segment_is_left_with_space),
                   cmocka_unit_test(test_space_comes_and_goes))
