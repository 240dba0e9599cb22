#include "raft/parts/progress.h"

#include "base/check.h"
#include "base/memory.h"

enum { FIRST_CAPACITY = 8 };

void raft_progress_begin(struct raft_progress *progress, raft_node_number node,
                         raft_index next_index) {
    *progress = (struct raft_progress){.node = node,
                                       .next_index = next_index,
                                       .flights = progress->flights,
                                       .flight_capacity = progress->flight_capacity};
}

void raft_progress_release(struct raft_progress *progress) { memory_free(progress->flights); }

static void flights_forget(struct raft_progress *progress) {
    progress->flight_count = 0;
    progress->flight_bytes = 0;
    progress->answers.index = 0;
}

void raft_progress_probe(struct raft_progress *progress, raft_index next_index) {
    progress->state = RAFT_PROBE;
    progress->next_index =
        next_index > progress->match_index ? next_index : progress->match_index + 1;
    progress->is_probe_sent = false;
    flights_forget(progress);
}

void raft_progress_probe_another(struct raft_progress *progress, raft_index next_index) {
    progress->match_index = progress->agreed_index = progress->received_index = 0;
    progress->commit_told = 0;
    progress->round = 0;
    progress->is_caught_up = false;
    raft_progress_probe(progress, next_index);
}

void raft_progress_replicate(struct raft_progress *progress) {
    progress->state = RAFT_REPLICATE;
    progress->next_index = progress->match_index + 1;
    flights_forget(progress);
}

void raft_progress_snapshot(struct raft_progress *progress, raft_index snapshot_index) {
    progress->state = RAFT_SNAPSHOT;
    progress->snapshot_index = snapshot_index;
    flights_forget(progress);
}

static struct raft_flight *flight_at(const struct raft_progress *progress, uint32_t position) {
    return &progress
                ->flights[(progress->flight_first + position) & (progress->flight_capacity - 1)];
}

static void flights_grow(struct raft_progress *progress) {
    uint32_t capacity = progress->flight_capacity ? progress->flight_capacity * 2 : FIRST_CAPACITY;
    struct raft_flight *flights = memory_allocate(capacity * sizeof *flights);
    for (uint32_t i = 0; i < progress->flight_count; i++)
        flights[i] = *flight_at(progress, i);
    memory_free(progress->flights);
    progress->flights = flights;
    progress->flight_capacity = capacity;
    progress->flight_first = 0;
}

void raft_progress_fly(struct raft_progress *progress, raft_index last_index, uint64_t bytes,
                       uint64_t now_us) {
    CHECK(progress->state == RAFT_REPLICATE);
    CHECK(last_index >= progress->next_index);
    if (progress->flight_count == progress->flight_capacity)
        flights_grow(progress);
    if (progress->flight_count == 0)
        progress->waiting_since_us = now_us;
    *flight_at(progress, progress->flight_count++) =
        (struct raft_flight){.last_index = last_index, .bytes = bytes};
    progress->flight_bytes += bytes;
    progress->next_index = last_index + 1;
}

raft_index raft_progress_received(const struct raft_progress *progress) {
    return progress->agreed_index > progress->match_index ? progress->agreed_index
                                                          : progress->match_index;
}

void raft_progress_land(struct raft_progress *progress, uint64_t now_us) {
    raft_index received_index = raft_progress_received(progress);
    while (progress->flight_count > 0 && flight_at(progress, 0)->last_index <= received_index) {
        progress->flight_bytes -= flight_at(progress, 0)->bytes;
        progress->flight_first++;
        progress->flight_count--;
        progress->waiting_since_us = now_us;
    }
}

uint64_t raft_progress_left_bytes(const struct raft_progress *progress,
                                  const struct raft_timing *timing) {
    return progress->flight_bytes < timing->window_bytes
               ? timing->window_bytes - progress->flight_bytes
               : 0;
}

bool raft_progress_has_room(const struct raft_progress *progress, const struct raft_timing *timing,
                            uint64_t entry_bytes) {
    if (progress->flight_count == 0)
        return true;
    return progress->flight_count < timing->window_messages &&
           entry_bytes <= raft_progress_left_bytes(progress, timing);
}
