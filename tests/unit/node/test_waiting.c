/* Who waits for a reply, and goes away, is sent away or sends no more meanwhile. There is one node,
 * so `WAIT 1 ...` waits for a replica that never comes. */
#include "world.h"

#include "session/clients.h"
#include "session/sessions.h"

#define FOUR_SHARDS ((const char *const[]){"shards", "4", NULL})

static bool has_sessions(struct world *world, unsigned worker) {
    return !list_is_empty(&world_worker(world, worker)->sessions->all);
}

/* An endless WAIT is one of an hour: who ends its side is answered, and its place is free again,
 * when a write would have been given up. */
static void test_an_endless_wait_keeps_no_place(void **state) {
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct world *world = world_new(
            workers, (const char *const[]){"write-timeout-ms", "1000", "shards", "4", NULL});
        struct client *client = world_connect(world, 0);
        CLIENT_EXPECT(client, "SET a 1\nWAIT 1 0\nWAITAOF 1 1 0\nGET a", "+OK\r\n");
        clients_ended(world_worker(world, 0), client->session);
        world_pass_ms(world, 900);
        assert_non_null(client->session);
        world_pass_ms(world, 300);
        assert_string_equal(client_take(client), ":0\r\n*2\r\n:0\r\n:0\r\n$1\r\n1\r\n");
        assert_null(client->session);
        assert_false(has_sessions(world, 0));
        world_free(world);
    }
}

/* One that ends in time is answered as it stands then, also to who has ended its side. */
static void test_a_wait_is_answered_after_the_end_of_input(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    client_ask(client, "SET a 1\nWAIT 1 500\nWAIT 0 0");
    clients_ended(world_worker(world, 0), client->session);
    world_pass_ms(world, 400);
    assert_string_equal(client_take(client), "+OK\r\n");
    world_pass_ms(world, 200);
    assert_string_equal(client_take(client), ":0\r\n:0\r\n");
    assert_null(client->session);
    world_free(world);
}

/* Its connection is gone: nothing is kept for it, and the shard's answer finds nobody. */
static void test_a_wait_of_who_is_gone(void **state) {
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct world *world = world_new(workers, FOUR_SHARDS);
        struct client *client = world_connect(world, 0);
        CLIENT_EXPECT(client, "SET a 1\nSET b 1\nWAIT 1 1000\nWAIT 1 0", "+OK\r\n+OK\r\n");
        clients_closed(world_worker(world, 0), client->session);
        client->session = NULL;
        assert_false(has_sessions(world, 0));
        world_pass_ms(world, 1200);
        struct client *other = world_connect(world, 0);
        CLIENT_EXPECT(other, "GET a", "$1\r\n1\r\n");
        world_free(world);
    }
}

/* CLIENT KILL ends it at once, as with Redis, on whichever worker it is; who asks for its own end
 * hears that. */
static void test_a_client_is_killed_while_it_waits(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *waiting = world_connect(world, 1), *far = world_connect(world, 0),
                  *killer = world_connect(world, 0);
    CLIENT_EXPECT(waiting, "SET a 1\nWAIT 1 0", "+OK\r\n");
    CLIENT_EXPECT(far, "SET b 1\nWAIT 1 0", "+OK\r\n");
    CLIENT_EXPECT(killer, "CLIENT KILL TYPE normal", ":2\r\n");
    assert_null(waiting->session);
    assert_null(far->session);
    assert_string_equal(client_take(waiting), "");
    assert_false(has_sessions(world, 1));
    CLIENT_EXPECT(killer, "GET a\nCLIENT KILL TYPE normal SKIPME no\nPING", "$1\r\n1\r\n:1\r\n");
    assert_null(killer->session);
    world_free(world);
}

/* `timeout` is for who asks for nothing: neither while it waits for a reply nor just afterwards. */
static void test_who_waits_is_not_idle(void **state) {
    (void)state;
    struct world *world = world_new(1, (const char *const[]){"timeout", "1", NULL});
    struct client *client = world_connect(world, 0);
    CLIENT_EXPECT(client, "SET a 1\nWAIT 1 3000", "+OK\r\n");
    world_pass_ms(world, 3500);
    assert_string_equal(client_take(client), ":0\r\n");
    assert_non_null(client->session);
    world_pass_ms(world, 1000);
    assert_null(client->session);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_an_endless_wait_keeps_no_place),
          cmocka_unit_test(test_a_wait_is_answered_after_the_end_of_input),
          cmocka_unit_test(test_a_wait_of_who_is_gone),
          cmocka_unit_test(test_a_client_is_killed_while_it_waits),
          cmocka_unit_test(test_who_waits_is_not_idle))
