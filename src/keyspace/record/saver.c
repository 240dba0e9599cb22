#include "keyspace/record/saver.h"
#include "base/check.h"

void saver_end_block(struct saver *saver, struct buffer *out) {
    if (saver->block_bytes == 0 || out->is_overflowed)
        return;
    uint64_t record_bytes = saver->block_bytes - SAVER_BLOCK_HEADER_BYTES;
    uint8_t *block = buffer_data(out) + saver->block_start;
    for (unsigned byte = 0; byte < 8; byte++)
        block[1 + byte] = (uint8_t)(record_bytes >> (8 * byte));
    saver->block_bytes = 0;
}

static void begin_block(struct saver *saver, struct buffer *out) {
    static const uint8_t header[SAVER_BLOCK_HEADER_BYTES] = {SAVER_FORMAT_VERSION_WHOLE};
    saver->block_start = out->length;
    buffer_append(out, header, sizeof header); /* the length is known to saver_end_block() */
}

/* All but the bytes of the payload, which follow. */
static void append_head(struct saver *saver, struct buffer *out, const struct record *record,
                        uint8_t flags, uint8_t encoding, size_t payload_bytes) {
    if (saver->block_bytes == 0)
        begin_block(saver, out);
    const uint8_t head[] = {(uint8_t)record_type(record), flags, encoding};
    buffer_append(out, head, sizeof head);
    buffer_append_length_prefixed(out, record_key(record));
    if (flags & SAVER_HAS_EXPIRY)
        buffer_append_u64(out, record_expiry_ms(record));
    if (flags & SAVER_IS_PIECE)
        buffer_append_varint(out, record_string_length(record));
    buffer_append_varint(out, payload_bytes);
}

static void end_record(struct saver *saver, struct buffer *out) {
    saver->block_bytes = out->length - saver->block_start;
    if (saver->block_bytes >= SAVER_BLOCK_BYTES)
        saver_end_block(saver, out);
}

static void append(struct saver *saver, struct buffer *out, const struct record *record,
                   uint8_t flags, uint8_t encoding, struct bytes payload) {
    append_head(saver, out, record, flags, encoding, payload.length);
    buffer_append_bytes(out, payload);
    end_record(saver, out);
}

void saver_append(struct saver *saver, struct buffer *out, const struct record *record,
                  uint8_t encoding, struct bytes payload) {
    append(saver, out, record, record->has_expiry ? SAVER_HAS_EXPIRY : 0, encoding, payload);
}

void saver_append_more(struct saver *saver, struct buffer *out, const struct record *record,
                       uint8_t encoding, struct bytes payload) {
    append(saver, out, record, SAVER_CONTINUES, encoding, payload);
}

/* A release that knows none refuses the block as unknown. */
void saver_append_piece(struct saver *saver, struct buffer *out, const struct record *record,
                        size_t offset, size_t length) {
    uint8_t first = SAVER_IS_PIECE | (record->has_expiry ? SAVER_HAS_EXPIRY : 0);
    struct bytes piece = record_string_piece(record, offset, length);
    CHECK(piece.length == length);
    append(saver, out, record, offset ? SAVER_CONTINUES : first,
           (uint8_t)record_string_encoding(record), piece);
    if (!out->is_overflowed)
        buffer_data(out)[saver->block_start] = SAVER_FORMAT_VERSION;
}

static void append_long_string(struct saver *saver, struct buffer *out,
                               const struct record *record) {
    size_t length = record_string_length(record);
    append_head(saver, out, record, record->has_expiry ? SAVER_HAS_EXPIRY : 0, STRING_RAW, length);
    for (size_t at = 0; at < length; at += LONG_STRING_PIECE_BYTES)
        buffer_append_bytes(out, record_string_piece(record, at, SIZE_MAX));
    end_record(saver, out);
}

static void append_object(struct saver *saver, struct buffer *out, const struct record *record) {
    const struct value_kind *kind = value_kind_of(record_type(record));
    const void *object = record_object(record);
    struct buffer piece;
    buffer_init(&piece, SIZE_MAX);
    uint64_t position = 0;
    kind->save(object, &position, VALUE_SAVE_BYTES, &piece);
    saver_append(saver, out, record, kind->encoding(object), buffer_bytes(&piece));
    while (position != 0) {
        buffer_clear(&piece);
        kind->save(object, &position, VALUE_SAVE_BYTES, &piece);
        saver_append_more(saver, out, record, kind->encoding(object), buffer_bytes(&piece));
    }
    buffer_release(&piece);
}

uint64_t saver_append_whole(struct saver *saver, struct buffer *out, const struct record *record) {
    if (record_is_long_string(record))
        append_long_string(saver, out, record);
    else if (record_is_object(record))
        append_object(saver, out, record);
    else
        saver_append(saver, out, record, (uint8_t)record->form, record_string(record));
    return record_hash(record);
}
