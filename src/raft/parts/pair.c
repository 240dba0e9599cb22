#include "raft/parts/pair.h"

#include "base/check.h"
#include "base/planted.h"

/* A finalizer that turns every input bit into half of the output bits, so that the xor of many does
 * not cancel out. */
static uint64_t mixed(uint64_t value) {
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93;
    value ^= value >> 32;
    value *= 0xd6e8feb86659fd93;
    return value ^ value >> 32;
}

static uint64_t element_hash(uint32_t shard, raft_term term) {
    return mixed(mixed(shard + 1) + term);
}

void raft_quiet_set_add(struct raft_quiet_set *set, uint32_t shard, raft_term term,
                        uint64_t now_us) {
    if (set->count++ == 0)
        set->since_us = now_us;
    set->hash ^= element_hash(shard, term);
}

void raft_quiet_set_remove(struct raft_quiet_set *set, uint32_t shard, raft_term term) {
    CHECK(set->count > 0);
    set->count--;
    set->hash ^= element_hash(shard, term);
}

uint64_t raft_lease_of_promise_us(const struct raft_timing *timing, uint64_t promise_us) {
    uint64_t least_us = timing->lease_us < promise_us ? timing->lease_us : promise_us;
    return least_us / 100 * (100 - timing->clock_drift_percent);
}

struct raft_pair_heartbeat raft_pair_heartbeat_make(const struct raft_pair *pair, uint64_t life,
                                                    uint64_t now_us) {
    return (struct raft_pair_heartbeat){.life = life, .context = now_us, .quiet = pair->led};
}

static bool is_equal(const struct raft_quiet_set *a, const struct raft_quiet_set *b) {
    if (PLANTED(UNEQUAL_PAIR_COUNTED))
        return true;
    return a->count == b->count && a->hash == b->hash;
}

struct raft_pair_reply raft_pair_heartbeat_take(struct raft_pair *pair,
                                                const struct raft_pair_heartbeat *heartbeat,
                                                const struct raft_timing *timing, uint64_t now_us) {
    struct raft_pair_reply reply = {.life = heartbeat->life, .context = heartbeat->context};
    if (!is_equal(&heartbeat->quiet, &pair->followed))
        return reply;
    reply.is_equal = true;
    reply.promise_us = timing->lease_us;
    pair->heard_us = now_us;
    /* A promise that was told stands, however short the next one is. */
    if (now_us + timing->lease_us > pair->promised_until_us)
        pair->promised_until_us = now_us + timing->lease_us;
    return reply;
}

bool raft_pair_reply_take(struct raft_pair *pair, const struct raft_pair_reply *reply,
                          uint64_t life, const struct raft_timing *timing, uint64_t now_us) {
    bool is_news =
        reply->life == life && reply->context > pair->acknowledged_us && reply->context <= now_us;
    if (!is_news)
        return true;
    if (!reply->is_equal)
        return false;
    /* The newest one alone: a shard that became quiet since an earlier one had no part in it. */
    pair->acknowledged_us = reply->context;
    pair->lease_until_us = reply->context + raft_lease_of_promise_us(timing, reply->promise_us);
    pair->answered_us = now_us;
    return true;
}

uint64_t raft_pair_beat_us(uint64_t due_us, uint64_t now_us, const struct raft_timing *timing) {
    return due_us > now_us && due_us - now_us <= timing->heartbeat_us / 2 ? now_us : due_us;
}

static uint64_t silence_deadline_us(const struct raft_quiet_set *set, uint64_t heard_us,
                                    const struct raft_timing *timing) {
    uint64_t since_us = heard_us > set->since_us ? heard_us : set->since_us;
    return set->count == 0 ? UINT64_MAX : since_us + timing->election_timeout_us;
}

uint64_t raft_pair_led_deadline_us(const struct raft_pair *pair, const struct raft_timing *timing) {
    return silence_deadline_us(&pair->led, pair->answered_us, timing);
}

uint64_t raft_pair_followed_deadline_us(const struct raft_pair *pair,
                                        const struct raft_timing *timing) {
    return silence_deadline_us(&pair->followed, pair->heard_us, timing);
}
