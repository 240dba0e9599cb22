/* GOSSIP and its channels, asked of two workers of one node, which is alone in its cluster. */
#include "../planting.h"
#include "world.h"

#include "member/said_keys.h"

/* What is said on one worker is read on the other, and a wish that cannot be granted changes
 * nothing. */
static void test_set_get_del(void **state) {
    (void)state;
    struct world *world = world_new(2, NULL);
    struct client *first = world_connect(world, 0), *second = world_connect(world, 1);
    CLIENT_EXPECT(first, "GOSSIP SET color red", "+OK\r\n");
    CLIENT_EXPECT(second, "GOSSIP GET n1 color", "$3\r\nred\r\n");
    CLIENT_EXPECT(second, "GOSSIP GET n1 size", "$-1\r\n");
    CLIENT_EXPECT(second, "GOSSIP GET n2 color", "-ERR no member has the name or id 'n2'\r\n");
    CLIENT_EXPECT(second, "GOSSIP SET leads 1:1\nGOSSIP DEL color leads\nGOSSIP GET n1 color",
                  "-ERR 'leads' is what the node says by itself; take another key\r\n"
                  "-ERR 'leads' is what the node says by itself\r\n"
                  "$3\r\nred\r\n");
    CLIENT_EXPECT(second, "GOSSIP DEL color size\nGOSSIP DEL color\nGOSSIP GET n1 color",
                  ":1\r\n:0\r\n$-1\r\n");
    world_free(world);
}

/* The limits of a key, a value and their number are told at once. */
static void test_limits(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    char line[1024];
    snprintf(line, sizeof line, "GOSSIP SET %065d 1", 0);
    CLIENT_EXPECT(client, line,
                  "-ERR a key is 1 to 64 bytes of printable ASCII without spaces\r\n");
    snprintf(line, sizeof line, "GOSSIP SET k %0801d", 0);
    CLIENT_EXPECT(client, line, "-ERR the value of 'k' has 801 bytes; 1 to 800 are allowed\r\n");
    for (unsigned i = 0; i < GOSSIP_USER_KEYS_MAXIMUM; i++) {
        snprintf(line, sizeof line, "GOSSIP SET key-%u 1", i);
        client_ask(client, line);
    }
    client_take(client);
    CLIENT_EXPECT(client, "GOSSIP SET one-more 1",
                  "-ERR users say 112 keys of this node already, and no more are told; remove "
                  "one\r\n");
    CLIENT_EXPECT(client, "GOSSIP SET key-3 2", "+OK\r\n");
    world_free(world);
}

/* Subscribers on any worker hear of a change, each in its own protocol, and no more after they
 * said so. */
static void test_subscribers(void **state) {
    (void)state;
    struct world *world = world_new(2, NULL);
    struct client *one = world_connect(world, 0), *two = world_connect(world, 1);
    struct client *watcher = world_connect(world, 1);
    CLIENT_EXPECT(one, "SUBSCRIBE __gossip__:key:color",
                  "*3\r\n$9\r\nsubscribe\r\n$20\r\n__gossip__:key:color\r\n:1\r\n");
    CLIENT_EXPECT(
        one, "GET x",
        "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
        "RESET are allowed in this context\r\n");
    CLIENT_EXPECT(one, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    CLIENT_EXPECT(watcher, "GOSSIP WATCH",
                  "-ERR GOSSIP WATCH pushes, which takes RESP3: say HELLO 3 first, or PSUBSCRIBE "
                  "__gossip__:*\r\n");
    client_ask(watcher, "HELLO 3");
    client_take(watcher);
    CLIENT_EXPECT(watcher, "GOSSIP WATCH", "+OK\r\n");
    CLIENT_EXPECT(two, "GOSSIP SET color red", "+OK\r\n");
    assert_string_equal(
        client_take(one),
        "*3\r\n$7\r\nmessage\r\n$20\r\n__gossip__:key:color\r\n$95\r\n"
        "{\"event\":\"key\",\"name\":\"n1\",\"id\":\"10320000000000000000000000000000\","
        "\"key\":\"color\",\"value\":\"red\"}\r\n");
    assert_string_equal(client_take(watcher),
                        ">6\r\n$6\r\ngossip\r\n$3\r\nkey\r\n$2\r\nn1\r\n"
                        "$32\r\n10320000000000000000000000000000\r\n$5\r\ncolor\r\n$3\r\nred\r\n");
    client_ask(two, "CLIENT LIST TYPE pubsub");
    const char *list = client_take(two);
    assert_non_null(strstr(list, " flags=P db=0 sub=1 psub=0 "));
    assert_null(strstr(list, "sub=0 psub=0"));
    CLIENT_EXPECT(one, "UNSUBSCRIBE",
                  "*3\r\n$11\r\nunsubscribe\r\n$20\r\n__gossip__:key:color\r\n:0\r\n");
    CLIENT_EXPECT(watcher, "GOSSIP UNWATCH", "+OK\r\n");
    CLIENT_EXPECT(two, "GOSSIP DEL color", ":1\r\n");
    assert_string_equal(client_take(one), "");
    assert_string_equal(client_take(watcher), "");
    CLIENT_EXPECT(one, "PING", "+PONG\r\n");
    world_free(world);
}

/* A pattern hears what matches it; RESET ends every subscription. */
static void test_patterns_and_reset(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0), *other = world_connect(world, 0);
    client_ask(client, "PSUBSCRIBE __gossip__:key:c*\nSUBSCRIBE __gossip__:members");
    client_take(client);
    CLIENT_EXPECT(other, "GOSSIP SET size 7\nGOSSIP SET c 1\nGOSSIP DEL c", "+OK\r\n+OK\r\n:1\r\n");
    assert_string_equal(
        client_take(client),
        "*4\r\n$8\r\npmessage\r\n$17\r\n__gossip__:key:c*\r\n"
        "$16\r\n__gossip__:key:c\r\n$89\r\n"
        "{\"event\":\"key\",\"name\":\"n1\",\"id\":\"10320000000000000000000000000000\","
        "\"key\":\"c\",\"value\":\"1\"}\r\n"
        "*4\r\n$8\r\npmessage\r\n$17\r\n__gossip__:key:c*\r\n"
        "$16\r\n__gossip__:key:c\r\n$90\r\n"
        "{\"event\":\"key\",\"name\":\"n1\",\"id\":\"10320000000000000000000000000000\","
        "\"key\":\"c\",\"value\":null}\r\n");
    CLIENT_EXPECT(client, "RESET", "+RESET\r\n");
    CLIENT_EXPECT(other, "GOSSIP SET c 2", "+OK\r\n");
    assert_string_equal(client_take(client), "");
    world_free(world);
}

/* What is wrong with a question is one error. */
static void test_refusals(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "GOSSIP MEMBERS STATE gone",
                  "-ERR no state is called 'gone'; there are alive, suspect, dead, left and "
                  "joining\r\n");
    CLIENT_EXPECT(client, "GOSSIP MEMBERS STATE", "-ERR syntax error\r\n");
    CLIENT_EXPECT(client, "GOSSIP MEMBERS STATE dead", "*0\r\n");
    CLIENT_EXPECT(client, "GOSSIP SEED somewhere",
                  "-ERR a seed is IP:PORT, the peer port of a member, as in 10.0.0.1:17001\r\n");
    CLIENT_EXPECT(client, "GOSSIP RTT n1 n1 n1", "-ERR syntax error\r\n");
    CLIENT_EXPECT(client, "GOSSIP RTT n1", ":0\r\n");
    CLIENT_EXPECT(client, "GOSSIP LEAVE",
                  "-ERR this node holds replicas of shards; `trothdb cluster remove` takes it out, "
                  "and SIGTERM stops it\r\n");
    world_free(world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_set_get_del), cmocka_unit_test(test_limits),
                   cmocka_unit_test(test_subscribers), cmocka_unit_test(test_patterns_and_reset),
                   cmocka_unit_test(test_refusals))
