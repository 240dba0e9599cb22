/* All members together say more than one of them keeps. What that one leaves out it does not take
 * for known, neither for itself nor towards others, and it has it as soon as there is room. */
#include "../unit.h"
#include "gossip/news/news_room.h"
#include "gossip/sync/digest.h"
#include "world.h"

enum { SECOND = 1000000, FULL_ONE = 1, SPEAKER = 2, KEYS = 100 };

static struct gossip_counters counters_of(struct world *world, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[number].gossip, &counters);
    return counters;
}

/* As if others had said so much beside what they say here: leaves `free_bytes`. */
static void fill(struct world *world, uint64_t free_bytes) {
    struct news_room *room = world->nodes[FULL_ONE].gossip->news;
    room->state_bytes += GOSSIP_STATE_BYTES_MAXIMUM - free_bytes;
}

static void empty(struct world *world, uint64_t free_bytes) {
    struct news_room *room = world->nodes[FULL_ONE].gossip->news;
    room->state_bytes -= GOSSIP_STATE_BYTES_MAXIMUM - free_bytes;
}

static struct world *world_of_three(const struct log *log) {
    struct world *world = world_new(11);
    world->log = log;
    world->has_large_streams = true;
    world->timing.stream_min_bytes = 16384;
    world_add_cluster(world, 3);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_run(world, 5 * SECOND);
    return world;
}

static void say_long(struct world *world, const char *key, char letter) {
    char value[GOSSIP_VALUE_MAXIMUM + 1];
    memset(value, letter, GOSSIP_VALUE_MAXIMUM);
    value[GOSSIP_VALUE_MAXIMUM] = 0;
    world_set(world, SPEAKER, key, value);
}

static void count_full(void *context, enum log_level level, struct bytes line) {
    unsigned *lines = context;
    char text[LOG_LINE_MAXIMUM + 1] = "";
    memcpy(text, line.data, line.length);
    *lines += level == LOG_WARN && strstr(text, "more than is kept") != NULL;
}

/* Two keys come while there is no room, and are known once there is some. One line says so. */
static void test_what_found_no_room_comes_later(void **state) {
    (void)state;
    unsigned lines = 0;
    const struct log log = {.level = LOG_WARN, .sink = count_full, .context = &lines};
    struct world *world = world_of_three(&log);
    fill(world, 0);
    world_set(world, SPEAKER, "first", "1");
    world_set(world, SPEAKER, "second", "2");
    world_run(world, 3 * SECOND);
    assert_int_equal(world_key_count(world, FULL_ONE, SPEAKER), 0);
    assert_int_equal(world_key_count(world, 3, SPEAKER), 2);
    assert_true(counters_of(world, FULL_ONE).dropped_for_memory >= 2);
    assert_int_equal(lines, 1);
    empty(world, 0);
    world_run(world, 2 * SECOND);
    assert_true(world_all_know(world, SPEAKER, "first", "1"));
    assert_true(world_all_know(world, SPEAKER, "second", "2"));
    world_free(world);
}

/* Of three keys the second finds no room, and the others do. Somebody who comes hears of them from
 * the one that lacks the second, and from nobody else: it must still find out that there is one. */
static void test_others_are_not_told_that_there_is_nothing(void **state) {
    (void)state;
    enum { NEWCOMER = 4 };
    struct world *world = world_of_three(NULL);
    world_set(world, SPEAKER, "first", "1");
    world_run(world, SECOND);
    fill(world, 400);
    say_long(world, "long", 'x');
    world_set(world, SPEAKER, "third", "3");
    world_run(world, SECOND);
    assert_int_equal(world_key_count(world, FULL_ONE, SPEAKER), 2);
    for (unsigned other = SPEAKER; other < NEWCOMER; other++) {
        world_cut(world, NEWCOMER, other);
        world_cut(world, other, NEWCOMER);
    }
    world_add(world);
    world_seed(world, NEWCOMER, FULL_ONE);
    world_run(world, SECOND);
    assert_int_equal(world_key_count(world, NEWCOMER, SPEAKER), 2);
    world_heal(world);
    world_run(world, 5 * SECOND);
    assert_int_equal(world_key_count(world, NEWCOMER, SPEAKER), 3);
    world_free(world);
}

/* A key that is known becomes longer than there is room for: it stays what it was, and shorter ones
 * and removals are heard. */
static void test_a_longer_value_takes_room(void **state) {
    (void)state;
    struct world *world = world_of_three(NULL);
    world_set(world, SPEAKER, "key", "short");
    world_run(world, SECOND);
    fill(world, 0);
    say_long(world, "key", 'x');
    world_run(world, SECOND);
    assert_true(bytes_equal(world_value(world, FULL_ONE, SPEAKER, "key"), BYTES_LITERAL("short")));
    world_set(world, SPEAKER, "key", "tiny");
    world_run(world, SECOND);
    assert_true(bytes_equal(world_value(world, FULL_ONE, SPEAKER, "key"), BYTES_LITERAL("tiny")));
    world_set(world, SPEAKER, "key", "");
    world_run(world, SECOND);
    assert_true(world_all_know(world, SPEAKER, "key", ""));
    world_free(world);
}

/* Where there is no room, what there is no room for is not brought with every ping: once in
 * 10, as it may be that keys have gone. */
static void test_what_finds_no_room_is_seldom_asked_for(void **state) {
    (void)state;
    enum { SECONDS = 60, TIMES = SECONDS / DIGEST_FULL_SECONDS + 1 };
    char key[16];
    struct world *world = world_of_three(NULL);
    fill(world, 0);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%u", i);
        say_long(world, key, (char)('a' + i % 26));
    }
    world_run(world, 5 * SECOND);
    uint64_t before = counters_of(world, FULL_ONE).dropped_for_memory;
    uint64_t streams = world->stream_count;
    world_run(world, SECONDS * SECOND);
    assert_int_equal(world->stream_count, streams);
    uint64_t dropped = counters_of(world, FULL_ONE).dropped_for_memory - before;
    assert_in_range(dropped, KEYS, TIMES * KEYS);
    world_free(world);
}

/* A removal passes by one that has no room: it hears of it in that time. */
static void test_keys_that_go_are_found_where_there_is_no_room(void **state) {
    (void)state;
    struct world *world = world_of_three(NULL);
    world_set(world, SPEAKER, "key", "said");
    world_run(world, SECOND);
    fill(world, 0);
    say_long(world, "long", 'x');
    world_run(world, 3 * SECOND);
    world_cut(world, SPEAKER, FULL_ONE);
    world_cut(world, 3, FULL_ONE);
    world_set(world, SPEAKER, "key", "");
    world_run(world, 3 * SECOND / 2); /* it is told often enough meanwhile */
    world_heal(world);
    world_run(world, (DIGEST_FULL_SECONDS + 3) * SECOND);
    assert_true(world_all_know(world, SPEAKER, "key", ""));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_what_found_no_room_comes_later),
          cmocka_unit_test(test_others_are_not_told_that_there_is_nothing),
          cmocka_unit_test(test_a_longer_value_takes_room),
          cmocka_unit_test(test_what_finds_no_room_is_seldom_asked_for),
          cmocka_unit_test(test_keys_that_go_are_found_where_there_is_no_room))
