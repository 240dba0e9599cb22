/* The entries of an append, compressed with zstd on the wire where that pays:
 *
 *      entries --long enough?--> compress --> small enough? --> sent compressed
 *                                    |             | no
 *                                    |             +--> sent as they are; of the next ones only
 *                                    |                  one in 32 is tried
 *                                    +--> the same entries to the next follower: once only
 *
 * Whether it pays is measured on what is sent. The checksum of each entry covers what comes out.
 * One a worker; not for other threads. */
#pragma once
#include "base/buffer.h"
#include "raft/raft.h"
#include "replica/state/mail.h"

enum {
    PACKER_LEVEL = 1, /* of zstd: hundreds of megabytes a second, since the worker waits for it */
    PACKER_PAYS_PERCENT = 85, /* compressed bytes of a hundred; more is not worth the time */
    PACKER_TRY_EVERY = 32
};

void packer_init(struct packer *packer);
void packer_release(struct packer *packer);
/* The entries of `message`, `entry_bytes` long together, compressed; valid until the next call.
 * Empty: send them as they are. */
struct bytes packer_pack(struct packer *packer, uint32_t shard, const struct raft_message *message,
                         size_t entry_bytes);
/* What was compressed, in *out until the next call. ERR_MALFORMED unless exactly `entry_bytes` come
 * out; ERR_LIMIT if that is longer than an append may be. */
int packer_unpack(struct packer *packer, struct bytes packed, uint64_t entry_bytes,
                  struct bytes *out) MUST_CHECK;
