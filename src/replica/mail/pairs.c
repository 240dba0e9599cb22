/* Quiet shards between this worker and those of other nodes (raft/parts/pair.h): the heartbeats
 * that stand in for theirs, and waking them. Shard n is with worker n mod its count on either node,
 * so each of our workers has one pair with each worker of a peer that it shares shards with.
 *
 *      turn's end   -- pairs_end_turn: a heartbeat for each pair that leads, when it is due -->
 *      batch comes  -- after its Raft messages: pairs_receive_heartbeat, _reply
 *      woken        -- the peer's stream lost, sets unequal, silence: all shards of that pair
 *
 * Many shards wake some at a time, so that a thousand of them neither campaign nor send in one
 * turn. The protocol of a pair of nodes is the lower of what both speak; every batch says it. */
#include "replica/mail/pairs.h"

#include "base/check.h"
#include "base/memory.h"
#include "replica/mail/outbox.h"
#include "replica/state/state.h"
#include "wire/peer_message.h"
#include "worker/observe.h"
#include "worker/worker.h"

enum {
    PROTOCOL_WITH_QUIET_SHARDS = 2,
    WAKE_AT_ONCE_MAXIMUM = 64, /* shards a step */
    WAKE_STEP_US = 1000
};

static struct raft_timing timing_of(const struct worker *worker) {
    uint64_t setting_us = (uint64_t)worker->config.election_timeout_ms * 1000;
    uint64_t longest_us = worker->hosting->election_timeout_us;
    return shard_timing(&worker->config, &worker->promise.most_us,
                        longest_us > setting_us ? longest_us : setting_us);
}

/* ---- who speaks what ---- */

static struct peer_pairs *pairs_with(struct worker *worker, uint32_t node) {
    if (node >= worker->hosting->peer_pairs_count) {
        unsigned count = node + 1;
        worker->hosting->peer_pairs =
            memory_resize(worker->hosting->peer_pairs, count * sizeof *worker->hosting->peer_pairs);
        memset(worker->hosting->peer_pairs + worker->hosting->peer_pairs_count, 0,
               (count - worker->hosting->peer_pairs_count) * sizeof *worker->hosting->peer_pairs);
        worker->hosting->peer_pairs_count = count;
    }
    return &worker->hosting->peer_pairs[node];
}

uint32_t pairs_protocol(const struct worker *worker, uint32_t node) {
    return node < worker->hosting->peer_pairs_count ? worker->hosting->peer_pairs[node].protocol
                                                    : 0;
}

struct raft_pair *pairs_of(void *context, unsigned shard, raft_node_number peer) {
    struct worker *worker = context;
    if (pairs_protocol(worker, peer) < PROTOCOL_WITH_QUIET_SHARDS)
        return NULL;
    struct peer_pairs *with = &worker->hosting->peer_pairs[peer];
    struct raft_pair **pair = &with->pairs[shard % with->worker_count];
    if (!*pair) {
        *pair = memory_allocate_zeroed(1, sizeof **pair);
        (*pair)->is_able = true;
    }
    return *pair;
}

static void set_able(struct peer_pairs *with, bool is_able) {
    for (unsigned i = 0; i < WORKER_MAXIMUM; i++)
        if (with->pairs[i])
            with->pairs[i]->is_able = is_able;
}

void pairs_release(struct worker *worker) {
    for (unsigned node = 0; node < worker->hosting->peer_pairs_count; node++)
        for (unsigned i = 0; i < WORKER_MAXIMUM; i++)
            memory_free(worker->hosting->peer_pairs[node].pairs[i]);
    memory_free(worker->hosting->peer_pairs);
}

/* ---- waking ---- */

static void wake(struct worker *worker, uint32_t number) {
    struct waking *waking = &worker->hosting->waking;
    uint32_t lost_node = waking->lost_node[number];
    struct shard *shard = worker->shards[number];
    waking->is_waiting[number] = false;
    waking->lost_node[number] = 0;
    if (!shard)
        return;
    if (lost_node)
        shard_peer_lost(shard, lost_node);
    else if (raft_is_quiet(shard_raft(shard)))
        shard_wake(shard);
}

static void wake_some(struct worker *worker, uint64_t now_us) {
    struct waking *waking = &worker->hosting->waking;
    for (unsigned i = 0; i < WAKE_AT_ONCE_MAXIMUM && waking->count > 0; i++) {
        uint32_t number = waking->shards[waking->first];
        waking->first = (waking->first + 1) % WORKER_SHARD_MAXIMUM;
        waking->count--;
        wake(worker, number);
    }
    waking->next_us = now_us + WAKE_STEP_US;
}

static void wake_soon(struct worker *worker, uint32_t number, uint32_t lost_node) {
    struct waking *waking = &worker->hosting->waking;
    if (lost_node)
        waking->lost_node[number] = lost_node;
    if (!waking->is_waiting[number]) {
        CHECK(waking->count < WORKER_SHARD_MAXIMUM);
        waking->is_waiting[number] = true;
        waking->shards[(waking->first + waking->count++) % WORKER_SHARD_MAXIMUM] = number;
    }
}

/* Quiet together with that node: led from there, or here. */
static bool is_quiet_with(const struct shard *shard, uint32_t node) {
    const struct raft *raft = shard_raft(shard);
    return raft_is_quiet(raft) && (shard_is_leader(shard) || raft_leader(raft) == node);
}

static void wake_pair(struct worker *worker, uint32_t node, uint32_t their_worker, bool is_led) {
    const struct peer_pairs *with = &worker->hosting->peer_pairs[node];
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        uint32_t number = worker->hosted[i];
        const struct shard *shard = worker->shards[number];
        if (number % with->worker_count == their_worker && is_quiet_with(shard, node) &&
            shard_is_leader(shard) == is_led)
            wake_soon(worker, number, 0);
    }
}

/* Shards that are awake hear of it at once. */
void pairs_lost(struct worker *worker, uint32_t node) {
    struct peer_pairs *with = pairs_with(worker, node);
    with->protocol = 0;
    set_able(with, false);
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        uint32_t number = worker->hosted[i];
        if (is_quiet_with(worker->shards[number], node))
            wake_soon(worker, number, node);
        else
            shard_peer_lost(worker->shards[number], node);
    }
    wake_some(worker, worker_now_us(worker));
}

/* Another program runs there now, though no stream was seen to end. */
static void wake_all_pairs(struct worker *worker, uint32_t node) {
    for (uint32_t i = 0; i < worker->hosting->peer_pairs[node].worker_count; i++) {
        wake_pair(worker, node, i, true);
        wake_pair(worker, node, i, false);
    }
    wake_some(worker, worker_now_us(worker));
}

void pairs_heard(struct worker *worker, uint32_t node, uint32_t protocol, uint32_t worker_count) {
    uint32_t ours = (uint32_t)worker->config.peer_protocol_maximum;
    uint32_t agreed = protocol < ours ? protocol : ours;
    if (worker_count == 0 || worker_count > WORKER_MAXIMUM)
        agreed = 1;
    struct peer_pairs *with = pairs_with(worker, node);
    bool is_able = agreed >= PROTOCOL_WITH_QUIET_SHARDS;
    if (with->protocol == agreed && (!is_able || with->worker_count == worker_count))
        return;
    if (with->protocol >= PROTOCOL_WITH_QUIET_SHARDS)
        wake_all_pairs(worker, node);
    with->protocol = agreed;
    if (is_able)
        with->worker_count = worker_count;
    set_able(with, is_able);
}

/* ---- heartbeats, out ---- */

/* From a worker of one node to one of another. */
struct pair_link {
    uint32_t node, from_worker, to_worker;
};

static void send_heartbeat(struct worker *worker, const struct pair_link *link,
                           const struct raft_pair_heartbeat *heartbeat) {
    struct peer_pair_heartbeat head = {.from_worker = link->from_worker,
                                       .to_worker = link->to_worker,
                                       .life = heartbeat->life,
                                       .context = heartbeat->context,
                                       .shard_count = heartbeat->quiet.count,
                                       .shard_hash = heartbeat->quiet.hash};
    struct buffer *batch = outbox_to(worker, link->node, 0);
    if (batch)
        peer_pair_heartbeat_append(batch, &head);
}

static void send_reply(struct worker *worker, const struct pair_link *link,
                       const struct raft_pair_reply *reply) {
    struct peer_pair_reply head = {.from_worker = link->from_worker,
                                   .to_worker = link->to_worker,
                                   .life = reply->life,
                                   .context = reply->context,
                                   .is_equal = reply->is_equal,
                                   .promise_us = reply->promise_us};
    struct buffer *batch = outbox_to(worker, link->node, 0);
    if (batch)
        peer_pair_reply_append(batch, &head);
}

static void beat(struct worker *worker, uint32_t node, uint32_t their_worker, uint64_t now_us) {
    const struct raft_pair *pair = worker->hosting->peer_pairs[node].pairs[their_worker];
    if (!pair || pair->led.count == 0)
        return;
    struct raft_pair_heartbeat heartbeat =
        raft_pair_heartbeat_make(pair, worker->identity.generation, now_us);
    struct pair_link link = {.node = node, .from_worker = worker->index, .to_worker = their_worker};
    send_heartbeat(worker, &link, &heartbeat);
}

/* A pair's heartbeat speaks of what the batch says up to its end, so nothing of Raft may follow it
 * there. */
void pairs_end_turn(struct worker *worker) {
    uint64_t now_us = worker_now_us(worker);
    if (now_us < worker->hosting->next_beat_us)
        return;
    worker->hosting->next_beat_us = now_us + timing_of(worker).heartbeat_us;
    for (uint32_t node = 1; node < worker->hosting->peer_pairs_count; node++)
        for (uint32_t i = 0; i < worker->hosting->peer_pairs[node].worker_count; i++)
            beat(worker, node, i, now_us);
}

/* ---- heartbeats, in ---- */

static struct raft_pair *pair_at(struct worker *worker, uint32_t node, uint32_t their_worker) {
    if (node >= worker->hosting->peer_pairs_count || their_worker >= WORKER_MAXIMUM)
        return NULL;
    return worker->hosting->peer_pairs[node].pairs[their_worker];
}

static void heartbeat_heard(struct worker *worker, const struct pair_link *link,
                            const struct raft_pair_heartbeat *heartbeat) {
    if (link->to_worker != worker->index ||
        worker->config.peer_protocol_maximum < PROTOCOL_WITH_QUIET_SHARDS)
        return;
    struct raft_pair nothing = {0}, *pair = pair_at(worker, link->node, link->from_worker);
    struct raft_timing timing = timing_of(worker);
    uint64_t now_us = worker_now_us(worker);
    struct raft_pair_reply reply =
        raft_pair_heartbeat_take(pair ? pair : &nothing, heartbeat, &timing, now_us);
    worker->hosting->next_beat_us =
        raft_pair_beat_us(worker->hosting->next_beat_us, now_us, &timing);
    observe_pair(worker, reply.is_equal);
    struct pair_link back = {
        .node = link->node, .from_worker = worker->index, .to_worker = link->from_worker};
    send_reply(worker, &back, &reply);
}

void pairs_receive_heartbeat(struct worker *worker, uint32_t from, struct bytes part) {
    struct peer_pair_heartbeat in = peer_pair_heartbeat_read(part);
    struct pair_link link = {
        .node = from, .from_worker = in.from_worker, .to_worker = in.to_worker};
    struct raft_pair_heartbeat heartbeat = {
        .life = in.life,
        .context = in.context,
        .quiet = {.count = in.shard_count, .hash = in.shard_hash}};
    heartbeat_heard(worker, &link, &heartbeat);
}

static void reply_heard(struct worker *worker, const struct pair_link *link,
                        const struct raft_pair_reply *reply) {
    struct raft_pair *pair = pair_at(worker, link->node, link->from_worker);
    if (!pair || link->to_worker != worker->index)
        return;
    struct raft_timing timing = timing_of(worker);
    uint64_t now_us = worker_now_us(worker);
    if (!raft_pair_reply_take(pair, reply, worker->identity.generation, &timing, now_us)) {
        wake_pair(worker, link->node, link->from_worker, true);
        wake_some(worker, now_us);
    }
}

void pairs_receive_reply(struct worker *worker, uint32_t from, struct bytes part) {
    struct peer_pair_reply in = peer_pair_reply_read(part);
    struct pair_link link = {
        .node = from, .from_worker = in.from_worker, .to_worker = in.to_worker};
    struct raft_pair_reply reply = {.life = in.life,
                                    .context = in.context,
                                    .is_equal = in.is_equal,
                                    .promise_us = in.promise_us};
    reply_heard(worker, &link, &reply);
}

/* ---- time ---- */

static void notice_silence(struct worker *worker, uint64_t now_us) {
    struct raft_timing timing = timing_of(worker);
    for (uint32_t node = 1; node < worker->hosting->peer_pairs_count; node++) {
        const struct peer_pairs *with = &worker->hosting->peer_pairs[node];
        for (uint32_t i = 0; i < with->worker_count; i++) {
            const struct raft_pair *pair = with->pairs[i];
            if (pair && now_us >= raft_pair_led_deadline_us(pair, &timing))
                wake_pair(worker, node, i, true);
            if (pair && now_us >= raft_pair_followed_deadline_us(pair, &timing))
                wake_pair(worker, node, i, false);
        }
    }
}

void pairs_tick(struct worker *worker, uint64_t now_us) {
    notice_silence(worker, now_us);
    if (worker->hosting->waking.count > 0 && now_us >= worker->hosting->waking.next_us)
        wake_some(worker, now_us);
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t pair_deadline_us(const struct worker *worker, const struct raft_pair *pair,
                                 const struct raft_timing *timing) {
    uint64_t beat_us = pair->led.count > 0 ? worker->hosting->next_beat_us : UINT64_MAX;
    if (worker->hosting->waking.count > 0)
        return beat_us; /* what was silent is being woken already */
    return earlier(beat_us, earlier(raft_pair_led_deadline_us(pair, timing),
                                    raft_pair_followed_deadline_us(pair, timing)));
}

uint64_t pairs_deadline_us(const struct worker *worker) {
    struct raft_timing timing = timing_of(worker);
    uint64_t deadline_us =
        worker->hosting->waking.count > 0 ? worker->hosting->waking.next_us : UINT64_MAX;
    for (uint32_t node = 1; node < worker->hosting->peer_pairs_count; node++) {
        const struct peer_pairs *with = &worker->hosting->peer_pairs[node];
        for (uint32_t i = 0; i < with->worker_count; i++) {
            if (with->pairs[i]) {
                deadline_us =
                    earlier(deadline_us, pair_deadline_us(worker, with->pairs[i], &timing));
            }
        }
    }
    return deadline_us;
}
