/* Replicas compare what they hold: one that holds something else says so, wherever that is, and
 * nobody else does. */
#include "../unit.h"
#include "base/memory.h"
#include "world.h"

enum { INTERVAL_MS = 10, LAST_SLOT = 16383 };

/* Many commands and few slots a comparison, or one for all: as much as there is. */
static struct world *started(void) {
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].config.compare_interval_ms = INTERVAL_MS;
    return world;
}

static void write_for(struct world *world, unsigned rounds) {
    for (unsigned i = 0; i < rounds; i++) {
        world_run(world, INTERVAL_MS);
        world_write(world, 1, "INCR n");
    }
}

static uint64_t comparisons(const struct world *world) {
    return world_counted(world, 1, METRIC_replica_comparisons_total, NULL);
}

static bool is_found_by(struct world *world, raft_node_number number) {
    uint64_t count = shard_difference_count(world_shard(world, number));
    assert_int_equal(world_counted(world, number, METRIC_replica_differences_total, NULL), count);
    assert_int_equal(world_has_logged(world, number, "one of the two is wrong"), count > 0);
    return count > 0;
}

static void expect_found_by(struct world *world, bool first, bool second, bool third) {
    assert_int_equal(is_found_by(world, 1), first);
    assert_int_equal(is_found_by(world, 2), second);
    assert_int_equal(is_found_by(world, 3), third);
}

/* One replica alone runs a command, as it never should. */
static void run_alone(struct world *world, raft_node_number number, size_t count,
                      const struct bytes *arguments) {
    struct machine *machine = shard_machine(world_shard(world, number));
    struct machine_call call = {.arguments = arguments, .argument_count = count};
    struct reply reply = {.out = NULL, .protocol = 2};
    machine->ops->apply(machine, &call, &reply);
}

static void set_alone(struct world *world, raft_node_number number, const char *key) {
    struct bytes arguments[] = {BYTES_LITERAL("SET"), bytes_of_text(key), BYTES_LITERAL("other")};
    run_alone(world, number, 3, arguments);
}

/* A key of the last slot, and so of the last comparison of a round. */
static void find_key_of_last_slot(char key[32]) {
    unsigned i = 0;
    do {
        snprintf(key, 32, "key:%u", i++);
    } while (slot_of_key(bytes_of_text(key)) != LAST_SLOT);
}

static void test_equal_replicas_find_nothing(void **state) {
    (void)state;
    struct world *world = started();
    world_write_much(world, 1, 40);
    write_for(world, 100);
    assert_true(comparisons(world) >= 50);
    expect_found_by(world, false, false, false);
    world_run(world, 200);
    assert_true(world_is_equal(world));
    world_free(world);
}

static void test_a_follower_that_differs_says_so(void **state) {
    (void)state;
    struct world *world = started();
    world_write(world, 1, "SET key value");
    write_for(world, 5);
    set_alone(world, 2, "key");
    write_for(world, 5);
    expect_found_by(world, false, true, false);
    world_free(world);
}

/* All others do then. */
static void test_a_leader_that_differs_is_found(void **state) {
    (void)state;
    struct world *world = started();
    set_alone(world, 1, "key");
    write_for(world, 5);
    expect_found_by(world, false, true, true);
    world_free(world);
}

/* A key too few counts as well, and so does one that the leader has nothing beside. */
static void test_a_round_comes_to_every_slot(void **state) {
    (void)state;
    struct world *world = started();
    char key[32];
    find_key_of_last_slot(key);
    world_write_much(world, 1, 100); /* 4 MB, in many slots */
    set_alone(world, 3, key);
    write_for(world, 10);
    expect_found_by(world, false, false, false);
    write_for(world, 30);
    expect_found_by(world, false, false, true);
    uint64_t found = shard_difference_count(world_shard(world, 3));
    struct bytes arguments[] = {BYTES_LITERAL("DEL"), bytes_of_text(key)};
    run_alone(world, 3, 2, arguments);
    write_for(world, 2); /* what was noted before is told with the next */
    found = shard_difference_count(world_shard(world, 3));
    write_for(world, 60);
    assert_int_equal(shard_difference_count(world_shard(world, 3)), found);
    world_free(world);
}

/* To go through it at once would hold everybody up. Before and behind it all others have their
 * turn. */
static struct world *started_with_long_slot(void) {
    struct world *world = started();
    world_write_one_slot(world, 1, 200); /* 8 MB: more than thirty comparisons */
    write_for(world, 60);
    expect_found_by(world, false, false, false);
    return world;
}

static void test_a_long_slot_is_compared_key_by_key(void **state) {
    (void)state;
    char key[32];
    find_key_of_last_slot(key);
    struct bytes delete_one[] = {BYTES_LITERAL("DEL"), BYTES_LITERAL("{same}150")};
    struct world *world = started_with_long_slot();
    set_alone(world, 2, "{same}150");
    write_for(world, 60);
    expect_found_by(world, false, true, false);
    world_free(world);
    world = started_with_long_slot();
    run_alone(world, 3, 2, delete_one);
    write_for(world, 60);
    expect_found_by(world, false, false, true);
    world_free(world);
    world = started_with_long_slot();
    set_alone(world, 2, "{same}one too many");
    write_for(world, 60);
    expect_found_by(world, false, true, false);
    world_free(world);
    world = started_with_long_slot();
    set_alone(world, 2, key);
    write_for(world, 60);
    expect_found_by(world, false, true, false);
    world_free(world);
}

static void write_hash(struct world *world) {
    char command[64 + 4000];
    for (unsigned i = 0; i < 400; i++) {
        int length = snprintf(command, sizeof command, "HSET {same}hash field%u ", i);
        memset(command + length, 'v', 4000);
        command[length + 4000] = 0;
        world_write(world, 1, command);
    }
}

static void write_long_key(struct world *world, char key[5001]) {
    char command[5100];
    memset(key, 'k', 5000);
    memcpy(key, "{same}", 6);
    key[5000] = 0;
    snprintf(command, sizeof command, "SET %s value", key);
    world_write(world, 1, command);
}

static void expect_equal_then_found_by_second(struct world *world, size_t count,
                                              const struct bytes *arguments) {
    write_for(world, 60);
    expect_found_by(world, false, false, false);
    run_alone(world, 2, count, arguments);
    write_for(world, 60);
    expect_found_by(world, false, true, false);
    world_free(world);
}

/* Strings and hashes of more than a megabyte, and keys of more than 4 kB: in whichever piece they
 * differ. */
static void test_what_is_long_is_compared_piece_by_piece(void **state) {
    (void)state;
    static const char *const places[] = {"0", "1048576", "3000000"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct bytes change[] = {BYTES_LITERAL("SETRANGE"), BYTES_LITERAL("{same}long"),
                                 bytes_of_text(places[i]), BYTES_LITERAL("y")};
        struct world *world = started();
        world_write(world, 1, "SETRANGE {same}long 3000000 x");
        expect_equal_then_found_by_second(world, 4, change);
    }
    struct bytes changes[][4] = {
        {BYTES_LITERAL("HSET"), BYTES_LITERAL("{same}hash"), BYTES_LITERAL("field17"),
         BYTES_LITERAL("other")},
        {BYTES_LITERAL("HSET"), BYTES_LITERAL("{same}hash"), BYTES_LITERAL("one too many"),
         BYTES_LITERAL("v")},
        {BYTES_LITERAL("HDEL"), BYTES_LITERAL("{same}hash"), BYTES_LITERAL("field399")},
        {BYTES_LITERAL("PEXPIREAT"), BYTES_LITERAL("{same}hash"), BYTES_LITERAL("99999999999999")}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct world *world = started();
        write_hash(world);
        expect_equal_then_found_by_second(world, i < 2 ? 4 : 3, changes[i]);
    }
    char key[5001];
    struct world *world = started();
    world_write_one_slot(world, 1, 40);
    write_long_key(world, key);
    struct bytes change[] = {BYTES_LITERAL("SET"), bytes_of_text(key), BYTES_LITERAL("other")};
    expect_equal_then_found_by_second(world, 3, change);
}

/* The one replica's hash has grown, the other's was read from a snapshot. */
static void test_a_long_hash_is_the_same_however_it_came(void **state) {
    (void)state;
    struct world *world = started();
    write_hash(world);
    world_take_snapshot(world, 2);
    world_restart(world, 2);
    world_run(world, 2000);
    write_for(world, 60);
    expect_found_by(world, false, false, false);
    world_free(world);
}

/* It is cut short, or gone, while a leader goes through it: there is nothing to tell of, and the
 * slots behind it have their turn. */
static void test_what_is_long_may_go_meanwhile(void **state) {
    (void)state;
    static const char *const ends[] = {"SET {same}long short", "DEL {same}long {same}hash"};
    char key[32];
    find_key_of_last_slot(key);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct world *world = started();
        world_write(world, 1, "SETRANGE {same}long 3000000 x");
        write_hash(world);
        for (unsigned rounds = 0; rounds < 5; rounds++) {
            write_for(world, rounds);
            world_write(world, 1, ends[i]);
            write_for(world, 2);
            world_write(world, 1, "SETRANGE {same}long 3000000 x");
        }
        set_alone(world, 2, key);
        write_for(world, 60);
        expect_found_by(world, false, true, false);
        world_free(world);
    }
}

/* No name is put into the log that is worth more than what it names: such a key counts, and no
 * more. */
static void test_a_name_of_megabytes_is_passed_over(void **state) {
    (void)state;
    enum { NAME_BYTES = (1 << 20) + 1 };
    char key[32];
    find_key_of_last_slot(key);
    struct world *world = started();
    char *command = memory_allocate_zeroed(1, NAME_BYTES + 16);
    memcpy(command, "SET ", 4);
    memset(command + 4, 'k', NAME_BYTES);
    memcpy(command + 4 + NAME_BYTES, " value", 7);
    world_write(world, 1, command);
    memory_free(command);
    set_alone(world, 2, key);
    uint64_t log_bytes = raft_log_bytes(world_raft(world, 1));
    write_for(world, 60);
    expect_found_by(world, false, true, false);
    assert_true(raft_log_bytes(world_raft(world, 1)) < log_bytes + (64 << 10));
    world_free(world);
}

/* No comparison goes through much more than another. */
static void test_a_comparison_names_no_more_than_a_little(void **state) {
    (void)state;
    struct world *world = started_with_long_slot();
    struct machine *machine = shard_machine(world_shard(world, 1));
    struct comparison_keys named;
    slot_number slot = slot_of_key(BYTES_LITERAL("{same}"));
    unsigned count = 0, steps = 0;
    uint64_t cursor = 0;
    do {
        named = (struct comparison_keys){.count = 0, .long_count = 0};
        cursor = machine->ops->name_keys(machine, slot, cursor, &named);
        assert_true(named.value_bytes < 512 << 10);
        assert_true(named.name_bytes < 24 << 10);
        count += (unsigned)named.count;
        steps++;
    } while (cursor != 0);
    assert_true(count >= 200);
    assert_in_range(steps, 20, 60);
    world_free(world);
}

static unsigned count_pieces(struct world *world, const char *key) {
    struct machine *machine = shard_machine(world_shard(world, 1));
    slot_number slot = slot_of_key(bytes_of_text(key));
    struct comparison_keys named = {.count = 0};
    struct comparison_piece piece = {.from = 0};
    (void)machine->ops->name_keys(machine, slot, 0, &named);
    assert_int_equal(named.long_count, 1);
    unsigned count = 0;
    do {
        assert_true(machine->ops->name_piece(machine, slot, named.long_cursor, 0, &piece));
        assert_true(bytes_equal(piece.key, bytes_of_text(key)));
        piece.from = piece.to;
        count++;
    } while (piece.to != 0);
    assert_false(machine->ops->name_piece(machine, slot, named.long_cursor, 1, &piece));
    return count;
}

static void test_a_piece_is_no_more_than_a_little(void **state) {
    (void)state;
    struct world *world = started();
    world_write(world, 1, "SETRANGE {string}long 3000000 x");
    write_hash(world);
    assert_int_equal(count_pieces(world, "{string}long"), 3);
    assert_in_range(count_pieces(world, "{same}hash"), 5, 8); /* 1.6 MB, a quarter each */
    world_free(world);
}

/* Another replica that comes to lead goes on behind the slot, and comes to it again. */
static void test_the_next_leader_comes_to_a_long_slot(void **state) {
    (void)state;
    struct world *world = started_with_long_slot();
    set_alone(world, 3, "{same}150");
    world_elect(world, 2);
    for (unsigned i = 0; i < 60; i++) {
        world_run(world, INTERVAL_MS);
        world_write(world, 2, "INCR n");
    }
    expect_found_by(world, false, false, true);
    world_free(world);
}

/* What was compared before belongs to a state that is gone. */
static void test_whoever_begins_anew_says_nothing(void **state) {
    (void)state;
    struct world *world = started();
    world_write_much(world, 1, 20);
    write_for(world, 5);
    world_cut_off(world, 3, true);
    world_increment(world, 1, 50);
    world_take_snapshot(world, 1);
    world_let_back(world, 3, 4000);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_installed_total, NULL), 1);
    world_restart(world, 2);
    world_run(world, 2000);
    write_for(world, 20);
    world_elect(world, 2);
    for (unsigned i = 0; i < 20; i++) {
        world_run(world, INTERVAL_MS);
        world_write(world, 2, "INCR n");
    }
    assert_true(world_counted(world, 2, METRIC_replica_comparisons_total, NULL) > 0);
    world_run(world, 200);
    assert_true(world_is_equal(world));
    expect_found_by(world, false, false, false);
    world_free(world);
}

/* Where nothing is written nothing is compared, and not where it is not wanted. */
static void test_comparing_writes_no_entry_of_its_own(void **state) {
    (void)state;
    struct world *world = started();
    world_write(world, 1, "INCR n");
    world_run(world, 1000);
    raft_index last_index = raft_last_index(world_raft(world, 1));
    uint64_t before = comparisons(world);
    world_run(world, 20000);
    assert_int_equal(raft_last_index(world_raft(world, 1)), last_index);
    assert_int_equal(comparisons(world), before);
    world_write(world, 1, "INCR n");
    assert_int_equal(raft_last_index(world_raft(world, 1)), last_index + 1);
    assert_int_equal(comparisons(world), before + 1);
    world->replicas[1].config.compare_interval_ms = 0;
    write_for(world, 10);
    assert_int_equal(comparisons(world), before + 1);
    world_free(world);
}

/* Who counts on those that were answered to ask again must not wait for one that nobody asked. */
static void test_nobody_waits_for_a_comparison(void **state) {
    (void)state;
    struct world *world = started();
    world_run(world, INTERVAL_MS);
    world_cut_off(world, 1, true);
    uint64_t before = comparisons(world);
    world_propose(world, 1, "INCR n");
    world_run(world, 1);
    const struct shard *leader = world_shard(world, 1);
    assert_int_equal(comparisons(world), before + 1);
    assert_int_equal(shard_under_way_count(leader) + shard_gathered_count(leader), 1);
    world_free(world);
}

/* A log of nonsense: nothing is noted, and nothing is told. */
static void test_words_of_nonsense_are_refused(void **state) {
    (void)state;
    struct world *world = started();
    write_for(world, 3);
    struct machine *machine = shard_machine(world_shard(world, 2));
    uint64_t newest = machine->ops->comparisons(machine)->newest.id;
    struct bytes wrong[][5] = {
        {BYTES_LITERAL("trothdb.compare"), BYTES_LITERAL("-1"), BYTES_LITERAL("3")},
        {BYTES_LITERAL("trothdb.compare"), BYTES_LITERAL("0"), BYTES_LITERAL("16384")},
        {BYTES_LITERAL("trothdb.compare"), BYTES_LITERAL("x"), BYTES_LITERAL("3")}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        run_alone(world, 2, 3, wrong[i]);
    struct bytes piece[] = {BYTES_LITERAL("trothdb.comparepiece"),
                            BYTES_LITERAL("3"),
                            BYTES_LITERAL("0"),
                            BYTES_LITERAL("0"),
                            BYTES_LITERAL("-1"),
                            BYTES_LITERAL("5"),
                            BYTES_LITERAL("n")};
    run_alone(world, 2, 7, piece);
    piece[4] = BYTES_LITERAL("0");
    piece[5] = BYTES_LITERAL("x");
    run_alone(world, 2, 7, piece);
    assert_true(machine->ops->comparisons(machine)->newest.id == newest);
    struct bytes unlike[] = {BYTES_LITERAL("trothdb.compare"), BYTES_LITERAL("0"),
                             BYTES_LITERAL("3"), BYTES_LITERAL("7"), BYTES_LITERAL("8")};
    run_alone(world, 2, 5, unlike); /* of another comparison */
    assert_false(machine->ops->comparisons(machine)->differing.is_made);
    write_for(world, 3);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_equal_replicas_find_nothing),
          cmocka_unit_test(test_a_follower_that_differs_says_so),
          cmocka_unit_test(test_a_leader_that_differs_is_found),
          cmocka_unit_test(test_a_round_comes_to_every_slot),
          cmocka_unit_test(test_a_long_slot_is_compared_key_by_key),
          cmocka_unit_test(test_what_is_long_is_compared_piece_by_piece),
          cmocka_unit_test(test_a_long_hash_is_the_same_however_it_came),
          cmocka_unit_test(test_what_is_long_may_go_meanwhile),
          cmocka_unit_test(test_a_name_of_megabytes_is_passed_over),
          cmocka_unit_test(test_a_comparison_names_no_more_than_a_little),
          cmocka_unit_test(test_a_piece_is_no_more_than_a_little),
          cmocka_unit_test(test_the_next_leader_comes_to_a_long_slot),
          cmocka_unit_test(test_whoever_begins_anew_says_nothing),
          cmocka_unit_test(test_comparing_writes_no_entry_of_its_own),
          cmocka_unit_test(test_nobody_waits_for_a_comparison),
          cmocka_unit_test(test_words_of_nonsense_are_refused))
