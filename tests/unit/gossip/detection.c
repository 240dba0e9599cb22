/* How soon a death is known to all, in the fake world: nodes are killed and started again, one
 * after the other, at any moment.
 *
 *     gossip_detection NODES DEATHS LOSS_PERCENT P99_MS DATAGRAMS
 *
 * prints the times, and fails when the 99th percentile is above P99_MS, when a node that runs was
 * called dead, or when the cluster sends more than DATAGRAMS a second while nothing happens (only
 * asked where nothing is lost). */
#include "world.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000000, DEATH_MAXIMUM = 1000, LONGEST_SECONDS = 60 };

static unsigned victim;
static uint64_t times_us[DEATH_MAXIMUM];

static bool is_known_dead(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        if (i != victim && !world_is_state(world, i, victim, GOSSIP_DEAD))
            return false;
    return true;
}

static int compare_times(const void *a, const void *b) {
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static void kill_one(struct world *world, unsigned round) {
    victim = (unsigned)random_between(&world->random, 2, world->count);
    world_run(world, random_below(&world->random, 2 * SECOND));
    world_kill(world, victim);
    uint64_t killed_us = world->now_us;
    world_run_until(world, LONGEST_SECONDS * SECOND, is_known_dead);
    times_us[round] = world->now_us - killed_us;
    world_start(world, victim);
    world_seed(world, victim, 1);
    world_run_until(world, LONGEST_SECONDS * SECOND, world_is_settled);
    world_run(world, 10 * SECOND); /* so that the next one dies in a quiet cluster */
}

static uint64_t count_datagrams(struct world *world) {
    uint64_t before = world->datagram_count;
    world_run(world, 10 * SECOND);
    return (world->datagram_count - before) / 10;
}

int main(int count, char **arguments) {
    if (count != 6) {
        printf("usage: gossip_detection NODES DEATHS LOSS_PERCENT P99_MS DATAGRAMS\n");
        return 1;
    }
    unsigned deaths = (unsigned)strtoul(arguments[2], NULL, 10);
    if (deaths == 0 || deaths > DEATH_MAXIMUM)
        deaths = DEATH_MAXIMUM;
    struct world *world = world_new(1);
    world_add_cluster(world, (unsigned)strtoul(arguments[1], NULL, 10));
    world_run_until(world, LONGEST_SECONDS * SECOND, world_is_settled);
    world_run(world, 30 * SECOND);
    uint64_t datagrams = count_datagrams(world);
    world->loss = atof(arguments[3]) / 100;
    for (unsigned round = 0; round < deaths; round++)
        kill_one(world, round);
    qsort(times_us, deaths, sizeof *times_us, compare_times);
    uint64_t p99_us = times_us[(deaths * 99 + 99) / 100 - 1];
    printf("%u nodes, %u deaths: known to all p50 %" PRIu64 " ms, p99 %" PRIu64 " ms, last %" PRIu64
           " ms; %" PRIu64 " datagrams a second idle; %" PRIu64 " healthy called dead\n",
           world->count, deaths, times_us[deaths / 2] / 1000, p99_us / 1000,
           times_us[deaths - 1] / 1000, datagrams, world->healthy_called_dead);
    bool is_busy = datagrams > strtoull(arguments[5], NULL, 10);
    bool is_bad = p99_us > 1000 * strtoull(arguments[4], NULL, 10) || is_busy ||
                  world->healthy_called_dead > 0;
    world_free(world);
    return is_bad;
}
