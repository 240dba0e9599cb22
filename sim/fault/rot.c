#include "sim/fault/rot.h"
#include "base/memory.h"
#include "shard/shard.h"
#include "sim/life/life.h"

enum { ROT_DOWN_US = 1000, ROT_LOOK_AGAIN_US = 500000, ROT_PATIENCE_LOOKS = 20 };

struct rot {
    struct simulation *simulation;
    unsigned damaged; /* the node that may not be whole yet, + 1; 0: all are */
    uint64_t whole_since_us;
    unsigned turn, looks_left; /* of rot_logs_in_turn(): the next node */
};

static event_run log_event, snapshot_event, turn_event, rest_event;

struct rot *rot_new(struct simulation *simulation) {
    struct rot *rot = memory_allocate_zeroed(1, sizeof *rot);
    rot->simulation = simulation;
    return rot;
}

void rot_free(struct rot *rot) { memory_free(rot); }

static void later(struct rot *rot, uint64_t delay_us, event_run *run, unsigned node) {
    struct event_queue *queue = &rot->simulation->queue;
    event_schedule(queue, queue->now_us + delay_us, run, rot)->number = node;
}

static bool has_all_back(const struct sim_node *node) {
    if (!sim_node_is_alive(node))
        return false;
    for (uint32_t shard = 0; shard < node->simulation->shard_count + 1; shard++) {
        const struct sim_thread *thread = &node->threads[shard % node->simulation->worker_count];
        const struct shard *replica = sim_node_replica(node, shard);
        if (sim_disk_is_rotten(thread->disk) ||
            (replica && raft_is_below_floor(shard_raft(replica))))
            return false;
    }
    return true;
}

/* What came back must be on its disk too, so it has to be whole for a while. */
static bool is_damaged(struct rot *rot) {
    if (rot->damaged == 0)
        return false;
    uint64_t now_us = rot->simulation->queue.now_us;
    if (!has_all_back(rot->simulation->nodes[rot->damaged - 1]))
        rot->whole_since_us = 0;
    else if (rot->whole_since_us == 0)
        rot->whole_since_us = now_us;
    else if (now_us >= rot->whole_since_us + ROT_LOOK_AGAIN_US)
        rot->damaged = 0;
    return rot->damaged != 0;
}

/* Where there are two replicas, what one of them lost and the other lacks may have been committed
 * or not, and there is no third to tell: they wait, and it is for the operator to say that it may
 * be lost. Nothing is promised of that. One replica alone refuses to start. */
static bool can_be_outvoted(const struct rot *rot) { return rot->simulation->replica_count != 2; }

static void damage(struct rot *rot, unsigned node, const char *name_prefix) {
    struct simulation *simulation = rot->simulation;
    struct sim_node *victim = simulation->nodes[node];
    if (victim->is_up || !can_be_outvoted(rot))
        return;
    uint64_t worker = random_below(&simulation->random, simulation->worker_count);
    if (!sim_disk_rot(victim->threads[worker].disk, name_prefix, &simulation->random))
        return;
    rot->damaged = node + 1;
    rot->whole_since_us = 0;
}

static void log_event(struct event *event) {
    damage(event->context, (unsigned)event->number, "wal");
}
static void snapshot_event(struct event *event) {
    struct rot *rot = event->context;
    bool is_manifest = random_chance(&rot->simulation->random, 0.3);
    damage(rot, (unsigned)event->number, is_manifest ? "snapshot" : "chunk");
}

/* Never two nodes at once, not even at one moment: what both lost might be nowhere. */
static bool strike(struct rot *rot, unsigned node, event_run *run) {
    if (is_damaged(rot))
        return false;
    rot->damaged = node + 1;
    rot->whole_since_us = 0;
    bool is_power = random_chance(&rot->simulation->random, 0.5);
    sim_node_kill(rot->simulation->nodes[node],
                  is_power ? SIM_DEATH_BY_POWER : SIM_DEATH_OF_PROCESS);
    later(rot, ROT_DOWN_US, run, node); /* it is down by then, and not yet up again */
    return true;
}

void rot_log(struct rot *rot, unsigned node) { strike(rot, node, log_event); }
void rot_snapshot(struct rot *rot, unsigned node) { strike(rot, node, snapshot_event); }

/* Until it is gone: mended, or the node was started again and found it then. */
static void rest_event(struct event *event) {
    struct rot *rot = event->context;
    struct sim_node *node = rot->simulation->nodes[event->number];
    for (unsigned i = 0; i < rot->simulation->worker_count; i++)
        rot->simulation->statistics.mended_at_rest += sim_disk_has_shed_rot(node->threads[i].disk);
    if (is_damaged(rot))
        later(rot, ROT_LOOK_AGAIN_US, rest_event, (unsigned)event->number);
}

void rot_at_rest(struct rot *rot, unsigned node) {
    struct simulation *simulation = rot->simulation;
    struct sim_node *victim = simulation->nodes[node];
    if (is_damaged(rot) || !sim_node_is_alive(victim) || !can_be_outvoted(rot))
        return;
    uint64_t worker = random_below(&simulation->random, simulation->worker_count);
    if (!sim_disk_rot_at_rest(victim->threads[worker].disk, &simulation->random))
        return;
    rot->damaged = node + 1;
    rot->whole_since_us = 0;
    later(rot, ROT_LOOK_AGAIN_US, rest_event, node);
}

void rot_logs_in_turn(struct rot *rot) {
    bool is_at_it = rot->turn > 0;
    rot->looks_left = ROT_PATIENCE_LOOKS;
    if (is_at_it)
        return;
    later(rot, 0, turn_event, 0);
}

static void turn_event(struct event *event) {
    struct rot *rot = event->context;
    bool is_over = rot->simulation->phase != PHASE_FAULTS || rot->looks_left-- == 0;
    if (!is_over && strike(rot, rot->turn, log_event))
        rot->turn++;
    if (is_over || rot->turn == rot->simulation->node_count)
        rot->turn = 0;
    else
        later(rot, ROT_LOOK_AGAIN_US, turn_event, 0);
}
