/* Random schedules: replicas under loss, reordering, duplication, partitions, slow disks, crashes,
 * clock drift, transfers, nodes that would rather not lead, changes of the voters, compaction and
 * snapshots, full disks, messages that cannot be read to their end, a disk that loses parts of the
 * log, by seed. After every step the promises of Raft are checked against the truth that the test
 * keeps (CBTR figure 3.2). Once the faults stop, a majority must get on by itself, and the cluster
 * must agree again.
 *
 *      random [--plant NAME] [--seed S] [--seeds N] [--print]
 *
 * With --plant it must find the fault: exits 0 only if some seed failed. */
#include "../plant_fault.h"
#include "base/memory.h"
#include "random_world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP_COUNT = 12000 };

static const struct cluster_node *newest_leader(const struct cluster *cluster) {
    const struct cluster_node *leader = NULL;
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (raft_role(node->raft) == RAFT_LEADER &&
            (leader == NULL || raft_current_term(node->raft) > raft_current_term(leader->raft)))
            leader = node;
    }
    return leader;
}

/* All that vote have the same log, committed to its end, and the voters are not changing. */
static bool is_agreed(const struct cluster *cluster) {
    const struct cluster_node *leader = newest_leader(cluster);
    if (leader == NULL || raft_is_changing(leader->raft))
        return false;
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (!raft_configuration_has_voter(raft_configuration(leader->raft), node->number))
            continue;
        if (node->commit_index != leader->commit_index ||
            raft_last_index(node->raft) != node->commit_index ||
            raft_leader(node->raft) != leader->number)
            return false;
    }
    return true;
}

/* Progress once faults stop: within seconds all agree on a leader and on one more entry. */
static void heal_and_check(struct world *world) {
    struct cluster *cluster = world->cluster;
    memset(world->is_cut, 0, sizeof world->is_cut);
    cluster->timing = world->timing;
    cluster_timing_set(cluster, NULL);
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].raft == NULL)
            cluster_start(cluster, &cluster->nodes[i]);
        raft_set_room(cluster->nodes[i].raft, true);
    }
    memset(world->standings, 0, sizeof world->standings); /* no move while it is looked at */
    event_standings_tell(world);
    core_check(world);
    size_t before = world->committed_count;
    for (unsigned round = 0; round < 800 && world->failure[0] == 0; round++) {
        event_tick_all(world, 10000);
        cluster_settle(cluster);
        while (world->wanted_count > 0)
            event_snapshot_transfer(world);
        for (size_t i = 0; i < cluster->node_count && round == 600; i++)
            if (raft_role(cluster->nodes[i].raft) == RAFT_LEADER)
                cluster_propose(cluster, &cluster->nodes[i], "last", false);
    }
    truth_logs_check(world);
    if (world->committed_count == before || !is_agreed(cluster))
        truth_fail(world, "no progress after the faults stopped: committed before, after", before,
                   world->committed_count);
}

static void world_run(struct world *world, uint64_t seed, struct buffer *transcript) {
    *world = (struct world){0};
    struct random *random = &world->random;
    random_init(random, seed);
    world->rare_percent = 1 + 3 * random_below(random, 3);
    world->is_hunting = random_chance(random, 0.5);
    world->is_forgetting = !world->is_hunting && random_chance(random, 0.6);
    world->is_changing = random_chance(random, 0.5);
    world->is_tuning = seed % 3 == 0;
    world->propose_chance = random_chance(random, 0.4) || world->is_forgetting ? 0.01 : 1;
    world->is_filling = seed % 5 == 1;
    world->is_tearing = seed % 5 == 2;
    world->rotting = !world->is_changing && seed % 4 == 1 ? 1 + (raft_node_number)(seed % 3) : 0;
    struct raft_timing timing = {.election_timeout_us = 250000,
                                 .lease_us = random_chance(random, 0.5) ? 250000 : 100000,
                                 .heartbeat_us = 50000,
                                 .quiet_after_us = random_chance(random, 0.5) ? 60000 : 0,
                                 .clock_drift_percent = 20,
                                 .window_bytes = 200,
                                 .window_messages = 4,
                                 .message_bytes = random_chance(random, 0.6) ? 40 : 100,
                                 .lazy_us =
                                     random_chance(random, 0.6) ? random_below(random, 50000) : 0,
                                 .move_pause_us = random_below(random, 20000000)};
    if (random_chance(random, 0.5))
        timing.move_pause_us = 0;
    world->timing = timing;
    struct raft_configuration configuration = {.voter_count = random_chance(random, 0.25) ? 5 : 3,
                                               .voters = {1, 2, 3, 4, 5}};
    size_t newcomers = world->is_changing ? 2 : 0;
    world->cluster = cluster_new(configuration.voter_count + newcomers, &timing, &configuration,
                                 seed, transcript);
    world->cluster->patience_us = seed % 7 == 1 ? 20000 : 0;
    world->cluster->watch = truth_watch;
    world->cluster->context = world;
    for (size_t i = 0; i < world->cluster->node_count; i++)
        world->cluster->nodes[i].clock_rate = 0.92 + 0.16 * random_unit(&world->random);
    for (size_t i = 0; i < world->cluster->node_count; i++) {
        event_crash(world, &world->cluster->nodes[i]); /* its first life began by another clock */
        cluster_start(world->cluster, &world->cluster->nodes[i]);
    }
    for (unsigned step = 0; step < STEP_COUNT && world->failure[0] == 0; step++)
        event_any(world);
    if (world->failure[0] == 0)
        heal_and_check(world);
    cluster_free(world->cluster);
    memory_free(world->committed);
}

struct request {
    uint64_t seed, seed_count;
    bool is_printed;
    const char *planted;
};

static struct request request_read(int argc, char **argv) {
    struct request request = {.seed = 1, .seed_count = 150};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--print") == 0) {
            request.is_printed = true;
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            request.seed = strtoull(value, NULL, 10);
            request.seed_count = 1;
        } else if (strcmp(argv[i], "--seeds") == 0)
            request.seed_count = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--plant") == 0)
            request.planted = value;
        i++;
    }
    return request;
}

/* A check of the product's own finds a planted fault as well as any of ours. */
static void on_failed_check(int number) {
    (void)number;
    _exit(0);
}

int main(int argc, char **argv) {
    struct request request = request_read(argc, argv);
    if (request.planted != NULL && !plant_fault(request.planted))
        return 77; /* skipped */
    if (request.planted != NULL)
        signal(SIGABRT, on_failed_check);
    static struct world world;
    uint64_t leads = 0, moves = 0, commits = 0, leases = 0, answers = 0, installs = 0, changes = 0;
    uint64_t quiets = 0, equals = 0, damages = 0, cores = 0;
    for (uint64_t seed = request.seed; seed < request.seed + request.seed_count; seed++) {
        struct buffer transcript;
        buffer_init(&transcript, 64u << 20);
        world_run(&world, seed, request.is_printed ? &transcript : NULL);
        if (transcript.length > 0)
            fwrite(buffer_data(&transcript), 1, transcript.length, stdout);
        buffer_release(&transcript);
        if (world.failure[0] != 0) {
            printf("seed %" PRIu64 ": %s\n", seed, world.failure);
            return request.planted != NULL ? 0 : 1;
        }
        leads += world.leads;
        moves += world.moves;
        commits += world.committed_count;
        leases += world.leases;
        answers += world.answers;
        installs += world.installs;
        changes += world.changes;
        quiets += world.quiets;
        equals += world.equals;
        damages += world.damages;
        cores += world.cores;
    }
    printf("%" PRIu64 " seeds: %" PRIu64 " leaders (%" PRIu64 " by a move of their own), %" PRIu64
           " commits, %" PRIu64 " lease checks, %" PRIu64 " reads answered, %" PRIu64
           " snapshots installed, %" PRIu64 " changes of the voters, %" PRIu64
           " quiet moments, %" PRIu64 " equal pairs, %" PRIu64 " damaged logs, %" PRIu64
           " majorities by themselves\n",
           request.seed_count, leads, moves, commits, leases, answers, installs, changes, quiets,
           equals, damages, cores);
    return request.planted != NULL ? 1 : 0;
}
