#include "command_entries.h"
#include "shard/machine/payload.h"

void add_command(struct buffer *out, raft_index index, uint64_t stamp_ms, const char *command,
                 const char *key) {
    const struct bytes arguments[] = {bytes_of_text(command), bytes_of_text(key),
                                      BYTES_LITERAL("value")};
    struct buffer payload;
    buffer_init(&payload, 4096);
    payload_encode_header(&payload, &(struct payload_header){stamp_ms, 1, 1});
    payload_encode_command(&payload, arguments, 3);
    struct raft_entry *entry = raft_entry_new(payload.length);
    memcpy(raft_entry_payload_room(entry), buffer_data(&payload), payload.length);
    raft_entry_seal(entry, 4, index, RAFT_ENTRY_COMMANDS);
    buffer_append_bytes(out, raft_entry_bytes(entry));
    raft_entry_drop(entry);
    buffer_release(&payload);
}
