/* How gladly this node leads, and how gladly the others do. Each worker sees how its disk does; the
 * reasons of all workers together are the node's, and are told by gossip:
 *
 *      wal_is_slow() --lasts--> standing_set() --+--> gossip says "standing" --> the others' shards
 *      worker_drain() --------> standing_set() --+--> a little later: the shards here
 *
 * The shards here hear of their own node's reluctance later than the others do, so that where all
 * disks are slow at once, all know it before anybody gives anything away. */
#include "replica/leads/standing.h"

#include <stdio.h>

#include "member/said_keys.h"
#include "replica/state/state.h"
#include "worker/statistics.h"
#include "worker/worker.h"

#define SLOW_AFTER_US ((uint64_t)3 * 1000 * 1000) /* a hiccup is not worth a move */
#define WELL_AFTER_US ((uint64_t)5 * 1000 * 1000)
#define HEARD_BY_US   ((uint64_t)1000 * 1000) /* the others have heard our news by then */

static const struct {
    const char *name;
    enum raft_standing standing;
} reasons[STANDING_COUNT] = {
#define STANDING(id, name, standing) {name, standing},
#include "replica/leads/standing.def"
#undef STANDING
};

/* ---- this node ---- */

void standing_set(struct worker *worker, enum standing_reason reason, bool is_so) {
    _Atomic uint64_t *own = &worker->shared->workers[worker->index].standing;
    uint64_t bit = (uint64_t)1 << reason;
    uint64_t before = statistic_of(own);
    atomic_store_explicit(own, is_so ? before | bit : before & ~bit, memory_order_relaxed);
}

static uint64_t reasons_of_node(const struct worker *worker) {
    uint64_t all = 0;
    for (unsigned i = 0; i < worker->count; i++)
        all |= statistic_of(&worker->shared->workers[i].standing);
    return all;
}

static enum raft_standing standing_for(uint64_t bits, const char **reason) {
    enum raft_standing worst = RAFT_WILLING;
    for (unsigned i = 0; i < STANDING_COUNT; i++) {
        if ((bits >> i & 1) && reasons[i].standing > worst) {
            worst = reasons[i].standing;
            *reason = reasons[i].name;
        }
    }
    return worst;
}

static void say(struct worker *worker, uint64_t bits) {
    char text[64 * STANDING_COUNT] = "";
    size_t used = 0;
    for (unsigned i = 0; i < STANDING_COUNT; i++) {
        if (bits >> i & 1) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? "," : "",
                                     reasons[i].name);
        }
    }
    if (used) {
        log_line(worker->io.log, LOG_WARN, "this node would rather not lead",
                 LOG_F("node", worker->self), LOG_T("because", text));
    } else {
        log_line(worker->io.log, LOG_INFO, "this node leads as gladly as any again",
                 LOG_F("node", worker->self));
    }
    worker_say(worker, GOSSIP_SAYS_STANDING, text);
}

static void tell_shards(struct worker *worker, uint32_t node, enum raft_standing standing,
                        const char *reason) {
    for (unsigned i = 0; i < worker->hosted_count; i++)
        shard_set_standing(worker->shards[worker->hosted[i]], node, standing, reason);
}

/* What was measured long ago says nothing of a disk that nobody has written to since. */
static bool is_disk_slow_now(struct worker *worker, uint64_t now) {
    struct standing *standing = &worker->hosting->standing;
    struct wal_statistics statistics;
    wal_statistics(worker->wal, &statistics);
    if (statistics.rounds != standing->rounds_seen || !wal_is_idle(worker->wal)) {
        standing->rounds_seen = statistics.rounds;
        standing->round_seen_us = now;
    }
    return wal_is_slow(worker->wal) && now - standing->round_seen_us < WELL_AFTER_US;
}

/* A disk counts as slow, and as well again, once it has been so for a while. */
static void look_at_disk(struct worker *worker, uint64_t now) {
    struct standing *standing = &worker->hosting->standing;
    bool is_slow = is_disk_slow_now(worker, now);
    if (is_slow == standing->is_disk_slow) {
        standing->disk_turned_us = 0;
        return;
    }
    if (standing->disk_turned_us == 0)
        standing->disk_turned_us = now;
    if (now - standing->disk_turned_us < (is_slow ? SLOW_AFTER_US : WELL_AFTER_US))
        return;
    standing->is_disk_slow = is_slow;
    standing->disk_turned_us = 0;
    standing_set(worker, STANDING_SLOW_DISK, is_slow);
}

void standing_tick(struct worker *worker) {
    struct standing *standing = &worker->hosting->standing;
    uint64_t now = worker_now_us(worker);
    look_at_disk(worker, now);
    uint64_t bits = reasons_of_node(worker);
    if (bits != standing->said) {
        standing->said = bits;
        standing->said_us = now;
        if (worker->index == 0)
            say(worker, bits);
    }
    const char *reason = NULL;
    enum raft_standing own = standing_for(bits, &reason);
    bool is_due = own != RAFT_RELUCTANT || now - standing->said_us >= HEARD_BY_US;
    if (own != standing->told && is_due) {
        standing->told = own;
        standing->told_reason = reason;
        tell_shards(worker, worker->self, own, reason);
    }
}

/* ---- the others ---- */

static enum raft_standing standing_of_name(struct bytes name) {
    for (unsigned i = 0; i < STANDING_COUNT; i++)
        if (bytes_equal(name, bytes_of_text(reasons[i].name)))
            return reasons[i].standing;
    return RAFT_RELUCTANT; /* a reason that a later release knows */
}

static enum raft_standing standing_of_text(const char *text) {
    enum raft_standing worst = RAFT_WILLING;
    while (*text) {
        size_t length = strcspn(text, ",");
        enum raft_standing standing = standing_of_name(bytes_of(text, length));
        worst = standing > worst ? standing : worst;
        text += length + (text[length] == ',');
    }
    return worst;
}

void standing_hear(struct worker *worker, struct neighbour *neighbour, uint32_t node,
                   const char *text) {
    enum raft_standing standing = standing_of_text(text);
    if (standing != neighbour->standing) {
        neighbour->standing = standing;
        tell_shards(worker, node, standing, NULL);
    }
}

void standing_tell_new_shard(struct worker *worker, struct shard *shard) {
    if (worker->hosting->standing.told != RAFT_WILLING) {
        shard_set_standing(shard, worker->self, worker->hosting->standing.told,
                           worker->hosting->standing.told_reason);
    }
    for (size_t i = 0; i < worker->hosting->neighbours.count; i++) {
        const struct neighbour *neighbour = &worker->hosting->neighbours.all[i];
        if (neighbour->standing != RAFT_WILLING)
            shard_set_standing(shard, neighbour->number, neighbour->standing, NULL);
    }
}
