/* What a node of many shards says of them by gossip: which are led here, and where a change of the
 * voters came to its end. */
#include "cluster/topology.h"
#include "worker/worker.h"
#include "world.h"

enum { SHARDS = 200 };

static unsigned unsettled(struct world *world) {
    const struct topology *topology = worker_topology(world_worker(world, 0));
    unsigned count = 0;
    for (unsigned i = 0; i < topology->shard_count; i++)
        count += !topology->shards[i].is_settled;
    return count;
}

/* A node joins, is wanted in every shard and given up: so the voters of more shards are as they
 * should be, at once, than gossip can say in one value. All is heard, some after the other. */
static void test_more_than_one_value_can_say(void **state) {
    (void)state;
    const char *const settings[] = {"shards", "200", NULL};
    struct world *world = world_new_in_gossip(1, settings);
    struct client *client = world_connect(world, 0);
    char words[64], lost[16 * SHARDS] = "TROTHDB LOST 2 0=1";
    CLIENT_EXPECT(client,
                  "TROTHDB ADDNODE 0123456789abcdef0123456789abcdef 127.0.0.1 7002 17002 9002",
                  "+OK\r\n");
    for (unsigned i = 0; i <= SHARDS; i++) {
        snprintf(words, sizeof words, "TROTHDB REPLICAS %u 1 2", i);
        CLIENT_EXPECT(client, words, "+OK\r\n");
        if (i > 0)
            snprintf(lost + strlen(lost), sizeof lost - strlen(lost), ",%u=1", i);
    }
    CLIENT_EXPECT(client, lost, "+OK\r\n");
    assert_true(unsettled(world) > SHARDS / 2);
    for (unsigned i = 0; i < 60 && unsettled(world) > 0; i++)
        world_pass_ms(world, 1000);
    assert_int_equal(unsettled(world), 0);
    world_free(world);
}

/* More shards are led here than fit: the others are told of as many as do. */
static void test_hints_at_as_many_leads_as_fit(void **state) {
    (void)state;
    const char *const settings[] = {"shards", "200", NULL};
    struct world *world = world_new_in_gossip(1, settings);
    world_pass_ms(world, 1000);
    const struct member_view *members = &world_worker(world, 0)->members;
    assert_int_equal(members->count, 1);
    const char *leads = members->members[0].leads;
    assert_memory_equal(leads, "0:1,1:1,", 8);
    assert_in_range(strlen(leads), GOSSIP_VALUE_MAXIMUM - 20, GOSSIP_VALUE_MAXIMUM);
    assert_int_equal(leads[strlen(leads) - 2], ':');
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_more_than_one_value_can_say),
          cmocka_unit_test(test_hints_at_as_many_leads_as_fit))
