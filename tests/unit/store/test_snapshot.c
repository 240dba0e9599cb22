/* Snapshots: what goes in comes out, every flipped bit is found, files are replaced and removed as
 * told. */
#include "../unit.h"
#include "base/memory.h"
#include "fake_disk.h"
#include "store/snapshot.h"

static struct snapshot_meta meta_of(uint32_t shard, uint64_t index) {
    struct snapshot_meta meta = {.shard = shard,
                                 .index = index,
                                 .term = 7,
                                 .stamp_ms = 1700000000123,
                                 .configuration_bytes = 5};
    memcpy(meta.configuration, "three", 5);
    return meta;
}

static int collect(void *context, struct bytes raw) {
    assert_true(raw.length <= SNAPSHOT_FRAME_BYTES);
    buffer_append_bytes(context, raw);
    return 0;
}

static struct buffer image_of(uint32_t shard, uint64_t index, struct bytes raw, size_t piece) {
    struct snapshot_meta meta = meta_of(shard, index);
    struct snapshot_writer *writer = snapshot_writer_new(&meta);
    for (size_t at = 0; at < raw.length; at += piece) {
        size_t length = raw.length - at < piece ? raw.length - at : piece;
        snapshot_writer_write(writer, bytes_of(raw.data + at, length));
    }
    struct buffer image;
    snapshot_writer_finish(writer, &image);
    assert_false(image.is_overflowed);
    return image;
}

static void expect_round_trip(size_t bytes, size_t piece) {
    struct random random;
    random_init(&random, bytes);
    uint8_t *raw = memory_allocate(bytes);
    for (size_t i = 0; i < bytes; i++)
        raw[i] = (uint8_t)random_below(&random, 1 + i % 40);
    struct buffer image = image_of(3, 99, bytes_of(raw, bytes), piece), back;
    buffer_init(&back, SIZE_MAX);
    struct snapshot_meta meta;
    assert_int_equal(snapshot_verify(buffer_bytes(&image), &meta), 0);
    memset(&meta, 0, sizeof meta);
    assert_int_equal(snapshot_read(buffer_bytes(&image), &meta, collect, &back), 0);
    assert_true(bytes_equal(buffer_bytes(&back), bytes_of(raw, bytes)));
    assert_int_equal(meta.shard, 3);
    assert_int_equal(meta.index, 99);
    assert_int_equal(meta.term, 7);
    assert_int_equal(meta.stamp_ms, 1700000000123);
    assert_int_equal(meta.configuration_bytes, 5);
    assert_memory_equal(meta.configuration, "three", 5);
    buffer_release(&image);
    buffer_release(&back);
    memory_free(raw);
}

static void test_what_goes_in_comes_out(void **state) {
    (void)state;
    expect_round_trip(0, 1);
    expect_round_trip(1, 1);
    expect_round_trip(1000, 7);
    expect_round_trip(SNAPSHOT_FRAME_BYTES, SNAPSHOT_FRAME_BYTES);
    expect_round_trip(SNAPSHOT_FRAME_BYTES + 1, 65537);
    expect_round_trip(3 * SNAPSHOT_FRAME_BYTES + 5, 10 * SNAPSHOT_FRAME_BYTES);
}

static int never(void *context, struct bytes raw) {
    (void)raw;
    *(unsigned *)context += 1;
    return 0;
}

static void test_finds_every_flip_and_every_cut(void **state) {
    (void)state;
    struct buffer image = image_of(1, 2, BYTES_LITERAL("a small shard, a small shard"), 100);
    uint8_t *data = buffer_data(&image);
    struct snapshot_meta meta;
    unsigned called = 0;
    for (size_t bit = 0; bit < image.length * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        int status = snapshot_read(buffer_bytes(&image), &meta, never, &called);
        assert_true(status == ERR_MALFORMED || status == ERR_DAMAGED);
        data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    for (size_t length = 0; length < image.length; length++) {
        uint8_t *exact = memory_copy(data, length);
        assert_int_not_equal(snapshot_read(bytes_of(exact, length), &meta, never, &called), 0);
        memory_free(exact);
    }
    buffer_append_u8(&image, 0);
    assert_int_equal(snapshot_verify(buffer_bytes(&image), &meta), ERR_MALFORMED);
    assert_int_equal(called, 0);
    buffer_release(&image);
}

static int refuse(void *context, struct bytes raw) {
    (void)context;
    (void)raw;
    return ERR_REFUSED;
}

static void test_stops_when_told_to(void **state) {
    (void)state;
    struct buffer image = image_of(1, 2, BYTES_LITERAL("x"), 1);
    struct snapshot_meta meta;
    assert_int_equal(snapshot_read(buffer_bytes(&image), &meta, refuse, NULL), ERR_REFUSED);
    buffer_release(&image);
}

/* ---- files ---- */

static void note_status(void *context, int status) { *(int *)context = status; }

static int save(struct fake_disk *fake, uint32_t shard, uint64_t index) {
    struct buffer image = image_of(shard, index, BYTES_LITERAL("data"), 4);
    int status = 1;
    snapshot_save(&fake->disk, shard, index, &image, note_status, &status);
    assert_int_equal(image.length, 0);
    assert_int_equal(status, 1);
    fake_disk_run_all(fake);
    return status;
}

/* What is made in the background from raw data is the same, byte for byte, as what a writer makes
 * at once. */
static void test_makes_what_a_writer_makes(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    fake_disk_init(fake);
    struct buffer expected = image_of(4, 10, BYTES_LITERAL("data"), 4), image, raw;
    struct snapshot_meta meta, loaded;
    assert_int_equal(snapshot_verify(buffer_bytes(&expected), &meta), 0);
    buffer_init(&raw, 1 << 20);
    buffer_append_text(&raw, "data");
    int status = 1;
    snapshot_make(&fake->disk, &meta, &raw, note_status, &status);
    assert_int_equal(raw.length, 0);
    fake_disk_run_all(fake);
    assert_int_equal(status, 0);
    assert_int_equal(snapshot_load(&fake->disk, 4, 10, &image, &loaded), 0);
    assert_true(bytes_equal(buffer_bytes(&image), buffer_bytes(&expected)));
    buffer_release(&image);
    buffer_release(&expected);
    fake_disk_release(fake);
    memory_free(fake);
}

static void list_name(void *context, const char *name) {
    strcat(context, name);
    strcat(context, " ");
}

static void expect_names(struct fake_disk *fake, const char *expected) {
    char names[512] = "";
    assert_int_equal(fake->disk.ops->list(&fake->disk, list_name, names), 0);
    assert_string_equal(names, expected);
}

static void test_saves_loads_and_removes(void **state) {
    (void)state;
    struct fake_disk *fake = memory_allocate(sizeof *fake);
    fake_disk_init(fake);
    assert_int_equal(save(fake, 4, 10), 0);
    assert_int_equal(save(fake, 4, 20), 0);
    assert_int_equal(save(fake, 5, 10), 0);
    fake_disk_put(fake, "snapshot-4-30.new", BYTES_LITERAL("half"));
    fake_disk_put(fake, "snapshot-4-030", BYTES_LITERAL("not ours"));

    struct buffer image;
    struct snapshot_meta meta;
    assert_int_equal(snapshot_load(&fake->disk, 4, 20, &image, &meta), 0);
    assert_int_equal(meta.index, 20);
    buffer_release(&image);
    assert_int_equal(snapshot_load(&fake->disk, 4, 30, &image, &meta), ERR_NOT_FOUND);
    fake_disk_put(fake, "snapshot-6-10",
                  bytes_of(fake_disk_find(fake, "snapshot-5-10")->live,
                           fake_disk_find(fake, "snapshot-5-10")->live_bytes));
    assert_int_equal(snapshot_load(&fake->disk, 6, 10, &image, &meta), ERR_DAMAGED);

    snapshot_remove_older(&fake->disk, 4, 20);
    fake_disk_run_all(fake);
    expect_names(fake, "snapshot-4-030 snapshot-4-20 snapshot-5-10 snapshot-6-10 ");
    fake_disk_release(fake);
    memory_free(fake);
}

/* Whatever fails, and wherever the power goes: the new file is whole, or the old one is all there
 * is. */
static void test_is_there_whole_or_not_at_all(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 8; nth++)
        for (uint64_t seed = 1; seed < 20; seed++) {
            struct fake_disk *fake = memory_allocate(sizeof *fake);
            struct random random;
            fake_disk_init(fake);
            random_init(&random, seed);
            assert_int_equal(save(fake, 1, 10), 0);
            fake_disk_fail_after(fake, nth, ERR_NO_SPACE);
            int saved = save(fake, 1, 20);
            assert_int_equal(saved, nth <= 5 ? ERR_NO_SPACE : 0);
            fake_disk_crash(fake, &random);
            struct buffer image;
            struct snapshot_meta meta;
            assert_int_equal(snapshot_load(&fake->disk, 1, 10, &image, &meta), 0);
            buffer_release(&image);
            int status = snapshot_load(&fake->disk, 1, 20, &image, &meta);
            assert_true(status == 0 || (saved != 0 && status == ERR_NOT_FOUND));
            if (status == 0)
                buffer_release(&image);
            fake_disk_release(fake);
            memory_free(fake);
        }
}

RUN_TESTS(cmocka_unit_test(test_what_goes_in_comes_out),
          cmocka_unit_test(test_finds_every_flip_and_every_cut),
          cmocka_unit_test(test_stops_when_told_to),
          cmocka_unit_test(test_makes_what_a_writer_makes),
          cmocka_unit_test(test_saves_loads_and_removes),
          cmocka_unit_test(test_is_there_whole_or_not_at_all))
