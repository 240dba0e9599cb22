/* The same seed gives the same run, to the last byte of its trace; another seed gives another. */
#include "../unit.h"

#include "sim/run/run.h"
#include "sim/run/scene.h"

static uint64_t hash_of_run(uint64_t seed) {
    struct simulation_options options = {.seed = seed, .minutes = 0.5, .mix = -1};
    struct simulation *simulation = simulation_new(&options);
    bool is_right = simulation_run(simulation);
    if (!is_right)
        print_message("%.*s\n", BYTES_PRINT(buffer_bytes(&simulation->failure)));
    assert_true(is_right);
    assert_true(simulation->statistics.operations_done > 50);
    uint64_t hash = simulation->trace.hash;
    simulation_free(simulation);
    return hash;
}

static void the_same_seed_gives_the_same_trace(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        uint64_t first = hash_of_run(seed);
        assert_int_equal(first, hash_of_run(seed));
        assert_int_not_equal(first, hash_of_run(seed + 100));
    }
}

RUN_TESTS(cmocka_unit_test(the_same_seed_gives_the_same_trace))
