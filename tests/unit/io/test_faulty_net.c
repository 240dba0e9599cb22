/* Faults of the network: rules as text, and what becomes of the datagrams that they concern. */
#include "../planting.h"
#include "base/buffer.h"
#include "io/faulty_net.h"

/* A clock that is set by hand, and a net that writes down what it sends: "to 7: hello". */
struct world {
    struct clock clock;
    struct net net;
    uint64_t now_us;
    struct buffer story;
    struct faulty_net *faulty;
    char problem[FAULT_PROBLEM_BYTES];
};

static uint64_t world_now(struct clock *clock) { return ((struct world *)clock)->now_us; }

static void world_tell(struct world *world, const char *way, const struct net_address *peer,
                       struct bytes datagram) {
    buffer_append_format(&world->story, "%s %u: %.*s\n", way, peer->port, BYTES_PRINT(datagram));
}

static void world_send(struct net *net, const struct net_address *to, struct bytes datagram) {
    world_tell((struct world *)((char *)net - offsetof(struct world, net)), "to", to, datagram);
}

static void world_deliver(void *context, const struct net_address *from, struct bytes datagram) {
    world_tell(context, "from", from, datagram);
}

static struct net_address peer(uint16_t port) {
    return (struct net_address){.host = "127.0.0.1", .port = port};
}

static void world_begin(struct world *world, uint64_t seed) {
    *world = (struct world){.clock.monotonic_us = world_now, .net.datagram_send = world_send};
    buffer_init(&world->story, 1 << 20);
    world->faulty = faulty_net_new(&(struct faulty_net_options){.net = &world->net,
                                                                .clock = &world->clock,
                                                                .seed = seed,
                                                                .deliver = world_deliver,
                                                                .context = world});
}

static void world_end(struct world *world) {
    faulty_net_free(world->faulty);
    buffer_release(&world->story);
}

static void world_rules(struct world *world, const char *a, const char *b) {
    const struct bytes rules[] = {bytes_of_text(a ? a : ""), bytes_of_text(b ? b : "")};
    assert_int_equal(
        faulty_net_set(world->faulty, rules, (a != NULL) + (b != NULL), world->problem), 0);
}

static void send_to(struct world *world, uint16_t port, const char *text) {
    struct net_address to = peer(port);
    struct net *door = faulty_net_door(world->faulty);
    door->datagram_send(door, &to, bytes_of_text(text));
}

static void come_from(struct world *world, uint16_t port, const char *text) {
    struct net_address from = peer(port);
    faulty_net_receive(world->faulty, &from, bytes_of_text(text));
}

static void assert_story(struct world *world, const char *expected) {
    buffer_append_u8(&world->story, 0);
    assert_string_equal((const char *)buffer_data(&world->story), expected);
    buffer_clear(&world->story);
}

static void test_without_rules_all_passes(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, 1);
    send_to(&world, 7, "hello");
    come_from(&world, 8, "welcome");
    assert_story(&world, "to 7: hello\nfrom 8: welcome\n");
    assert_true(faulty_net_deadline_us(world.faulty) == UINT64_MAX);
    world_end(&world);
}

static void test_a_cut_can_have_one_way(void **state) {
    (void)state;
    struct world world;
    struct net_address seven = peer(7), eight = peer(8), nine = peer(9);
    world_begin(&world, 1);
    world_rules(&world, "cut to 127.0.0.1:7-8", "cut with 127.0.0.1:9");
    for (uint16_t port = 6; port <= 9; port++) {
        send_to(&world, port, "x");
        come_from(&world, port, "y");
    }
    assert_story(&world, "to 6: x\nfrom 6: y\nfrom 7: y\nfrom 8: y\n");
    assert_true(faulty_net_is_cut(world.faulty, &seven));
    assert_true(faulty_net_is_cut(world.faulty, &eight));
    assert_true(faulty_net_is_cut(world.faulty, &nine));
    world_rules(&world, NULL, NULL);
    assert_false(faulty_net_is_cut(world.faulty, &seven));
    send_to(&world, 9, "healed");
    assert_story(&world, "to 9: healed\n");
    world_end(&world);
}

static void test_delay_reorders(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, 1);
    world_rules(&world, "delay 20ms to *", NULL);
    send_to(&world, 7, "early, and slow");
    world_rules(&world, "delay 5ms to *", NULL);
    send_to(&world, 7, "late, and quick");
    come_from(&world, 7, "not concerned");
    assert_story(&world, "from 7: not concerned\n");
    assert_int_equal(faulty_net_deadline_us(world.faulty), 5000);
    world.now_us = 4999;
    faulty_net_tick(world.faulty);
    assert_story(&world, "");
    world.now_us = 30000;
    faulty_net_tick(world.faulty);
    assert_story(&world, "to 7: late, and quick\nto 7: early, and slow\n");
    world_end(&world);
}

static void test_shares_hold(void **state) {
    (void)state;
    struct world world;
    struct faulty_net_counts counts;
    world_begin(&world, 42);
    world_rules(&world, "loss 20%", "duplicate 10%");
    for (unsigned i = 0; i < 10000; i++)
        send_to(&world, 7, "x");
    faulty_net_counts(world.faulty, &counts);
    assert_in_range(counts.lost, 1800, 2200);
    assert_in_range(counts.duplicated, 650, 950); /* of those that were not lost */
    assert_int_equal(counts.passed, 10000 - counts.lost + counts.duplicated);
    world_end(&world);
}

static void test_the_same_seed_gives_the_same_faults(void **state) {
    (void)state;
    struct faulty_net_counts counts[2];
    for (unsigned run = 0; run < 2; run++) {
        struct world world;
        world_begin(&world, 7);
        world_rules(&world, "loss 30%", "delay 1ms..9ms");
        for (unsigned i = 0; i < 100; i++)
            send_to(&world, 7, "x");
        world.now_us = 5000;
        faulty_net_tick(world.faulty);
        faulty_net_counts(world.faulty, &counts[run]);
        world_end(&world);
    }
    assert_memory_equal(&counts[0], &counts[1], sizeof counts[0]);
}

static void test_what_waits_is_bounded(void **state) {
    (void)state;
    struct world world;
    struct faulty_net_counts counts;
    world_begin(&world, 1);
    world_rules(&world, "delay 1h", NULL);
    for (unsigned i = 0; i < FAULTY_NET_HELD_MAXIMUM + 3; i++)
        send_to(&world, 7, "x");
    faulty_net_counts(world.faulty, &counts);
    assert_int_equal(counts.delayed, FAULTY_NET_HELD_MAXIMUM);
    assert_int_equal(counts.overflowed, 3);
    world_end(&world);
}

static void expect_problem(const char *text, const char *expected) {
    struct world world;
    world_begin(&world, 1);
    world_rules(&world, "loss 1%", NULL);
    const struct bytes rules[] = {BYTES_LITERAL("cut"), bytes_of_text(text)};
    assert_int_equal(faulty_net_set(world.faulty, rules, 2, world.problem), ERR_INVALID);
    assert_string_equal(world.problem, expected);
    assert_string_equal(faulty_net_rule(world.faulty, 0), "loss 1%"); /* nothing changed */
    assert_null(faulty_net_rule(world.faulty, 1));
    world_end(&world);
}

static void test_bad_rules_are_told_and_change_nothing(void **state) {
    (void)state;
    expect_problem("", "'' is no fault: write cut, loss, duplicate or delay");
    expect_problem("lose 20%", "'lose' is no fault: write cut, loss, duplicate or delay");
    expect_problem("loss", "'' is no share: write one from 0% to 100%, such as 20%");
    expect_problem("loss 120%", "'120%' is no share: write one from 0% to 100%, such as 20%");
    expect_problem("delay 9ms..5ms", "'9ms..5ms' is no delay: write one such as 5ms or 5ms..30ms");
    expect_problem("delay 5ms..", "'5ms..' is no delay: write one such as 5ms or 5ms..30ms");
    expect_problem("cut via *", "'via' is no way: write to, from or with, and the peers");
    expect_problem("cut to", "'to' is followed by no peers: write * or HOST:PORT");
    expect_problem("cut to localhost:7", "'localhost:7' is no peer: write *, or HOST:PORT or "
                                         "HOST:FIRST-LAST by commas");
    expect_problem("cut to 127.0.0.1:9-8", "'127.0.0.1:9-8' is no peer: write *, or HOST:PORT or "
                                           "HOST:FIRST-LAST by commas");
    expect_problem("cut to 127.0.0.1:9,", "'127.0.0.1:9' is no peer: write *, or HOST:PORT or "
                                          "HOST:FIRST-LAST by commas");
    expect_problem("cut to * now", "'now' is too much: take it away");
}

static void test_too_many_rules_are_refused(void **state) {
    (void)state;
    struct world world;
    struct bytes rules[FAULT_RULE_MAXIMUM + 1];
    world_begin(&world, 1);
    for (size_t i = 0; i <= FAULT_RULE_MAXIMUM; i++)
        rules[i] = BYTES_LITERAL("cut");
    assert_int_equal(faulty_net_set(world.faulty, rules, FAULT_RULE_MAXIMUM + 1, world.problem),
                     ERR_LIMIT);
    assert_null(faulty_net_rule(world.faulty, 0));
    world_end(&world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_without_rules_all_passes),
                   cmocka_unit_test(test_a_cut_can_have_one_way),
                   cmocka_unit_test(test_delay_reorders), cmocka_unit_test(test_shares_hold),
                   cmocka_unit_test(test_the_same_seed_gives_the_same_faults),
                   cmocka_unit_test(test_what_waits_is_bounded),
                   cmocka_unit_test(test_bad_rules_are_told_and_change_nothing),
                   cmocka_unit_test(test_too_many_rules_are_refused))
