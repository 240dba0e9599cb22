/* The keyspace as a state machine: what becomes of its memory when another takes its place. */
#include "../unit.h"
#include "keyspace/edit.h"
#include "keyspace/record/remains.h"
#include "shard/machine/keyspace_machine.h"

enum { KEYS = 1000 };

/* A machine that was made to load a snapshot into leaves what it holds to be freed bit by bit, as
 * the one that it was made from does. */
static void test_what_a_machine_held_is_freed_bit_by_bit(void **state) {
    (void)state;
    struct remains *remains = remains_new();
    struct machine *first = keyspace_machine_new(1, NULL);
    keyspace_machine_leave_to(first, remains);
    struct machine *machines[] = {first, first->ops->make_empty(first)};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned key = 0; key < KEYS; key++) {
            char name[32];
            snprintf(name, sizeof name, "key%u", key);
            keyspace_put_string(keyspace_machine_keyspace(machines[i]), bytes_of_text(name),
                                BYTES_LITERAL("x"), STRING_EMBSTR, 0);
        }
        machines[i]->ops->free(machines[i]);
        assert_int_equal(remains_key_count(remains), (i + 1) * KEYS);
    }
    remains_free(remains);
}

RUN_TESTS(cmocka_unit_test(test_what_a_machine_held_is_freed_bit_by_bit))
