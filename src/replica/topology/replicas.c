/* Which replicas stand on this node. The topology says what is wanted; Raft says who votes; in
 * between
 *
 *      wanted here                    -> a replica is made; a new one waits for its leader to tell
 *      led here, and not settled      -> the leader is asked to change who votes
 *      who votes is what is wanted    -> told by gossip; the control shard notes it as settled
 *      settled, and not wanted here   -> the replica goes, and the log forgets it
 *
 * A replica that the topology has left out stays until it is settled: until then it may be needed
 * for a majority. Of one that was removed, term, vote and the end of its log are kept: if a replica
 * is made here again, it is bound by what the first one promised, and is no founder. */
#include "replica/topology/replicas.h"

#include <stdio.h>
#include <stdlib.h>

#include "member/said_keys.h"
#include "raft/events/configuration.h"
#include "replica/leads/standing.h"
#include "replica/shards/backups.h"
#include "replica/shards/freeing.h"
#include "replica/shards/publish.h"
#include "replica/shards/rounds.h"
#include "replica/state/state.h"
#include "replica/topology/control_machine.h"
#include "shard/machine/keyspace_machine.h"
#include "worker/statistics.h"
#include "worker/worker.h"

enum { CHANGE_INTERVAL_US = 500 * 1000 };

static bool is_mine(const struct worker *worker, uint32_t shard) {
    return shard % worker->count == worker->index;
}

/* ---- making ---- */

/* A founder's log begins with the founding configuration. It is one if it was there when the shard
 * was founded and has been ever since: its log says so, or nobody asked for other replicas yet. */
static struct raft_configuration founding_configuration(const struct worker *worker,
                                                        const struct topology_shard *placed,
                                                        bool has_past) {
    struct raft_configuration configuration = {0};
    const struct topology_shard *founded =
        topology_shard(worker->hosting->founding, placed->number);
    bool is_founder = founded && topology_shard_has_replica(founded, worker->self) &&
                      (has_past || placed->wanted_epoch == 0);
    if (is_founder) {
        configuration.voter_count = (uint8_t)founded->replica_count;
        memcpy(configuration.voters, founded->replicas,
               founded->replica_count * sizeof founded->replicas[0]);
    }
    return configuration;
}

static void note_forgotten(struct worker *worker, uint32_t shard, uint64_t wal_sequence) {
    worker->hosting->forgetting[shard] = wal_sequence;
    worker->hosting->forgetting_count++;
    log_line(worker->io.log, LOG_INFO, "replica removed", LOG_F("node", worker->self),
             LOG_F("shard", shard));
}

/* If other replicas were asked for since and this node has not heard of it yet, what follows in the
 * log says who votes, as for any follower that is behind. */
static bool is_as_founded(const struct worker *worker, uint32_t shard) {
    const struct topology_shard *placed = topology_shard(worker->topology, shard);
    return placed && placed->wanted_epoch == 0;
}

/* Do other nodes hold replicas of the shard, for certain? */
static bool has_peers(const struct worker *worker, uint32_t shard) {
    return topology_has_peers(worker->topology, worker->self, shard);
}

static struct machine *make_machine(struct worker *worker, uint32_t number) {
    struct hosting *hosting = worker->hosting;
    if (number == 0)
        return control_machine_new(hosting->founding);
    struct machine *machine = keyspace_machine_new(random_next(&worker->random), &hosting->use);
    keyspace_machine_leave_to(machine, freeing_remains(hosting->freeing));
    return machine;
}

static int make_shard(struct worker *worker, uint32_t number,
                      const struct raft_configuration *founding, struct buffer *problem) {
    struct hosting *hosting = worker->hosting;
    struct machine *machine = make_machine(worker, number);
    struct shard_options options = {.number = number,
                                    .self = worker->self,
                                    .founding = *founding,
                                    .is_as_founded = is_as_founded(worker, number),
                                    .has_peers = has_peers(worker, number),
                                    .machine = machine,
                                    .seed = random_next(&worker->random),
                                    .io = &hosting->shard_io};
    struct shard_recovery *recovery = hosting->recoveries[number];
    hosting->recoveries[number] = NULL;
    struct shard *shard;
    int error = shard_new(&options, recovery, &shard, problem);
    if (error)
        return error;
    worker->shards[number] = shard;
    worker->hosted[worker->hosted_count++] = number;
    standing_tell_new_shard(worker, shard);
    hosting->shard_io.leadership(worker, shard);
    return 0;
}

static int place(struct worker *worker, const struct topology_shard *placed,
                 struct buffer *problem) {
    const struct shard_recovery *recovery = worker->hosting->recoveries[placed->number];
    bool has_past = recovery && !shard_recovery_is_empty(recovery);
    /* One with a past is made even if it is not wanted: must_go() looks into its log before it
     * goes. */
    if (!has_past && !topology_shard_has_replica(placed, worker->self))
        return 0;
    struct raft_configuration founding = founding_configuration(worker, placed, has_past);
    return make_shard(worker, placed->number, &founding, problem);
}

static bool is_wanted_here(const struct worker *worker, uint32_t shard) {
    const struct topology_shard *placed = topology_shard(worker->topology, shard);
    return !placed || topology_shard_has_replica(placed, worker->self);
}

static unsigned count_unwanted(const struct worker *worker) {
    unsigned count = 0;
    for (unsigned i = 0; i < worker->hosted_count; i++)
        count += !is_wanted_here(worker, worker->hosted[i]);
    return count;
}

int replicas_place(struct worker *worker, struct buffer *problem) {
    int error = 0;
    for (unsigned i = 0; i < worker->topology->shard_count && !error; i++) {
        const struct topology_shard *placed = &worker->topology->shards[i];
        if (is_mine(worker, placed->number) && !worker->shards[placed->number] &&
            !worker->hosting->forgetting[placed->number])
            error = place(worker, placed, problem);
    }
    worker->hosting->unwanted_count = count_unwanted(worker);
    return error;
}

/* ---- removing ---- */

/* Settled means: an entry with the number of this wish, and the voters it wants, is committed. No
 * older wish can then be followed any more. A replica whose log holds a newer one is needed for
 * that, though its node has not heard of it yet: before it could be promoted it had to acknowledge
 * the entry that says so. */
static bool must_go(const struct worker *worker, const struct shard *shard) {
    const struct topology_shard *placed = topology_shard(worker->topology, shard_number(shard));
    return placed && placed->is_settled && !topology_shard_has_replica(placed, worker->self) &&
           raft_configuration(shard_raft(shard))->wish <= placed->wanted_epoch &&
           !shard_is_leader(shard) && shard_is_idle(shard);
}

static void remove_replica(struct worker *worker, unsigned position) {
    uint32_t number = worker->hosted[position];
    uint64_t wal_sequence;
    backups_shard_leaves(worker, number);
    worker->hosting->recoveries[number] = shard_forget(worker->shards[number], &wal_sequence);
    shard_free(worker->shards[number]);
    worker->shards[number] = NULL;
    worker->hosted[position] = worker->hosted[--worker->hosted_count];
    worker->hosting->unwanted_count = count_unwanted(worker);
    publish_removal(worker, number);
    rounds_note(worker, number);
    note_forgotten(worker, number, wal_sequence);
}

/* The shard was recovered without this replica. What it has applied is not what the others have,
 * and no entry takes that back: it goes, and is made again as one that learns everything. */
static bool was_given_up(const struct worker *worker, const struct shard *shard) {
    return raft_is_given_up(shard_raft(shard)) && shard_is_idle(shard) &&
           topology_was_recovery_between(0, worker->topology->epoch);
}

static void remove_given_up(struct worker *worker) {
    for (unsigned i = worker->hosted_count; i > 0; i--) {
        const struct shard *shard = worker->shards[worker->hosted[i - 1]];
        if (!was_given_up(worker, shard))
            continue;
        log_line(worker->io.log, LOG_WARN,
                 "the shard was recovered without what this replica holds; it begins anew",
                 LOG_F("shard", shard_number(shard)), LOG_F("node", worker->self),
                 LOG_F("index", raft_commit_index(shard_raft(shard))));
        remove_replica(worker, i - 1);
    }
}

/* The files go after the log has forgotten them, or a start in between would miss them. */
void replicas_durable(struct worker *worker, uint64_t wal_sequence) {
    if (worker->hosting->forgetting_count == 0)
        return;
    for (unsigned i = worker->index; i < WORKER_SHARD_MAXIMUM; i += worker->count) {
        if (worker->hosting->forgetting[i] && worker->hosting->forgetting[i] <= wal_sequence) {
            worker->hosting->forgetting[i] = 0;
            worker->hosting->forgetting_count--;
            snapshot_remove_all(worker->io.disk, i);
            worker->hosting->is_placing_wanted = true; /* perhaps it is wanted here again by now */
        }
    }
}

/* ---- changing who votes ---- */

/* The operator gave the majority up, and one replica is to make the shard go on; asked again until
 * the log says so. After that its wish is from behind the recovery, and however often other
 * replicas are wished for then, it is never alone again: the others may have what it lacks. */
static bool awaits_survivor(const struct shard *shard, const struct topology_shard *placed) {
    const struct raft_configuration *members = raft_configuration(shard_raft(shard));
    return !placed->is_settled && placed->survivor &&
           !raft_configuration_is_sole_voter(members, placed->survivor) &&
           topology_was_recovery_between(members->wish, placed->wanted_epoch);
}

static void recover_alone(struct worker *worker, struct shard *shard,
                          const struct topology_shard *placed) {
    if (placed->survivor == worker->self && shard_recover_alone(shard, placed->wanted_epoch)) {
        log_line(worker->io.log, LOG_WARN,
                 "the shard cannot go on from here yet: it has a leader, or loads a snapshot",
                 LOG_F("shard", placed->number), LOG_F("node", worker->self));
    }
}

/* Who believes to lead while a survivor is awaited has lost its majority and not noticed yet:
 * nothing is changed then, or the wish would stand in a log that nobody can commit. */
static void drive(struct worker *worker, struct shard *shard, const struct topology_shard *placed) {
    uint64_t settled_epoch = 0;
    bool is_awaiting = awaits_survivor(shard, placed);
    if (is_awaiting)
        recover_alone(worker, shard, placed);
    if (!is_awaiting && !placed->is_settled && shard_is_leader(shard)) {
        if (shard_has_voters(shard, placed->replicas, placed->replica_count,
                             placed->wanted_epoch)) {
            settled_epoch = placed->wanted_epoch;
        } else if (shard_change(shard, placed->replicas, placed->replica_count,
                                placed->wanted_epoch)) {
            /* Another change must end first, or leadership went: whoever leads asks again. */
        }
    }
    atomic_store_explicit(&worker->shared->shards[placed->number].settled_epoch, settled_epoch,
                          memory_order_relaxed);
}

static void drive_all(struct worker *worker) {
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        struct shard *shard = worker->shards[worker->hosted[i]];
        const struct topology_shard *placed = topology_shard(worker->topology, worker->hosted[i]);
        if (placed)
            drive(worker, shard, placed);
    }
}

/* "shard:epoch,...": wishes that this node's leaders see fulfilled and the topology does not yet.
 * What does not fit is said once the others are noted. */
static void say_settled(struct worker *worker) {
    struct buffer text;
    bool has_room = true;
    buffer_init(&text, GOSSIP_VALUE_MAXIMUM + 1);
    for (unsigned i = 0; i < worker->topology->shard_count && has_room; i++) {
        uint64_t epoch = statistic_of(&worker->shared->shards[i].settled_epoch);
        if (epoch && !worker->topology->shards[i].is_settled)
            has_room = worker_list_add(&text, i, epoch);
    }
    bool is_news = text.length > 0 || worker->hosting->has_said_settled;
    worker->hosting->has_said_settled = text.length > 0;
    buffer_append_u8(&text, 0);
    if (is_news)
        worker_say(worker, GOSSIP_SAYS_SETTLED, (const char *)buffer_data(&text));
    buffer_release(&text);
}

static void place_again(struct worker *worker) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    worker->hosting->is_placing_wanted = false;
    if (replicas_place(worker, &problem)) {
        log_line(worker->io.log, LOG_ERROR, "a replica cannot be made",
                 LOG_F("worker", worker->index));
        worker_fatal(worker, "a replica cannot be made");
    }
    buffer_release(&problem);
}

void replicas_tick(struct worker *worker) {
    if (!worker->topology)
        return;
    for (unsigned i = worker->hosted_count; i > 0 && worker->hosting->unwanted_count > 0; i--)
        if (must_go(worker, worker->shards[worker->hosted[i - 1]]))
            remove_replica(worker, i - 1);
    if (worker->hosting->is_placing_wanted)
        place_again(worker);
    uint64_t now = worker_now_us(worker);
    if (now < worker->hosting->next_change_us)
        return;
    worker->hosting->next_change_us = now + CHANGE_INTERVAL_US;
    remove_given_up(worker);
    drive_all(worker);
    if (worker->index == 0)
        say_settled(worker);
}

/* ---- the control shard's part ---- */

static void propose_settled(struct worker *worker, unsigned shard, unsigned long long epoch) {
    char text[2][24];
    snprintf(text[0], sizeof text[0], "%u", shard);
    snprintf(text[1], sizeof text[1], "%llu", epoch);
    const struct bytes arguments[] = {BYTES_LITERAL("shard.settled"), bytes_of_text(text[0]),
                                      bytes_of_text(text[1])};
    if (shard_propose(worker->shards[0], arguments, 3, (struct shard_waiter){0}))
        log_line(worker->io.log, LOG_WARN, "a settled shard waits", LOG_F("shard", shard));
}

/* What a leader saw stays true until another wish is made, however old the news is. */
void replicas_hear_settled(struct worker *worker, const char *told) {
    unsigned shard;
    unsigned long long epoch;
    int used;
    for (const char *at = told; sscanf(at, "%u:%llu%n", &shard, &epoch, &used) == 2;) {
        const struct topology_shard *placed = topology_shard(worker->topology, shard);
        if (placed && !placed->is_settled && placed->wanted_epoch == epoch)
            propose_settled(worker, shard, epoch);
        at += used;
        at += *at == ',';
    }
}
