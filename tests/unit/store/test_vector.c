/* Golden bytes: what this release writes is what tests/vector/ says, and what stands there is read
 * as it was meant. */
#include "../unit.h"
#include "base/memory.h"
#include "store/snapshot.h"
#include "store/wal_format.h"
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

static struct wal *open_log(struct fake_disk *fake, struct buffer *replayed) {
    struct wal_options options = {.disk = &fake->disk,
                                  .tuning = {.segment_bytes = 2048, .round_bytes = 2048},
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
    struct fake_file *file = fake_disk_find(fake, "wal-0000000001");
    size_t used = 0;
    struct wal_header header;
    while (wal_header_decode(bytes_of(file->live + used, file->live_bytes - used), &header) == 0)
        used += wal_record_bytes(header.payload_bytes);
    expect_bytes(bytes_of(file->live, used), buffer_bytes(&expected));
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

static int collect(void *context, struct bytes raw) {
    buffer_append_bytes(context, raw);
    return 0;
}

/* The bytes of a zstd frame may differ from one release of the library to the next: the image is
 * read, not compared. */
static void test_snapshot(void **state) {
    (void)state;
    struct buffer image = read_vector(VECTORS "/snapshot.txt"), raw;
    struct snapshot_meta meta = {.shard = 258,
                                 .index = 0x0102030405060708,
                                 .term = 9,
                                 .stamp_ms = 1700000000123,
                                 .configuration = "who votes",
                                 .configuration_bytes = 9};
    struct snapshot_writer *writer = snapshot_writer_new(&meta);
    struct bytes text = BYTES_LITERAL("all keys and values, all keys and values, all of them");
    snapshot_writer_write(writer, text);
    struct buffer written;
    snapshot_writer_finish(writer, &written);
    size_t header_bytes = 40 + 9 + 8;
    if (image.length < header_bytes)
        print_hex(buffer_bytes(&written));
    assert_true(image.length > header_bytes);
    assert_memory_equal(buffer_data(&image), buffer_data(&written), header_bytes);

    struct snapshot_meta read;
    buffer_init(&raw, 4096);
    assert_int_equal(snapshot_read(buffer_bytes(&image), &read, collect, &raw), 0);
    assert_true(bytes_equal(buffer_bytes(&raw), text));
    assert_int_equal(read.shard, meta.shard);
    assert_int_equal(read.index, meta.index);
    assert_int_equal(read.term, meta.term);
    assert_int_equal(read.stamp_ms, meta.stamp_ms);
    assert_int_equal(read.configuration_bytes, 9);
    assert_memory_equal(read.configuration, "who votes", 9);
    buffer_release(&written);
    buffer_release(&image);
    buffer_release(&raw);
}

RUN_TESTS(cmocka_unit_test(test_log), cmocka_unit_test(test_forgotten),
          cmocka_unit_test(test_snapshot))
