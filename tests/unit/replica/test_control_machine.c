/* Replicas of the control shard compare what they hold, as those of other shards do. */
#include "../cluster/founded.h"

#include "base/text/number.h"
#include "replica/topology/control_machine.h"

static struct machine *machine_of_three_nodes(void) {
    struct topology *founding = found(3, 2, 3);
    struct machine *machine = control_machine_new(founding);
    topology_free(founding);
    return machine;
}

static void apply(struct machine *machine, uint64_t seed, size_t count,
                  const struct bytes *arguments) {
    struct machine_call call = {.arguments = arguments, .argument_count = count, .seed = seed};
    struct reply reply = {.out = NULL, .protocol = 2};
    machine->ops->apply(machine, &call, &reply);
}

/* As a leader has it done that noted this before. */
static void compare(struct machine *machine, uint64_t seed, const struct comparison *before) {
    char id[NUMBER_I64_TEXT_BYTES], hash[NUMBER_I64_TEXT_BYTES];
    struct bytes arguments[] = {BYTES_LITERAL("trothdb.compare"), BYTES_LITERAL("0"),
                                BYTES_LITERAL("16383"),
                                bytes_of(id, number_format_i64(id, (int64_t)before->id)),
                                bytes_of(hash, number_format_i64(hash, (int64_t)before->hash))};
    apply(machine, seed, before->is_made ? 5 : 3, arguments);
}

static void compare_all(struct machine *const machines[2], uint64_t seed) {
    struct comparison before = machines[0]->ops->comparisons(machines[0])->newest;
    for (unsigned i = 0; i < 2; i++)
        compare(machines[i], seed, &before);
}

static bool differs(struct machine *machine) {
    return machine->ops->comparisons(machine)->differing.is_made;
}

static void test_what_differs_is_found(void **state) {
    (void)state;
    struct machine *machines[2] = {machine_of_three_nodes(), machine_of_three_nodes()};
    struct bytes change[] = {BYTES_LITERAL("shard.replicas"), BYTES_LITERAL("1"),
                             BYTES_LITERAL("1"), BYTES_LITERAL("2")};
    uint64_t epoch = control_machine_topology(machines[0])->epoch;
    for (uint64_t seed = 1; seed <= 3; seed++)
        compare_all(machines, seed);
    apply(machines[0], 4, 4, change);
    apply(machines[1], 4, 4, change);
    compare_all(machines, 5);
    compare_all(machines, 6);
    assert_false(differs(machines[0]));
    assert_false(differs(machines[1]));
    /* It decides nothing. */
    assert_int_equal(control_machine_topology(machines[0])->epoch, epoch + 1);
    struct bytes other[] = {BYTES_LITERAL("shard.replicas"), BYTES_LITERAL("2"), BYTES_LITERAL("3"),
                            BYTES_LITERAL("2")};
    apply(machines[1], 7, 4, other);
    compare_all(machines, 8);
    assert_false(differs(machines[1]));
    compare_all(machines, 9);
    assert_false(differs(machines[0]));
    assert_true(differs(machines[1]));
    machines[0]->ops->free(machines[0]);
    machines[1]->ops->free(machines[1]);
}

/* What was noted before belongs to a state that is gone. */
static void test_a_state_that_is_loaded_says_nothing(void **state) {
    (void)state;
    struct machine *machine = machine_of_three_nodes();
    struct topology *founding = found(2, 1, 2);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(founding, &encoded);
    compare(machine, 1, &(struct comparison){0});
    assert_true(machine->ops->comparisons(machine)->newest.is_made);
    assert_int_equal(machine->ops->load(machine, buffer_bytes(&encoded)), 0);
    assert_true(machine->ops->load_is_complete(machine));
    assert_false(machine->ops->comparisons(machine)->newest.is_made);
    buffer_release(&encoded);
    topology_free(founding);
    machine->ops->free(machine);
}

RUN_TESTS(cmocka_unit_test(test_what_differs_is_found),
          cmocka_unit_test(test_a_state_that_is_loaded_says_nothing))
