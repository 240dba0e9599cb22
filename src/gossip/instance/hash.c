#include "gossip/instance/hash.h"
#include "gossip/members/member.h"
#include <assert.h>

enum {
    HASH_FEW = 32,             /* so many members stand in one datagram of digests */
    HASH_MEMBERS_A_BUCKET = 8, /* at least, on average: fewer buckets in a smaller cluster */
    HASH_NEWS_INTERVALS = 4    /* between two comparisons while news waits */
};
static_assert(COMPARE_BUCKETS == 128, "a bucket is the first 7 bits of a UUID");

static size_t bucket_of(const uint8_t uuid[GOSSIP_UUID_BYTES]) { return uuid[0] >> 1; }

/* What all must agree on: who lives, in which generation and incarnation, and what is known of what
 * it says. A suspicion is not in it: it passes, and comparing everything over it would cost more
 * than it tells. Neither are graves: each node forgets them in its own time. */
void hash_member(struct gossip *gossip, struct member *member) {
    uint64_t before = member->digest_hash;
    member->digest_hash = 0;
    if (member_is_live(member)) {
        uint64_t parts[6] = {0,
                             0,
                             member->shown.who->generation,
                             member->shown.who->incarnation,
                             member->chain->version,
                             member->chain->floor};
        memcpy(parts, member->shown.who->uuid, GOSSIP_UUID_BYTES);
        uint8_t bytes[sizeof parts]; /* little-endian, so that it is the same on every machine */
        memcpy(bytes, parts, GOSSIP_UUID_BYTES);
        for (size_t i = 16; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(parts[i / 8] >> (8 * (i % 8)));
        member->digest_hash = bytes_hash(bytes_of(bytes, sizeof bytes), 0);
    }
    uint64_t change = member->digest_hash - before;
    gossip->hash += change;
    gossip->buckets[bucket_of(member->shown.who->uuid)] += change;
}

bool hash_is_of_few(const struct gossip *gossip) { return gossip->member_count <= HASH_FEW; }

bool hash_has_buckets(const struct gossip *gossip) { return gossip->timing.wire_maximum > 0; }

static bool has_news(const struct gossip *gossip) {
    uint64_t waiting = 0;
    for (unsigned priority = 0; priority < GOSSIP_PRIORITY_COUNT; priority++)
        waiting += gossip->counters.news_waiting[priority];
    return waiting > 0;
}

bool hash_may_be_compared(const struct gossip *gossip) {
    unsigned intervals = has_news(gossip) ? HASH_NEWS_INTERVALS : 1;
    uint64_t pause_us = intervals * gossip->timing.probe_interval_us;
    return gossip->compared_us == 0 || gossip->now_us - gossip->compared_us >= pause_us;
}

uint32_t hash_of_bucket(const struct gossip *gossip, size_t count, size_t bucket) {
    size_t width = COMPARE_BUCKETS / count;
    uint64_t sum = 0;
    for (size_t i = bucket * width; i < (bucket + 1) * width; i++)
        sum += gossip->buckets[i];
    return (uint32_t)sum;
}

void hash_write_buckets(struct gossip *gossip, const struct codec_message *ping) {
    if (!ping->has_compare || ping->hash == gossip->hash || !hash_has_buckets(gossip))
        return;
    size_t count = 1;
    while (count < COMPARE_BUCKETS && count * HASH_MEMBERS_A_BUCKET < gossip->member_count)
        count *= 2;
    uint32_t halves[COMPARE_BUCKETS];
    for (size_t i = 0; i < count; i++)
        halves[i] = hash_of_bucket(gossip, count, i);
    codec_write_buckets(gossip->writer, halves, count);
}
