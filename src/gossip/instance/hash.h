/* The hash of the whole state: a sum over all members, so that a change of one changes it at once.
 * The same sum is kept of each of COMPARE_BUCKETS buckets, into which the members fall by the first
 * bits of their UUIDs, so that two nodes whose hashes differ find out where (compare.h). */
#pragma once
#include "gossip/instance/instance.h"

/* To be called after every change of what the hash covers. */
void hash_member(struct gossip *gossip, struct member *member);
/* Does one datagram name everybody? Then nobody asks for buckets. */
bool hash_is_of_few(const struct gossip *gossip);
/* A node told to speak as an older release (GOSSIP_WIRE_MAXIMUM) knows of no buckets. */
bool hash_has_buckets(const struct gossip *gossip);
/* Half of the hash of one of `count` buckets, a power of two: as many neighbours are one. */
uint32_t hash_of_bucket(const struct gossip *gossip, size_t count, size_t bucket);
/* May a comparison be begun? At most one an interval, and fewer while news waits, which explains a
 * difference by itself: asked when it matters, so that what a flood left is mended as soon as the
 * flood is over. */
bool hash_may_be_compared(const struct gossip *gossip);
/* The buckets, into the answer to a ping that asks for them: if the hashes differ. */
void hash_write_buckets(struct gossip *gossip, const struct codec_message *ping);
