#include "store/record/digest.h"
#include "base/checksum.h"

enum { FLAG_FORGOTTEN = 1 };

static void encode_row(const struct wal_shard *shard, size_t number, struct buffer *out) {
    buffer_append_u16(out, (uint16_t)number);
    buffer_append_u16(out, shard->is_forgotten ? FLAG_FORGOTTEN : 0);
    buffer_append_u32(out, shard->state.vote);
    buffer_append_u64(out, shard->state.term);
    buffer_append_u64(out, shard->snapshot_index);
    buffer_append_u64(out, shard->snapshot_term);
    buffer_append_u64(out, shard->record_count);
    buffer_append_u64(out, shard->end_index);
    buffer_append_u64(out, shard->floor_index);
    buffer_append_u64(out, shard->floor_term);
}

void wal_digest_encode(const struct wal_shard *shards, size_t shard_count, uint64_t first_round,
                       struct buffer *out) {
    struct buffer body;
    buffer_init(&body, SIZE_MAX);
    buffer_append_u64(&body, first_round);
    for (size_t i = 0; i < shard_count; i++) {
        bool is_known = shards[i].record_count || wal_shard_is_worth_saving(&shards[i]);
        if (is_known && shards[i].changed_round >= first_round)
            encode_row(&shards[i], i, &body);
    }
    buffer_append_u32(out, checksum_crc32c(0, buffer_bytes(&body)));
    buffer_append_u32(out, 0);
    buffer_append_bytes(out, buffer_bytes(&body));
    buffer_release(&body);
}

int wal_digest_begin(struct wal_digest *digest, struct bytes payload) {
    struct cursor in = cursor_of(payload);
    uint32_t crc32c = cursor_u32(&in), reserved = cursor_u32(&in);
    if (in.is_failed || reserved || crc32c != checksum_crc32c(0, bytes_of(in.at, cursor_left(&in))))
        return ERR_MALFORMED;
    digest->first_round = cursor_u64(&in);
    digest->rows = in;
    int64_t last = -1;
    bool is_sound = !in.is_failed && cursor_left(&in) % WAL_DIGEST_ROW_BYTES == 0;
    while (is_sound && cursor_left(&in)) {
        uint16_t shard = cursor_u16(&in), flags = cursor_u16(&in);
        is_sound = shard > last && (flags & ~FLAG_FORGOTTEN) == 0;
        last = shard;
        cursor_bytes(&in, WAL_DIGEST_ROW_BYTES - 4);
    }
    return is_sound ? 0 : ERR_MALFORMED;
}

bool wal_digest_next(struct wal_digest *digest, struct wal_digest_row *row) {
    struct cursor *in = &digest->rows;
    if (cursor_left(in) == 0)
        return false;
    *row = (struct wal_digest_row){.shard = cursor_u16(in)};
    struct wal_shard *known = &row->known;
    known->is_forgotten = cursor_u16(in) & FLAG_FORGOTTEN;
    known->state.vote = cursor_u32(in);
    known->state.term = cursor_u64(in);
    known->snapshot_index = cursor_u64(in);
    known->snapshot_term = cursor_u64(in);
    known->record_count = cursor_u64(in);
    known->end_index = cursor_u64(in);
    known->floor_index = cursor_u64(in);
    known->floor_term = cursor_u64(in);
    return true;
}

void wal_digest_reach_reset(struct wal_digest_reach *reach) {
    *reach = (struct wal_digest_reach){.far_round = 0};
}

void wal_digest_reach_note(struct wal_digest_reach *reach, uint64_t round, uint64_t offset) {
    bool is_first = reach->near_round == 0;
    if (!is_first && offset < reach->near_offset + WAL_DIGEST_REACH_BYTES)
        return;
    /* The near one lies far enough behind from now on. The first one has none behind it: until
     * there is, every digest tells of all shards. */
    reach->far_round = reach->near_round;
    reach->near_round = round;
    reach->near_offset = offset;
}
