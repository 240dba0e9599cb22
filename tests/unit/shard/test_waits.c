/* WAITAOF: who is told when, of how many have on disk what was proposed so far. */
#include "../unit.h"
#include "world.h"

static uint64_t wait_at(struct world *world, raft_node_number on,
                        struct shard_wait_options options) {
    struct shard_waiter waiter = {.target = world, .ticket = world->next_ticket++, .protocol = 2};
    assert_int_equal(shard_wait(world_shard(world, on), &options, waiter), 0);
    world_settle(world);
    return waiter.ticket;
}

/* All have it: it is told at once, and who is not asked for counts as well. */
static void test_all_have_it(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_write(world, 1, "SET k v");
    world_run(world, 100);
    uint64_t ticket = wait_at(world, 1, (struct shard_wait_options){.replicas = 2});
    assert_answer(world, ticket, "DONE *2|:1|:2|");
    ticket = wait_at(world, 1, (struct shard_wait_options){.is_local = true});
    assert_answer(world, ticket, "DONE *2|:1|:2|");
    world_free(world);
}

/* One is away: who waits for it hears how far it is when the time is up, each by its own. */
static void test_one_is_away(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 3, true);
    world_write(world, 1, "SET k v");
    world_run(world, 100);
    struct shard_wait_options options = {.replicas = 2, .timeout_ms = 400};
    uint64_t patient = wait_at(world, 1, options);
    options.timeout_ms = 200;
    uint64_t hasty = wait_at(world, 1, options);
    options.replicas = 1;
    assert_answer(world, wait_at(world, 1, options), "DONE *2|:1|:1|");
    world_run(world, 190);
    assert_answer(world, hasty, "");
    world_run(world, 20);
    assert_answer(world, hasty, "DONE *2|:1|:1|");
    assert_answer(world, patient, "");
    world_run(world, 200);
    assert_answer(world, patient, "DONE *2|:1|:1|");
    assert_true(shard_deadline_us(world_shard(world, 1)) > world->now_us); /* it is over */
    uint64_t fulfilled = wait_at(world, 1, (struct shard_wait_options){.replicas = 2});
    world_let_back(world, 3, 500);
    assert_answer(world, fulfilled, "DONE *2|:1|:2|");
    world_free(world);
}

/* The leader's disk has yet to write it: only who asks for that disk waits for it. */
static void test_its_own_disk(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].is_disk_held = true;
    world_write(world, 1, "SET k v");
    world_run(world, 100);
    uint64_t others = wait_at(world, 1, (struct shard_wait_options){.replicas = 2});
    uint64_t local = wait_at(world, 1, (struct shard_wait_options){.is_local = true});
    assert_answer(world, others, "DONE *2|:0|:2|");
    assert_answer(world, local, "");
    world->replicas[1].is_disk_held = false;
    world_settle(world);
    assert_answer(world, local, "DONE *2|:1|:2|");
    world_free(world);
}

/* What is not committed may yet be lost, whoever has it: nobody is told before. When the lead goes
 * nobody here knows how far it will come. */
static void test_not_before_it_is_committed(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 1, true);
    world_propose(world, 1, "SET k v");
    world_settle(world);
    uint64_t ticket = wait_at(world, 1, (struct shard_wait_options){.replicas = 0});
    assert_answer(world, ticket, "");
    world_let_back(world, 1, 100);
    assert_answer(world, ticket, "DONE *2|:1|:1|"); /* as soon as one more has it */
    world_cut_off(world, 1, true);
    world_propose(world, 1, "SET k w");
    world_settle(world);
    ticket = wait_at(world, 1, (struct shard_wait_options){.replicas = 1});
    world_elect(world, 2);
    world_run(world, 1000);
    assert_answer(world, ticket, "NOT_EXECUTED");
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_all_have_it), cmocka_unit_test(test_one_is_away),
          cmocka_unit_test(test_its_own_disk), cmocka_unit_test(test_not_before_it_is_committed))
