#include "sim/operator/loss.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/situations.h"
#include "sim/life/life.h"
#include "sim/operator/comeback.h"
#include "sim/operator/operator.h"

enum {
    LOSS_DRAWS = 8,
    LOSS_DELAY_MOST_US = 4000000, /* until the operator is there */
    LOSS_POLL_US = 300000,
    LOSS_RETURN_MOST_US = 8000000,
    LOSS_LIST_BYTES = 1024
};

/* Between the operator's look and what comes of it a snapshot may have been installed elsewhere. */
static const double LOSS_HASTY_CHANCE = 0.5;

struct loss {
    struct simulation *simulation;
    struct sim_operator *operator_;
    bool is_under_way, is_in_change, is_control_lost;
    bool is_hasty;             /* the operator names a replica that is not the most advanced one */
    unsigned control_survivor; /* where the control shard lost its majority */
    bool is_lost[SIM_NODE_MAXIMUM]; /* by the loss under way */
};

static event_run loss_event;

struct loss *loss_new(struct simulation *simulation) {
    struct loss *loss = memory_allocate_zeroed(1, sizeof *loss);
    loss->simulation = simulation;
    loss->operator_ = sim_operator_new(simulation, NULL);
    return loss;
}

void loss_free(struct loss *loss) {
    if (loss == NULL)
        return;
    sim_operator_free(loss->operator_);
    memory_free(loss);
}

/* ---- who is lost ---- */

static unsigned replicas_left(const struct topology_shard *shard,
                              const bool is_lost[SIM_NODE_MAXIMUM]) {
    unsigned left = 0;
    for (unsigned i = 0; i < shard->replica_count; i++)
        left += !is_lost[shard->replicas[i] - 1];
    return left;
}

static bool is_left(const struct loss *loss, raft_node_number node) {
    return !loss->simulation->nodes[node - 1]->is_given_up;
}

static unsigned voters_left(const struct loss *loss, const raft_node_number *voters,
                            unsigned count) {
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++)
        left += !loss->is_lost[voters[i] - 1] && is_left(loss, voters[i]);
    return left;
}

/* What becomes of a shard. What the topology says of its voters counts once they are settled; until
 * then its leader knows, and while they change both majorities are needed. It may lose so many if a
 * replica is left, and nobody comes back who is a majority by himself. */
struct shard_fate {
    bool is_changing, may_be_lost, has_majority;
};

static struct shard_fate fate_of(const struct loss *loss, const struct topology_shard *shard) {
    if (shard->is_settled) {
        unsigned left = replicas_left(shard, loss->is_lost);
        return (struct shard_fate){.may_be_lost = left > 0,
                                   .has_majority = left * 2 > shard->replica_count};
    }
    const struct raft_configuration *members = checks_members(loss->simulation, shard->number);
    unsigned left = voters_left(loss, members->voters, members->voter_count);
    unsigned old_left = voters_left(loss, members->old_voters, members->old_voter_count);
    bool has_old_majority =
        members->old_voter_count == 0 || old_left * 2 > members->old_voter_count;
    bool is_sole_lost = (members->voter_count == 1 && left == 0) ||
                        (members->old_voter_count == 1 && old_left == 0);
    return (struct shard_fate){.is_changing = members->old_voter_count + members->learner_count > 0,
                               .may_be_lost = left + old_left > 0 && !is_sole_lost,
                               .has_majority = left * 2 > members->voter_count && has_old_majority};
}

/* Every shard has a replica left, and one at least no majority: one whose voters change, if that is
 * what is wanted. */
static bool is_worth_it(struct loss *loss, const struct topology *topology, bool is_change_wanted) {
    bool has_lost_majority = false;
    loss->is_in_change = false;
    for (unsigned i = 0; i < topology->shard_count; i++) {
        struct shard_fate fate = fate_of(loss, &topology->shards[i]);
        if (!fate.may_be_lost)
            return false;
        has_lost_majority |= !fate.has_majority;
        loss->is_in_change |= !fate.has_majority && fate.is_changing;
    }
    return is_change_wanted ? loss->is_in_change : has_lost_majority;
}

/* While a change is under way its leader has to say who votes; and a control shard that goes on
 * from an old topology takes back what the others follow already. Losses wait for calm there:
 * recovering is for what was lost, and the guide says to look at the topology first. */
static bool is_topology_calm(const struct loss *loss, const struct topology *topology) {
    const struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < topology->shard_count; i++)
        if (!topology->shards[i].is_settled &&
            !checks_members(simulation, topology->shards[i].number))
            return false;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        const struct worker *worker = simulation->nodes[i]->threads[0].worker;
        const struct topology *known = worker ? worker_topology(worker) : NULL;
        if (!simulation->nodes[i]->is_given_up &&
            (known == NULL || known->epoch != topology->epoch))
            return false;
    }
    return true;
}

static bool draw(struct loss *loss, const struct topology *topology, bool is_change_wanted) {
    struct simulation *simulation = loss->simulation;
    for (unsigned attempt = 0; attempt < LOSS_DRAWS; attempt++) {
        uint64_t lot = random_next(&simulation->random);
        for (unsigned i = 0; i < simulation->node_count; i++)
            loss->is_lost[i] = lot >> i & 1 && !simulation->nodes[i]->is_given_up;
        if (is_worth_it(loss, topology, is_change_wanted))
            return true;
    }
    return false;
}

static void lose(struct loss *loss) {
    struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        if (!loss->is_lost[i])
            continue;
        trace_line(&simulation->trace, "fault: node %u is lost for good", i + 1);
        simulation->nodes[i]->is_given_up = true;
        sim_node_kill(simulation->nodes[i], random_chance(&simulation->random, 0.5)
                                                ? SIM_DEATH_BY_POWER
                                                : SIM_DEATH_OF_PROCESS);
    }
}

static void look_later(struct loss *loss, uint64_t most_us) {
    struct simulation *simulation = loss->simulation;
    event_schedule(&simulation->queue,
                   simulation->queue.now_us + random_between(&simulation->random, 1, most_us),
                   loss_event, loss);
}

static bool begin(struct loss *loss, bool is_change_wanted) {
    const struct topology *topology = sim_topology(loss->simulation);
    if (loss->is_under_way || topology == NULL || !is_topology_calm(loss, topology) ||
        !draw(loss, topology, is_change_wanted))
        return false;
    loss->is_under_way = true;
    loss->is_hasty = random_chance(&loss->simulation->random, LOSS_HASTY_CHANCE);
    loss->simulation->statistics.recoveries++;
    lose(loss);
    look_later(loss, LOSS_DELAY_MOST_US);
    return true;
}

bool loss_begin(struct loss *loss) { return begin(loss, false); }
bool loss_begin_in_change(struct loss *loss) { return begin(loss, true); }

/* ---- what is left, and who goes on ---- */

static bool is_everybody_up(const struct loss *loss) {
    const struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++)
        if (!simulation->nodes[i]->is_given_up &&
            (!sim_node_is_alive(simulation->nodes[i]) || !simulation->nodes[i]->threads[0].worker))
            return false;
    return true;
}

/* What a node that is left has of the shard. NULL: nothing that counts, for once it is settled who
 * votes nobody else may go on alone. */
static struct shard *replica_left(const struct loss *loss, unsigned node,
                                  const struct topology_shard *shard) {
    bool counts = !shard->is_settled || topology_shard_has_replica(shard, node + 1);
    return is_left(loss, node + 1) && counts
               ? sim_node_replica(loss->simulation->nodes[node], shard->number)
               : NULL;
}

static bool is_ahead(struct shard_place a, struct shard_place b) {
    return a.term > b.term || (a.term == b.term && a.index > b.index);
}

static struct shard_place end_of(const struct shard *replica) {
    raft_index last = raft_last_index(shard_raft(replica));
    return (struct shard_place){.index = last, .term = raft_term_at(shard_raft(replica), last)};
}

/* The most advanced one by Raft's own order (5.4.1), wanted by the topology or not, of all but
 * `but`. */
static unsigned most_advanced(const struct loss *loss, const struct topology_shard *shard,
                              unsigned but) {
    const struct simulation *simulation = loss->simulation;
    unsigned best = simulation->node_count;
    struct shard_place best_end = {0};
    for (unsigned node = 0; node < simulation->node_count; node++) {
        const struct shard *replica = replica_left(loss, node, shard);
        if (replica == NULL || node == but)
            continue;
        if (best == simulation->node_count || is_ahead(end_of(replica), best_end)) {
            best = node;
            best_end = end_of(replica);
        }
    }
    return best;
}

static unsigned survivor_of(const struct loss *loss, const struct topology_shard *shard) {
    return most_advanced(loss, shard, loss->simulation->node_count);
}

/* Does one take in a snapshot by which it will be ahead of the survivor? Then it is waited for. */
static bool is_overtaken(const struct loss *loss, const struct topology_shard *shard,
                         unsigned survivor) {
    struct shard_place end = end_of(replica_left(loss, survivor, shard));
    for (unsigned node = 0; node < loss->simulation->node_count; node++) {
        const struct shard *replica = replica_left(loss, node, shard);
        if (replica && is_ahead(shard_coming_in(replica), end)) {
            trace_line(&loss->simulation->trace,
                       "operator: node %u takes in a snapshot of shard %u: that is waited for",
                       node + 1, shard->number);
            return true;
        }
    }
    return false;
}

static bool has_entries(const struct loss *loss, unsigned node,
                        const struct topology_shard *shard) {
    return node != loss->simulation->node_count &&
           raft_last_index(shard_raft(replica_left(loss, node, shard))) > 0;
}

/* Who is named. The control shard's is asked for itself, by him who asks. */
static unsigned named_of(const struct loss *loss, const struct topology_shard *shard,
                         unsigned survivor) {
    unsigned next = most_advanced(loss, shard, survivor);
    bool is_passed_over = loss->is_hasty && shard->number != 0 && has_entries(loss, next, shard);
    return is_passed_over ? next : survivor;
}

/* A log that was away may count on a voter whose replica is gone since, or old. */
static bool is_majority_left(const struct loss *loss, const struct topology_shard *shard,
                             const raft_node_number *voters, unsigned count) {
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++)
        left += replica_left(loss, voters[i] - 1, shard) != NULL;
    return count == 0 || left * 2 > count;
}

static bool goes_on_by_itself(const struct loss *loss, const struct topology_shard *shard,
                              const struct raft *raft) {
    const struct raft_configuration *members = raft_configuration(raft);
    return is_majority_left(loss, shard, members->voters, members->voter_count) &&
           is_majority_left(loss, shard, members->old_voters, members->old_voter_count);
}

/* Its voters go on, and were to make place for nodes that are lost: they are wanted again. */
static void keep_voters(struct loss *loss, const struct topology_shard *shard,
                        const struct raft *raft) {
    const struct raft_configuration *members = raft_configuration(raft);
    unsigned nodes[SIM_NODE_MAXIMUM], count = 0;
    for (unsigned i = 0; i < members->voter_count; i++)
        if (is_left(loss, members->voters[i]))
            nodes[count++] = members->voters[i] - 1;
    sim_operator_place(loss->operator_, shard->number, nodes, count);
}

/* "0=1,1=1": who makes each shard go on. False: of some shard nothing is to be seen now. */
static bool survey(struct loss *loss, const struct topology *topology, struct buffer *choices) {
    loss->is_control_lost = false;
    for (unsigned i = 0; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        unsigned survivor = survivor_of(loss, shard);
        if (survivor == loss->simulation->node_count)
            return false;
        const struct raft *raft = shard_raft(replica_left(loss, survivor, shard));
        bool is_wanted_left = replicas_left(shard, loss->is_lost) * 2 > shard->replica_count;
        if (goes_on_by_itself(loss, shard, raft)) {
            if (!is_wanted_left)
                keep_voters(loss, shard, raft);
            continue;
        }
        if (!loss->is_hasty && is_overtaken(loss, shard, survivor))
            return false;
        unsigned named = named_of(loss, shard, survivor);
        loss_account_expect(loss->simulation, shard->number, named,
                            shard_raft(replica_left(loss, named, shard)));
        if (shard->number == 0) {
            loss->is_control_lost = true;
            loss->control_survivor = named;
        }
        buffer_append_format(choices, "%s%u=%u", choices->length ? "," : "", shard->number,
                             named + 1);
    }
    return true;
}

static void list_lost(const struct loss *loss, struct buffer *list) {
    for (unsigned i = 0; i < loss->simulation->node_count; i++)
        if (loss->is_lost[i])
            buffer_append_format(list, "%s%u", list->length ? "," : "", i + 1);
}

/* ---- having them go on ---- */

static unsigned control_leader(const struct loss *loss) {
    const struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        const struct shard *control =
            simulation->nodes[i]->is_given_up ? NULL : sim_node_replica(simulation->nodes[i], 0);
        if (control && shard_is_leader(control))
            return i;
    }
    return simulation->node_count;
}

/* Who decides for the control shard alone may not have heard what the lost ones decided last, and
 * who is left may. */
static void restore_topology(struct loss *loss, unsigned leader) {
    const struct topology *newest = sim_topology(loss->simulation);
    if (newest->level == 0)
        return; /* of a release without that */
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(newest, &encoded);
    sim_operator_ask(loss->operator_, leader,
                     (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("TOPOLOGY"),
                                            buffer_bytes(&encoded)},
                     3);
    buffer_release(&encoded);
}

static void tell(struct loss *loss, const struct buffer *choices) {
    struct simulation *simulation = loss->simulation;
    unsigned leader = control_leader(loss);
    if (leader == simulation->node_count && loss->is_control_lost) {
        trace_line(&simulation->trace, "operator: node %u is to decide for the control shard alone",
                   loss->control_survivor + 1);
        sim_operator_ask(loss->operator_, loss->control_survivor,
                         (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("RECOVER")},
                         2);
    }
    if (leader == simulation->node_count)
        return;
    restore_topology(loss, leader);
    struct buffer list;
    buffer_init(&list, LOSS_LIST_BYTES);
    list_lost(loss, &list);
    trace_line(&simulation->trace, "operator: node %u is told that %.*s are lost; %.*s go on",
               leader + 1, BYTES_PRINT(buffer_bytes(&list)), BYTES_PRINT(buffer_bytes(choices)));
    sim_operator_ask(loss->operator_, leader,
                     (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("LOST"),
                                            buffer_bytes(&list), buffer_bytes(choices)},
                     4);
    buffer_release(&list);
}

/* One of those that were given up was not as dead as it seemed. More would be a majority of what
 * once was, and serve until they hear: that is what the operator was warned of. */
static void end(struct loss *loss) {
    struct simulation *simulation = loss->simulation;
    loss->is_under_way = false;
    trace_line(&simulation->trace, "operator: what was lost is given up");
    situations_majority_recovered(simulation, loss->is_in_change);
    for (unsigned i = 0; i < simulation->node_count; i++)
        if (loss->is_lost[i]) {
            comeback_later(simulation, i,
                           random_between(&simulation->random, 1, LOSS_RETURN_MOST_US));
            return;
        }
}

static bool lists_lost(const struct loss *loss, const struct topology *topology) {
    for (unsigned i = 0; i < loss->simulation->node_count; i++)
        if (loss->is_lost[i] && topology_node(topology, i + 1))
            return true;
    return false;
}

/* One who is left and has not heard who is lost would still vote with him. */
static bool has_everybody_heard(const struct loss *loss) {
    const struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        const struct worker *worker = simulation->nodes[i]->threads[0].worker;
        const struct topology *known = worker ? worker_topology(worker) : NULL;
        if (!simulation->nodes[i]->is_given_up && (known == NULL || lists_lost(loss, known)))
            return false;
    }
    return true;
}

static void go_on(struct loss *loss, const struct topology *topology) {
    struct buffer choices;
    buffer_init(&choices, LOSS_LIST_BYTES);
    if (is_everybody_up(loss) && survey(loss, topology, &choices))
        tell(loss, &choices);
    buffer_release(&choices);
}

static void loss_event(struct event *event) {
    struct loss *loss = event->context;
    const struct topology *topology = sim_topology(loss->simulation);
    bool is_noted = topology && !lists_lost(loss, topology);
    if (is_noted && has_everybody_heard(loss)) {
        end(loss);
        return;
    }
    if (topology && !is_noted)
        go_on(loss, topology);
    look_later(loss, LOSS_POLL_US);
}
