/* What a decoder of the store refuses although its checksum is right: a later release, or something
 * that nothing here wrote. Each case differs from good bytes in one field. */
#include "../unit.h"
#include "base/checksum.h"
#include "store/record/format.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/manifest.h"

/* ---- the header of a record: docs/format/wal.md ---- */

enum {
    AT_VERSION = 12,
    AT_KIND = 13,
    AT_FLAGS = 14,
    AT_RESERVED = 15,
    AT_SHARD = 40,
    AT_PAYLOAD = 44
};

static void put_u32(uint8_t *at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void make_header(enum wal_kind kind, uint8_t header[WAL_HEADER_BYTES]) {
    struct buffer record;
    buffer_init(&record, 4096);
    wal_record_append(&record, kind, 3, 7, BYTES_LITERAL("payload"));
    struct wal_header place = {.payload_bytes = 7, .segment = 1, .record = 1, .round = 1};
    uint32_t chain = 0;
    wal_record_seal(buffer_data(&record), &place, &chain);
    memcpy(header, buffer_data(&record), WAL_HEADER_BYTES);
    buffer_release(&record);
}

/* As if a header of `bytes` bytes had been written so. */
static int decode_sealed(uint8_t *header, size_t bytes) {
    struct wal_header decoded;
    put_u32(header, checksum_crc32c(0, bytes_of(header + 4, bytes - 4)));
    return wal_header_decode(bytes_of(header, WAL_HEADER_BYTES), &decoded);
}

static int decode_with(enum wal_kind kind, size_t at, uint8_t value) {
    uint8_t header[WAL_HEADER_BYTES];
    make_header(kind, header);
    header[at] = value;
    return decode_sealed(header, sizeof header);
}

/* What is lent, and all but the rest in place: the record is the same as if it were copied. */
static void check_lent(struct bytes payload, size_t lent_bytes) {
    struct wal_header place = {.payload_bytes = (uint32_t)payload.length,
                               .segment = 2,
                               .record = 5,
                               .round = 4,
                               .life = 9};
    struct bytes front = bytes_of(payload.data, payload.length - lent_bytes);
    struct wal_lent lent = {.bytes = bytes_of(payload.data + front.length, lent_bytes)};
    lent.crc32c = checksum_crc32c(0, lent.bytes);
    struct buffer copied, parts, joined;
    uint32_t copied_chain = 77, parts_chain = 77;
    buffer_init(&copied, 1 << 20);
    buffer_init(&parts, 1 << 20);
    buffer_init(&joined, 1 << 20);
    wal_record_append(&copied, WAL_ENTRY, 3, 7, payload);
    wal_record_append_front(&parts, WAL_ENTRY, 3, 7, front, &lent);
    assert_int_equal(wal_record_lent_bytes(buffer_data(&parts)), lent_bytes);
    assert_int_equal(wal_record_bytes_at(buffer_data(&parts)), copied.length);
    assert_int_equal(parts.length + lent_bytes, copied.length);
    wal_record_seal(buffer_data(&copied), &place, &copied_chain);
    wal_record_seal_appended(buffer_data(&parts), &place, &parts_chain);
    assert_int_equal(copied_chain, parts_chain);
    size_t before = WAL_HEADER_BYTES + front.length;
    buffer_append(&joined, buffer_data(&parts), before);
    buffer_append_bytes(&joined, lent.bytes);
    buffer_append(&joined, buffer_data(&parts) + before, parts.length - before);
    assert_true(bytes_equal(buffer_bytes(&copied), buffer_bytes(&joined)));
    buffer_release(&copied);
    buffer_release(&parts);
    buffer_release(&joined);
}

static void test_what_is_lent_changes_no_byte(void **state) {
    (void)state;
    static uint8_t payload[20001];
    const uint32_t lengths[] = {1, 7, 8, 9, 300, sizeof payload};
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (uint32_t lent = 0; lent <= lengths[i]; lent += 1 + lengths[i] / 3)
            check_lent(bytes_of(payload, lengths[i]), lent);
}

static void test_a_header_of_nonsense_is_damage(void **state) {
    (void)state;
    assert_int_equal(decode_with(WAL_ENTRY, AT_KIND, WAL_ENTRY), 0);
    assert_int_equal(decode_with(WAL_ENTRY, AT_KIND, WAL_DIGEST), 0);
    assert_int_equal(decode_with(WAL_ENTRY, AT_KIND, 0), ERR_DAMAGED);
    assert_int_equal(decode_with(WAL_ENTRY, AT_KIND, WAL_KIND_END), ERR_DAMAGED);
    assert_int_equal(decode_with(WAL_ENTRY, AT_FLAGS, WAL_FLAG_LAST_OF_ROUND), 0);
    assert_int_equal(decode_with(WAL_CHECKPOINT, AT_FLAGS, WAL_FLAG_RECYCLED), 0);
    assert_int_equal(decode_with(WAL_ENTRY, AT_FLAGS, WAL_FLAG_RECYCLED), ERR_DAMAGED);
    assert_int_equal(decode_with(WAL_CHECKPOINT, AT_FLAGS, 4), ERR_DAMAGED);
    assert_int_equal(decode_with(WAL_ENTRY, AT_RESERVED, 1), ERR_DAMAGED);
    assert_int_equal(decode_with(WAL_ENTRY, AT_SHARD + 1, 0xff), 0);
    assert_int_equal(decode_with(WAL_ENTRY, AT_SHARD + 2, 1), ERR_DAMAGED);
    uint8_t header[WAL_HEADER_BYTES];
    make_header(WAL_ENTRY, header);
    put_u32(header + AT_PAYLOAD, WAL_PAYLOAD_MAXIMUM_BYTES);
    assert_int_equal(decode_sealed(header, sizeof header), 0);
    put_u32(header + AT_PAYLOAD, WAL_PAYLOAD_MAXIMUM_BYTES + 1);
    assert_int_equal(decode_sealed(header, sizeof header), ERR_DAMAGED);
}

/* Version 1 had headers of 56 bytes; those of this and of later releases have 64. A wrong checksum
 * is no version, whatever number stands there. */
static void test_another_release_is_called_by_its_name(void **state) {
    (void)state;
    assert_int_equal(decode_with(WAL_ENTRY, AT_VERSION, WAL_VERSION + 1), ERR_VERSION);
    uint8_t header[WAL_HEADER_BYTES];
    make_header(WAL_ENTRY, header);
    header[AT_VERSION] = 1;
    assert_int_equal(decode_sealed(header, 56), ERR_VERSION);
    header[AT_KIND] ^= 1;
    struct wal_header decoded;
    assert_int_equal(wal_header_decode(bytes_of(header, sizeof header), &decoded), ERR_MALFORMED);
    header[AT_VERSION] = WAL_VERSION;
    assert_int_equal(decode_sealed(header, 56), ERR_MALFORMED);
    make_header(WAL_ENTRY, header);
    assert_int_equal(wal_header_decode(bytes_of(header, sizeof header - 1), &decoded),
                     ERR_MALFORMED);
}

/* Of a record only the beginning was read. */
static void test_half_a_record_is_none(void **state) {
    (void)state;
    struct buffer record;
    buffer_init(&record, 4096);
    wal_record_append(&record, WAL_ENTRY, 3, 7, BYTES_LITERAL("payload of a record"));
    struct wal_header place = {.payload_bytes = 19, .segment = 1, .record = 1}, header;
    uint32_t chain = 77;
    wal_record_seal(buffer_data(&record), &place, &chain);
    assert_int_equal(wal_header_decode(buffer_bytes(&record), &header), 0);
    assert_true(wal_record_verify(buffer_bytes(&record), &header, 77));
    assert_false(wal_record_verify(buffer_bytes(&record), &header, 78));
    for (size_t length = 0; length < record.length; length++)
        assert_false(wal_record_verify(bytes_of(buffer_data(&record), length), &header, 77));
    buffer_release(&record);
}

static void test_names_are_as_one_would_write_them(void **state) {
    (void)state;
    uint64_t number = 0;
    assert_true(wal_segment_name_parse("wal-0000000012", &number));
    assert_int_equal(number, 12);
    assert_true(wal_segment_name_parse("wal-12345678901", &number));
    assert_int_equal(number, 12345678901);
    assert_true(wal_segment_name_parse("wal-17000000000000000000", &number));
    assert_true(number == 17000000000000000000u);
    static const char *const wrong[] = {"wal-",
                                        "wal-0000000000",
                                        "wal-12",
                                        "wal-00000000012",
                                        "wal-000000001x",
                                        "log-0000000012",
                                        "wal-000000001/",
                                        "wal-99999999999999999999",
                                        "wal-spare-0000000001"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(wal_segment_name_parse(wrong[i], &number));
    assert_true(wal_spare_name_parse("wal-spare-0000000001", &number));
    assert_false(wal_spare_name_parse("wal-0000000001", &number));
    assert_true(wal_repaired_name_parse("wal-repaired-0000000034", &number));
    assert_int_equal(number, 34);
    assert_false(wal_repaired_name_parse("wal-0000000001", &number));
    assert_false(wal_segment_name_parse("wal-repaired-0000000034", &number));
    assert_false(wal_spare_name_parse("wal-repaired-0000000034", &number));
}

/* ---- the manifest: docs/format/snapshot.md ---- */

enum {
    AT_MANIFEST_VERSION = 4,
    AT_MANIFEST_RESERVED = 6,
    AT_CONFIGURATION_BYTES = 12,
    AT_CHUNKS = 40,
    AT_RESERVED_END = 44,
    AT_CHUNK = 48
};

/* A manifest of one chunk, slots 5 to 9, and no configuration, with a field of `bytes` bytes put to
 * `value`. */
static int decode_manifest_with(size_t at, size_t bytes, uint64_t value) {
    const struct snapshot_meta meta = {.shard = 3, .index = 99, .term = 2};
    const struct snapshot_chunk chunk = {
        .first_slot = 5, .last_slot = 9, .raw_bytes = 10, .stored_bytes = 8};
    struct snapshot_manifest *manifest = snapshot_manifest_new(&meta, &chunk, 1), *back;
    struct buffer encoded, sealed;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    buffer_init(&sealed, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, &encoded);
    buffer_append(&sealed, buffer_data(&encoded), encoded.length - 8);
    for (size_t i = 0; i < bytes; i++)
        buffer_data(&sealed)[at + i] = (uint8_t)(value >> 8 * i);
    buffer_append_u64(&sealed, checksum_xxh64(buffer_bytes(&sealed), 0));
    int status = snapshot_manifest_decode(buffer_bytes(&sealed), &back);
    assert_true((back == NULL) == (status != 0));
    snapshot_manifest_free(back);
    snapshot_manifest_free(manifest);
    buffer_release(&encoded);
    buffer_release(&sealed);
    return status;
}

static void test_a_manifest_of_a_later_release(void **state) {
    (void)state;
    assert_int_equal(decode_manifest_with(AT_MANIFEST_VERSION, 2, SNAPSHOT_MANIFEST_VERSION), 0);
    assert_int_equal(decode_manifest_with(AT_MANIFEST_VERSION, 2, SNAPSHOT_MANIFEST_VERSION + 1),
                     ERR_VERSION);
}

static void test_a_manifest_that_does_not_add_up(void **state) {
    (void)state;
    static const struct {
        size_t at, bytes;
        uint64_t value;
    } wrong[] = {
        {AT_MANIFEST_RESERVED, 2, 1},
        {AT_RESERVED_END, 4, 1},
        {AT_CHUNKS, 4, 0}, /* there is one */
        {AT_CHUNKS, 4, 2},
        {AT_CHUNKS, 4, SNAPSHOT_CHUNK_COUNT_MAXIMUM + 1},
        {AT_CHUNKS, 4, UINT32_MAX},
        {AT_CONFIGURATION_BYTES, 4, 1},
        {AT_CONFIGURATION_BYTES, 4, 1 << 20},
        {AT_CHUNK, 2, 10}, /* first slot behind the last */
        {AT_CHUNK + 2, 2, 4},
        {AT_CHUNK + 2, 2, 16384}, /* no such slot */
        {AT_CHUNK + 4, 2, 1},     /* a part of a range of slots */
        {AT_CHUNK + 6, 1, 1},
        {AT_CHUNK + 7, 1, 1},
        {AT_CHUNK + 8, 8, 0}, /* a chunk holds something */
        {AT_CHUNK + 16, 8, 0},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (decode_manifest_with(wrong[i].at, wrong[i].bytes, wrong[i].value) != ERR_MALFORMED)
            fail_msg("case %zu is not refused", i);
    assert_int_equal(decode_manifest_with(AT_CHUNK, 2, 9), 0);
    assert_int_equal(decode_manifest_with(AT_CHUNK + 2, 2, 16383), 0);
}

/* ---- a chunk: docs/format/snapshot.md ---- */

enum {
    AT_CHUNK_MAGIC = 0,
    AT_CHUNK_VERSION = 4,
    AT_CHUNK_RESERVED = 6,
    AT_CHUNK_RAW_CHECKSUM = 24,
    AT_CHUNK_CHECKSUM = 40
};

static void put_u64(uint8_t *at, uint64_t value) {
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

/* A chunk of one frame, with a byte of its header and how much the frame claims to hold put to
 * these values, and both checksums right again. */
static int unpack_with(size_t at, uint8_t value, uint32_t frame_raw_bytes) {
    static const uint8_t held[100] = "what a chunk holds";
    struct buffer image, raw;
    buffer_init(&image, SIZE_MAX);
    buffer_init(&raw, SIZE_MAX);
    struct snapshot_chunk chunk = {0};
    assert_int_equal(snapshot_chunk_pack(1, bytes_of(held, sizeof held), &image, &chunk), 0);
    uint8_t *header = buffer_data(&image), *frame = header + SNAPSHOT_CHUNK_HEADER_BYTES;
    header[at] = value;
    put_u64(header + AT_CHUNK_CHECKSUM, checksum_xxh64(bytes_of(header, AT_CHUNK_CHECKSUM), 0));
    put_u32(frame, frame_raw_bytes);
    size_t covered = image.length - SNAPSHOT_CHUNK_HEADER_BYTES - 8;
    put_u64(frame + covered, checksum_xxh64(bytes_of(frame, covered), 1));
    chunk.stored_checksum = checksum_xxh64(buffer_bytes(&image), 0);
    uint64_t offset;
    int status = snapshot_chunk_unpack(1, &chunk, buffer_bytes(&image), NULL, &offset);
    assert_int_equal(snapshot_chunk_unpack(1, &chunk, buffer_bytes(&image), &raw, &offset), status);
    buffer_release(&image);
    buffer_release(&raw);
    return status;
}

static void test_a_chunk_that_nothing_wrote(void **state) {
    (void)state;
    assert_int_equal(unpack_with(AT_CHUNK_RESERVED, 0, 100), 0);
    assert_int_equal(unpack_with(AT_CHUNK_RESERVED, 1, 100), ERR_MALFORMED);
    assert_int_equal(unpack_with(AT_CHUNK_MAGIC, 'x', 100), ERR_MALFORMED);
    assert_int_equal(unpack_with(AT_CHUNK_VERSION, 99, 100), ERR_VERSION);
    assert_int_equal(unpack_with(AT_CHUNK_RESERVED, 0, 0), ERR_MALFORMED);
    assert_int_equal(unpack_with(AT_CHUNK_RESERVED, 0, 99), ERR_MALFORMED);
    assert_int_equal(unpack_with(AT_CHUNK_RESERVED, 0, 101), ERR_MALFORMED);
    assert_int_equal(unpack_with(AT_CHUNK_RESERVED, 0, SNAPSHOT_FRAME_BYTES + 1), ERR_MALFORMED);
}

/* Sound in itself, and not what the manifest names: of either half of the content's checksum, and
 * of the file's. */
static void test_a_chunk_that_the_manifest_does_not_name(void **state) {
    (void)state;
    for (unsigned half = 0; half < 2; half++) {
        struct buffer image, raw;
        buffer_init(&image, SIZE_MAX);
        buffer_init(&raw, SIZE_MAX);
        struct snapshot_chunk chunk = {0};
        assert_int_equal(snapshot_chunk_pack(1, BYTES_LITERAL("held"), &image, &chunk), 0);
        uint64_t offset, *part = half ? &chunk.raw_checksum.high : &chunk.raw_checksum.low;
        chunk.stored_checksum++;
        assert_int_equal(snapshot_chunk_unpack(1, &chunk, buffer_bytes(&image), NULL, &offset),
                         ERR_DAMAGED);
        uint8_t *header = buffer_data(&image);
        put_u64(header + AT_CHUNK_RAW_CHECKSUM + 8 * half, ++*part);
        put_u64(header + AT_CHUNK_CHECKSUM, checksum_xxh64(bytes_of(header, AT_CHUNK_CHECKSUM), 0));
        chunk.stored_checksum = checksum_xxh64(buffer_bytes(&image), 0);
        assert_int_equal(snapshot_chunk_unpack(1, &chunk, buffer_bytes(&image), &raw, &offset),
                         ERR_DAMAGED);
        buffer_release(&image);
        buffer_release(&raw);
    }
}

/* A record is padded with zeros, whatever stood in the memory that it was made in. */
static void test_padding_is_zero(void **state) {
    (void)state;
    struct buffer record;
    buffer_init(&record, 4096);
    uint8_t *room = buffer_reserve(&record, 1024);
    memset(room, 0xff, 1024);
    wal_record_append(&record, WAL_ENTRY, 3, 7, BYTES_LITERAL("p"));
    static const uint8_t zeros[7];
    assert_int_equal(record.length, WAL_HEADER_BYTES + 8);
    assert_memory_equal(buffer_data(&record) + WAL_HEADER_BYTES + 1, zeros, sizeof zeros);
    buffer_release(&record);
}

RUN_TESTS(cmocka_unit_test(test_what_is_lent_changes_no_byte),
          cmocka_unit_test(test_a_header_of_nonsense_is_damage),
          cmocka_unit_test(test_another_release_is_called_by_its_name),
          cmocka_unit_test(test_half_a_record_is_none),
          cmocka_unit_test(test_names_are_as_one_would_write_them),
          cmocka_unit_test(test_a_manifest_of_a_later_release),
          cmocka_unit_test(test_a_manifest_that_does_not_add_up),
          cmocka_unit_test(test_a_chunk_that_nothing_wrote),
          cmocka_unit_test(test_a_chunk_that_the_manifest_does_not_name),
          cmocka_unit_test(test_padding_is_zero))
