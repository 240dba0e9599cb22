/* When what the shards of a worker gathered becomes entries. They share a log and a stream to each
 * peer, so an entry that goes alone costs every node a sync and a message of its own. Three
 * bargains, the first two struck by the disk's clock, see to it that entries go together:
 *
 * - While the last entry of a shard led here is awaited (shard_is_awaited), no other shard begins
 *   one either: who asked several shards at once waits for the last of them anyway.
 * - While the log writes for shards that others lead, what is gathered waits for the end of that
 *   round. It could not be written here before, and it then joins what came of the others
 *   meanwhile. A disk that takes its time holds nobody up: the followers may commit without it.
 * - Once all that was proposed here is answered, what is gathered waits for those who were
 *   (crowd.c). */
#include "replica/shards/rounds.h"

#include "raft/raft.h"
#include "replica/shards/crowd.h"
#include "replica/shards/rendezvous.h"
#include "replica/state/state.h"
#include "worker/observe.h"
#include "worker/worker.h"

enum { ROUNDS_WAIT_US = 5000 };

static void note(struct shard_rounds *rounds, uint32_t number, enum shard_round_state state) {
    enum shard_round_state *now = &rounds->states[number];
    rounds->awaited_count -= *now == SHARD_ROUND_AWAITED;
    rounds->followed_count -= *now == SHARD_ROUND_FOLLOWED;
    *now = state;
    rounds->awaited_count += *now == SHARD_ROUND_AWAITED;
    rounds->followed_count += *now == SHARD_ROUND_FOLLOWED;
}

static enum shard_round_state state_of(const struct shard *shard) {
    if (!shard_is_leader(shard))
        return shard_awaits_log(shard) ? SHARD_ROUND_FOLLOWED : SHARD_ROUND_NONE;
    return shard_is_awaited(shard) ? SHARD_ROUND_AWAITED : SHARD_ROUND_NONE;
}

static struct crowd_demand demand_of(const struct shard *shard) {
    return (struct crowd_demand){.under_way_count = shard_under_way_count(shard),
                                 .gathered_count = shard_gathered_count(shard),
                                 .gathered_bytes = shard_batch_bytes(shard)};
}

static void note_demand(struct shard_rounds *rounds, uint32_t number, struct crowd_demand now) {
    struct crowd_demand *then = &rounds->demands[number], *all = &rounds->demand;
    if (now.under_way_count < then->under_way_count)
        crowd_answered(&rounds->crowd, then->under_way_count - now.under_way_count);
    all->under_way_count += now.under_way_count - then->under_way_count;
    all->gathered_count += now.gathered_count - then->gathered_count;
    all->gathered_bytes += now.gathered_bytes - then->gathered_bytes;
    *then = now;
}

void rounds_note(struct worker *worker, uint32_t number) {
    struct shard_rounds *rounds = &worker->hosting->rounds;
    const struct shard *shard = worker->shards[number];
    note_demand(rounds, number, shard ? demand_of(shard) : (struct crowd_demand){0});
    note(rounds, number, shard ? state_of(shard) : SHARD_ROUND_NONE);
    if (shard && shard_batch_count(shard) > 0 && !rounds->is_gathering[number]) {
        rounds->is_gathering[number] = true;
        rounds->has_log_round_ended &= rounds->gathering_count > 0;
        rounds->gathering[rounds->gathering_count++] = number;
    }
}

static bool is_log_busy_with_others(const struct worker *worker) {
    const struct shard_rounds *rounds = &worker->hosting->rounds;
    return rounds->followed_count > 0 && !rounds->has_log_round_ended &&
           wal_is_writing(worker->wal) && wal_sync_us(worker->wal) <= ROUNDS_WAIT_US;
}

static void look_again(struct shard_rounds *rounds, uint64_t at_us) {
    if (at_us < rounds->look_again_us)
        rounds->look_again_us = at_us;
}

/* Some of what had been gathered became entries. */
static void note_begun(struct worker *worker, uint32_t gathered_count) {
    struct crowd *crowd = &worker->hosting->rounds.crowd;
    enum bet bet = crowd_round_begins(crowd, worker_now_us(worker), gathered_count);
    if (bet != BET_NONE)
        observe_crowd_return(worker, bet == BET_WON);
}

static void end_turns(struct worker *worker, enum shard_company company) {
    struct shard_rounds *rounds = &worker->hosting->rounds;
    uint32_t gathered_count = rounds->demand.gathered_count;
    unsigned kept = 0;
    for (unsigned i = 0; i < rounds->gathering_count; i++) {
        uint32_t number = rounds->gathering[i];
        struct shard *shard = worker->shards[number];
        if (shard)
            shard_end_turn(shard, company);
        rounds->is_gathering[number] = shard && shard_batch_count(shard) > 0;
        if (rounds->is_gathering[number]) {
            rounds->gathering[kept++] = number;
            look_again(rounds, shard_batch_due_us(shard));
        }
    }
    if (kept < rounds->gathering_count)
        note_begun(worker, gathered_count);
    rounds->gathering_count = kept;
}

void rounds_begin(struct worker *worker) {
    struct shard_rounds *rounds = &worker->hosting->rounds;
    if (rounds->gathering_count == 0 && rounds->crowd.answered_count == 0)
        return;
    uint64_t now_us = worker_now_us(worker);
    uint64_t crowd_until_us = crowd_waits_until_us(&rounds->crowd, now_us, &rounds->demand);
    bool is_log_busy = rounds->gathering_count > 0 && is_log_busy_with_others(worker);
    bool is_held = rounds->awaited_count > 0 || is_log_busy || crowd_until_us > 0;
    enum shard_company company = is_held                        ? SHARD_HELD
                                 : rounds->gathering_count == 1 ? SHARD_ALONE
                                                                : SHARD_AMONG;
    rounds->look_again_us = UINT64_MAX;
    end_turns(worker, company);
    if (rounds->gathering_count > 0 && crowd_until_us > 0)
        look_again(rounds, crowd_until_us);
    if (rounds->gathering_count > 0 && is_log_busy)
        look_again(rounds, now_us + ROUNDS_WAIT_US);
}

void rounds_log_round_ended(struct worker *worker) {
    worker->hosting->rounds.has_log_round_ended = true;
}

/* Commands that wait here for their answers, or were just answered and may be back soon. */
static uint32_t present_count(const struct shard_rounds *rounds) {
    return rounds->demand.under_way_count + rounds->demand.gathered_count +
           rounds->crowd.answered_count;
}

/* Of a few commands each would rather be on disk at once. */
uint64_t rounds_save_waits_until_us(void *context, const struct shard *shard) {
    struct worker *worker = context;
    struct shard_rounds *rounds = &worker->hosting->rounds;
    bool is_wanted = present_count(rounds) >= SHARD_CROWD_COMMANDS;
    uint64_t round = wal_round_begun(worker->wal);
    enum bet bet = rendezvous_turn_to(&rounds->rendezvous, round);
    if (bet != BET_NONE)
        observe_rendezvous(worker, bet == BET_WON);
    const struct rendezvous_arrival arrival = {
        .node = raft_leader(shard_raft(shard)),
        .now_us = worker->turn_us,
        .most_us = is_wanted ? (uint64_t)worker->config.wal_gather_us : 0};
    return rendezvous_waits_until_us(&rounds->rendezvous, &arrival);
}
