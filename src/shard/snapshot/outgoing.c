#include "shard/snapshot/outgoing.h"

#include "base/planted.h"
#include "shard/snapshot/take.h"

struct outgoing_snapshot *outgoing_find(struct shard *shard, raft_node_number peer) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++)
        if (shard->outgoing[i].peer == peer)
            return &shard->outgoing[i];
    return NULL;
}

/* What every follower can read is offered as ever. */
uint32_t outgoing_version(const struct outgoing_snapshot *out) {
    return SHARD_SNAPSHOT_VERSION + snapshot_manifest_version(out->manifest) -
           SNAPSHOT_MANIFEST_VERSION;
}

void outgoing_offer(struct shard *shard, struct outgoing_snapshot *out) {
    struct buffer encoded;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(out->manifest, &encoded);
    struct shard_snapshot_offer message = {.peer = out->peer,
                                           .version = outgoing_version(out),
                                           .term = raft_current_term(shard->raft),
                                           .snapshot_index = out->manifest->meta.index,
                                           .manifest = buffer_bytes(&encoded)};
    shard->io->send_offer(shard->io->context, shard, &message);
    buffer_release(&encoded);
    out->offered_us = shard_now_us(shard);
    shard_touch(shard);
}

/* For one who is not there a snapshot would only be held, and the log after it, in vain. */
static bool is_heard(const struct shard *shard, raft_node_number peer) {
    uint64_t heard_us = raft_peer_heard_us(shard->raft, peer);
    uint64_t timeout_us = (uint64_t)shard->io->config->election_timeout_ms * 1000;
    return heard_us && shard_now_us(shard) <= heard_us + timeout_us;
}

/* Does the log in memory go on where the snapshot ends? Otherwise a newer one is taken, and raft
 * asks again at the next heartbeat. */
static bool reaches_log(const struct shard *shard, const struct snapshot_manifest *manifest) {
    return manifest->meta.index + 1 >= raft_first_index(shard->raft) ||
           PLANTED(SNAPSHOT_OLDER_THAN_LOG);
}

bool outgoing_begin(struct shard *shard, raft_node_number peer) {
    struct snapshot_manifest *manifest = snapshot_shelf_newest(shard->shelf);
    if (outgoing_find(shard, peer))
        return true;
    struct outgoing_snapshot *out = outgoing_find(shard, 0);
    bool is_heard_now = is_heard(shard, peer);
    bool is_new_enough = manifest && reaches_log(shard, manifest);
    if (is_heard_now && !is_new_enough)
        shard_take_snapshot_and_log(shard);
    if (!out || !is_new_enough || !is_heard_now)
        return false;
    *out = (struct outgoing_snapshot){.peer = peer,
                                      .number = ++shard->next_number,
                                      .manifest = manifest,
                                      .heard_us = shard_now_us(shard),
                                      .advanced_us = shard_now_us(shard)};
    shard->outgoing_count++;
    buffer_init(&out->image, SIZE_MAX);
    snapshot_shelf_hold(shard->shelf, manifest);
    log_line(shard->io->log, LOG_INFO, "snapshot transfer begun", LOG_F("shard", shard->number),
             LOG_F("peer", peer), LOG_F("index", manifest->meta.index),
             LOG_F("bytes", snapshot_manifest_stored_bytes(manifest)));
    outgoing_offer(shard, out);
    return true;
}

void outgoing_free(struct shard *shard, struct outgoing_snapshot *out) {
    snapshot_shelf_let_go(shard->shelf, out->manifest);
    buffer_release(&out->image);
    *out = (struct outgoing_snapshot){.peer = 0};
    shard->outgoing_count--;
}

void shard_release_outgoing(struct shard *shard) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++)
        if (shard->outgoing[i].peer)
            outgoing_free(shard, &shard->outgoing[i]);
}

/* Whoever leads now sends what is needed. */
void shard_drop_outgoing(struct shard *shard) {
    if (shard->outgoing_count > 0) {
        shard_release_outgoing(shard);
        shard_tidy_snapshots(shard);
    }
}
