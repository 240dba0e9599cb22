/* Manifests and chunks: what goes in comes out, every flipped bit is found, and files go when, and
 * only when, nothing names them. */
#include "../unit.h"
#include "base/memory.h"
#include "fake_disk.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/names.h"
#include "store/snapshot/shelf.h"

static struct snapshot_meta meta_of(uint32_t shard, uint64_t index) {
    struct snapshot_meta meta = {.shard = shard,
                                 .index = index,
                                 .term = 7,
                                 .stamp_ms = 1700000000123,
                                 .configuration_bytes = 5};
    memcpy(meta.configuration, "three", 5);
    return meta;
}

/* ---- chunks ---- */

static void fill(struct buffer *raw, size_t bytes) {
    struct random random;
    random_init(&random, bytes);
    buffer_init(raw, SIZE_MAX);
    for (size_t i = 0; i < bytes; i++)
        buffer_append_u8(raw, (uint8_t)random_below(&random, 1 + i % 40));
}

static void expect_round_trip(size_t bytes) {
    struct buffer raw, image, back;
    fill(&raw, bytes);
    buffer_init(&image, SIZE_MAX);
    buffer_init(&back, SIZE_MAX);
    struct snapshot_chunk chunk = {0};
    assert_int_equal(snapshot_chunk_pack(3, buffer_bytes(&raw), &image, &chunk), 0);
    assert_int_equal(chunk.raw_bytes, bytes);
    assert_int_equal(chunk.stored_bytes, image.length);
    uint64_t offset;
    assert_int_equal(snapshot_chunk_unpack(3, &chunk, buffer_bytes(&image), NULL, &offset), 0);
    assert_int_equal(snapshot_chunk_unpack(3, &chunk, buffer_bytes(&image), &back, &offset), 0);
    assert_true(bytes_equal(buffer_bytes(&back), buffer_bytes(&raw)));
    assert_int_equal(snapshot_chunk_unpack(4, &chunk, buffer_bytes(&image), &back, &offset),
                     ERR_DAMAGED);
    buffer_release(&raw);
    buffer_release(&image);
    buffer_release(&back);
}

static void test_a_chunk_comes_out_as_it_went_in(void **state) {
    (void)state;
    expect_round_trip(1);
    expect_round_trip(1000);
    expect_round_trip(SNAPSHOT_FRAME_BYTES);
    expect_round_trip(SNAPSHOT_FRAME_BYTES + 1);
    expect_round_trip(3 * SNAPSHOT_FRAME_BYTES + 5);
}

/* Several chunks may be unpacked into one buffer, one behind the other. */
static void test_a_chunk_comes_out_behind_what_is_there(void **state) {
    (void)state;
    struct buffer image, back;
    buffer_init(&image, SIZE_MAX);
    buffer_init(&back, SIZE_MAX);
    struct snapshot_chunk chunk = {0};
    uint64_t offset;
    assert_int_equal(snapshot_chunk_pack(3, BYTES_LITERAL("one,"), &image, &chunk), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(snapshot_chunk_unpack(3, &chunk, buffer_bytes(&image), &back, &offset), 0);
    assert_true(bytes_equal(buffer_bytes(&back), BYTES_LITERAL("one,one,")));
    buffer_release(&image);
    buffer_release(&back);
}

static void test_a_chunk_has_a_limit(void **state) {
    (void)state;
    static const uint8_t held[100];
    struct snapshot_chunk chunk = {0};
    struct buffer small;
    buffer_init(&small, SNAPSHOT_CHUNK_HEADER_BYTES);
    assert_int_equal(snapshot_chunk_pack(3, bytes_of(held, sizeof held), &small, &chunk),
                     ERR_LIMIT);
    /* Refused by its length alone: so much is not there. */
    struct bytes huge = bytes_of(held, (size_t)SNAPSHOT_CHUNK_BYTES_MAXIMUM + 1);
    assert_int_equal(snapshot_chunk_pack(3, huge, &small, &chunk), ERR_LIMIT);
    buffer_release(&small);
}

static int read_back(struct fake_disk *fake, const struct snapshot_chunk *chunk,
                     struct bytes expected) {
    struct buffer raw;
    int status = snapshot_chunk_read(&fake->disk, 3, chunk, &raw);
    assert_true(status != 0 || bytes_equal(buffer_bytes(&raw), expected));
    buffer_release(&raw);
    return status;
}

static void test_a_chunk_is_read_from_its_file(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    fake_disk_init(fake);
    struct buffer image;
    buffer_init(&image, SIZE_MAX);
    struct snapshot_chunk chunk = {0};
    struct bytes held = BYTES_LITERAL("what a chunk holds");
    assert_int_equal(snapshot_chunk_pack(3, held, &image, &chunk), 0);
    assert_int_equal(read_back(fake, &chunk, held), ERR_NOT_FOUND);
    assert_int_equal(snapshot_chunk_write(&fake->disk, 3, &chunk, buffer_bytes(&image)), 0);
    assert_int_equal(read_back(fake, &chunk, held), 0);
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(3, &chunk, name);
    buffer_append_u8(&image, 0);
    fake_disk_put(fake, name, buffer_bytes(&image)); /* longer than the manifest says */
    assert_int_equal(read_back(fake, &chunk, held), ERR_DAMAGED);
    buffer_release(&image);
    fake_disk_release(fake);
    memory_free(fake);
}

static void test_every_flip_and_cut_of_a_chunk_is_found(void **state) {
    (void)state;
    struct buffer image, raw;
    buffer_init(&image, SIZE_MAX);
    buffer_init(&raw, SIZE_MAX);
    struct snapshot_chunk chunk = {0};
    uint64_t offset;
    struct bytes held = BYTES_LITERAL("a small shard, a small shard");
    assert_int_equal(snapshot_chunk_pack(1, held, &image, &chunk), 0);
    uint8_t *data = buffer_data(&image);
    for (size_t bit = 0; bit < image.length * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        int status = snapshot_chunk_unpack(1, &chunk, buffer_bytes(&image), NULL, &offset);
        assert_true(status == ERR_MALFORMED || status == ERR_DAMAGED);
        assert_true(offset <= bit / 8);
        data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    for (size_t length = 0; length < image.length; length++) {
        uint8_t *exact = memory_copy(data, length);
        struct bytes cut = bytes_of(exact, length);
        assert_int_not_equal(snapshot_chunk_unpack(1, &chunk, cut, &raw, &offset), 0);
        memory_free(exact);
    }
    buffer_append_u8(&image, 0);
    assert_int_not_equal(snapshot_chunk_unpack(1, &chunk, buffer_bytes(&image), NULL, &offset), 0);
    buffer_release(&image);
    buffer_release(&raw);
}

/* ---- manifests ---- */

static struct snapshot_manifest *small_manifest(uint32_t shard, uint64_t index) {
    struct snapshot_meta meta = meta_of(shard, index);
    struct snapshot_chunk chunks[2] = {
        {.first_slot = 0,
         .last_slot = 63,
         .raw_bytes = 10,
         .stored_bytes = 9,
         .raw_checksum = {1, index},
         .stored_checksum = 2,
         .state_hash = 3},
        {.first_slot = 100, .last_slot = 16383, .raw_bytes = 5, .stored_bytes = 4, .state_hash = 4},
    };
    return snapshot_manifest_new(&meta, chunks, 2);
}

static void test_a_manifest_comes_out_as_it_went_in(void **state) {
    (void)state;
    struct snapshot_manifest *manifest = small_manifest(3, 99), *read;
    struct buffer encoded;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, &encoded);
    assert_int_equal(snapshot_manifest_decode(buffer_bytes(&encoded), &read), 0);
    assert_int_equal(read->meta.shard, 3);
    assert_int_equal(read->meta.index, 99);
    assert_int_equal(read->meta.term, 7);
    assert_int_equal(read->meta.stamp_ms, 1700000000123);
    assert_int_equal(read->meta.configuration_bytes, 5);
    assert_memory_equal(read->meta.configuration, "three", 5);
    assert_int_equal(read->chunk_count, 2);
    struct buffer again;
    buffer_init(&again, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(read, &again);
    assert_true(bytes_equal(buffer_bytes(&again), buffer_bytes(&encoded)));
    buffer_release(&again);
    assert_int_equal(read->chunks[0].raw_bytes + read->chunks[1].raw_bytes, 15);
    assert_int_equal(snapshot_manifest_stored_bytes(read), 13);
    assert_int_equal(snapshot_manifest_state_hash(read), 7);
    snapshot_manifest_free(read);
    snapshot_manifest_free(manifest);
    buffer_release(&encoded);
}

static void test_every_flip_and_cut_of_a_manifest_is_found(void **state) {
    (void)state;
    struct snapshot_manifest *manifest = small_manifest(3, 99), *read;
    struct buffer encoded;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, &encoded);
    uint8_t *data = buffer_data(&encoded);
    for (size_t bit = 0; bit < encoded.length * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        int status = snapshot_manifest_decode(buffer_bytes(&encoded), &read);
        assert_true(status == ERR_MALFORMED || status == ERR_DAMAGED);
        data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    for (size_t length = 0; length < encoded.length; length++) {
        uint8_t *exact = memory_copy(data, length);
        assert_int_not_equal(snapshot_manifest_decode(bytes_of(exact, length), &read), 0);
        memory_free(exact);
    }
    snapshot_manifest_free(manifest);
    buffer_release(&encoded);
}

/* Right checksums, but chunks that overlap, stand out of order or hold nothing. */
static void test_a_manifest_of_nonsense_is_refused(void **state) {
    (void)state;
    const struct snapshot_chunk wrong[][2] = {
        {{0, 63, 1, 1, {0}, 0, 0, 0, 0}, {63, 64, 1, 1, {0}, 0, 0, 0, 0}},
        {{64, 70, 1, 1, {0}, 0, 0, 0, 0}, {0, 63, 1, 1, {0}, 0, 0, 0, 0}},
        {{0, 63, 1, 1, {0}, 0, 0, 0, 0}, {70, 64, 1, 1, {0}, 0, 0, 0, 0}},
        {{0, 63, 0, 1, {0}, 0, 0, 0, 0}, {64, 64, 1, 1, {0}, 0, 0, 0, 0}},
        {{0, 63, 1, 1, {0}, 0, 0, 0, 0}, {64, 16384, 1, 1, {0}, 0, 0, 0, 0}},
        /* Only a slot alone has parts. */
        {{0, 63, 1, 1, {0}, 0, 0, 0, 0}, {0, 63, 1, 1, {0}, 0, 0, 0, 0}},
        {{5, 5, 1, 1, {0}, 0, 0, 0, 0}, {5, 6, 1, 1, {0}, 0, 0, 0, 0}},
        {{4, 5, 1, 1, {0}, 0, 0, 0, 0}, {5, 5, 1, 1, {0}, 0, 0, 0, 0}},
        {{4, 5, 1, 1, {0}, 0, 0, 0, 1}, {6, 6, 1, 1, {0}, 0, 0, 0, 0}},
        /* A part that its division does not have, or no division could. */
        {{5, 5, 1, 1, {0}, 0, 0, 1, 0}, {6, 6, 1, 1, {0}, 0, 0, 0, 0}},
        {{5, 5, 1, 1, {0}, 0, 0, 4, 2}, {6, 6, 1, 1, {0}, 0, 0, 0, 0}},
        {{5, 5, 1, 1, {0}, 0, 0, 0, 13}, {6, 6, 1, 1, {0}, 0, 0, 0, 0}},
        /* Parts out of order, and of two divisions. */
        {{5, 5, 1, 1, {0}, 0, 0, 3, 2}, {5, 5, 1, 1, {0}, 0, 0, 2, 2}},
        {{5, 5, 1, 1, {0}, 0, 0, 1, 2}, {5, 5, 1, 1, {0}, 0, 0, 2, 3}},
        {{5, 5, 1, 1, {0}, 0, 0, 0, 0}, {5, 5, 1, 1, {0}, 0, 0, 2, 2}},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct snapshot_meta meta = meta_of(1, 2);
        struct snapshot_manifest *manifest = snapshot_manifest_new(&meta, wrong[i], 2), *read;
        struct buffer encoded;
        buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
        snapshot_manifest_encode(manifest, &encoded);
        assert_int_equal(snapshot_manifest_decode(buffer_bytes(&encoded), &read), ERR_MALFORMED);
        assert_null(read);
        snapshot_manifest_free(manifest);
        buffer_release(&encoded);
    }
}

/* ---- slots of several chunks ---- */

/* Slots 0 to 4, then slot 5 in three chunks, then slots 8 to 9. */
static struct snapshot_manifest *manifest_with_pieces(void) {
    const struct snapshot_chunk chunks[] = {{0, 4, 10, 1, {1, 0}, 1, 1, 0, 0},
                                            {5, 5, 30, 1, {2, 0}, 1, 2, 0, 0},
                                            {5, 5, 30, 1, {3, 0}, 1, 4, 0, 0},
                                            {5, 5, 7, 1, {4, 0}, 1, 8, 0, 0},
                                            {8, 9, 10, 1, {5, 0}, 1, 16, 0, 0}};
    struct snapshot_meta meta = meta_of(3, 99);
    return snapshot_manifest_new(&meta, chunks, 5);
}

/* The same, but slot 5 is divided into four parts, of which one is empty and one is two chunks. */
static struct snapshot_manifest *manifest_with_parts(void) {
    struct snapshot_manifest *manifest = manifest_with_pieces();
    static const uint16_t parts[] = {0, 3, 3};
    for (unsigned i = 0; i < 3; i++) {
        manifest->chunks[1 + i].part = parts[i];
        manifest->chunks[1 + i].part_bits = 2;
    }
    return manifest;
}

static unsigned version_in(struct bytes encoded) { return encoded.data[4]; }

static void expect_written_and_read(struct snapshot_manifest *manifest, unsigned version) {
    struct snapshot_manifest *read;
    struct buffer encoded, again;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    buffer_init(&again, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    assert_int_equal(snapshot_manifest_version(manifest), version);
    snapshot_manifest_encode(manifest, &encoded);
    assert_int_equal(version_in(buffer_bytes(&encoded)), version);
    assert_int_equal(snapshot_manifest_decode(buffer_bytes(&encoded), &read), 0);
    assert_true(snapshot_manifest_state_hash(read) == snapshot_manifest_state_hash(manifest));
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        assert_int_equal(read->chunks[i].part, manifest->chunks[i].part);
        assert_int_equal(read->chunks[i].part_bits, manifest->chunks[i].part_bits);
    }
    snapshot_manifest_encode(read, &again);
    assert_true(bytes_equal(buffer_bytes(&again), buffer_bytes(&encoded)));
    snapshot_manifest_free(read);
    snapshot_manifest_free(manifest);
    buffer_release(&encoded);
    buffer_release(&again);
}

/* A manifest is of the lowest version that can say what it says. */
static void test_a_manifest_is_as_old_as_it_can_be(void **state) {
    (void)state;
    expect_written_and_read(small_manifest(3, 99), 2);
    expect_written_and_read(manifest_with_pieces(), 3);
    expect_written_and_read(manifest_with_parts(), 4);
    struct snapshot_manifest *alone = manifest_with_parts(); /* one part of slot 5 holds all */
    alone->chunks[2] = alone->chunks[4];
    alone->chunk_count = 3;
    expect_written_and_read(alone, 4);
}

/* Decodes it as if it were of another version. */
static int decode_as(const struct snapshot_manifest *manifest, uint8_t version) {
    struct snapshot_manifest *read;
    struct buffer encoded;
    buffer_init(&encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, &encoded);
    uint8_t *data = buffer_data(&encoded);
    size_t covered_bytes = encoded.length - 8;
    data[4] = version;
    uint64_t checksum = checksum_xxh64(bytes_of(data, covered_bytes), 0);
    for (unsigned byte = 0; byte < 8; byte++)
        data[covered_bytes + byte] = (uint8_t)(checksum >> (8 * byte));
    int status = snapshot_manifest_decode(buffer_bytes(&encoded), &read);
    snapshot_manifest_free(read);
    buffer_release(&encoded);
    return status;
}

/* In version 2 several chunks of a slot are an overlap; version 3 has no numbers of parts. */
static void test_parts_under_a_version_without_are_refused(void **state) {
    (void)state;
    struct snapshot_manifest *pieces = manifest_with_pieces(), *parts = manifest_with_parts();
    static const int of_pieces[] = {ERR_VERSION, ERR_MALFORMED, 0, 0, ERR_VERSION};
    static const int of_parts[] = {ERR_VERSION, ERR_MALFORMED, ERR_MALFORMED, 0, ERR_VERSION};
    for (uint8_t version = 1; version <= 5; version++) {
        assert_int_equal(decode_as(pieces, version), of_pieces[version - 1]);
        assert_int_equal(decode_as(parts, version), of_parts[version - 1]);
    }
    snapshot_manifest_free(pieces);
    snapshot_manifest_free(parts);
}

static void test_a_chunk_is_found_by_its_slot(void **state) {
    (void)state;
    static const struct {
        unsigned slot, ordinal;
    } wanted[] = {{0, 0}, {4, 0}, {5, 1}, {6, 4}, {8, 4}, {9, 4}, {10, 5}, {16383, 5}};
    struct snapshot_manifest *manifest = manifest_with_parts();
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_int_equal(snapshot_manifest_find(manifest, wanted[i].slot), wanted[i].ordinal);
    snapshot_manifest_free(manifest);
}

/* ---- files ---- */

/* A whole snapshot of two chunks, one of them the same in all. Returns owned. */
static struct snapshot_manifest *write_snapshot(struct fake_disk *fake, uint32_t shard,
                                                uint64_t index) {
    char text[32];
    snprintf(text, sizeof text, "as of %u", (unsigned)index);
    struct bytes held[2] = {BYTES_LITERAL("never changes"), bytes_of_text(text)};
    struct snapshot_chunk chunks[2] = {{.first_slot = 0, .last_slot = 8191},
                                       {.first_slot = 8192, .last_slot = 16383}};
    for (unsigned i = 0; i < 2; i++) {
        struct buffer image;
        buffer_init(&image, SIZE_MAX);
        assert_int_equal(snapshot_chunk_pack(shard, held[i], &image, &chunks[i]), 0);
        assert_int_equal(snapshot_chunk_write(&fake->disk, shard, &chunks[i], buffer_bytes(&image)),
                         0);
        buffer_release(&image);
    }
    struct snapshot_meta meta = meta_of(shard, index);
    struct snapshot_manifest *manifest = snapshot_manifest_new(&meta, chunks, 2);
    assert_int_equal(snapshot_manifest_write(&fake->disk, manifest), 0);
    return manifest;
}

static bool is_readable(struct fake_disk *fake, uint32_t shard, uint64_t index) {
    struct snapshot_manifest *manifest;
    if (snapshot_manifest_read(&fake->disk, shard, index, &manifest))
        return false;
    bool is_good = true;
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        struct buffer raw;
        is_good &= snapshot_chunk_read(&fake->disk, shard, &manifest->chunks[i], &raw) == 0;
        buffer_release(&raw);
    }
    snapshot_manifest_free(manifest);
    return is_good;
}

/* What has its name on the disk is whole. */
static bool is_absent_or_whole(struct fake_disk *fake, uint32_t shard, uint64_t index) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(shard, index, name);
    return fake_disk_find(fake, name) == NULL || is_readable(fake, shard, index);
}

static void count_name(void *context, const char *name) {
    (void)name;
    ++*(unsigned *)context;
}

static unsigned count_files(struct fake_disk *fake) {
    unsigned count = 0;
    assert_int_equal(fake->disk.ops->list(&fake->disk, count_name, &count), 0);
    return count;
}

static void test_files_stay_while_something_names_them(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    fake_disk_init(fake);
    struct snapshot_shelf *shelf = snapshot_shelf_new(&fake->disk, 4);
    assert_null(snapshot_shelf_newest(shelf));
    struct snapshot_manifest *first = write_snapshot(fake, 4, 10);
    snapshot_shelf_put(shelf, first);
    snapshot_manifest_free(write_snapshot(fake, 5, 10)); /* another shard's */
    fake_disk_put(fake, "snapshot-4-30.new", BYTES_LITERAL("half"));
    fake_disk_put(fake, "chunk-4-00000000000000000000000000000000-0000000000000000",
                  BYTES_LITERAL("of a snapshot that never was"));
    fake_disk_put(fake, "snapshot-4-010", BYTES_LITERAL("not ours"));
    assert_int_equal(count_files(fake), 9);
    snapshot_shelf_tidy(shelf);
    fake_disk_run_all(fake);
    assert_int_equal(count_files(fake), 7);

    snapshot_shelf_hold(shelf, first);
    snapshot_shelf_put(shelf, write_snapshot(fake, 4, 20));
    snapshot_shelf_tidy(shelf);
    fake_disk_run_all(fake);
    assert_true(is_readable(fake, 4, 10));
    assert_true(is_readable(fake, 4, 20));
    assert_int_equal(count_files(fake), 9);

    snapshot_shelf_put(shelf, write_snapshot(fake, 4, 30));
    snapshot_shelf_tidy(shelf);
    fake_disk_run_all(fake);
    assert_true(is_readable(fake, 4, 10)); /* held for longer than the one that came after it */
    assert_false(is_readable(fake, 4, 20));
    assert_true(is_readable(fake, 4, 30));
    assert_int_equal(count_files(fake), 9);

    snapshot_shelf_let_go(shelf, first);
    snapshot_shelf_tidy(shelf);
    fake_disk_run_all(fake);
    assert_false(is_readable(fake, 4, 10));
    assert_true(is_readable(fake, 4, 30));
    assert_true(is_readable(fake, 5, 10));
    assert_int_equal(count_files(fake), 7);

    snapshot_shelf_free(shelf);
    snapshot_remove_all(&fake->disk, 4);
    fake_disk_run_all(fake);
    assert_int_equal(count_files(fake), 4);
    fake_disk_release(fake);
    memory_free(fake);
}

/* A file that may not be removed, ever, by a right that is missing say: what else is needless goes
 * all the same; but no chunk of a manifest that stays. */
static void test_what_cannot_be_removed_holds_up_nothing(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    fake_disk_init(fake);
    struct snapshot_shelf *shelf = snapshot_shelf_new(&fake->disk, 4);
    snapshot_shelf_put(shelf, write_snapshot(fake, 4, 10));
    for (unsigned i = 0; i < 5; i++) {
        char name[DISK_NAME_MAXIMUM];
        snprintf(name, sizeof name, "chunk-4-0000000000000000000000000000000%u-0000000000000000",
                 i);
        fake_disk_put(fake, name, BYTES_LITERAL("of a snapshot that never was"));
    }
    assert_int_equal(count_files(fake), 8);
    fake->failing = FAKE_REMOVE;
    fake->fail_call_at = 1;
    fake->fail_call_with = ERR_REFUSED;
    fake->fails_for_good = true;
    for (unsigned i = 0; i < 2; i++) {
        snapshot_shelf_tidy(shelf);
        fake_disk_run_all(fake);
        assert_int_equal(count_files(fake), 4);
    }
    snapshot_manifest_free(
        write_snapshot(fake, 4, 5)); /* no longer needed, and its manifest stays */
    fake->calls[FAKE_REMOVE] = 0;
    snapshot_shelf_tidy(shelf);
    fake_disk_run_all(fake);
    assert_true(is_readable(fake, 4, 5));
    assert_true(is_readable(fake, 4, 10));
    snapshot_shelf_free(shelf);
    fake_disk_release(fake);
    memory_free(fake);
}

/* A disk on which nothing is but chunks of one shard, of which it has many. */
enum { CROWD = 10000 };
struct crowded_disk {
    struct disk disk;
    bool is_there[CROWD];
    unsigned left;
};

static void crowd_name(unsigned i, char name[DISK_NAME_MAXIMUM]) {
    const struct snapshot_chunk chunk = {.raw_checksum = {.low = i}};
    snapshot_chunk_name(4, &chunk, name);
}

static int crowd_list(struct disk *disk, void (*visit)(void *context, const char *name),
                      void *context) {
    const struct crowded_disk *crowded = (const struct crowded_disk *)(const void *)disk;
    char name[DISK_NAME_MAXIMUM];
    for (unsigned i = 0; i < CROWD; i++) {
        crowd_name(i, name);
        if (crowded->is_there[i])
            visit(context, name);
    }
    return 0;
}

static int crowd_remove(struct disk *disk, const char *name) {
    struct crowded_disk *crowded = (struct crowded_disk *)(void *)disk;
    struct snapshot_file file;
    snapshot_file_parse(name, &file);
    uint64_t i = file.chunk.raw_checksum.low;
    assert_true(crowded->is_there[i]);
    crowded->is_there[i] = false;
    crowded->left--;
    return 0;
}

static int crowd_sync(struct disk *disk) {
    (void)disk;
    return 0;
}

static void crowd_submit(struct disk *disk, struct disk_job *job) {
    (void)disk;
    job->done(job, job->run(job));
}

/* All of them go at once, however many: a shard that was removed has no next time, and one of which
 * each snapshot writes more than went the last time would fill the disk. */
static void test_however_many_all_go(void **state) {
    (void)state;
    static const struct disk_ops ops = {.list = crowd_list,
                                        .remove = crowd_remove,
                                        .sync_directory = crowd_sync,
                                        .submit = crowd_submit};
    struct crowded_disk *crowded = memory_allocate_zeroed(1, sizeof *crowded);
    crowded->disk.ops = &ops;
    memset(crowded->is_there, true, sizeof crowded->is_there);
    crowded->left = CROWD;
    struct snapshot_shelf *shelf = snapshot_shelf_new(&crowded->disk, 4);
    snapshot_shelf_tidy(shelf);
    assert_int_equal(crowded->left, 0);
    memset(crowded->is_there, true, sizeof crowded->is_there);
    crowded->left = CROWD;
    snapshot_remove_all(&crowded->disk, 4);
    assert_int_equal(crowded->left, 0);
    snapshot_shelf_free(shelf);
    memory_free(crowded);
}

/* Snapshot 5-10 under the name of 6-10. */
static void test_another_snapshot_under_this_name(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    fake_disk_init(fake);
    snapshot_manifest_free(write_snapshot(fake, 5, 10));
    fake_disk_put(fake, "snapshot-6-10",
                  bytes_of(fake_disk_find(fake, "snapshot-5-10")->live,
                           fake_disk_find(fake, "snapshot-5-10")->live_bytes));
    struct snapshot_manifest *manifest;
    assert_int_equal(snapshot_manifest_read(&fake->disk, 6, 10, &manifest), ERR_DAMAGED);
    assert_null(manifest);
    assert_int_equal(snapshot_manifest_read(&fake->disk, 6, 11, &manifest), ERR_NOT_FOUND);
    fake_disk_release(fake);
    memory_free(fake);
}

/* Whatever is synced of it, wherever the power goes while the next snapshot is written and the old
 * one removed: one of them is there, whole. */
static void test_one_is_whole_wherever_the_power_goes(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 20; nth++)
        for (uint64_t seed = 1; seed < 12; seed++) {
            struct fake_disk *fake = memory_allocate(sizeof *fake);
            struct random random;
            fake_disk_init(fake);
            random_init(&random, seed);
            struct snapshot_shelf *shelf = snapshot_shelf_new(&fake->disk, 1);
            snapshot_shelf_put(shelf, write_snapshot(fake, 1, 10));
            struct snapshot_meta meta = meta_of(1, 20);
            struct snapshot_chunk chunk = {.first_slot = 0, .last_slot = 16383};
            struct buffer image;
            buffer_init(&image, SIZE_MAX);
            assert_int_equal(snapshot_chunk_pack(1, BYTES_LITERAL("new"), &image, &chunk), 0);
            fake_disk_fail_after(fake, nth, ERR_IO);
            int status = snapshot_chunk_write(&fake->disk, 1, &chunk, buffer_bytes(&image));
            struct snapshot_manifest *manifest = snapshot_manifest_new(&meta, &chunk, 1);
            if (status == 0)
                status = snapshot_manifest_write(&fake->disk, manifest);
            if (status == 0) {
                snapshot_shelf_put(shelf, manifest);
                snapshot_shelf_tidy(shelf);
                fake_disk_run_all(fake);
            } else {
                snapshot_manifest_free(manifest);
            }
            fake_disk_crash(fake, &random);
            assert_true(is_readable(fake, 1, status ? 10 : 20));
            assert_true(is_absent_or_whole(fake, 1, 10) && is_absent_or_whole(fake, 1, 20));
            snapshot_shelf_free(shelf);
            buffer_release(&image);
            fake_disk_release(fake);
            memory_free(fake);
        }
}

RUN_TESTS(cmocka_unit_test(test_a_chunk_comes_out_as_it_went_in),
          cmocka_unit_test(test_a_chunk_comes_out_behind_what_is_there),
          cmocka_unit_test(test_a_chunk_has_a_limit),
          cmocka_unit_test(test_a_chunk_is_read_from_its_file),
          cmocka_unit_test(test_every_flip_and_cut_of_a_chunk_is_found),
          cmocka_unit_test(test_a_manifest_comes_out_as_it_went_in),
          cmocka_unit_test(test_every_flip_and_cut_of_a_manifest_is_found),
          cmocka_unit_test(test_a_manifest_of_nonsense_is_refused),
          cmocka_unit_test(test_a_manifest_is_as_old_as_it_can_be),
          cmocka_unit_test(test_parts_under_a_version_without_are_refused),
          cmocka_unit_test(test_a_chunk_is_found_by_its_slot),
          cmocka_unit_test(test_however_many_all_go),
          cmocka_unit_test(test_files_stay_while_something_names_them),
          cmocka_unit_test(test_what_cannot_be_removed_holds_up_nothing),
          cmocka_unit_test(test_another_snapshot_under_this_name),
          cmocka_unit_test(test_one_is_whole_wherever_the_power_goes))
