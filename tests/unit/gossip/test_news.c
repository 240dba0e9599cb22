/* What is told, to whom, how much. Every test is named after the trap that it would have caught. */
#include "../planting.h"
#include "conditions.h"
#include "gossip/news/news_room.h"
#include "gossip/wire/codec.h"

enum { SECOND = 1000000, FLOOD_NODES = 40, FLOOD_KEYS = 60 };

static bool knows(struct world *world, unsigned number, unsigned other, const char *key,
                  const char *value) {
    return bytes_equal(world_value(world, number, other, key), bytes_of_text(value));
}

static void say(struct world *world, unsigned number, const char *key, const char *value,
                enum gossip_priority priority) {
    world_set_class(world, number, key, value, priority);
}

static struct gossip_counters counters_of(struct world *world, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[number].gossip, &counters);
    return counters;
}

static struct world *world_of(uint64_t seed, unsigned count) {
    struct world *world = world_new(seed);
    world_add_cluster(world, count);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    world_run(world, 5 * SECOND);
    return world;
}

/* A value that fills a datagram, and changes with every `turn`. */
static void say_much(struct world *world, unsigned number, unsigned keys, unsigned turn,
                     enum gossip_priority priority) {
    char key[16], value[GOSSIP_VALUE_MAXIMUM + 1];
    memset(value, 'a' + (int)(turn % 26), GOSSIP_VALUE_MAXIMUM);
    value[GOSSIP_VALUE_MAXIMUM] = 0;
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof key, "much%u", i);
        say(world, number, key, value, priority);
    }
}

/* Status floods starve what matters (memberlist #299, chitchat #119): node 2 changes a hundred
 * large keys every 20 ms, far more than anybody can tell on; a key of node 1 that matters, and then
 * the death of node 3, are known as soon as without it. */
static bool three_is_dead(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        if (i != 3 && !world_is_state(world, i, 3, GOSSIP_DEAD))
            return false;
    return true;
}

static uint64_t flooded_until(struct world *world, unsigned flooder, enum gossip_priority flood,
                              uint64_t longest_us, bool (*holds)(struct world *world)) {
    uint64_t start_us = world->now_us;
    for (unsigned turn = 0; world->now_us - start_us < longest_us && !holds(world); turn++) {
        say_much(world, flooder, 100, turn, flood);
        world_run(world, 20000);
    }
    return world->now_us - start_us;
}

static void test_status_flood_starves_nothing(void **state) {
    (void)state;
    struct world *world = world_of(101, 20);
    flooded_until(world, 2, GOSSIP_REST, SECOND, three_is_dead);
    say(world, 1, "color", "red", GOSSIP_CLUSTER);
    assert_true(flooded_until(world, 2, GOSSIP_REST, 2 * SECOND, color_is_red) <= 100000);
    world_kill(world, 3);
    assert_true(flooded_until(world, 2, GOSSIP_REST, 10 * SECOND, three_is_dead) < 6 * SECOND);
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

static const char *long_red(void) {
    static char text[GOSSIP_VALUE_MAXIMUM];
    memset(text, 'r', sizeof text - 1);
    return text;
}

static bool color_is_long_red(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        if (!knows(world, i, 1, "color", long_red()))
            return false;
    return true;
}

/* The other way round: what matters most may be a flood too, of the same node even, and the rest
 * still gets its share, too large though it is for what a flooded datagram has left. */
static void test_flood_of_what_matters_starves_not_the_rest(void **state) {
    (void)state;
    struct world *world = world_of(102, 20);
    flooded_until(world, 1, GOSSIP_CLUSTER, SECOND, three_is_dead);
    say(world, 1, "color", long_red(), GOSSIP_REST);
    assert_true(flooded_until(world, 1, GOSSIP_CLUSTER, 2 * SECOND, color_is_long_red) <= 200000);
    world_free(world);
}

/* Queue entries age though they were never sent (Tarantool swim): a node that reaches nobody keeps
 * all its news until it does. */
static void test_news_ages_only_by_being_sent(void **state) {
    (void)state;
    struct world *world = world_new(103);
    world_add(world);
    for (unsigned i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i);
        say(world, 1, key, "value", GOSSIP_REST);
    }
    world_run(world, 600 * SECOND);
    assert_int_equal(counters_of(world, 1).news_waiting[GOSSIP_REST], 100);
    assert_int_equal(counters_of(world, 1).news_told[GOSSIP_REST], 0);
    world_free(world);
}

/* What a node sends in `us`: bytes. */
static uint64_t sent_bytes_in(struct world *world, unsigned number, uint64_t us) {
    uint64_t before = counters_of(world, number).bytes_sent;
    world_run(world, us);
    return counters_of(world, number).bytes_sent - before;
}

static void limit_bandwidth(struct world *world, uint64_t bytes_per_second) {
    world->timing.bytes_per_second = bytes_per_second;
    for (unsigned i = 1; i <= world->count; i++)
        gossip_set_timing(world->nodes[i].gossip, &world->timing);
}

/* Resource use during an unstable network: half of a hundred nodes hear nobody for a second out of
 * every two, and all that is said of them meanwhile stays within what each node may send. What
 * matters is not starved: when it is over, all agree within seconds. */
static void test_flapping_stays_within_the_caps(void **state) {
    (void)state;
    enum { CAP = 12000, FULL = 16 << 10, ROUNDS = 15 }; /* without the cap it is 17,000 a second */
    struct world *world = world_of(104, 100);
    limit_bandwidth(world, CAP);
    world_run(world, 2 * SECOND);
    uint64_t before[101];
    for (unsigned i = 1; i <= 100; i++)
        before[i] = counters_of(world, i).bytes_sent;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 51; i <= 100; i++)
            for (unsigned j = 1; j <= 100; j++)
                world_cut(world, j, i);
        world_run(world, SECOND);
        world_heal(world);
        world_run(world, SECOND);
    }
    uint64_t most = 0;
    for (unsigned i = 1; i <= 100; i++) {
        uint64_t sent = counters_of(world, i).bytes_sent - before[i];
        most = sent > most ? sent : most;
    }
    /* What a full bucket holds, and what probes may take beyond an empty one. */
    assert_in_range(most, ROUNDS * CAP, 2 * ROUNDS * CAP + 2 * FULL);
    assert_true(world_run_until(world, 15 * SECOND, world_is_settled));
    world_free(world);
}

/* Without a limit the same is told sooner; with one it waits, the newest version of each key, and
 * nothing is lost. */
static void test_what_does_not_fit_waits(void **state) {
    (void)state;
    struct world *world = world_of(105, 10);
    limit_bandwidth(world, 20000);
    for (unsigned turn = 0; turn < 20; turn++) {
        say_much(world, 1, 50, turn, GOSSIP_REST);
        assert_true(sent_bytes_in(world, 1, 100000) < 20000 + 2000);
    }
    assert_int_equal(counters_of(world, 1).news_waiting[GOSSIP_REST], 50); /* not 1000 */
    assert_true(counters_of(world, 1).news_waits > 0);
    say(world, 1, "color", "red", GOSSIP_REST);
    assert_true(world_run_until(world, 120 * SECOND, color_is_red));
    world_run(world, 120 * SECOND);
    assert_true(counters_of(world, 1).news_waiting[GOSSIP_REST] == 0);
    world_free(world);
}

/* A flood of what can wait leaves the last quarter of the bandwidth to deaths and refutations: a
 * datagram begun above it may reach below, and probes do. */
static void test_a_flood_leaves_the_last_quarter(void **state) {
    (void)state;
    enum { CAP = 40000 };
    struct world *world = world_of(107, 10);
    limit_bandwidth(world, CAP);
    world_run(world, 2 * SECOND);
    int64_t least = CAP;
    for (unsigned turn = 0; turn < 100; turn++) {
        say_much(world, 1, 50, turn, GOSSIP_REST);
        world_run(world, SECOND / 20);
        int64_t left = counters_of(world, 1).tokens_left;
        least = left < least ? left : least;
    }
    assert_in_range(least, CAP / 8, CAP / 3);
    limit_bandwidth(world, 0); /* no limit: nothing is counted any more, and the bucket is full */
    world_run(world, SECOND);
    assert_int_equal(counters_of(world, 1).tokens_left, 16 << 10);
    world_free(world);
}

/* A flood of what can wait does not hold back a death, however little may be sent. */
static void test_cap_does_not_hold_back_a_death(void **state) {
    (void)state;
    struct world *world = world_of(106, 20);
    limit_bandwidth(world, 20000);
    flooded_until(world, 2, GOSSIP_REST, 3 * SECOND, three_is_dead);
    world_kill(world, 3);
    assert_true(flooded_until(world, 2, GOSSIP_REST, 10 * SECOND, three_is_dead) < 6 * SECOND);
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* A flood, of more pieces than may wait: each is told to few, some to fewer still, and comparing
 * mends it. */
static bool all_know_the_flood(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        for (unsigned other = 1; other <= world->count; other++)
            for (unsigned key = 0; key < FLOOD_KEYS; key++) {
                char name[16];
                snprintf(name, sizeof name, "flood%u", key);
                if (!knows(world, i, other, name, "x"))
                    return false;
            }
    return true;
}

static void test_a_flood_is_told_to_few_and_mended(void **state) {
    (void)state;
    struct world *world = world_of(131, FLOOD_NODES);
    struct gossip_counters before = counters_of(world, 1);
    for (unsigned i = 1; i <= world->count; i++)
        for (unsigned key = 0; key < FLOOD_KEYS; key++) {
            char name[16];
            snprintf(name, sizeof name, "flood%u", key);
            say(world, i, name, "x", GOSSIP_REST);
        }
    world_run(world, 30 * SECOND); /* the condition is too dear to be asked after every step */
    assert_true(all_know_the_flood(world));
    struct gossip_counters after = counters_of(world, 1);
    uint64_t told = after.news_told[GOSSIP_REST] - before.news_told[GOSSIP_REST];
    assert_true(after.dropped_for_news > 0);
    assert_in_range(told, FLOOD_NODES * FLOOD_KEYS, 8 * FLOOD_NODES * FLOOD_KEYS);
    world_free(world);
}

static bool nobody_knows_passing_keys(struct world *world) {
    char key[16];
    for (unsigned i = 1; i <= world->count; i++)
        for (unsigned turn = 0; turn < 4 * GOSSIP_REMOVED_MAXIMUM; turn++) {
            snprintf(key, sizeof key, "passing%u", turn);
            if (world_value(world, i, 1, key).length > 0)
                return false;
        }
    return knows(world, 3, 1, "color", "red");
}

/* Removals are remembered, and so they are bounded: of too many the oldest is forgotten, by a floor
 * below which nobody may know anything. Node 3 knows the first of the keys and is away for all the
 * removals, which are far more than are remembered. */
static void test_removals_are_bounded(void **state) {
    (void)state;
    struct world *world = world_of(108, 3);
    const struct gossip *gossip = world->nodes[1].gossip;
    char key[16];
    say(world, 1, "color", "red", GOSSIP_REST);
    say(world, 1, "passing0", "here", GOSSIP_REST);
    world_run(world, SECOND);
    assert_true(knows(world, 3, 1, "passing0", "here"));
    world_split(world, 2);
    for (unsigned turn = 0; turn < 4 * GOSSIP_REMOVED_MAXIMUM; turn++) {
        snprintf(key, sizeof key, "passing%u", turn);
        say(world, 1, key, "here", GOSSIP_REST);
        say(world, 1, key, "", GOSSIP_REST);
        assert_in_range(gossip->news->removal_count, 1, GOSSIP_REMOVED_MAXIMUM);
    }
    assert_int_equal(gossip->news->removal_count, GOSSIP_REMOVED_MAXIMUM); /* as many as it may */
    world_run(world, SECOND);
    world_heal(world);
    assert_true(world_run_until(world, 60 * SECOND, nobody_knows_passing_keys));
    world_free(world);
}

/* A node that is alone has news, and nobody to tell it to: it is called again for its probes, not
 * every few milliseconds to find that out. Whoever comes hears of it as soon as of any news. */
static void test_who_is_alone_waits_for_listeners(void **state) {
    (void)state;
    enum { SECONDS = 60 };
    struct world *world = world_new(108);
    struct world_node *node = world_add(world);
    world_set(world, 1, "color", "red");
    world_run(world, SECOND);
    struct gossip_actions actions;
    struct gossip_event tick = {.kind = GOSSIP_TICK, .now_us = node->deadline_us};
    unsigned ticks = 0;
    for (uint64_t end_us = world->now_us + SECONDS * SECOND; tick.now_us < end_us; ticks++) {
        gossip_step(node->gossip, &tick, &actions);
        tick.now_us = actions.deadline_us;
    }
    assert_in_range(ticks, 1, 2 * SECONDS + 2); /* one an interval */
    node->deadline_us = tick.now_us;
    world->now_us = tick.now_us - 3 * SECOND / 10; /* no probe is due yet */
    world_add(world);
    world_cut(world, 2, 1); /* so that it hears nothing by answers */
    static const struct codec_wire wire = {.version = 0};
    struct codec_record record = {
        .generation = 1, .state = GOSSIP_ALIVE, .address = world->nodes[2].address};
    struct codec_writer writer;
    memcpy(record.uuid, world->nodes[2].uuid, sizeof record.uuid);
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_NEWS, record.uuid, 1);
    codec_write_joining(&writer); /* so that its coming is no news itself */
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(&writer, &record));
    codec_list_end(&writer);
    world_send(world, 2, 1, buffer_bytes(&writer.buffer));
    world_run(world, SECOND / 50);
    assert_true(knows(world, 2, 1, "color", "red"));
    codec_writer_release(&writer);
    world_free(world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_who_is_alone_waits_for_listeners),
                   cmocka_unit_test(test_a_flood_is_told_to_few_and_mended),
                   cmocka_unit_test(test_flapping_stays_within_the_caps),
                   cmocka_unit_test(test_what_does_not_fit_waits),
                   cmocka_unit_test(test_a_flood_leaves_the_last_quarter),
                   cmocka_unit_test(test_cap_does_not_hold_back_a_death),
                   cmocka_unit_test(test_status_flood_starves_nothing),
                   cmocka_unit_test(test_flood_of_what_matters_starves_not_the_rest),
                   cmocka_unit_test(test_news_ages_only_by_being_sent),
                   cmocka_unit_test(test_removals_are_bounded))
