/* A newcomer is joining until its copy of the state is whole: who takes part with half of it in
 * hand accuses, helps and is relied on too early. */
#include "../planting.h"
#include "gossip/wire/codec.h"
#include "world.h"

enum { SECOND = 1000000, MEMBERS = 20, KEYS = 60, BOUND_INTERVALS = 4 };

struct arrivals {
    struct world *world;
    uint64_t started_us;
    unsigned whole, late; /* newcomers alive with a whole copy; at the bound, without */
    unsigned early;       /* and before either */
};

static bool copy_is_whole(struct world *world, unsigned number) {
    for (unsigned other = 1; other <= MEMBERS; other++) {
        const struct gossip_member *own = world_view(world, other, other),
                                   *seen = world_view(world, number, other);
        size_t position = 0;
        struct bytes key, value;
        uint64_t version;
        if (seen == NULL)
            return false;
        while (gossip_walk_keys(world->nodes[other].gossip, own, &position, &key, &value, &version))
            if (!bytes_equal(gossip_get(world->nodes[number].gossip, seen, key), value))
                return false;
    }
    return true;
}

/* At the very step in which a newcomer becomes alive for itself. */
static void watch_arrival(void *context, struct world_node *node,
                          const struct gossip_change *change) {
    struct arrivals *arrivals = context;
    struct world *world = arrivals->world;
    if (node->number <= MEMBERS || change->kind != GOSSIP_CHANGE_STATE ||
        memcmp(change->member->who->uuid, node->uuid, GOSSIP_UUID_BYTES) != 0 ||
        change->member->state != GOSSIP_ALIVE)
        return;
    uint64_t bound_us = BOUND_INTERVALS * world->timing.probe_interval_us;
    if (copy_is_whole(world, node->number))
        arrivals->whole++;
    else if (world->now_us - arrivals->started_us >= bound_us)
        arrivals->late++;
    else
        arrivals->early++;
}

/* Twenty members, two of which say so much that no single answer holds it. */
static struct world *talking_world(uint64_t seed) {
    struct world *world = world_new(seed);
    world_add_cluster(world, MEMBERS);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    char key[16], value[GOSSIP_VALUE_MAXIMUM + 1];
    for (unsigned i = 0; i < 2 * KEYS; i++) {
        snprintf(key, sizeof key, "key%u", i / 2);
        for (unsigned at = 0; at < GOSSIP_VALUE_MAXIMUM; at++)
            value[at] = (char)('!' + random_below(&world->random, 90));
        value[GOSSIP_VALUE_MAXIMUM] = 0;
        world_set(world, 1 + i % 2, key, value);
    }
    world_run(world, 20 * SECOND);
    return world;
}

static void arrive(struct arrivals *arrivals, unsigned count) {
    struct world *world = arrivals->world;
    arrivals->started_us = world->now_us;
    world->on_change = watch_arrival;
    world->context = arrivals;
    for (unsigned i = 0; i < count; i++)
        world_seed(world, world_add(world)->number, 1);
    world_run(world, 10 * SECOND);
    assert_int_equal(arrivals->early, 0);
    assert_int_equal(arrivals->whole + arrivals->late, count);
}

/* The copy takes several answers. Each newcomer is alive when it has all of them, and that is well
 * before the bound. */
static void test_a_partial_fill_is_no_copy(void **state) {
    (void)state;
    struct arrivals arrivals = {.world = talking_world(301)};
    arrive(&arrivals, 1);
    assert_int_equal(arrivals.late, 0);
    assert_true(world_is_settled(arrivals.world));
    world_free(arrivals.world);
}

/* The same where a fifth of all datagrams are lost and a fifth come twice: nobody takes part too
 * early, and nobody waits for ever. */
static void test_a_copy_with_holes_is_no_copy(void **state) {
    (void)state;
    struct arrivals arrivals = {.world = talking_world(302)};
    arrivals.world->loss = 0.2;
    arrivals.world->repeats = 0.2;
    arrive(&arrivals, 10);
    world_free(arrivals.world);
}

/* Ten come at once to a seed that may send little: it tells most of them of a few others, and that
 * makes nobody alive. */
static void test_a_referral_is_no_copy(void **state) {
    (void)state;
    struct arrivals arrivals = {.world = talking_world(303)};
    struct gossip_timing timing = arrivals.world->timing;
    timing.bytes_per_second = 20000;
    world_set_timing(arrivals.world, &timing);
    world_run(arrivals.world, SECOND);
    arrive(&arrivals, 10);
    struct gossip_counters counters;
    gossip_counters(arrivals.world->nodes[1].gossip, &counters);
    assert_true(counters.referrals > 0);
    world_free(arrivals.world);
}

static bool last_is_whole(struct world *world) {
    return copy_is_whole(world, world->count) &&
           world_is_state(world, world->count, world->count, GOSSIP_ALIVE);
}

/* Twenty members say a hundred keys each, 800 KB together, and there are no streams: what one
 * answer does not hold is asked for as soon as it has come, so that the newcomer has all of it
 * within a second. */
static void test_two_thousand_keys_by_datagrams(void **state) {
    (void)state;
    struct world *world = world_new(304);
    char key[16], value[401] = {0};
    world_add_cluster(world, MEMBERS);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    for (unsigned i = 0; i < 100 * MEMBERS; i++) {
        snprintf(key, sizeof key, "key%u", i / MEMBERS);
        for (unsigned at = 0; at + 1 < sizeof value; at++)
            value[at] = (char)('!' + random_below(&world->random, 90));
        world_set(world, 1 + i % MEMBERS, key, value);
        world_run(world, SECOND / 100);
    }
    world_run(world, 20 * SECOND);
    uint64_t bytes = world->byte_count;
    world_seed(world, world_add(world)->number, 1);
    assert_true(world_run_until(world, SECOND, last_is_whole));
    assert_true(world->byte_count - bytes < 1500000);
    world_free(world);
}

/* A FILL that says no more than "there is more" of all members, as one member to another. */
static void say_more(struct world *world, unsigned from, unsigned to) {
    static const uint8_t first[GOSSIP_UUID_BYTES];
    uint8_t last[GOSSIP_UUID_BYTES];
    struct codec_writer writer;
    memset(last, 0xff, sizeof last);
    codec_writer_init(&writer);
    codec_begin(&writer, &(struct codec_wire){0}, CODEC_FILL, world->nodes[from].uuid,
                world->nodes[from].generation);
    codec_write_range(&writer, first, last);
    world_send(world, from, to, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

/* Who says again and again that there is more, and sends nothing, is asked once. */
static void test_what_brings_nothing_is_not_asked_for_again(void **state) {
    (void)state;
    struct world *world = world_new(305);
    world_add_cluster(world, 4);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    world_run(world, 5 * SECOND);
    uint64_t digests = world->digest_count;
    for (unsigned i = 0; i < 100; i++) {
        say_more(world, 2, 3);
        world_run(world, SECOND / 50);
    }
    assert_int_equal(world->digest_count - digests, 1);
    /* And not at all by who has said goodbye. */
    world_set(world, 1, "color", "red");
    world_leave(world, 3);
    world_run(world, SECOND);
    digests = world->digest_count;
    say_more(world, 2, 3);
    world_run(world, SECOND / 10);
    assert_int_equal(world->digest_count, digests);
    world_free(world);
}

/* Three members, or newcomers, accuse a fourth one, as `number` hears from each of them; nobody
 * runs any. */
static void accuse(struct world *world, unsigned number, const uint8_t uuid[GOSSIP_UUID_BYTES],
                   bool are_joining) {
    struct codec_record suspect = {.generation = 1,
                                   .state = GOSSIP_SUSPECT,
                                   .address = {.host = "10.9.9.9", .port = 9}},
                        accuser = {.generation = 1,
                                   .state = GOSSIP_ALIVE,
                                   .address = {.host = "10.9.9.8", .port = 9}};
    struct codec_writer writer;
    memcpy(suspect.uuid, uuid, GOSSIP_UUID_BYTES);
    codec_writer_init(&writer);
    for (uint8_t i = 1; i <= 3; i++) {
        accuser.uuid[0] = suspect.accuser[0] = (uint8_t)(0xe0 + i);
        codec_begin(&writer, &(struct codec_wire){0}, CODEC_NEWS, accuser.uuid, 1);
        if (are_joining)
            codec_write_joining(&writer);
        assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
        assert_true(codec_write_record(&writer, &accuser));
        assert_true(codec_write_record(&writer, &suspect));
        codec_list_end(&writer);
        world_send(world, number, number, buffer_bytes(&writer.buffer));
    }
    codec_writer_release(&writer);
}

static enum gossip_member_state state_at(struct world *world, unsigned number,
                                         const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    const struct gossip_member *member = gossip_member_of(world->nodes[number].gossip, uuid);
    assert_non_null(member);
    return member->state;
}

/* Nobody answers the newcomer, who may be the one that cannot be reached: whom others suspect it
 * calls dead only once it is alive itself. Who has left calls nobody dead any more. */
static void test_a_newcomer_calls_nobody_dead(void **state) {
    (void)state;
    static const uint8_t first[GOSSIP_UUID_BYTES] = {0xd1}, second[GOSSIP_UUID_BYTES] = {0xd2};
    struct world *world = world_new(306);
    world_add(world);
    world_kill(world, 1);
    world_seed(world, world_add(world)->number, 1);
    accuse(world, 2, first, false);
    world_run(world, BOUND_INTERVALS * world->timing.probe_interval_us - SECOND / 100);
    assert_true(world_is_state(world, 2, 2, GOSSIP_JOINING));
    assert_int_equal(state_at(world, 2, first), GOSSIP_SUSPECT);
    world_run(world, SECOND / 2);
    assert_true(world_is_state(world, 2, 2, GOSSIP_ALIVE));
    assert_int_equal(state_at(world, 2, first), GOSSIP_DEAD);
    accuse(world, 2, second, false);
    world_leave(world, 2);
    world_run(world, 20 * SECOND);
    assert_int_equal(state_at(world, 2, second), GOSSIP_SUSPECT);
    world_free(world);
}

/* Members who agree bring the end of a suspicion nearer; newcomers, whose word counts for nothing
 * yet, do not. */
static void test_newcomers_confirm_no_suspicion(void **state) {
    (void)state;
    static const uint8_t suspect[GOSSIP_UUID_BYTES] = {0xd1};
    for (int are_joining = 0; are_joining < 2; are_joining++) {
        struct world *world = world_new(307);
        world_add(world);
        world_run(world, SECOND);
        assert_true(world_is_state(world, 1, 1, GOSSIP_ALIVE));
        accuse(world, 1, suspect, are_joining);
        world_run(world, 12 * SECOND / 10);
        assert_int_equal(state_at(world, 1, suspect), are_joining ? GOSSIP_SUSPECT : GOSSIP_DEAD);
        world_run(world, 2 * SECOND);
        assert_int_equal(state_at(world, 1, suspect), GOSSIP_DEAD);
        world_free(world);
    }
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_a_newcomer_calls_nobody_dead),
                   cmocka_unit_test(test_newcomers_confirm_no_suspicion),
                   cmocka_unit_test(test_a_partial_fill_is_no_copy),
                   cmocka_unit_test(test_a_copy_with_holes_is_no_copy),
                   cmocka_unit_test(test_a_referral_is_no_copy),
                   cmocka_unit_test(test_two_thousand_keys_by_datagrams),
                   cmocka_unit_test(test_what_brings_nothing_is_not_asked_for_again))
