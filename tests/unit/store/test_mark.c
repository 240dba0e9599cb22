/* Marks: an idle log says of its newest round that it was durable, so that damage there is told
 * from a round that was never finished. */
#include "../unit.h"
#include "store/record/format.h"
#include "wal_world.h"

enum { SEGMENT_BYTES = 65536, IDLE_US = 1000000 };

static struct world *marking(void) {
    struct world *world = world_repairing(SEGMENT_BYTES);
    assert_int_equal(world_open(world), 0);
    return world;
}

/* As its owner does it: at the time that the log asks for. */
static void idle(struct world *world) {
    world->now_us += IDLE_US;
    wal_flush_due(world->wal, world->now_us);
    fake_disk_run_all(&world->fake);
}

/* Entries and a vote, each a round; the last one is the vote. */
static struct world *voted(void) {
    struct world *world = marking();
    world_state(world, 0, 3, 1);
    world_flush(world);
    world_entry(world, 0, 1, 100);
    world_flush(world);
    world_state(world, 0, 4, 2);
    world_flush(world);
    return world;
}

/* Where the n-th round of the first segment begins, or behind the last one, where it ends. */
static size_t round_offset(struct world *world, uint64_t round) {
    const struct fake_file *file = world_segment(world, 1);
    struct wal_header header;
    size_t at = 0;
    while (wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0 &&
           header.round < round)
        at += wal_record_bytes(header.payload_bytes);
    return at;
}

static void test_an_idle_log_writes_one_mark(void **state) {
    (void)state;
    struct world *world = marking();
    assert_true(wal_due_us(world->wal) == UINT64_MAX); /* nothing was ever written */
    world_state(world, 0, 3, 1);
    world_flush(world);
    assert_int_equal(world_statistics(world).rounds, 1);
    uint64_t due_us = wal_due_us(world->wal);
    assert_in_range(due_us, 1, IDLE_US);
    wal_flush_due(world->wal, due_us - 1);
    assert_true(wal_is_idle(world->wal));
    world_entry(world, 0, 1, 100); /* not idle: the next round says the same */
    world->now_us = due_us;
    world_flush(world);
    assert_true(wal_due_us(world->wal) > due_us);
    for (unsigned i = 0; i < 3; i++)
        idle(world);
    assert_int_equal(world_statistics(world).rounds, 3);
    assert_true(wal_due_us(world->wal) == UINT64_MAX);
    assert_int_equal(world->durable, 2);
    world_entry(world, 0, 2, 100);
    world_flush(world);
    world_close(world);
    assert_int_equal(world_open(world), 0);
    assert_true(world_log_is(world, 3));
    assert_in_range(wal_due_us(world->wal), 1, UINT64_MAX - 1); /* what was read is durable */
    world_free(world);
}

/* A log that is closed does not wait; and writes no more than one. */
static void test_a_mark_may_be_asked_for(void **state) {
    (void)state;
    struct world *world = voted();
    for (unsigned i = 0; i < 2; i++) {
        wal_mark(world->wal);
        fake_disk_run_all(&world->fake);
    }
    assert_int_equal(world_statistics(world).rounds, 4);
    world_entry(world, 0, 2, 100);
    wal_mark(world->wal); /* something waits: no */
    assert_true(fake_disk_run_job(&world->fake, DISK_LANE_LOG) == false);
    world_free(world);
}

/* Whatever bit of the last round goes wrong: it is cut, and a vote forgotten, where no mark stands
 * behind it, and is damage where one does. */
static void test_every_flip_in_the_last_round_is_damage(void **state) {
    (void)state;
    for (unsigned is_marked = 0; is_marked < 2; is_marked++) {
        struct world *model = voted();
        if (is_marked)
            idle(model);
        size_t from = round_offset(model, 3), end = round_offset(model, 4);
        assert_true(end > from + WAL_HEADER_BYTES);
        world_free(model);
        size_t forgotten = 0;
        for (size_t at = from; at < end; at++) {
            struct world *world = voted();
            if (is_marked)
                idle(world);
            world_close(world);
            world_segment(world, 1)->live[at] ^= (uint8_t)(1 << (at % 8));
            assert_int_equal(world_recover(world), 0);
            const struct world_shard *told = &world->log.shards[0];
            /* Repaired: in a later term than any it voted in, or with the vote it gave. */
            forgotten += !(told->term > 4 || (told->term == 4 && told->vote == 2));
            assert_int_equal(world_recover(world), 0);
            world_free(world);
        }
        assert_int_equal(forgotten > 0, !is_marked);
    }
}

/* So it is with the whole block that the round lies in, and a part of the mark with it. */
static void test_a_lost_block_is_damage(void **state) {
    (void)state;
    struct world *world = voted();
    idle(world);
    size_t from = round_offset(world, 3);
    world_close(world);
    struct fake_file *file = world_segment(world, 1);
    memset(file->live + from, 0, DISK_BLOCK_BYTES - from % DISK_BLOCK_BYTES);
    assert_int_equal(world_recover(world), 0);
    assert_true(world->log.shards[0].term >= 4);
    assert_true(world->log.shards[0].term > 4 || world->log.shards[0].vote == 2);
    world_free(world);
}

/* Without peers nothing is repaired, and the log is refused as it is. */
static void test_damage_without_peers_is_refused(void **state) {
    (void)state;
    struct world *world = marking();
    world->has_peers = false;
    world_entry(world, 0, 1, 100);
    world_flush(world);
    world_entry(world, 0, 2, 100);
    world_flush(world);
    idle(world);
    size_t from = round_offset(world, 2), end = round_offset(world, 3);
    world_close(world);
    world_segment(world, 1)->live[(from + end) / 2] ^= 1;
    assert_int_equal(world_recover(world), ERR_DAMAGED);
    assert_non_null(strstr(world->problem.text, "a later round was written after it"));
    world_segment(world, 1)->live[(from + end) / 2] ^= 1;
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, 2));
    world_free(world);
}

/* The power fails at any moment of a mark: it is a torn tail itself, and nothing else is lost. */
static void test_a_torn_mark_is_cut(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    for (unsigned i = 0; i < 300; i++) {
        struct world *world = voted();
        fake_disk_power_off_after(&world->fake, 1 + i % 3);
        idle(world);
        world_close(world);
        fake_disk_crash(&world->fake, &random);
        world->has_peers = false; /* it is not called damage */
        assert_int_equal(world_open(world), 0);
        assert_true(world_log_is(world, 3));
        world_state(world, 0, 5, 1);
        world_flush(world);
        idle(world);
        world_close(world);
        assert_int_equal(world_recover(world), 0);
        assert_true(world_log_is(world, 4));
        world_free(world);
    }
}

/* At the end of a segment it begins the next one if that is ready; on a full disk it waits. */
static void test_a_mark_makes_no_segment(void **state) {
    (void)state;
    struct world *world = world_new();
    world->segment_bytes = 2048;
    world->has_digests = true;
    assert_int_equal(world_open(world), 0);
    world_entry(world, 0, 1, 1750);
    wal_flush(world->wal);
    while (fake_disk_run_job(&world->fake, DISK_LANE_LOG)) /* but no spare is made */
        ;
    for (unsigned is_full = 0; is_full < 2; is_full++) {
        world->fake.is_full = is_full;
        world->now_us = wal_due_us(world->wal);
        wal_flush_due(world->wal, world->now_us);
        assert_false(fake_disk_run_job(&world->fake, DISK_LANE_LOG));
        assert_int_equal(wal_due_us(world->wal), world->now_us + IDLE_US); /* asked again */
    }
    world->fake.is_full = false;
    fake_disk_run_all(&world->fake);
    idle(world);
    assert_int_equal(world_statistics(world).rounds, 2);
    assert_non_null(world_segment(world, 2));
    world_close(world);
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, 1));
    world_free(world);
}

/* A round that waits for space is no idle log, though the one before it was durable. */
static void test_no_mark_while_a_round_waits(void **state) {
    (void)state;
    struct world *world = world_new();
    world->has_digests = true;
    assert_int_equal(world_open(world), 0);
    world_entry(world, 0, 1, 100);
    world_flush(world);
    world->fake.is_full = true;
    world_entry(world, 0, 2, 2 * WORLD_SEGMENT_BYTES);
    world_flush(world);
    assert_true(wal_is_stalled(world->wal));
    idle(world);
    assert_true(wal_is_stalled(world->wal));
    world->fake.is_full = false;
    wal_tick(world->wal);
    fake_disk_run_all(&world->fake);
    assert_int_equal(world->durable, 2);
    world_close(world);
    assert_int_equal(world_recover(world), 0);
    assert_true(world_log_is(world, 2));
    world_free(world);
}

/* A slow disk: the time for a mark comes while the next round is under way. Until that is over
 * nobody is asked to look, who would look without end. */
static void test_no_mark_is_due_while_a_round_runs(void **state) {
    (void)state;
    struct world *world = voted();
    uint64_t due_us = wal_due_us(world->wal);
    world_entry(world, 0, 2, 100);
    wal_flush(world->wal);
    world->now_us = due_us + IDLE_US;
    assert_true(wal_due_us(world->wal) == UINT64_MAX);
    fake_disk_run_all(&world->fake);
    assert_true(wal_due_us(world->wal) > world->now_us);
    assert_true(wal_due_us(world->wal) <= world->now_us + IDLE_US);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_an_idle_log_writes_one_mark),
          cmocka_unit_test(test_no_mark_is_due_while_a_round_runs),
          cmocka_unit_test(test_a_mark_may_be_asked_for),
          cmocka_unit_test(test_every_flip_in_the_last_round_is_damage),
          cmocka_unit_test(test_a_lost_block_is_damage),
          cmocka_unit_test(test_damage_without_peers_is_refused),
          cmocka_unit_test(test_a_torn_mark_is_cut), cmocka_unit_test(test_a_mark_makes_no_segment),
          cmocka_unit_test(test_no_mark_while_a_round_waits))
