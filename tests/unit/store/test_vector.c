/* Golden bytes: what this release writes is what tests/vector/ says, and what stands there is read
 * as it was meant. */
#include "../unit.h"
#include "base/memory.h"
#include "store/record/format.h"
#include "store/snapshot/chunk.h"
#include "wal_world.h"
#include <ctype.h>
#include <stdlib.h>

/* The hex digits of the file's lines that are no comments. Returns owned. */
static struct buffer read_vector(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    char line[8192];
    while (fgets(line, sizeof line, file)) {
        unsigned value;
        for (char *at = line; *at != '#' && sscanf(at, " %2x", &value) == 1;) {
            buffer_append_u8(&bytes, (uint8_t)value);
            while (isspace((unsigned char)*at))
                at++;
            at += 2;
        }
    }
    fclose(file);
    return bytes;
}

static void print_hex(struct bytes bytes) {
    for (size_t i = 0; i < bytes.length; i++)
        printf("%02x%s", bytes.data[i], i % 48 == 47 || i + 1 == bytes.length ? "\n" : "");
}

static void expect_bytes(struct bytes got, struct bytes expected) {
    if (!bytes_equal(got, expected)) {
        printf("got:\n");
        print_hex(got);
        fail_msg("the bytes differ from the vector");
    }
}

static void write_log(struct wal *wal) {
    wal_append_state(wal, 0, 5, 2);
    wal_append_entry(wal, 0, 1, BYTES_LITERAL("an entry"));
    wal_flush(wal);
    wal_append_entry(wal, 258, 0x0102030405060708, BYTES_LITERAL("another"));
    wal_append_truncate(wal, 0, 1);
    wal_append_snapshot(wal, 0, 7, 5);
    wal_append_forget(wal, 258, 9, 4);
    wal_flush(wal);
}

static void append_replayed(void *context, const char *format, uint32_t shard, uint64_t a,
                            uint64_t b) {
    buffer_append_format(context, format, (unsigned)shard, (unsigned long long)a,
                         (unsigned long long)b);
}

static int on_entry(void *context, uint32_t shard, struct bytes entry) {
    buffer_append_format(context, "entry %u %.*s\n", (unsigned)shard, BYTES_PRINT(entry));
    return 0;
}
static int on_truncate(void *context, uint32_t shard, uint64_t from_index) {
    buffer_append_format(context, "truncate %u %llu\n", (unsigned)shard,
                         (unsigned long long)from_index);
    return 0;
}
static int on_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    append_replayed(context, "state %u %llu %llu\n", shard, term, vote);
    return 0;
}
static int on_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    append_replayed(context, "snapshot %u %llu %llu\n", shard, index, term);
    return 0;
}
static int on_forget(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    append_replayed(context, "forget %u %llu %llu\n", shard, index, term);
    return 0;
}
static void on_durable(void *context, uint64_t sequence) {
    (void)context;
    (void)sequence;
}
static void on_failure(void *context, int error, const char *what) {
    (void)context;
    fail_msg("%s: %d", what, error);
}

static struct wal *open_log_of(struct fake_disk *fake, struct buffer *replayed,
                               uint64_t segment_bytes, bool has_digests) {
    struct wal_options options = {.disk = &fake->disk,
                                  .tuning = {.segment_bytes = segment_bytes, .round_bytes = 2048},
                                  .has_digests = has_digests,
                                  .seed = 1,
                                  .on_durable = on_durable,
                                  .on_failure = on_failure};
    struct wal_visitor visitor = {.entry = on_entry,
                                  .truncate = on_truncate,
                                  .state = on_state,
                                  .snapshot = on_snapshot,
                                  .forget = on_forget,
                                  .context = replayed};
    struct wal *wal;
    struct wal_problem problem;
    assert_int_equal(wal_open(&options, &visitor, &wal, &problem), 0);
    return wal;
}

static struct wal *open_log(struct fake_disk *fake, struct buffer *replayed) {
    return open_log_of(fake, replayed, 2048, false);
}

static void expect_segment(struct fake_disk *fake, struct bytes expected) {
    struct fake_file *file = fake_disk_find(fake, "wal-0000000001");
    size_t used = 0;
    struct wal_header header;
    while (wal_header_decode(bytes_of(file->live + used, file->live_bytes - used), &header) == 0)
        used += wal_record_bytes(header.payload_bytes);
    expect_bytes(bytes_of(file->live, used), expected);
}

static void test_log(void **state) {
    (void)state;
    struct buffer expected = read_vector(VECTORS "/wal.txt"), replayed;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    buffer_init(&replayed, 4096);
    fake_disk_init(fake);
    struct wal *wal = open_log(fake, &replayed);
    write_log(wal);
    fake_disk_run_all(fake);
    wal_free(wal);
    expect_segment(fake, buffer_bytes(&expected));
    fake_disk_release(fake);

    fake_disk_init(fake);
    buffer_append(&expected, (uint8_t[2048]){0}, 2048 - expected.length);
    fake_disk_put(fake, "wal-0000000001", buffer_bytes(&expected));
    buffer_truncate(&replayed, 0);
    wal_free(open_log(fake, &replayed));
    buffer_append_u8(&replayed, 0);
    assert_string_equal((char *)buffer_data(&replayed),
                        "state 0 5 2\nentry 0 an entry\nentry 258 another\ntruncate 0 1\n"
                        "snapshot 0 7 5\nforget 258 9 4\n");
    fake_disk_release(fake);
    memory_free(fake);
    buffer_release(&replayed);
    buffer_release(&expected);
}

static void test_mark(void **state) {
    (void)state;
    struct buffer expected = read_vector(VECTORS "/wal_mark.txt"), replayed;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    buffer_init(&replayed, 4096);
    fake_disk_init(fake);
    struct wal *wal = open_log_of(fake, &replayed, 1024, true);
    wal_append_state(wal, 0, 5, 2);
    wal_flush(wal);
    fake_disk_run_all(fake);
    wal_mark(wal);
    fake_disk_run_all(fake);
    wal_free(wal);
    expect_segment(fake, buffer_bytes(&expected));
    fake_disk_release(fake);
    memory_free(fake);
    buffer_release(&replayed);
    buffer_release(&expected);
}

/* A shard is forgotten, and the segment that says so goes: the next one's checkpoint still says it,
 * so that a replica that is made later is not taken for the one that was there. */
static void test_forgotten(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    struct buffer replayed;
    buffer_init(&replayed, 1 << 16);
    fake_disk_init(fake);
    struct wal *wal = open_log(fake, &replayed);
    wal_append_state(wal, 3, 5, 2);
    wal_append_entry(wal, 3, 1, BYTES_LITERAL("void"));
    wal_append_forget(wal, 3, 1, 4);
    for (uint64_t index = 1; index <= 200; index++) {
        wal_append_entry(wal, 0, index, BYTES_LITERAL("an entry"));
        wal_flush(wal);
        fake_disk_run_all(fake);
    }
    wal_release(wal, 0, 190);
    fake_disk_run_all(fake);
    wal_free(wal);
    assert_null(fake_disk_find(fake, "wal-0000000001"));
    wal_free(open_log(fake, &replayed));
    static const char begins[] = "forget 3 1 4\nstate 3 5 2\nentry 0 ";
    assert_memory_equal(buffer_data(&replayed), begins, sizeof begins - 1);
    buffer_append_u8(&replayed, 0);
    assert_null(strstr((char *)buffer_data(&replayed), "void"));
    fake_disk_release(fake);
    memory_free(fake);
    buffer_release(&replayed);
}

/* The bytes of a zstd frame may differ from one release of the library to the next: the chunk's
 * header is compared, and the rest is read. */
static void test_snapshot_chunk(void **state) {
    (void)state;
    struct buffer image = read_vector(VECTORS "/snapshot-chunk.txt"), written, raw;
    struct bytes text = BYTES_LITERAL("all keys and values, all keys and values, all of them");
    struct snapshot_chunk chunk = {.first_slot = 1, .last_slot = 2};
    buffer_init(&written, 4096);
    buffer_init(&raw, 4096);
    assert_int_equal(snapshot_chunk_pack(258, text, &written, &chunk), 0);
    if (image.length < SNAPSHOT_CHUNK_HEADER_BYTES)
        print_hex(buffer_bytes(&written));
    assert_true(image.length > SNAPSHOT_CHUNK_HEADER_BYTES);
    assert_memory_equal(buffer_data(&image), buffer_data(&written), SNAPSHOT_CHUNK_HEADER_BYTES);
    chunk.stored_bytes = image.length;
    chunk.stored_checksum = checksum_xxh64(buffer_bytes(&image), 0);
    uint64_t offset;
    assert_int_equal(snapshot_chunk_unpack(258, &chunk, buffer_bytes(&image), &raw, &offset), 0);
    assert_true(bytes_equal(buffer_bytes(&raw), text));
    buffer_release(&written);
    buffer_release(&image);
    buffer_release(&raw);
}

static const struct snapshot_meta a_meta = {.shard = 258,
                                            .index = 0x0102030405060708,
                                            .term = 9,
                                            .stamp_ms = 1700000000123,
                                            .configuration = "who votes",
                                            .configuration_bytes = 9};

/* It is written as the vector has it, and read from it. */
static void expect_manifest(const char *path, const struct snapshot_chunk *chunks, uint32_t count) {
    struct buffer expected = read_vector(path), written;
    struct snapshot_manifest *manifest = snapshot_manifest_new(&a_meta, chunks, count), *read;
    buffer_init(&written, 4096);
    snapshot_manifest_encode(manifest, &written);
    if (!bytes_equal(buffer_bytes(&written), buffer_bytes(&expected)))
        print_hex(buffer_bytes(&written));
    assert_true(bytes_equal(buffer_bytes(&written), buffer_bytes(&expected)));
    assert_int_equal(snapshot_manifest_decode(buffer_bytes(&expected), &read), 0);
    buffer_clear(&written);
    snapshot_manifest_encode(read, &written);
    assert_true(bytes_equal(buffer_bytes(&written), buffer_bytes(&expected)));
    assert_int_equal(read->meta.index, a_meta.index);
    snapshot_manifest_free(read);
    snapshot_manifest_free(manifest);
    buffer_release(&written);
    buffer_release(&expected);
}

static void test_snapshot_manifest(void **state) {
    (void)state;
    const struct snapshot_chunk chunks[] = {
        {.first_slot = 0,
         .last_slot = 8191,
         .raw_bytes = 0x1111,
         .stored_bytes = 0x222,
         .raw_checksum = {0x0a0b0c0d0e0f1011, 0x1213141516171819},
         .stored_checksum = 0x2021222324252627,
         .state_hash = 0x3031323334353637},
        {8192, 16383, 1, 2, {3, 4}, 5, 6, 0, 0}};
    expect_manifest(VECTORS "/snapshot-manifest.txt", chunks, 2);
}

static void test_snapshot_manifest_with_pieces(void **state) {
    (void)state;
    const struct snapshot_chunk chunks[] = {{7, 7, 0x1111, 0x222, {3, 4}, 5, 6, 0, 0},
                                            {7, 7, 1, 2, {0x33, 0x44}, 0x55, 0x66, 0, 0},
                                            {8, 9, 1, 2, {0x333, 0x444}, 0x555, 0x666, 0, 0}};
    expect_manifest(VECTORS "/snapshot-manifest-pieces.txt", chunks, 3);
}

static void test_snapshot_manifest_with_parts(void **state) {
    (void)state;
    const struct snapshot_chunk chunks[] = {{7, 7, 0x1111, 0x222, {3, 4}, 5, 6, 1, 9},
                                            {7, 7, 1, 2, {0x33, 0x44}, 0x55, 0x66, 0x1fe, 9},
                                            {8, 9, 1, 2, {0x333, 0x444}, 0x555, 0x666, 0, 0}};
    expect_manifest(VECTORS "/snapshot-manifest-parts.txt", chunks, 3);
}

RUN_TESTS(cmocka_unit_test(test_log), cmocka_unit_test(test_mark), cmocka_unit_test(test_forgotten),
          cmocka_unit_test(test_snapshot_chunk), cmocka_unit_test(test_snapshot_manifest),
          cmocka_unit_test(test_snapshot_manifest_with_pieces),
          cmocka_unit_test(test_snapshot_manifest_with_parts))
