#include "shard/snapshot/incoming.h"

#include "base/check.h"
#include "base/memory.h"

/* ---- asking ---- */

uint64_t incoming_left_bytes(const struct incoming_snapshot *in,
                             const struct shard_snapshot_wish *wish) {
    return in->offer->chunks[wish->chunk].stored_bytes - wish->offset;
}

uint32_t incoming_next_lacking(const struct incoming_snapshot *in, uint32_t from) {
    while (from < in->offer->chunk_count && in->chunks[from] != CHUNK_LACKING)
        from++;
    return from;
}

/* The window: so many pieces, however short, are asked for and have not come; the leader keeps no
 * more in mind than twice as many. While the disk is behind nothing more is asked for. */
static void add_wishes(struct incoming_snapshot *in, struct shard_snapshot_progress *progress) {
    struct shard_snapshot_wish *next = &in->next_wish;
    while (in->asked_count < SHARD_SNAPSHOT_PIECES_IN_FLIGHT &&
           next->chunk < in->offer->chunk_count &&
           in->storing_count < SHARD_SNAPSHOT_JOBS_MAXIMUM) {
        uint64_t left = incoming_left_bytes(in, next);
        uint64_t length = left < SHARD_SNAPSHOT_PIECE_BYTES ? left : SHARD_SNAPSHOT_PIECE_BYTES;
        progress->wishes[progress->wish_count++] = *next;
        in->asked_count++;
        next->offset += length;
        if (length == left) {
            *next =
                (struct shard_snapshot_wish){.chunk = incoming_next_lacking(in, next->chunk + 1)};
        }
    }
}

void shard_tell_incoming(struct shard *shard, bool is_installed) {
    struct incoming_snapshot *in = &shard->incoming;
    struct shard_snapshot_progress progress = {.peer = in->from,
                                               .version = SHARD_SNAPSHOT_VERSION,
                                               .term = in->leader_term,
                                               .snapshot_index = in->index,
                                               .received_bytes = in->received_bytes,
                                               .is_installed = is_installed};
    if (in->stage == INCOMING_RECEIVING)
        add_wishes(in, &progress);
    in->asked_us = progress.wish_count ? shard_now_us(shard) : in->asked_us;
    shard->io->send_progress(shard->io->context, shard, &progress);
}

void shard_ask_again(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    in->asked_count = 0;
    in->next_wish = (struct shard_snapshot_wish){.chunk = in->fetching, .offset = in->image.length};
    shard_tell_incoming(shard, false);
}

/* It was taken for what its name says. The leader's copy comes in its place. */
void shard_fetch_again(struct shard *shard, uint32_t ordinal) {
    struct incoming_snapshot *in = &shard->incoming;
    log_line(shard->io->log, LOG_WARN,
             "a chunk that was here already cannot be read; it is fetched",
             LOG_F("shard", shard->number), LOG_F("index", in->index), LOG_F("chunk", ordinal));
    in->machine->ops->free(in->machine);
    in->machine = NULL;
    in->manifest->chunks[ordinal] = in->offer->chunks[ordinal];
    in->chunks[ordinal] = CHUNK_LACKING;
    in->stage = INCOMING_RECEIVING;
    in->fetching = ordinal;
    shard_ask_again(shard);
}

/* ---- ending ---- */

void shard_end_incoming(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    buffer_release(&in->image);
    buffer_release(&in->raw);
    snapshot_manifest_free(in->offer);
    snapshot_manifest_free(in->manifest);
    memory_free(in->chunks);
    if (in->machine)
        in->machine->ops->free(in->machine);
    *in = (struct incoming_snapshot){.stage = INCOMING_NONE};
    metric_set(shard->chunks_left, 0);
}

void shard_refuse_incoming(struct shard *shard, const char *what, int error) {
    const struct incoming_snapshot *in = &shard->incoming;
    log_line(shard->io->log, LOG_WARN, what, LOG_F("shard", shard->number), LOG_F("peer", in->from),
             LOG_F("index", in->index), LOG_T("error", error_text(error)));
    struct shard_snapshot_progress progress = {
        .peer = in->from, .term = in->leader_term, .snapshot_index = in->index, .is_refused = true};
    shard_end_incoming(shard);
    shard->io->send_progress(shard->io->context, shard, &progress);
}

void shard_release_incoming(struct shard *shard) {
    CHECK(shard->disk_jobs == 0);
    shard_end_incoming(shard);
}
