/* Two processes with one UUID and one generation: a directory that was copied with the image of a
 * machine, and started twice. Only people can mend it; what gossip owes them is one picture, the
 * same everywhere, and a warning. */
#include "../unit.h"
#include "gossip/gossip.h"
#include "world.h"

enum { SECOND = 1000000, NODES = 6, COPIED = 3, COPY = NODES + 1 };

/* Six that know each other, and a copy of one of them. */
static struct world *world_with_copy(uint64_t seed) {
    struct world *world = world_new(seed);
    world_add_cluster(world, NODES);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    struct world_node *copy = world_add(world);
    world_kill(world, COPY);
    memcpy(copy->uuid, world->nodes[COPIED].uuid, GOSSIP_UUID_BYTES);
    copy->generation = world->nodes[COPIED].generation - 1;
    world_start(world, COPY);
    assert_int_equal(copy->generation, world->nodes[COPIED].generation);
    world_seed(world, COPY, 1);
    return world;
}

static bool is_twin(unsigned number) { return number == COPIED || number == COPY; }

/* Where the others believe it to be: all at one of the two places. */
static void assert_one_picture(struct world *world) {
    const struct gossip_member *first = world_view(world, 1, COPIED);
    for (unsigned number = 2; number <= NODES; number++) {
        if (is_twin(number))
            continue;
        const struct gossip_member *seen = world_view(world, number, COPIED);
        assert_int_equal(seen->state, GOSSIP_ALIVE);
        assert_int_equal(seen->who->address.port, first->who->address.port);
        assert_string_equal(seen->who->address.host, first->who->address.host);
    }
}

static uint64_t conflicts_of(struct world *world, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[number].gossip, &counters);
    return counters.identity_conflicts;
}

static void assert_told_apart(struct world *world) {
    assert_true(conflicts_of(world, COPIED) > 0 || conflicts_of(world, COPY) > 0);
    for (unsigned number = 1; number <= NODES; number++)
        assert_true(is_twin(number) || conflicts_of(world, number) == 0);
}

/* All others soon believe the same, and it stays so, quietly; one of the two at least knows. */
static void test_a_copied_directory_is_one_picture_and_a_warning(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = world_with_copy(seed);
        world_run(world, 10 * SECOND);
        assert_one_picture(world);
        assert_told_apart(world);
        uint64_t before = world->datagram_count;
        world_run(world, 60 * SECOND);
        assert_one_picture(world);
        assert_true(world->datagram_count - before < 60 * (NODES + 1) * 30);
        assert_true(world_view(world, 1, COPIED)->who->incarnation < 5);
        world_free(world);
    }
}

/* The one that all believe in stands still, and the other takes its place; when it goes on, the two
 * do not outbid one another. */
static void test_twins_do_not_outbid_one_another(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = world_with_copy(seed);
        world_run(world, 10 * SECOND);
        uint16_t port = world_view(world, 1, COPIED)->who->address.port;
        unsigned shown = world->nodes[COPY].address.port == port ? COPY : COPIED;
        if (strcmp(world->nodes[COPY].address.host,
                   world_view(world, 1, COPIED)->who->address.host) != 0)
            shown = COPIED;
        world_stop(world, shown);
        world_run(world, 10 * SECOND);
        assert_one_picture(world);
        world_resume(world, shown);
        world_run(world, 20 * SECOND);
        assert_one_picture(world);
        uint64_t settled = world_view(world, 1, COPIED)->who->incarnation;
        assert_true(settled < 20);
        world_run(world, 60 * SECOND);
        assert_int_equal(world_view(world, 1, COPIED)->who->incarnation, settled);
        assert_true(conflicts_of(world, COPIED) > 0 && conflicts_of(world, COPY) > 0);
        world_free(world);
    }
}

static uint64_t later_of(struct world *world, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[number].gossip, &counters);
    return counters.later_generation;
}

/* The same, but the copy is so many lives ahead. */
static struct world *world_with_later_copy(bool is_sealed, uint64_t lives) {
    struct world *world = world_new(21);
    world->is_sealed = is_sealed;
    world_add_cluster(world, NODES);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    struct world_node *copy = world_add(world);
    world_kill(world, COPY);
    memcpy(copy->uuid, world->nodes[COPIED].uuid, GOSSIP_UUID_BYTES);
    copy->generation = world->nodes[COPIED].generation + lives - 1;
    world_start(world, COPY);
    world_seed(world, COPY, 1);
    world_run(world, 5 * SECOND);
    return world;
}

static void start_again(struct world *world, unsigned number, uint64_t above) {
    world_kill(world, number);
    world->nodes[number].generation = above;
    world_start(world, number);
    world_seed(world, number, 1);
    world_run(world, 5 * SECOND);
}

/* A copy was started more often than the one that it was made from, which learns in which life the
 * copy is, or was when it left, so that its owner can start it in a later one: the others hear it
 * again then, where datagrams are sealed as well. */
static void test_the_earlier_one_learns_of_the_later_life(void **state) {
    (void)state;
    enum { LIVES = 3 };
    for (unsigned is_sealed = 0; is_sealed < 2; is_sealed++) {
        struct world *world = world_with_later_copy(is_sealed, LIVES);
        uint64_t later = world->nodes[COPY].generation;
        assert_int_equal(later_of(world, COPIED), later);
        assert_int_equal(later_of(world, COPY), 0);
        world_leave(world, COPY);
        world_run(world, SECOND);
        world_kill(world, COPY);
        start_again(world, COPIED, world->nodes[COPIED].generation);
        assert_false(world_is_state(world, 1, COPIED, GOSSIP_ALIVE));
        assert_int_equal(later_of(world, COPIED), later);
        start_again(world, COPIED, later);
        assert_int_equal(later_of(world, COPIED), 0);
        assert_true(world_is_state(world, 1, COPIED, GOSSIP_ALIVE));
        world_free(world);
    }
}

/* A life that nobody can have reached is not believed. */
static void test_a_life_that_cannot_be_is_not_believed(void **state) {
    (void)state;
    for (unsigned beyond = 0; beyond < 2; beyond++) {
        struct world *world = world_with_later_copy(false, GOSSIP_LATER_MAXIMUM + beyond);
        assert_true(conflicts_of(world, COPIED) > 0);
        assert_int_equal(later_of(world, COPIED), beyond > 0 ? 0 : world->nodes[COPY].generation);
        world_free(world);
    }
}

enum { SAID_BY_EACH = 5 };

static void say_both(struct world *world) {
    char key[16];
    for (unsigned i = 0; i < SAID_BY_EACH; i++) {
        snprintf(key, sizeof key, "first-%u", i);
        world_set(world, COPIED, key, "yes");
        snprintf(key, sizeof key, "second-%u", i);
        world_set(world, COPY, key, "yes");
        world_run(world, SECOND / 10);
    }
}

/* Each of the two counts its own versions, and so they say two keys at one version. Who hears of
 * both has both, tells of both, and goes on; so does a newcomer, who hears of them by comparing. */
static void test_keys_that_both_say_mix(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world *world = world_with_copy(seed);
        world_run(world, 10 * SECOND);
        say_both(world);
        world_run(world, 5 * SECOND);
        unsigned newcomer = world_add(world)->number;
        world_seed(world, newcomer, 1);
        world_run(world, 5 * SECOND);
        assert_one_picture(world);
        for (unsigned number = 1; number <= newcomer; number++)
            if (!is_twin(number))
                assert_int_equal(world_key_count(world, number, COPIED), 2 * SAID_BY_EACH);
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_a_copied_directory_is_one_picture_and_a_warning),
          cmocka_unit_test(test_twins_do_not_outbid_one_another),
          cmocka_unit_test(test_the_earlier_one_learns_of_the_later_life),
          cmocka_unit_test(test_a_life_that_cannot_be_is_not_believed),
          cmocka_unit_test(test_keys_that_both_say_mix))
