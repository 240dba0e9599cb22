/* Who a member is, over its restarts: its UUID, made once, and its generation, raised at each start
 * and on disk before anything is sent. The file is one line: `troth-gossip 1 <uuid, 32 hex digits>
 * <generation>`. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "gossip/gossip.h"

struct member_identity {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    int file; /* held open and locked, so that nobody else is this member; -1: there is none */
};

/* `file_name` NULL: a new member, kept nowhere. ERR_IO, ERR_INVALID, ERR_REFUSED (another member
 * that runs has the file) with a sentence in `problem`; a file that is not understood, or not ours,
 * stays as it is. */
int member_identity_open(struct member_identity *identity, const char *file_name,
                         struct buffer *problem) MUST_CHECK;
/* Others know a later life of this member (struct gossip_counters): the next start is above it. To
 * be closed then. No effect if that is not later. Errors as above; the file stays as it is. */
int member_identity_start_above(const struct member_identity *identity, const char *file_name,
                                uint64_t later_generation, struct buffer *problem) MUST_CHECK;
void member_identity_close(
    struct member_identity *identity); /* one that was not opened has file -1 */
