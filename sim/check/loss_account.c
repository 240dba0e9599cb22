#include "sim/check/loss_account.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/check/past.h"
#include "sim/cluster/node.h"

enum {
    /* A refusal after so long may be of a command that is in a log. */
    SLOW_REFUSAL_US = 20000,
    /* Raft's RECOVERY_TERMS are more: nothing else makes a term rise so far. */
    TERMS_LEAST = 1 << 19
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

struct loss_account {
    struct answer *answers;
    size_t count, capacity;
    unsigned shard_count;
    struct shard_loss *shards;
    struct topology *founded; /* for its slots; NULL: none was seen yet */
};

struct loss_account *loss_account_new(unsigned shard_count) {
    struct loss_account *account = memory_allocate_zeroed(1, sizeof *account);
    account->shard_count = shard_count;
    account->shards = memory_allocate_zeroed(shard_count, sizeof *account->shards);
    return account;
}

void loss_account_free(struct loss_account *account) {
    if (account == NULL)
        return;
    memory_free(account->answers);
    memory_free(account->shards);
    topology_free(account->founded);
    memory_free(account);
}

/* ---- what was answered ---- */

static void add(struct loss_account *account, struct answer answer) {
    if (account->count == account->capacity) {
        account->capacity = account->capacity ? account->capacity * 2 : 1024;
        account->answers =
            memory_resize(account->answers, account->capacity * sizeof *account->answers);
    }
    account->answers[account->count++] = answer;
}

/* Slots stay where they were founded. */
static uint32_t shard_of(const struct simulation *simulation, const struct operation *operation) {
    struct loss_account *account = simulation->loss_account;
    if (account->founded == NULL) {
        const struct topology *topology = sim_topology(simulation);
        if (topology == NULL)
            return 0;
        account->founded = topology_copy(topology);
    }
    return sim_operation_shard(account->founded, operation);
}

/* What was applied at the node that answered is known if it is up: else it rests on anything. */
void loss_account_answered(struct simulation *simulation, unsigned node,
                           const struct operation *operation, uint64_t number) {
    if (simulation->loss_account == NULL)
        return;
    struct answer answer = {.number = number, .shard = shard_of(simulation, operation)};
    const struct shard *replica = sim_node_replica(simulation->nodes[node], answer.shard);
    answer.index = replica ? shard_applied_index(replica) : UINT64_MAX;
    add(simulation->loss_account, answer);
}

void loss_account_refused(struct simulation *simulation, const struct operation *operation,
                          uint64_t number) {
    if (simulation->loss_account &&
        simulation->queue.now_us - operation->invoked_us > SLOW_REFUSAL_US)
        add(simulation->loss_account, (struct answer){.number = number,
                                                      .shard = shard_of(simulation, operation),
                                                      .is_refusal = true});
}

/* ---- who goes on alone ---- */

void loss_account_expect(struct simulation *simulation, uint32_t shard, unsigned survivor,
                         const struct raft *raft) {
    struct shard_loss *lost = &simulation->loss_account->shards[shard];
    if (lost->is_alone && lost->survivor == survivor)
        return; /* it goes on already */
    uint64_t from = checks_first_lost(simulation, shard, raft);
    *lost = (struct shard_loss){.is_awaited = true,
                                .survivor = survivor,
                                .term = raft_current_term(raft),
                                .kept_until = from - 1};
}

/* A command that another leader's entry took the place of was refused for good, and is executed
 * all the same if the replica that goes on is one that has not heard of that. */
static void doubt(struct simulation *simulation, uint32_t shard, uint64_t from,
                  bool has_other_entries) {
    const struct loss_account *account = simulation->loss_account;
    for (size_t i = 0; i < account->count; i++) {
        const struct answer *answer = &account->answers[i];
        if (answer->shard == shard &&
            (answer->is_refusal ? has_other_entries : answer->index >= from)) {
            history_doubt(&simulation->history, answer->number);
            simulation->statistics.answers_doubted++;
        }
    }
}

static void goes_on_alone(struct simulation *simulation, uint32_t number, const struct raft *raft) {
    struct shard_loss *lost = &simulation->loss_account->shards[number];
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
    doubt(simulation, number, from, has_other_entries);
    checks_forget(simulation, number, from, raft_current_term(raft));
    past_forget(simulation, number, from);
}

void loss_account_after_turn(struct simulation *simulation, struct sim_thread *thread) {
    struct loss_account *account = simulation->loss_account;
    if (account == NULL)
        return;
    for (uint32_t number = thread->index; number < account->shard_count;
         number += simulation->worker_count) {
        struct shard_loss *lost = &account->shards[number];
        struct shard *shard = worker_shard(thread->worker, number);
        if (!lost->is_awaited || lost->survivor != thread->node->index || shard == NULL ||
            raft_current_term(shard_raft(shard)) < lost->term + TERMS_LEAST)
            continue;
        if (!lost->is_alone)
            goes_on_alone(simulation, number, shard_raft(shard));
        lost->is_awaited = lost->is_alone = !shard_is_leader(shard);
    }
}

/* What it had not synced may be lost, that it goes on alone too. */
void loss_account_node_died(struct simulation *simulation, unsigned node) {
    struct loss_account *account = simulation->loss_account;
    for (uint32_t number = 0; account && number < account->shard_count; number++)
        if (account->shards[number].is_awaited && account->shards[number].survivor == node) {
            account->shards[number].is_alone = false;
            account->shards[number].kept_until = 0;
        }
}
