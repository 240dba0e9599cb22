/* Datagrams above the MTU (chitchat #59): its delta of a large state became a datagram that no
 * network carried, and the state never arrived. */
#include "../unit.h"
#include "world.h"

enum { SECOND = 1000000, MEMBERS = 60, FULL = 4 };

/* As long as they may be: all keys, each and its value of full length; of the odd members letters
 * by lot, which cannot be compressed to fit, of the even ones such that can. */
static void say_all(struct world *world, unsigned number) {
    char key[GOSSIP_KEY_MAXIMUM + 1], value[GOSSIP_VALUE_MAXIMUM + 1];
    for (unsigned i = 0; i < GOSSIP_KEYS_PER_MEMBER_MAXIMUM; i++) {
        snprintf(key, sizeof key, "%0*u", GOSSIP_KEY_MAXIMUM, i);
        for (unsigned at = 0; at < GOSSIP_VALUE_MAXIMUM; at++)
            value[at] = (char)('!' + (number % 2 ? random_below(&world->random, 90) : at % 7));
        value[GOSSIP_VALUE_MAXIMUM] = 0;
        world_set_class(world, number, key, value, i % 2 ? GOSSIP_CLUSTER : GOSSIP_REST);
    }
}

/* A name and a host as long as they may be. */
static void add_long(struct world *world) {
    struct world_node *node = world_add(world);
    world_kill(world, node->number);
    snprintf(node->name, sizeof node->name, "%0*u", (int)sizeof node->name - 1, node->number);
    snprintf(node->address.host, sizeof node->address.host, "%0*u", GOSSIP_HOST_MAXIMUM - 1,
             node->number);
    world_start(world, node->number);
    world_seed(world, node->number, 1);
}

static bool is_same_state(struct world *world, unsigned number, unsigned full) {
    const struct gossip_member *own = world_view(world, full, full),
                               *seen = world_view(world, number, full);
    struct bytes key, value;
    uint64_t version;
    size_t position = 0, count = 0;
    while (seen != NULL &&
           gossip_walk_keys(world->nodes[full].gossip, own, &position, &key, &value, &version)) {
        if (!bytes_equal(gossip_get(world->nodes[number].gossip, seen, key), value))
            return false;
        count++;
    }
    return count == GOSSIP_KEYS_PER_MEMBER_MAXIMUM;
}

static bool all_have_the_full_states(struct world *world) {
    for (unsigned i = world->count; i >= 1; i--)
        for (unsigned full = 1; full <= FULL; full++)
            if (!is_same_state(world, i, full))
                return false;
    return true;
}

/* Sixty members, a third of them of a release that reads version 0 only, four with full states
 * (128 keys of 800 bytes), through loss, deaths and a newcomer: no datagram of any kind is above
 * GOSSIP_DATAGRAM_MAXIMUM, many are as large as that allows, and all of the state arrives. */
static void test_datagrams_above_the_mtu(void **state) {
    (void)state;
    struct world *world = world_new(1);
    world->timing.says_coordinate = true;
    for (unsigned i = 1; i <= MEMBERS; i++) {
        world->is_next_old = i % 3 == 0;
        add_long(world);
    }
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world->loss = 0.05;
    for (unsigned i = 1; i <= FULL; i++)
        say_all(world, i);
    assert_true(world_run_until(world, 60 * SECOND, all_have_the_full_states));
    for (unsigned i = 0; i < 10; i++)
        world_kill(world, MEMBERS - i);
    world_run(world, 10 * SECOND);
    for (unsigned i = 0; i < 10; i++)
        world_start(world, MEMBERS - i);
    world->fill_bytes = 0;
    add_long(world);
    assert_true(world_run_until(world, 60 * SECOND, all_have_the_full_states));
    assert_true(world->fill_bytes > 10 * FULL * GOSSIP_VALUE_MAXIMUM);
    assert_in_range(world->largest_bytes, GOSSIP_DATAGRAM_MAXIMUM - 20, GOSSIP_DATAGRAM_MAXIMUM);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_datagrams_above_the_mtu))
