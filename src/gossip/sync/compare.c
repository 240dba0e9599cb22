#include "gossip/sync/compare.h"
#include "base/planted.h"
#include "gossip/instance/hash.h"
#include "gossip/instance/streams.h"
#include "gossip/sync/digest.h"
#include "gossip/sync/joining.h"
#include "gossip/sync/more.h"
#include "gossip/sync/sync_room.h"

static bool bucket_differs(const struct gossip *gossip, const struct codec_message *ack,
                           size_t count, size_t bucket) {
    return codec_bucket_of(ack, bucket) != hash_of_bucket(gossip, count, bucket) ||
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
    if (streams_is_asking(gossip))
        return; /* what differs is on its way */
    more_begin(gossip);
    if (hash_is_of_few(gossip)) {
        if (!joining_greet(gossip, from) && digest_may_ask(gossip))
            digest_send(gossip, from);
        return;
    }
    bool has_buckets = codec_bucket_count(ack) > 0;
    if (!has_buckets && ack->newest_version > 0 && hash_has_buckets(gossip))
        return; /* the hashes were the same when it answered */
    if (!hash_may_be_compared(gossip) || !digest_may_ask(gossip))
        return;
    if (has_buckets)
        compare_ranges(gossip, from, ack);
    else
        digest_send(gossip, from); /* the older of the two knows of no buckets */
    gossip->compared_us = gossip->now_us;
}
