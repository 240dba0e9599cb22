#include "gossip/compare.h"
#include "base/check.h"
#include "base/planted.h"
#include "gossip/asking.h"
#include "gossip/digest.h"
#include "gossip/joining.h"
#include "gossip/more.h"

enum {
    COMPARE_SMALL = 32,           /* so many members stand in one datagram of digests */
    COMPARE_MEMBERS_A_BUCKET = 8, /* at least, on average: fewer buckets in a smaller cluster */
    COMPARE_NEWS_INTERVALS = 4
};
static_assert(COMPARE_BUCKETS == 128, "a bucket is the first 7 bits of a UUID");

static size_t bucket_of(const uint8_t uuid[GOSSIP_UUID_BYTES]) { return uuid[0] >> 1; }

void compare_changed(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES], uint64_t before,
                     uint64_t after) {
    gossip->hash += after - before;
    gossip->buckets[bucket_of(uuid)] += after - before;
}

/* A node told to speak as an older release (GOSSIP_WIRE_MAXIMUM) knows of no buckets either. */
static bool compare_is_spoken(const struct gossip *gossip) {
    return gossip->timing.wire_maximum > 0;
}

bool compare_is_due(const struct gossip *gossip) {
    return gossip->member_count > COMPARE_SMALL && gossip->now_us >= gossip->compare_us &&
           compare_is_spoken(gossip) && !asking_is_under_way(gossip);
}

/* Of `count` buckets, a power of two: as many neighbours are one. */
static uint32_t bucket_folded(const struct gossip *gossip, size_t count, size_t bucket) {
    size_t width = COMPARE_BUCKETS / count;
    uint64_t sum = 0;
    for (size_t i = bucket * width; i < (bucket + 1) * width; i++)
        sum += gossip->buckets[i];
    return (uint32_t)sum;
}

void compare_write(struct gossip *gossip, const struct codec_message *ping) {
    if (!ping->has_compare || ping->hash == gossip->hash || !compare_is_spoken(gossip))
        return;
    size_t count = 1;
    while (count < COMPARE_BUCKETS && count * COMPARE_MEMBERS_A_BUCKET < gossip->member_count)
        count *= 2;
    uint32_t halves[COMPARE_BUCKETS];
    for (size_t i = 0; i < count; i++)
        halves[i] = bucket_folded(gossip, count, i);
    codec_write_buckets(&gossip->writer, halves, count);
}

static bool bucket_differs(const struct gossip *gossip, const struct codec_message *ack,
                           size_t count, size_t bucket) {
    return codec_bucket_of(ack, bucket) != bucket_folded(gossip, count, bucket) ||
           PLANTED(GOSSIP_BUCKETS_IGNORED);
}

/* Neighbours that differ are one range. From one by lot on, so that where not all fits each has its
 * turn. */
static void compare_ranges(struct gossip *gossip, const struct gossip_address *to,
                           const struct codec_message *ack) {
    size_t count = codec_bucket_count(ack), width = COMPARE_BUCKETS / count;
    size_t start = random_below(&gossip->random, count);
    unsigned left = GOSSIP_SYNC_DATAGRAMS;
    for (size_t i = 0; i < count && left > 0;) {
        size_t from = (start + i) % count, past = from;
        while (i < count && past < count && bucket_differs(gossip, ack, count, past)) {
            past++;
            i++;
        }
        if (past == from) {
            i++;
            continue;
        }
        uint8_t first[GOSSIP_UUID_BYTES] = {0}, last[GOSSIP_UUID_BYTES];
        memset(last, 0xff, sizeof last);
        first[0] = (uint8_t)(from * width * 2);
        last[0] = (uint8_t)(past * width * 2 - 1);
        left = digest_send_part(gossip, to, first, last, left);
    }
}

void compare_hear(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *ack) {
    if (asking_is_under_way(gossip))
        return; /* what differs is on its way */
    more_begin(gossip);
    if (gossip->member_count <= COMPARE_SMALL) {
        if (!joining_greet(gossip, from))
            digest_send(gossip, from);
        return;
    }
    if (gossip->now_us < gossip->compare_us)
        return;
    if (codec_bucket_count(ack) > 0)
        compare_ranges(gossip, from, ack);
    else if (ack->newest_version == 0 || !compare_is_spoken(gossip))
        digest_send(gossip, from); /* the older of the two knows of no buckets */
    else
        return; /* the hashes were the same when it answered */
    unsigned intervals = gossip->news_count > 0 ? COMPARE_NEWS_INTERVALS : 1;
    gossip->compare_us = gossip->now_us + intervals * gossip->timing.probe_interval_us;
}
