/* Probes wait behind the main thread (redis), or for the whole machine: for two minutes each of 30
 * processes stands still for a second about every ten, several at once, and nobody is called dead;
 * nor when a fifth of all datagrams is lost as well.
 *
 *     test_gossip_stops FIRST_SEED LAST_SEED [--plant FAULT]     with a planted fault it must fail
 */
#include "../plant_fault.h"
#include "world.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000000, NODES = 30, ROUNDS_A_SECOND = 10, SECONDS = 120 };

static void count_deaths(void *context, struct world_node *node,
                         const struct gossip_change *change) {
    (void)node;
    *(unsigned *)context +=
        change->kind == GOSSIP_CHANGE_STATE && change->member->state == GOSSIP_DEAD;
}

static void stop_and_resume(struct world *world, uint64_t resume_us[NODES + 1]) {
    for (unsigned i = 1; i <= NODES; i++) {
        bool is_stopped = world->nodes[i].is_stopped;
        if (is_stopped && world->now_us >= resume_us[i])
            world_resume(world, i);
        if (is_stopped || !random_chance(&world->random, 0.1 / ROUNDS_A_SECOND))
            continue;
        world_stop(world, i);
        resume_us[i] = world->now_us + SECOND;
    }
}

/* How often somebody was called dead. */
static unsigned stop_all_at_random(uint64_t seed, double loss) {
    struct world *world = world_new(seed);
    world_add_cluster(world, NODES);
    if (!world_run_until(world, 5 * SECOND, world_is_settled))
        printf("seed %" PRIu64 ": never settled\n", seed);
    unsigned deaths = 0;
    uint64_t resume_us[NODES + 1] = {0};
    world->on_change = count_deaths;
    world->context = &deaths;
    world->loss = loss;
    for (unsigned round = 0; round < SECONDS * ROUNDS_A_SECOND; round++) {
        world_run(world, SECOND / ROUNDS_A_SECOND);
        stop_and_resume(world, resume_us);
    }
    world_free(world);
    if (deaths > 0)
        printf("seed %" PRIu64 ", loss %.1f: %u times a healthy node was called dead\n", seed, loss,
               deaths);
    return deaths;
}

/* In every seed, or until a planted fault is found. */
static unsigned stop_in_seeds(uint64_t first, uint64_t last, bool is_planted) {
    unsigned deaths = 0;
    for (uint64_t seed = first; seed <= last && (deaths == 0 || !is_planted); seed++) {
        deaths += stop_all_at_random(seed, 0.2);
        if (seed % 8 == 0)
            deaths += stop_all_at_random(seed, 0);
    }
    return deaths;
}

int main(int count, char **arguments) {
    bool is_planted = count == 5 && strcmp(arguments[3], "--plant") == 0;
    if (count != 3 && !is_planted) {
        printf("usage: test_gossip_stops FIRST_SEED LAST_SEED [--plant FAULT]\n");
        return 1;
    }
    if (is_planted && !plant_fault(arguments[4]))
        return 1;
    unsigned deaths = stop_in_seeds(strtoull(arguments[1], NULL, 10),
                                    strtoull(arguments[2], NULL, 10), is_planted);
    return is_planted ? deaths == 0 : deaths > 0;
}
