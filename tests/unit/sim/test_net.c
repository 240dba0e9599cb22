/* Peer streams keep order, wait across short partitions and break across long ones; what travels
 * under a seal comes with its message, also late; datagrams get lost and doubled. */
#include "../unit.h"

#include "sim/world/net.h"

struct world {
    struct event_queue queue;
    struct random random;
    struct trace trace;
    struct sim_net *net;
    unsigned received, lost, datagrams;
    uint32_t last;
    bool is_up[SIM_NODE_MAXIMUM];
};

static bool is_ready(void *context, unsigned node, unsigned thread, uint64_t *again_us) {
    (void)context, (void)node, (void)thread, (void)again_us;
    return true;
}
static uint64_t now_us(void *context, unsigned node, unsigned thread) {
    (void)node, (void)thread;
    return ((struct world *)context)->queue.now_us;
}
static bool is_up(void *context, unsigned node) { return ((struct world *)context)->is_up[node]; }
static unsigned accept_stream(void *context, unsigned node) {
    (void)context, (void)node;
    return 0;
}
/* The seal of a message: its bytes turned over, from the last to the first. */
static uint8_t turned(struct bytes message, size_t at) {
    return (uint8_t)~message.data[message.length - 1 - at];
}
static void put_seal(void *context, unsigned node, struct bytes message, struct buffer *sealed) {
    (void)context;
    assert_int_equal(node, 0);
    for (size_t i = 0; i < message.length; i++)
        buffer_append_u8(sealed, turned(message, i));
}
static bool message(void *context, const struct sim_message *arrived) {
    struct world *world = context;
    uint32_t number;
    assert_int_equal(arrived->from, 0);
    assert_int_equal(arrived->to, 1);
    assert_int_equal(arrived->sealed.length, arrived->bytes.length);
    for (size_t i = 0; i < arrived->bytes.length; i++)
        assert_int_equal(arrived->sealed.data[i], turned(arrived->bytes, i));
    memcpy(&number, arrived->bytes.data, sizeof number);
    assert_true(number > world->last);
    world->last = number;
    world->received++;
    return true;
}
static void lost(void *context, unsigned node, unsigned thread, uint32_t peer_number) {
    (void)node, (void)thread;
    assert_int_equal(peer_number, 2);
    ((struct world *)context)->lost++;
}
static void datagram(void *context, unsigned node, const struct net_address *from,
                     struct bytes bytes) {
    (void)from, (void)bytes;
    assert_int_equal(node, 1);
    ((struct world *)context)->datagrams++;
}

static void run_until(struct world *world, uint64_t until_us) {
    while (event_queue_step(&world->queue, until_us))
        ;
    world->queue.now_us = until_us;
}

static void world_init(struct world *world) {
    *world = (struct world){.is_up = {true, true}};
    event_queue_init(&world->queue);
    random_init(&world->random, 1);
    trace_init(&world->trace, &world->queue.now_us, false);
    struct sim_net_owner owner = {is_ready, now_us, is_up,    accept_stream, put_seal,
                                  message,  lost,   datagram, world};
    world->net = sim_net_new(&world->queue, &world->random, &world->trace, &owner, 2);
}

static void world_connect(struct world *world) {
    struct net_address address;
    sim_net_address(1, &address);
    struct net *door = sim_net_door(world->net, 0, 0);
    assert_false(door->peer_send(door, 2, BYTES_LITERAL("none")));
    door->peer_set(door, 2, &address);
    run_until(world, world->queue.now_us + 10000);
}

static void world_release(struct world *world) {
    sim_net_free(world->net);
    event_queue_release(&world->queue);
}

static bool send_number(struct world *world, uint32_t number) {
    struct net *door = sim_net_door(world->net, 0, 0);
    return door->peer_send(door, 2, bytes_of(&number, sizeof number));
}

static void a_stream_keeps_order_and_loses_nothing(void **state) {
    (void)state;
    struct world world;
    world_init(&world);
    sim_net_weather(world.net)->late = 0.3;
    sim_net_weather(world.net)->late_us = 50000;
    world_connect(&world);
    for (uint32_t i = 1; i <= 500; i++)
        assert_true(send_number(&world, i));
    run_until(&world, 1000000);
    assert_int_equal(world.received, 500);
    world_release(&world);
}

static void a_long_partition_breaks_it_and_it_comes_back(void **state) {
    (void)state;
    struct world world;
    world_init(&world);
    world_connect(&world);
    sim_net_block(world.net, 0, 1);
    assert_true(send_number(&world, 1));
    run_until(&world, 5000000);
    assert_int_equal(world.received, 0);
    assert_int_equal(world.lost, 1);
    assert_false(send_number(&world, 2));
    sim_net_heal(world.net);
    run_until(&world, 6000000);
    assert_true(send_number(&world, 3));
    run_until(&world, 7000000);
    assert_int_equal(world.received, 1);
    world_release(&world);
}

static void a_dead_target_breaks_it(void **state) {
    (void)state;
    struct world world;
    world_init(&world);
    world_connect(&world);
    world.is_up[1] = false;
    sim_net_node_died(world.net, 1);
    run_until(&world, 1000000);
    assert_int_equal(world.lost, 1);
    assert_false(send_number(&world, 1));
    world_release(&world);
}

/* Three have come and two are under way when it breaks: of these five the first ones come, again or
 * late, in their order. Returns how many. */
static unsigned count_of_echo(uint64_t seed, bool dies) {
    struct world world;
    world_init(&world);
    random_init(&world.random, seed);
    sim_net_set_echo(world.net, 1);
    world_connect(&world);
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(send_number(&world, i));
    run_until(&world, world.queue.now_us + 10000);
    assert_int_equal(world.received, 3);
    assert_true(send_number(&world, 4));
    assert_true(send_number(&world, 5));
    world.last = 0;
    sim_net_reset_streams(world.net, 0, 1);
    if (dies)
        sim_net_node_died(world.net, 1);
    run_until(&world, world.queue.now_us + 5000000);
    unsigned count = world.received - 3;
    assert_int_equal(world.last, count);
    world_release(&world);
    return count;
}

static void what_a_broken_stream_held_comes_late_but_never_to_another_life(void **state) {
    (void)state;
    bool is_seen[6] = {0};
    for (uint64_t seed = 1; seed <= 100; seed++) {
        is_seen[count_of_echo(seed, false)] = true;
        assert_int_equal(count_of_echo(seed, true), 0);
    }
    for (unsigned count = 0; count <= 5; count++)
        assert_true(is_seen[count]);
}

static void datagrams_are_lost_and_doubled(void **state) {
    (void)state;
    struct world world;
    world_init(&world);
    struct net *door = sim_net_door(world.net, 0, SIM_WORKER_MAXIMUM);
    struct net_address to;
    sim_net_address(1, &to);
    sim_net_weather(world.net)->loss = 0.5;
    for (int i = 0; i < 1000; i++)
        door->datagram_send(door, &to, BYTES_LITERAL("x"));
    run_until(&world, 1000000);
    assert_in_range(world.datagrams, 400, 600);
    *sim_net_weather(world.net) = (struct sim_weather){.doubling = 1, .most_delay_us = 10};
    world.datagrams = 0;
    door->datagram_send(door, &to, BYTES_LITERAL("x"));
    sim_net_block(world.net, 0, 1);
    door->datagram_send(door, &to, BYTES_LITERAL("x"));
    run_until(&world, 2000000);
    assert_int_equal(world.datagrams, 2);
    world_release(&world);
}

RUN_TESTS(cmocka_unit_test(a_stream_keeps_order_and_loses_nothing),
          cmocka_unit_test(a_long_partition_breaks_it_and_it_comes_back),
          cmocka_unit_test(a_dead_target_breaks_it),
          cmocka_unit_test(what_a_broken_stream_held_comes_late_but_never_to_another_life),
          cmocka_unit_test(datagrams_are_lost_and_doubled))
