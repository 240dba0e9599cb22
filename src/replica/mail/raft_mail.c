/* Raft's messages as parts of a batch. Entries are copied straight from the log into the batch, or
 * packed where both nodes know how. */
#include "replica/mail/raft_mail.h"

#include "base/memory.h"
#include "replica/mail/outbox.h"
#include "replica/mail/packer.h"
#include "replica/mail/pairs.h"
#include "replica/state/state.h"
#include "wire/peer_message.h"
#include "worker/observe.h"
#include "worker/worker.h"

enum { ENTRIES_PER_MESSAGE_MAXIMUM = 65536, PROTOCOL_WITH_PACKED_ENTRIES = 2 };

/* ---- out ---- */

/* Empty where the entries go as they are. */
static struct bytes pack(struct worker *worker, uint32_t shard, const struct raft_message *message,
                         size_t entry_bytes) {
    uint64_t least_bytes = (uint64_t)worker->config.append_compress_min_bytes;
    if (least_bytes == 0 || entry_bytes < least_bytes || entry_bytes == 0 ||
        pairs_protocol(worker, message->to) < PROTOCOL_WITH_PACKED_ENTRIES)
        return BYTES_NONE;
    struct bytes packed = packer_pack(&worker->hosting->packer, shard, message, entry_bytes);
    if (packed.length)
        observe_packed(worker, entry_bytes, packed.length);
    return packed;
}

/* All of a message but its entries. */
static struct peer_raft head_of(const struct shard *shard, const struct raft_message *message) {
    return (struct peer_raft){.shard = shard_number(shard),
                              .kind = message->kind,
                              .term = message->term,
                              .log_index = message->log_index,
                              .log_term = message->log_term,
                              .commit_index = message->commit_index,
                              .is_rejected = message->is_rejected,
                              .is_forced = message->is_forced,
                              .is_full = message->is_full,
                              .conflict_index = message->conflict_index,
                              .conflict_term = message->conflict_term,
                              .context = message->context,
                              .read_round = message->read_round,
                              .patience_us = message->patience_us,
                              .is_receipt_wanted = message->is_receipt_wanted,
                              .agreed_index = message->agreed_index,
                              .is_quiet = message->is_quiet};
}

void raft_mail_send(void *context, struct shard *shard, const struct raft_message *message) {
    struct worker *worker = context;
    observe_raft_message(worker, message->kind, true);
    struct peer_raft head = head_of(shard, message);
    size_t entry_bytes = 0;
    for (size_t i = 0; i < message->entry_count; i++)
        entry_bytes += message->entries[i]->length;
    struct bytes packed = pack(worker, head.shard, message, entry_bytes);
    head.unpacked_bytes = packed.length ? (uint32_t)entry_bytes : 0;
    size_t data_bytes = packed.length ? packed.length : entry_bytes;
    struct buffer *batch = outbox_to(worker, message->to, data_bytes);
    if (!batch)
        return;
    peer_raft_append(batch, &head, data_bytes);
    buffer_append_bytes(batch, packed);
    for (size_t i = 0; i < message->entry_count && !packed.length; i++)
        buffer_append_bytes(batch, raft_entry_bytes(message->entries[i]));
}

/* ---- in ---- */

/* The entries of one message. Most have one or a few. */
struct entry_list {
    struct raft_entry **entries;
    size_t count, capacity;
    struct raft_entry *few[8];
};

static void decode_entries(struct bytes in, struct entry_list *list) {
    list->entries = list->few;
    list->count = 0;
    list->capacity = sizeof list->few / sizeof list->few[0];
    while (in.length && list->count < ENTRIES_PER_MESSAGE_MAXIMUM) {
        struct raft_entry *entry;
        if (raft_entry_decode(&in, &entry)) {
            return; /* what came whole before it can still be used: the leader sends the rest
                     * again */
        }
        if (list->count == list->capacity) {
            list->capacity *= 2;
            struct raft_entry **more = memory_allocate(list->capacity * sizeof *more);
            memcpy(more, list->entries, list->count * sizeof *more);
            memory_free(list->entries == list->few ? NULL : list->entries);
            list->entries = more;
        }
        list->entries[list->count++] = entry;
    }
}

static void drop_entries(struct entry_list *list) {
    for (size_t i = 0; i < list->count; i++)
        raft_entry_drop(list->entries[i]);
    memory_free(list->entries == list->few ? NULL : list->entries);
}

/* The same, read; its kind was looked at. */
static struct raft_message message_of(const struct worker *worker, uint32_t from,
                                      const struct peer_raft *in) {
    return (struct raft_message){.kind = (enum raft_message_kind)in->kind,
                                 .from = from,
                                 .to = worker->self,
                                 .term = in->term,
                                 .log_index = in->log_index,
                                 .log_term = in->log_term,
                                 .commit_index = in->commit_index,
                                 .is_rejected = in->is_rejected,
                                 .is_forced = in->is_forced,
                                 .is_full = in->is_full,
                                 .conflict_index = in->conflict_index,
                                 .conflict_term = in->conflict_term,
                                 .context = in->context,
                                 .read_round = in->read_round,
                                 .patience_us = in->patience_us,
                                 .is_receipt_wanted = in->is_receipt_wanted,
                                 .agreed_index = in->agreed_index,
                                 .is_quiet = in->is_quiet};
}

void raft_mail_receive(struct worker *worker, uint32_t from, const struct peer_raft *in) {
    struct shard *shard = worker_shard(worker, in->shard);
    if (!shard || in->kind >= RAFT_MESSAGE_KIND_COUNT)
        return;
    struct raft_message message = message_of(worker, from, in);
    struct bytes encoded = in->entries;
    if (in->unpacked_bytes &&
        packer_unpack(&worker->hosting->packer, encoded, in->unpacked_bytes, &encoded))
        return; /* as if it were lost: the leader sends it again */
    struct entry_list list;
    decode_entries(encoded, &list);
    message.entries = list.entries;
    message.entry_count = list.count;
    observe_raft_message(worker, message.kind, false);
    shard_message(shard, &message);
    drop_entries(&list);
}
