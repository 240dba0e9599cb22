#include "shard/snapshot/stand.h"

#include "base/planted.h"
#include "shard/snapshot/stagger.h"
#include "shard/state/time.h"

void shard_stand_at(struct shard *shard, const struct snapshot_meta *meta) {
    shard->applied_index = meta->index;
    shard->applied_term = meta->term;
    shard_time_set(shard, meta->stamp_ms, shard_now_us(shard));
    shard->snapshot_index = meta->index;
    shard->applied_bytes = 0;
    stagger_clear(shard);
}

void shard_watch_from_newest(struct shard *shard) {
    const struct snapshot_manifest *newest = snapshot_shelf_newest(shard->shelf);
    part_set_clear(&shard->watch.changed);
    if (newest)
        plan_divide(newest->chunks, newest->chunk_count, &shard->watch.changed);
}

int shard_configuration_of(const struct shard *shard, const struct snapshot_meta *meta,
                           struct raft_configuration *configuration) {
    if (PLANTED(SNAPSHOT_WITHOUT_MEMBERSHIP)) {
        *configuration = (struct raft_configuration){.voter_count = 1, .voters = {shard->self}};
        return 0;
    }
    int error = raft_configuration_decode(configuration,
                                          bytes_of(meta->configuration, meta->configuration_bytes));
    return !error && configuration->voter_count == 0 ? ERR_MALFORMED : error;
}
