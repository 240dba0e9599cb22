/* Messages that no honest replica would send: whatever the fields say, nobody ends the process, and
 * what is committed stays. The entries are well formed (the wire sees to that), their terms and
 * indexes are not. */
#include "../unit.h"

#include "cluster.h"

#include "base/checksum.h"
#include "base/random.h"

enum { INDEX_MAXIMUM = 4096 };

static const struct raft_timing timing = {.election_timeout_us = 250000,
                                          .lease_us = 250000,
                                          .heartbeat_us = 50000,
                                          .clock_drift_percent = 20,
                                          .window_bytes = 1 << 20,
                                          .window_messages = 8,
                                          .message_bytes = 200};

/* Small numbers near the truth, and now and then a huge one. */
static uint64_t some_number(struct random *random) {
    uint64_t lot = random_below(random, 40);
    if (lot == 0)
        return UINT64_MAX - random_below(random, 3);
    if (lot == 1)
        return ((uint64_t)1 << 62) - 1 + random_below(random, 3);
    return random_below(random, 14);
}

static struct raft_entry *some_entry(struct random *random, raft_index index, raft_term term) {
    if (random_chance(random, 0.1))
        index = 1 + some_number(random) % 1000;
    if (random_chance(random, 0.1))
        term = 1 + some_number(random) % 1000;
    struct raft_entry *entry = raft_entry_new(4);
    memset(raft_entry_payload_room(entry), 7, 4); /* no configuration */
    raft_entry_seal(entry, term ? term : 1, index ? index : 1,
                    (enum raft_entry_kind)random_below(random, 3));
    return entry;
}

static void stranger_speak(struct cluster *cluster, struct random *random) {
    struct raft_entry *entries[3];
    struct raft_message message = {
        .kind = (enum raft_message_kind)random_below(random, RAFT_MESSAGE_KIND_COUNT + 1),
        .from = (raft_node_number)random_below(random, 6),
        .to = (raft_node_number)random_between(random, 1, 3),
        .term = some_number(random) % 1000,
        .log_index = some_number(random),
        .log_term = some_number(random),
        .commit_index = some_number(random),
        .is_rejected = random_chance(random, 0.3),
        .is_forced = random_chance(random, 0.1),
        .is_full = random_chance(random, 0.1),
        .conflict_index = some_number(random),
        .conflict_term = some_number(random),
        .context = some_number(random),
        .read_round = some_number(random),
        .agreed_index = some_number(random),
        .entries = entries,
        .entry_count = random_below(random, 4)};
    for (size_t i = 0; i < message.entry_count; i++)
        entries[i] = some_entry(random, message.log_index + 1 + i, message.term);
    cluster_step(cluster, cluster_node(cluster, message.to),
                 (struct raft_event){.kind = RAFT_MESSAGE, .message = &message});
    for (size_t i = 0; i < message.entry_count; i++)
        raft_entry_drop(entries[i]);
}

struct committed {
    uint32_t checksums[4][INDEX_MAXIMUM];
    raft_index counts[4];
};

/* Each node's own prefix never changes; between nodes a liar can of course sow anything. */
static void commits_watch(void *context, struct cluster_node *node,
                          const struct raft_actions *actions) {
    struct committed *committed = context;
    uint32_t *known = committed->checksums[node->number];
    raft_index *count = &committed->counts[node->number];
    assert_true(actions->commit_index >= *count);
    for (raft_index i = raft_first_index(node->raft);
         i <= actions->commit_index && i < INDEX_MAXIMUM; i++) {
        uint32_t checksum = checksum_crc32c(0, raft_entry_bytes(raft_entry_at(node->raft, i)));
        if (i <= *count)
            assert_int_equal(known[i], checksum);
        known[i] = checksum;
    }
    *count = actions->commit_index;
}

static void test_strangers(void **state) {
    (void)state;
    struct raft_configuration configuration = {.voter_count = 3, .voters = {1, 2, 3}};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct random random;
        random_init(&random, seed);
        static struct committed committed;
        memset(&committed, 0, sizeof committed);
        struct cluster *cluster = cluster_new(3, &timing, &configuration, seed, NULL);
        cluster->watch = commits_watch;
        cluster->context = &committed;
        for (unsigned step = 0; step < 2000; step++) {
            struct cluster_node *node =
                cluster_node(cluster, (raft_node_number)random_between(&random, 1, 3));
            uint64_t lot = random_below(&random, 100);
            if (lot < 20)
                stranger_speak(cluster, &random);
            else if (lot < 30) {
                cluster->now_us += random_below(&random, 100000);
                cluster_step(cluster, node, (struct raft_event){.kind = RAFT_TICK});
            } else if (lot < 35)
                cluster_propose(cluster, node, "true", false);
            else if (lot < 60)
                cluster_save_next(cluster, node, true);
            else if (cluster->packets.count > 0)
                cluster_packet_deliver(cluster, 0);
        }
        cluster_free(cluster);
    }
}

RUN_TESTS(cmocka_unit_test(test_strangers))
