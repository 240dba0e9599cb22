#include "sim/loss.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "shard/shard.h"
#include "sim/checks.h"
#include "sim/node.h"
#include "sim/operator.h"
#include <stdio.h>

enum {
    LOSS_DRAWS = 8,
    LOSS_DELAY_MOST_US = 4000000, /* until the operator is there */
    LOSS_POLL_US = 300000,
    LOSS_RETURN_MOST_US = 8000000,
    LOSS_LIST_BYTES = 1024,
    /* A refusal after so long may be of a command that is in a log. */
    LOSS_SLOW_REFUSAL_US = 20000,
    /* Raft's RECOVERY_TERMS are more: nothing else makes a term rise so far. */
    LOSS_TERMS_LEAST = 1 << 19
};

struct answer {
    uint64_t number; /* in the history */
    uint32_t shard;
    bool is_refusal;
    uint64_t index; /* what it rests on */
};

/* A shard that lost its majority, until the replica that goes on leads it. */
struct shard_loss {
    bool is_awaited, is_alone; /* it is alone in its log, and not yet elected by that */
    unsigned survivor;
    uint64_t term;       /* of the survivor when it was chosen */
    uint64_t kept_until; /* the survivor had all that was committed up to here; 0: it died since */
};

struct loss {
    struct simulation *simulation;
    struct sim_operator *operator_;
    struct answer *answers;
    size_t count, capacity;
    struct shard_loss *shards;
    struct topology *founded; /* for its slots; NULL: none was seen yet */
    bool is_under_way, is_control_lost;
    bool is_lost[SIM_NODE_MAXIMUM]; /* by the loss under way */
};

static event_run loss_event, loss_return_event;

struct loss *loss_new(struct simulation *simulation) {
    struct loss *loss = memory_allocate_zeroed(1, sizeof *loss);
    loss->simulation = simulation;
    loss->operator_ = sim_operator_new(simulation, NULL);
    loss->shards = memory_allocate_zeroed(simulation->shard_count + 1, sizeof *loss->shards);
    return loss;
}

void loss_free(struct loss *loss) {
    if (loss == NULL)
        return;
    sim_operator_free(loss->operator_);
    memory_free(loss->answers);
    memory_free(loss->shards);
    topology_free(loss->founded);
    memory_free(loss);
}

static struct shard *replica_on(const struct loss *loss, unsigned node, uint32_t number) {
    const struct simulation *simulation = loss->simulation;
    struct worker *worker =
        simulation->nodes[node]->threads[number % simulation->worker_count].worker;
    return worker ? worker_shard(worker, number) : NULL;
}

/* ---- who is lost ---- */

static unsigned replicas_left(const struct topology_shard *shard,
                              const bool is_lost[SIM_NODE_MAXIMUM]) {
    unsigned left = 0;
    for (unsigned i = 0; i < shard->replica_count; i++)
        left += !is_lost[shard->replicas[i] - 1];
    return left;
}

/* Every shard has a replica left, and one at least no majority. */
static bool is_worth_it(const struct topology *topology, const bool is_lost[SIM_NODE_MAXIMUM]) {
    bool has_lost_majority = false;
    for (unsigned i = 0; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        unsigned left = replicas_left(shard, is_lost);
        if (left == 0)
            return false;
        has_lost_majority |= left * 2 <= shard->replica_count;
    }
    return has_lost_majority;
}

/* While a change is under way, who votes is not what the topology says; and a control shard that
 * goes on from an old topology takes back what the others follow already. Losses wait for calm
 * there: recovering is for what was lost, and the guide says to look at the topology first. */
static bool is_topology_calm(const struct loss *loss, const struct topology *topology) {
    const struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < topology->shard_count; i++)
        if (!topology->shards[i].is_settled)
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

static bool draw(struct loss *loss, const struct topology *topology) {
    struct simulation *simulation = loss->simulation;
    for (unsigned attempt = 0; attempt < LOSS_DRAWS; attempt++) {
        uint64_t lot = random_next(&simulation->random);
        for (unsigned i = 0; i < simulation->node_count; i++)
            loss->is_lost[i] = lot >> i & 1 && !simulation->nodes[i]->is_given_up;
        if (is_worth_it(topology, loss->is_lost))
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

void loss_begin(struct loss *loss) {
    const struct topology *topology = sim_operator_topology(loss->simulation);
    if (loss->is_under_way || topology == NULL || !is_topology_calm(loss, topology) ||
        !draw(loss, topology))
        return;
    loss->is_under_way = true;
    loss->simulation->statistics.recoveries++;
    lose(loss);
    look_later(loss, LOSS_DELAY_MOST_US);
}

/* ---- what is left, and who goes on ---- */

static bool is_everybody_up(const struct loss *loss) {
    const struct simulation *simulation = loss->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++)
        if (!simulation->nodes[i]->is_given_up &&
            (!sim_node_is_alive(simulation->nodes[i]) || !simulation->nodes[i]->threads[0].worker))
            return false;
    return true;
}

static bool is_left(const struct loss *loss, raft_node_number node) {
    return !loss->simulation->nodes[node - 1]->is_given_up;
}

/* The most advanced one by Raft's own order (5.4.1), wanted by the topology or not. */
static unsigned survivor_of(const struct loss *loss, uint32_t number) {
    const struct simulation *simulation = loss->simulation;
    unsigned best = simulation->node_count;
    raft_term best_term = 0;
    raft_index best_index = 0;
    for (unsigned node = 0; node < simulation->node_count; node++) {
        struct shard *replica = is_left(loss, node + 1) ? replica_on(loss, node, number) : NULL;
        if (replica == NULL)
            continue;
        raft_index index = raft_last_index(shard_raft(replica));
        raft_term term = raft_term_at(shard_raft(replica), index);
        if (best == simulation->node_count || term > best_term ||
            (term == best_term && index > best_index)) {
            best = node;
            best_term = term;
            best_index = index;
        }
    }
    return best;
}

static bool is_majority_left(const struct loss *loss, const raft_node_number *voters,
                             unsigned count) {
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++)
        left += is_left(loss, voters[i]);
    return count == 0 || left * 2 > count;
}

static bool goes_on_by_itself(const struct loss *loss, const struct raft *raft) {
    const struct raft_configuration *members = raft_configuration(raft);
    return is_majority_left(loss, members->voters, members->voter_count) &&
           is_majority_left(loss, members->old_voters, members->old_voter_count);
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

static void choose(struct loss *loss, const struct topology_shard *shard, unsigned survivor) {
    struct shard_loss *lost = &loss->shards[shard->number];
    const struct raft *raft = shard_raft(replica_on(loss, survivor, shard->number));
    if (lost->is_alone && lost->survivor == survivor)
        return; /* it goes on already */
    uint64_t from = checks_first_lost(loss->simulation, shard->number, raft);
    *lost = (struct shard_loss){.is_awaited = true,
                                .survivor = survivor,
                                .term = raft_current_term(raft),
                                .kept_until = from - 1};
}

/* "0=1,1=1": who makes each shard go on. False: of some shard nothing is to be seen now. */
static bool survey(struct loss *loss, const struct topology *topology, struct buffer *choices) {
    loss->is_control_lost = false;
    for (unsigned i = 0; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        unsigned survivor = survivor_of(loss, shard->number);
        if (survivor == loss->simulation->node_count)
            return false;
        const struct raft *raft = shard_raft(replica_on(loss, survivor, shard->number));
        bool is_wanted_left = replicas_left(shard, loss->is_lost) * 2 > shard->replica_count;
        if (goes_on_by_itself(loss, raft)) {
            if (!is_wanted_left)
                keep_voters(loss, shard, raft);
            continue;
        }
        choose(loss, shard, survivor);
        loss->is_control_lost |= shard->number == 0;
        buffer_append_format(choices, "%s%u=%u", choices->length ? "," : "", shard->number,
                             survivor + 1);
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
            simulation->nodes[i]->is_given_up ? NULL : replica_on(loss, i, 0);
        if (control && shard_is_leader(control))
            return i;
    }
    return simulation->node_count;
}

static void tell(struct loss *loss, const struct buffer *choices) {
    struct simulation *simulation = loss->simulation;
    unsigned leader = control_leader(loss);
    if (leader == simulation->node_count && loss->is_control_lost) {
        unsigned survivor = loss->shards[0].survivor;
        trace_line(&simulation->trace, "operator: node %u is to decide for the control shard alone",
                   survivor + 1);
        sim_operator_ask(loss->operator_, survivor,
                         (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("RECOVER")},
                         2);
    }
    if (leader == simulation->node_count)
        return;
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
    for (unsigned i = 0; i < simulation->node_count; i++)
        if (loss->is_lost[i]) {
            uint64_t away_us = random_between(&simulation->random, 1, LOSS_RETURN_MOST_US);
            event_schedule(&simulation->queue, simulation->queue.now_us + away_us,
                           loss_return_event, loss)
                ->number = i;
            return;
        }
}

static void loss_return_event(struct event *event) {
    struct loss *loss = event->context;
    struct sim_node *node = loss->simulation->nodes[event->number];
    if (loss->simulation->phase < PHASE_LAST_READS && !node->is_up)
        sim_node_start(node);
}

static bool is_told(const struct loss *loss, const struct topology *topology) {
    for (unsigned i = 0; i < loss->simulation->node_count; i++)
        if (loss->is_lost[i] && topology_node(topology, i + 1))
            return false;
    return true;
}

static void loss_event(struct event *event) {
    struct loss *loss = event->context;
    const struct topology *topology = sim_operator_topology(loss->simulation);
    if (topology && is_told(loss, topology)) {
        end(loss);
        return;
    }
    struct buffer choices;
    buffer_init(&choices, LOSS_LIST_BYTES);
    if (topology && is_everybody_up(loss) && survey(loss, topology, &choices))
        tell(loss, &choices);
    buffer_release(&choices);
    look_later(loss, LOSS_POLL_US);
}

/* ---- what is lost by it ---- */

static void add(struct loss *loss, struct answer answer) {
    if (loss->count == loss->capacity) {
        loss->capacity = loss->capacity ? loss->capacity * 2 : 1024;
        loss->answers = memory_resize(loss->answers, loss->capacity * sizeof *loss->answers);
    }
    loss->answers[loss->count++] = answer;
}

/* Slots stay where they were founded. */
static uint32_t shard_of(struct loss *loss, const struct operation *operation) {
    char name[32];
    if (loss->founded == NULL) {
        const struct topology *topology = sim_operator_topology(loss->simulation);
        if (topology == NULL)
            return 0;
        loss->founded = topology_copy(topology);
    }
    operation_key_name(operation->key, operation_kind_facts(operation->kind)->is_hash, name);
    return loss->founded->slot_owner[slot_of_key(bytes_of_text(name))];
}

/* What was applied at the node that answered is known if it is up: else it rests on anything. */
void loss_answered(struct loss *loss, unsigned node, const struct operation *operation,
                   uint64_t number) {
    if (loss == NULL)
        return;
    struct answer answer = {.number = number, .shard = shard_of(loss, operation)};
    const struct shard *replica = replica_on(loss, node, answer.shard);
    answer.index = replica ? shard_applied_index(replica) : UINT64_MAX;
    add(loss, answer);
}

void loss_refused(struct loss *loss, const struct operation *operation, uint64_t number) {
    if (loss && loss->simulation->queue.now_us - operation->invoked_us > LOSS_SLOW_REFUSAL_US)
        add(loss, (struct answer){
                      .number = number, .shard = shard_of(loss, operation), .is_refusal = true});
}

/* A command that another leader's entry took the place of was refused for good, and is executed
 * all the same if the replica that goes on is one that has not heard of that. */
static void doubt(struct loss *loss, uint32_t shard, uint64_t from, bool has_other_entries) {
    for (size_t i = 0; i < loss->count; i++) {
        const struct answer *answer = &loss->answers[i];
        if (answer->shard == shard &&
            (answer->is_refusal ? has_other_entries : answer->index >= from)) {
            history_doubt(&loss->simulation->history, answer->number);
            loss->simulation->statistics.answers_doubted++;
        }
    }
}

static void goes_on_alone(struct loss *loss, uint32_t number, const struct raft *raft) {
    struct simulation *simulation = loss->simulation;
    struct shard_loss *lost = &loss->shards[number];
    uint64_t from = checks_first_lost(simulation, number, raft);
    if (from <= lost->kept_until)
        simulation_fail(simulation,
                        "shard %u: node %u goes on alone without entry %llu, which was committed "
                        "and which it had",
                        number, lost->survivor + 1, (unsigned long long)from);
    const struct raft_entry *entry = raft_entry_at(raft, from);
    bool has_other_entries = entry && entry->term < raft_current_term(raft);
    trace_line(&simulation->trace,
               "shard %u: node %u goes on alone; lost is what was committed from %llu on", number,
               lost->survivor + 1, (unsigned long long)from);
    doubt(loss, number, from, has_other_entries);
    checks_forget(simulation, number, from);
}

void loss_after_turn(struct loss *loss, struct sim_thread *thread) {
    if (loss == NULL)
        return;
    for (uint32_t number = thread->index; number <= loss->simulation->shard_count;
         number += loss->simulation->worker_count) {
        struct shard_loss *lost = &loss->shards[number];
        struct shard *shard = worker_shard(thread->worker, number);
        if (!lost->is_awaited || lost->survivor != thread->node->index || shard == NULL ||
            raft_current_term(shard_raft(shard)) < lost->term + LOSS_TERMS_LEAST)
            continue;
        if (!lost->is_alone)
            goes_on_alone(loss, number, shard_raft(shard));
        lost->is_awaited = lost->is_alone = !shard_is_leader(shard);
    }
}

/* What it had not synced may be lost, that it goes on alone too. */
void loss_node_died(struct loss *loss, unsigned node) {
    if (loss == NULL)
        return;
    for (uint32_t number = 0; number <= loss->simulation->shard_count; number++)
        if (loss->shards[number].is_awaited && loss->shards[number].survivor == node) {
            loss->shards[number].is_alone = false;
            loss->shards[number].kept_until = 0;
        }
}
