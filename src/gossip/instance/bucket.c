#include "gossip/instance/bucket.h"
#include "base/planted.h"

enum { BUCKET_LEAST_BYTES = 16 << 10 };

static int64_t bucket_full(const struct gossip *gossip) {
    uint64_t bytes = gossip->timing.bytes_per_second;
    return bytes > BUCKET_LEAST_BYTES ? (int64_t)bytes : BUCKET_LEAST_BYTES;
}

/* Above this many. */
static int64_t bucket_threshold(const struct gossip *gossip, enum bucket_claim claim) {
    if (PLANTED(GOSSIP_BUCKET_LEVEL))
        return 0;
    switch (claim) {
    case BUCKET_URGENT:
        return 0;
    case BUCKET_NEWS:
        return bucket_full(gossip) / 4;
    case BUCKET_COMPARISON:
        return bucket_full(gossip) / 2;
    }
    return 0;
}

void bucket_init(struct gossip *gossip) {
    gossip->bucket = (struct bucket){.tokens = bucket_full(gossip), .filled_us = gossip->now_us};
}

/* In whole bytes; the time that is left over counts the next time. */
void bucket_fill(struct gossip *gossip) {
    struct bucket *bucket = &gossip->bucket;
    uint64_t rate = gossip->timing.bytes_per_second;
    uint64_t passed_us = gossip->now_us - bucket->filled_us;
    int64_t full = bucket_full(gossip);
    if (rate == 0 || passed_us >= 2 * (uint64_t)full * GOSSIP_SECOND_US / rate) {
        bucket->tokens = full;
        bucket->filled_us = gossip->now_us;
        return;
    }
    uint64_t brought = passed_us * rate / GOSSIP_SECOND_US;
    bucket->filled_us += brought * GOSSIP_SECOND_US / rate;
    bucket->tokens += (int64_t)brought;
    if (bucket->tokens > full)
        bucket->tokens = full;
}

void bucket_spend(struct gossip *gossip, size_t bytes) {
    if (gossip->timing.bytes_per_second == 0)
        return;
    struct bucket *bucket = &gossip->bucket;
    int64_t full = bucket_full(gossip);
    gossip->counters.tokens_spent += bytes;
    bucket->tokens -= (int64_t)bytes;
    if (bucket->tokens < -full)
        bucket->tokens = -full;
}

bool bucket_admits(const struct gossip *gossip, enum bucket_claim claim) {
    return gossip->bucket.tokens > bucket_threshold(gossip, claim);
}

uint64_t bucket_wait_us(const struct gossip *gossip, enum bucket_claim claim) {
    int64_t lacking = bucket_threshold(gossip, claim) + 1 - gossip->bucket.tokens;
    uint64_t rate = gossip->timing.bytes_per_second;
    if (lacking <= 0 || rate == 0)
        return 1;
    return (uint64_t)lacking * GOSSIP_SECOND_US / rate + 1;
}
