#include "replica/mail/packer.h"

#include <zstd.h>

#include "base/check.h"
#include "io/net.h"

enum { PERCENT_SHARE = 8 /* of a new ratio in the smoothed one, as a divisor */ };

void packer_init(struct packer *packer) {
    *packer = (struct packer){0};
    buffer_init(&packer->packed, SIZE_MAX);
    buffer_init(&packer->unpacked, NET_PEER_MESSAGE_MAXIMUM);
}

void packer_release(struct packer *packer) {
    ZSTD_freeCCtx(packer->compressor);
    ZSTD_freeDCtx(packer->decompressor);
    buffer_release(&packer->packed);
    buffer_release(&packer->unpacked);
}

/* ---- out ---- */

static struct packer_slice slice_of(uint32_t shard, const struct raft_message *message) {
    const struct raft_entry *last = message->entries[message->entry_count - 1];
    return (struct packer_slice){.shard = shard,
                                 .first_index = message->entries[0]->index,
                                 .count = message->entry_count,
                                 .last_term = last->term};
}

static bool is_same(const struct packer_slice *a, const struct packer_slice *b) {
    return a->shard == b->shard && a->first_index == b->first_index && a->count == b->count &&
           a->last_term == b->last_term;
}

static bool is_worth_trying(struct packer *packer) {
    if (packer->percent <= PACKER_PAYS_PERCENT || ++packer->skipped >= PACKER_TRY_EVERY) {
        packer->skipped = 0;
        return true;
    }
    return false;
}

/* Entry by entry, so that they need not be copied together before. */
static size_t compress(struct packer *packer, const struct raft_message *message,
                       size_t entry_bytes) {
    size_t room = ZSTD_compressBound(entry_bytes);
    ZSTD_outBuffer out = {.dst = buffer_reserve(&packer->packed, room), .size = room};
    ZSTD_CCtx_reset(packer->compressor, ZSTD_reset_session_only);
    ZSTD_CCtx_setPledgedSrcSize(packer->compressor, entry_bytes);
    size_t left = 0;
    for (size_t i = 0; i < message->entry_count; i++) {
        const struct raft_entry *entry = message->entries[i];
        ZSTD_inBuffer in = {.src = entry->bytes, .size = entry->length};
        bool is_last = i + 1 == message->entry_count;
        left = ZSTD_compressStream2(packer->compressor, &out, &in,
                                    is_last ? ZSTD_e_end : ZSTD_e_continue);
        CHECK(!ZSTD_isError(left)); /* there is room for the worst */
    }
    CHECK(left == 0);
    return out.pos;
}

static void learn(struct packer *packer, size_t packed_bytes, size_t entry_bytes) {
    unsigned percent = (unsigned)(packed_bytes * 100 / entry_bytes);
    unsigned before = packer->percent ? packer->percent : percent;
    packer->percent = (before * (PERCENT_SHARE - 1) + percent) / PERCENT_SHARE;
}

struct bytes packer_pack(struct packer *packer, uint32_t shard, const struct raft_message *message,
                         size_t entry_bytes) {
    struct packer_slice slice = slice_of(shard, message);
    if (packer->held.count && is_same(&packer->held, &slice))
        return buffer_bytes(&packer->packed);
    if (!is_worth_trying(packer))
        return BYTES_NONE;
    if (!packer->compressor) {
        packer->compressor = ZSTD_createCCtx();
        CHECK(packer->compressor);
        ZSTD_CCtx_setParameter(packer->compressor, ZSTD_c_compressionLevel, PACKER_LEVEL);
    }
    packer->held = (struct packer_slice){0};
    buffer_clear(&packer->packed);
    size_t packed_bytes = compress(packer, message, entry_bytes);
    learn(packer, packed_bytes, entry_bytes);
    if (packed_bytes * 100 > entry_bytes * PACKER_PAYS_PERCENT)
        return BYTES_NONE;
    buffer_grew(&packer->packed, packed_bytes);
    packer->held = slice;
    return buffer_bytes(&packer->packed);
}

/* ---- in ---- */

int packer_unpack(struct packer *packer, struct bytes packed, uint64_t entry_bytes,
                  struct bytes *out) {
    buffer_clear(&packer->unpacked);
    if (entry_bytes > NET_PEER_MESSAGE_MAXIMUM)
        return ERR_LIMIT;
    if (!packer->decompressor) {
        packer->decompressor = ZSTD_createDCtx();
        CHECK(packer->decompressor);
    }
    uint8_t *room = buffer_reserve(&packer->unpacked, entry_bytes);
    size_t length =
        ZSTD_decompressDCtx(packer->decompressor, room, entry_bytes, packed.data, packed.length);
    if (ZSTD_isError(length) || length != entry_bytes)
        return ERR_MALFORMED;
    buffer_grew(&packer->unpacked, length);
    *out = buffer_bytes(&packer->unpacked);
    return 0;
}
