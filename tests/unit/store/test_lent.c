/* Entries that are lent to the log: written from where they lie, and given back afterwards. */
#include "../unit.h"
#include "store/wal/batch.h"
#include "wal_world.h"

static struct world *lending_world(void) {
    struct world *world = world_opened();
    world->lends_every = 1;
    return world;
}

static void set_round_bytes(struct world *world, uint64_t round_bytes) {
    struct wal_tuning tuning = {.segment_bytes = world->segment_bytes,
                                .round_bytes = round_bytes,
                                .spare_count = world->spare_count};
    wal_tune(world->wal, &tuning);
}

static void expect_replayed(struct world *world, size_t count) {
    world_restart(world);
    assert_true(world_log_is(world, count));
}

/* What is gathered while a round runs is lent beyond that round's end. */
static void test_is_given_back_when_it_is_durable(void **state) {
    (void)state;
    struct world *world = lending_world();
    world_entry(world, 0, 1, 200);
    world_begin_round(world);
    world_entry(world, 0, 2, 100);
    world_entry(world, 1, 1, 90);
    assert_int_equal(world->lent_count, 3);
    assert_true(world_end_round(world));
    assert_int_equal(world->lent_count, 2);
    world_flush(world);
    assert_int_equal(world->lent_count, 0);
    expect_replayed(world, 3);
    world_free(world);
}

/* A batch that is written in several rounds gives back what each of them wrote. */
static void test_is_given_back_round_by_round(void **state) {
    (void)state;
    struct world *world = lending_world();
    set_round_bytes(world, 2 * (WAL_HEADER_BYTES + 104));
    for (uint64_t i = 1; i <= 5; i++)
        world_entry(world, 0, i, 100);
    world_begin_round(world);
    const unsigned left[] = {3, 1, 0};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(world_end_round(world));
        assert_int_equal(world->lent_count, left[i]);
    }
    expect_replayed(world, 5);
    world_free(world);
}

/* More than a batch can note is copied, and given back at once. */
static void test_is_copied_beyond_the_limit(void **state) {
    (void)state;
    struct world *world = lending_world();
    for (uint64_t i = 1; i <= 2 * WAL_LOANS_MAXIMUM + 1; i++)
        world_entry(world, 0, i, 40 + i);
    assert_int_equal(world->lent_count, WAL_LOANS_MAXIMUM);
    world_flush(world);
    assert_int_equal(world->lent_count, 0);
    world_entry(world, 0, 2 * WAL_LOANS_MAXIMUM + 2, 40);
    assert_int_equal(world->lent_count, 1); /* there is room again */
    world_flush(world);
    expect_replayed(world, 2 * WAL_LOANS_MAXIMUM + 2);
    world_free(world);
}

/* A log that failed writes nothing any more: what it has goes back when it is freed, and what it
 * gets goes back at once. */
static void test_a_failed_log_keeps_nothing(void **state) {
    (void)state;
    struct world *world = lending_world();
    world_entry(world, 0, 1, 100);
    fake_disk_fail_after(&world->fake, 1, ERR_IO);
    world_flush(world);
    assert_int_equal(world->failures, 1);
    assert_int_equal(world->lent_count, 1);
    world_entry(world, 0, 2, 100);
    assert_int_equal(world->lent_count, 1);
    world_close(world);
    assert_int_equal(world->lent_count, 0);
    world_free(world);
}

/* A closed log of many segments, in which one of so many entries was lent. */
static struct world *written_log(unsigned lends_every) {
    struct world *world = world_repairing(4096);
    assert_int_equal(world_open(world), 0);
    world->lends_every = lends_every;
    set_round_bytes(world, 700);
    world_medley(world);
    world_close(world);
    return world;
}

/* The same log, once copied and once lent: the segments are the same to the byte. */
static void test_the_disk_shows_no_difference(void **state) {
    (void)state;
    struct world *copied = written_log(0), *lent = written_log(2);
    unsigned segments = 0;
    for (struct fake_file *a; (a = world_segment(copied, segments + 1)); segments++) {
        struct fake_file *b = world_segment(lent, segments + 1);
        assert_non_null(b);
        assert_true(
            bytes_equal(bytes_of(a->live, a->live_bytes), bytes_of(b->live, b->live_bytes)));
    }
    assert_true(segments > 3);
    world_free(copied);
    world_free(lent);
}

RUN_TESTS(cmocka_unit_test(test_is_given_back_when_it_is_durable),
          cmocka_unit_test(test_is_given_back_round_by_round),
          cmocka_unit_test(test_is_copied_beyond_the_limit),
          cmocka_unit_test(test_a_failed_log_keeps_nothing),
          cmocka_unit_test(test_the_disk_shows_no_difference))
