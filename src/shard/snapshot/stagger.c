#include "shard/snapshot/stagger.h"

enum {
    /* A shard that is written to fast enough to be disturbed saves faster than it has to. */
    STAGGER_HASTE = 2,
    /* What is saved in less disturbs nobody. */
    STAGGER_LEAST_US = 100000
};

/* How many replicas take theirs before. */
static uint64_t rank_of(const struct shard *shard) {
    const struct raft_configuration *members = raft_configuration(shard->raft);
    uint64_t rank = 0;
    for (unsigned i = 0; i < members->voter_count; i++)
        rank += members->voters[i] < shard->self;
    return rank;
}

static uint64_t saving_us(const struct shard *shard) {
    uint64_t turn_count = shard->cost_bytes / (uint64_t)shard->io->config->snapshot_turn_bytes;
    return turn_count * shard_turn_us(shard) / STAGGER_HASTE;
}

static void begin(struct shard *shard) {
    uint64_t each_us = saving_us(shard);
    uint64_t wait_us = each_us < STAGGER_LEAST_US ? 0 : rank_of(shard) * each_us;
    shard->stagger =
        (struct stagger){.due_us = shard_now_us(shard) + wait_us,
                         .most_bytes = shard->applied_bytes + shard->applied_bytes / 2};
}

bool stagger_has_turn(struct shard *shard) {
    if (shard->stagger.due_us == STAGGER_NOT_WANTED)
        begin(shard);
    return !stagger_is_waiting(shard);
}

bool stagger_is_waiting(struct shard *shard) {
    struct stagger *stagger = &shard->stagger;
    bool has_come =
        shard_now_us(shard) >= stagger->due_us || shard->applied_bytes >= stagger->most_bytes;
    if (has_come && stagger->due_us != STAGGER_NOT_WANTED)
        stagger->due_us = STAGGER_HAS_COME;
    return !has_come;
}

void stagger_clear(struct shard *shard) { shard->stagger = (struct stagger){0}; }

uint64_t stagger_deadline_us(const struct shard *shard) {
    return shard->stagger.due_us > STAGGER_HAS_COME ? shard->stagger.due_us : UINT64_MAX;
}
