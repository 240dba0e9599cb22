#include "sim/fault/fault_blobs.h"
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/life/thread.h"
#include "sim/world/blobs.h"

enum {
    STORE_TROUBLE_LEAST_US = 200000,
    STORE_TROUBLE_MOST_US = 6000000,
    STORE_SLOW_LEAST_US = 100000,
    STORE_SLOW_MOST_US = 4000000,
};

void faults_store_recovers(struct faults *faults) {
    if (faults->simulation->blobs)
        *sim_blobs_trouble(faults->simulation->blobs) = (struct sim_blob_trouble){0};
}

static event_run recover_event;

static void recover_event(struct event *event) {
    struct faults *faults = event->context;
    if (event->number == faults->store_number)
        faults_store_recovers(faults);
}

/* NULL: no backups are made. Troubles come one on top of the other, and go together. */
static struct sim_blob_trouble *trouble_begins(struct faults *faults, const char *what) {
    struct simulation *simulation = faults->simulation;
    if (simulation->blobs == NULL)
        return NULL;
    trace_line(&simulation->trace, "fault: the store of backups %s", what);
    uint64_t for_us = faults_between(faults, STORE_TROUBLE_LEAST_US, STORE_TROUBLE_MOST_US);
    faults_later(faults, for_us, recover_event)->number = ++faults->store_number;
    return sim_blobs_trouble(simulation->blobs);
}

void fault_store_away(struct faults *faults) {
    struct sim_blob_trouble *trouble = trouble_begins(faults, "does not answer");
    if (trouble)
        trouble->is_away = true;
}

void fault_store_fails(struct faults *faults) {
    struct sim_blob_trouble *trouble = trouble_begins(faults, "fails now and then");
    if (trouble)
        trouble->failing = 0.5 * random_unit(faults_random(faults));
}

void fault_store_slow(struct faults *faults) {
    struct sim_blob_trouble *trouble = trouble_begins(faults, "is slow");
    if (trouble)
        trouble->most_us = faults_between(faults, STORE_SLOW_LEAST_US, STORE_SLOW_MOST_US);
}

/* The lead of every shard moves while the one who had it still has jobs under way, and may come
 * back before they end: two archive one shard. */
void fault_hand_over(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    trace_line(&simulation->trace, "fault: every shard is given away");
    for (uint32_t number = 1; number <= simulation->shard_count; number++) {
        unsigned leader = checks_leader(simulation, number);
        uint64_t again_us;
        if (leader >= simulation->node_count || !sim_node_is_alive(simulation->nodes[leader]))
            continue;
        struct sim_thread *thread =
            &simulation->nodes[leader]->threads[number % simulation->worker_count];
        struct shard *shard = sim_node_replica(simulation->nodes[leader], number);
        if (shard == NULL || !sim_thread_is_ready(thread, &again_us))
            continue;
        shard_transfer(shard, 0, "asked");
        sim_thread_touch(thread);
    }
}
