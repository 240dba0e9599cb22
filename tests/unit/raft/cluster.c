#include "cluster.h"

#include "base/check.h"
#include "base/memory.h"
#include "transcript.h"

static void *grown(void *array, size_t count, size_t *capacity, size_t element_bytes) {
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    return memory_resize(array, *capacity * element_bytes);
}

static struct raft_entry **entries_keep(struct raft_entry *const *entries, size_t count) {
    struct raft_entry **kept = memory_allocate(count * sizeof(struct raft_entry *));
    for (size_t i = 0; i < count; i++)
        kept[i] = raft_entry_keep(entries[i]);
    return kept;
}

static void entries_drop(struct raft_entry **entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        raft_entry_drop(entries[i]);
    memory_free(entries);
}

static void packets_push(struct cluster_packets *packets, const struct raft_message *message,
                         uint64_t after_save) {
    packets->packets =
        grown(packets->packets, packets->count, &packets->capacity, sizeof *packets->packets);
    struct cluster_packet *packet = &packets->packets[packets->count++];
    *packet = (struct cluster_packet){.message = *message, .after_save = after_save};
    packet->message.entries = entries_keep(message->entries, message->entry_count);
}

static struct raft_message packets_take(struct cluster_packets *packets, size_t position) {
    struct raft_message message = packets->packets[position].message;
    packets->count--;
    memmove(packets->packets + position, packets->packets + position + 1,
            (packets->count - position) * sizeof *packets->packets);
    return message;
}

static void packets_drop(struct cluster_packets *packets, size_t position) {
    struct raft_message message = packets_take(packets, position);
    entries_drop(message.entries, message.entry_count);
}

static void packets_release(struct cluster_packets *packets) {
    while (packets->count > 0)
        packets_drop(packets, packets->count - 1);
    memory_free(packets->packets);
    *packets = (struct cluster_packets){0};
}

static bool configuration_names(const struct raft_configuration *configuration,
                                raft_node_number node) {
    bool is_learner = false;
    for (uint8_t i = 0; i < configuration->learner_count; i++)
        is_learner |= configuration->learners[i] == node;
    return is_learner || raft_configuration_has_voter(configuration, node);
}

struct cluster *cluster_new(size_t node_count, const struct raft_timing *timing,
                            const struct raft_configuration *configuration, uint64_t seed,
                            struct buffer *transcript) {
    CHECK(node_count <= CLUSTER_NODE_MAXIMUM);
    struct cluster *cluster = memory_allocate_zeroed(1, sizeof *cluster);
    cluster->node_count = node_count;
    cluster->timing = *timing;
    cluster->seed = seed;
    cluster->now_us = 1000000;
    cluster->transcript = transcript;
    for (size_t i = 0; i < node_count; i++) {
        cluster->nodes[i].number = (raft_node_number)(i + 1);
        cluster->nodes[i].clock_rate = 1;
        cluster->nodes[i].cluster = cluster;
        if (configuration_names(configuration, cluster->nodes[i].number))
            cluster->nodes[i].disk.configuration = *configuration;
        cluster_start(cluster, &cluster->nodes[i]);
    }
    return cluster;
}

void cluster_free(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        cluster_crash(cluster, node);
        entries_drop(node->disk.entries, node->disk.entry_count);
        memory_free(node->saves);
        memory_free(node->held.packets);
    }
    packets_release(&cluster->packets);
    memory_free(cluster->beats);
    memory_free(cluster);
}

struct cluster_node *cluster_node(struct cluster *cluster, raft_node_number number) {
    CHECK(number > 0);
    CHECK(number <= cluster->node_count);
    return &cluster->nodes[number - 1];
}

uint64_t cluster_clock(const struct cluster *cluster, const struct cluster_node *node) {
    return (uint64_t)((double)cluster->now_us * node->clock_rate);
}

static void save_queue(struct cluster_node *node, const struct raft_actions *actions) {
    if (actions->save_sequence == 0)
        return;
    node->saves = grown(node->saves, node->save_count, &node->save_capacity, sizeof *node->saves);
    node->saves[node->save_count++] =
        (struct cluster_save){.sequence = actions->save_sequence,
                              .truncate_from = actions->truncate_from,
                              .entries = entries_keep(actions->entries, actions->entry_count),
                              .entry_count = actions->entry_count,
                              .is_state_saved = actions->is_state_saved,
                              .term = actions->term,
                              .vote = actions->vote};
}

void cluster_step(struct cluster *cluster, struct cluster_node *node, struct raft_event event) {
    if (node->raft == NULL) {
        if (event.payload_entry != NULL)
            raft_entry_drop(event.payload_entry);
        return;
    }
    struct raft_actions actions;
    event.now_us = cluster_clock(cluster, node);
    raft_step(node->raft, &event, &actions);
    transcript_actions(cluster->transcript, node, &actions);
    save_queue(node, &actions);
    for (size_t i = 0; i < actions.message_count; i++) {
        const struct raft_outgoing *outgoing = &actions.messages[i];
        packets_push(outgoing->after_save ? &node->held : &cluster->packets, &outgoing->message,
                     outgoing->after_save);
    }
    node->deadline_us = actions.deadline_us;
    node->commit_index = actions.commit_index;
    node->early_index = actions.early_index;
    if (cluster->watch != NULL)
        cluster->watch(cluster->context, node, &actions);
}

static void disk_truncate(struct cluster_disk *disk, raft_index from) {
    while (disk->entry_count > 0 && disk->entries[disk->entry_count - 1]->index >= from)
        raft_entry_drop(disk->entries[--disk->entry_count]);
}

static void disk_write(struct cluster_disk *disk, const struct cluster_save *save) {
    if (save->truncate_from != 0)
        disk_truncate(disk, save->truncate_from);
    disk->entries = memory_resize(disk->entries, (disk->entry_count + save->entry_count) *
                                                     sizeof(struct raft_entry *));
    for (size_t i = 0; i < save->entry_count; i++)
        if (save->entries[i]->index > disk->snapshot_index)
            disk->entries[disk->entry_count++] = raft_entry_keep(save->entries[i]);
    if (!save->is_state_saved)
        return;
    disk->term = save->term;
    disk->vote = save->vote;
}

static void held_release(struct cluster *cluster, struct cluster_node *node, uint64_t sequence) {
    for (size_t i = 0; i < node->held.count;) {
        if (node->held.packets[i].after_save > sequence) {
            i++;
            continue;
        }
        struct raft_message message = packets_take(&node->held, i);
        packets_push(&cluster->packets, &message, 0);
        entries_drop(message.entries, message.entry_count);
    }
}

/* Of a follower an owner need not step it: then a step has nothing to add. */
static void durable_tell(struct cluster *cluster, struct cluster_node *node, uint64_t sequence) {
    bool is_done = node->raft != NULL && raft_follower_durable(node->raft, sequence);
    const struct cluster_node before = *node;
    size_t packet_count = cluster->packets.count;
    cluster_step(cluster, node,
                 (struct raft_event){.kind = RAFT_DURABLE, .save_sequence = sequence});
    CHECK(!is_done || node->commit_index == before.commit_index);
    CHECK(!is_done || node->save_count == before.save_count);
    CHECK(!is_done || cluster->packets.count == packet_count);
    CHECK(!is_done || node->held.count == before.held.count);
}

bool cluster_save_next(struct cluster *cluster, struct cluster_node *node, bool is_told) {
    if (node->save_count == 0)
        return false;
    struct cluster_save save = node->saves[0];
    node->save_count--;
    memmove(node->saves, node->saves + 1, node->save_count * sizeof *node->saves);
    disk_write(&node->disk, &save);
    entries_drop(save.entries, save.entry_count);
    if (!is_told)
        return true;
    held_release(cluster, node, save.sequence);
    durable_tell(cluster, node, save.sequence);
    return true;
}

static void timing_take(const struct cluster *cluster, struct cluster_node *node) {
    node->timing = cluster->timing;
    if (node->disk.promise_us < node->timing.lease_us)
        node->disk.promise_us = node->timing.lease_us;
}

void cluster_timing_set(struct cluster *cluster, struct cluster_node *node) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *other = &cluster->nodes[i];
        if ((node != NULL && other != node) || other->raft == NULL)
            continue;
        timing_take(cluster, other);
        raft_set_timing(other->raft, &other->timing);
    }
}

void cluster_crash(struct cluster *cluster, struct cluster_node *node) {
    (void)cluster;
    raft_free(node->raft);
    node->raft = NULL;
    for (size_t i = 0; i < node->save_count; i++)
        entries_drop(node->saves[i].entries, node->saves[i].entry_count);
    node->save_count = 0;
    packets_release(&node->held);
}

static struct raft_pair *pair_of(void *context, unsigned shard, raft_node_number peer) {
    struct cluster_node *node = context;
    (void)shard;
    return peer <= node->cluster->node_count ? &node->pairs[peer] : NULL;
}

void cluster_start(struct cluster *cluster, struct cluster_node *node) {
    CHECK(node->raft == NULL);
    for (size_t i = 0; i <= CLUSTER_NODE_MAXIMUM; i++)
        node->pairs[i] = (struct raft_pair){.is_able = true};
    timing_take(cluster, node);
    struct raft_options options = {.self = node->number,
                                   .timing = node->timing,
                                   .pair_of = pair_of,
                                   .pair_context = node,
                                   .seed = cluster->seed * 1000 + node->number * 100 + node->lives};
    node->lives++;
    struct cluster_disk *disk = &node->disk;
    struct raft_recovered recovered = {.term = disk->term,
                                       .vote = disk->vote,
                                       .snapshot_index = disk->snapshot_index,
                                       .snapshot_term = disk->snapshot_term,
                                       .configuration = disk->configuration,
                                       .entries = entries_keep(disk->entries, disk->entry_count),
                                       .entry_count = disk->entry_count,
                                       .floor_index = disk->floor_index,
                                       .floor_term = disk->floor_term,
                                       .promise_us = disk->promise_us,
                                       .now_us = cluster_clock(cluster, node)};
    node->raft = raft_new(&options, &recovered);
    node->commit_index = raft_commit_index(node->raft);
    node->deadline_us = 0;
    memory_free(recovered.entries);
}

void cluster_packet_deliver(struct cluster *cluster, size_t position) {
    struct raft_message message = packets_take(&cluster->packets, position);
    if (message.to <= cluster->node_count)
        cluster_step(cluster, cluster_node(cluster, message.to),
                     (struct raft_event){.kind = RAFT_MESSAGE, .message = &message});
    entries_drop(message.entries, message.entry_count);
}

void cluster_packet_drop(struct cluster *cluster, size_t position) {
    packets_drop(&cluster->packets, position);
}

void cluster_packet_duplicate(struct cluster *cluster, size_t position) {
    struct raft_message message = cluster->packets.packets[position].message;
    packets_push(&cluster->packets, &message, 0);
}

void cluster_packet_cut(struct cluster *cluster, size_t position, size_t entry_count) {
    struct raft_message *message = &cluster->packets.packets[position].message;
    while (message->entry_count > entry_count)
        raft_entry_drop(message->entries[--message->entry_count]);
}

static struct cluster_beat *beat_push(struct cluster *cluster, raft_node_number from,
                                      raft_node_number to) {
    cluster->beats =
        grown(cluster->beats, cluster->beat_count, &cluster->beat_capacity, sizeof *cluster->beats);
    struct cluster_beat *beat = &cluster->beats[cluster->beat_count++];
    *beat = (struct cluster_beat){.from = from, .to = to};
    return beat;
}

void cluster_beat_send(struct cluster *cluster, struct cluster_node *node) {
    for (raft_node_number peer = 1; node->raft != NULL && peer <= cluster->node_count; peer++)
        if (node->pairs[peer].led.count > 0)
            beat_push(cluster, node->number, peer)->heartbeat = raft_pair_heartbeat_make(
                &node->pairs[peer], node->lives, cluster_clock(cluster, node));
}

void cluster_beat_drop(struct cluster *cluster, size_t position) {
    cluster->beat_count--;
    memmove(cluster->beats + position, cluster->beats + position + 1,
            (cluster->beat_count - position) * sizeof *cluster->beats);
}

bool cluster_beat_deliver(struct cluster *cluster, size_t position) {
    struct cluster_beat beat = cluster->beats[position];
    struct cluster_node *node = cluster_node(cluster, beat.to);
    struct raft_pair *pair = &node->pairs[beat.from];
    uint64_t now_us = cluster_clock(cluster, node);
    cluster_beat_drop(cluster, position);
    if (node->raft == NULL)
        return false;
    if (!beat.is_reply) {
        struct raft_pair_reply reply =
            raft_pair_heartbeat_take(pair, &beat.heartbeat, &node->timing, now_us);
        struct cluster_beat *answer = beat_push(cluster, beat.to, beat.from);
        answer->is_reply = true;
        answer->reply = reply;
        return reply.is_equal;
    }
    if (!raft_pair_reply_take(pair, &beat.reply, node->lives, &node->timing, now_us))
        cluster_step(cluster, node, (struct raft_event){.kind = RAFT_WAKE});
    return beat.reply.is_equal;
}

void cluster_silence_notice(struct cluster *cluster, struct cluster_node *node) {
    uint64_t now_us = cluster_clock(cluster, node);
    for (raft_node_number peer = 1; node->raft != NULL && peer <= cluster->node_count; peer++)
        if (now_us >= raft_pair_led_deadline_us(&node->pairs[peer], &node->timing) ||
            now_us >= raft_pair_followed_deadline_us(&node->pairs[peer], &node->timing))
            cluster_step(cluster, node, (struct raft_event){.kind = RAFT_WAKE});
}

void cluster_settle(struct cluster *cluster) {
    for (bool is_moving = true; is_moving;) {
        is_moving = false;
        for (size_t i = 0; i < cluster->node_count; i++)
            while (cluster->nodes[i].raft && cluster_save_next(cluster, &cluster->nodes[i], true))
                is_moving = true;
        while (cluster->packets.count > 0) {
            cluster_packet_deliver(cluster, 0);
            is_moving = true;
        }
        while (cluster->beat_count > 0) {
            cluster_beat_deliver(cluster, 0);
            is_moving = true;
        }
    }
}

void cluster_propose(struct cluster *cluster, struct cluster_node *node, const char *text,
                     bool is_early) {
    struct raft_entry *entry = raft_entry_new(strlen(text));
    entry->is_early = is_early;
    entry->patience_us = is_early ? cluster->patience_us : 0;
    memcpy(raft_entry_payload_room(entry), text, strlen(text));
    cluster_step(cluster, node, (struct raft_event){.kind = RAFT_PROPOSE, .payload_entry = entry});
}

static void disk_begin_at(struct cluster_disk *disk, raft_index index, raft_term term,
                          const struct raft_configuration *configuration) {
    size_t gone = 0;
    while (gone < disk->entry_count && disk->entries[gone]->index <= index)
        gone++;
    bool is_conflicting = gone > 0 && disk->entries[gone - 1]->index == index &&
                          disk->entries[gone - 1]->term != term;
    if (is_conflicting)
        gone = disk->entry_count;
    for (size_t i = 0; i < gone; i++)
        raft_entry_drop(disk->entries[i]);
    disk->entry_count -= gone;
    if (gone > 0)
        memmove(disk->entries, disk->entries + gone, disk->entry_count * sizeof *disk->entries);
    disk->snapshot_index = index;
    disk->snapshot_term = term;
    disk->configuration = *configuration;
}

void cluster_remove(struct cluster *cluster, struct cluster_node *node) {
    struct cluster_disk *disk = &node->disk;
    if (node->raft == NULL)
        return;
    raft_floor(node->raft, &disk->floor_index, &disk->floor_term);
    disk->term = raft_current_term(node->raft);
    disk->vote = raft_vote(node->raft);
    disk->configuration = (struct raft_configuration){0};
    disk->snapshot_index = 0;
    disk->snapshot_term = 0;
    disk_truncate(disk, 0);
    cluster_crash(cluster, node);
    cluster_start(cluster, node);
}

void cluster_damage(struct cluster_node *node, size_t kept_entries, bool is_snapshot_lost) {
    struct cluster_disk *disk = &node->disk;
    CHECK(node->raft == NULL);
    CHECK(kept_entries <= disk->entry_count);
    raft_index last_index = disk->snapshot_index + disk->entry_count;
    raft_term last_term =
        disk->entry_count ? disk->entries[disk->entry_count - 1]->term : disk->snapshot_term;
    if (last_term > disk->floor_term ||
        (last_term == disk->floor_term && last_index > disk->floor_index)) {
        disk->floor_index = last_index;
        disk->floor_term = last_term;
    }
    disk->term = (last_term > disk->term ? last_term : disk->term) + 1;
    disk->vote = 0;
    disk_truncate(disk, is_snapshot_lost ? 0 : disk->snapshot_index + kept_entries + 1);
    if (is_snapshot_lost)
        disk->snapshot_index = disk->snapshot_term = 0;
}

void cluster_compact(struct cluster *cluster, struct cluster_node *node, raft_index index) {
    if (node->raft == NULL || index <= node->disk.snapshot_index)
        return;
    disk_begin_at(&node->disk, index, raft_term_at(node->raft, index),
                  raft_configuration_at(node->raft, index));
    cluster_step(cluster, node, (struct raft_event){.kind = RAFT_COMPACT, .snapshot_index = index});
}

void cluster_forget(struct cluster *cluster, struct cluster_node *node, raft_index index,
                    uint64_t kept_bytes, uint64_t held_bytes) {
    if (node->raft == NULL)
        return;
    raft_set_applied(node->raft, raft_commit_index(node->raft));
    cluster_step(cluster, node,
                 (struct raft_event){.kind = RAFT_FORGET,
                                     .forget_index = index,
                                     .kept_bytes = kept_bytes,
                                     .held_bytes = held_bytes});
}

/* The mark of the snapshot stands behind all earlier saves. */
static void snapshot_write(struct cluster *cluster, struct cluster_node *to,
                           const struct raft_event *event) {
    for (size_t i = 0; i < to->save_count; i++)
        disk_write(&to->disk, &to->saves[i]);
    disk_begin_at(&to->disk, event->snapshot_index, event->snapshot_term, event->configuration);
    for (size_t earlier = to->save_count; earlier > 0; earlier--) {
        uint64_t sequence = to->saves[0].sequence;
        to->save_count--;
        entries_drop(to->saves[0].entries, to->saves[0].entry_count);
        memmove(to->saves, to->saves + 1, to->save_count * sizeof *to->saves);
        held_release(cluster, to, sequence);
        durable_tell(cluster, to, sequence);
    }
}

void cluster_install(struct cluster *cluster, struct cluster_node *to,
                     const struct cluster_node *from, raft_index index) {
    if (to->raft == NULL || from->raft == NULL)
        return;
    struct raft_event event = {.kind = RAFT_SNAPSHOT_INSTALLED,
                               .snapshot_index = index,
                               .snapshot_term = raft_term_at(from->raft, index),
                               .configuration = raft_configuration_at(from->raft, index)};
    if (index > to->commit_index)
        snapshot_write(cluster, to, &event);
    cluster_step(cluster, to, event);
}

void cluster_disk_write(struct cluster_node *node, raft_term term, raft_node_number vote,
                        const raft_term *entry_terms, size_t entry_count) {
    CHECK(node->raft == NULL);
    disk_truncate(&node->disk, 0);
    node->disk.term = term;
    node->disk.vote = vote;
    node->disk.entries =
        memory_resize(node->disk.entries, entry_count * sizeof(struct raft_entry *));
    for (size_t i = 0; i < entry_count; i++) {
        struct raft_entry *entry = raft_entry_new(1);
        *raft_entry_payload_room(entry) = 'x';
        raft_entry_seal(entry, entry_terms[i], i + 1, RAFT_ENTRY_COMMANDS);
        node->disk.entries[node->disk.entry_count++] = entry;
    }
}
