/* Datagrams that are compressed: what they save, and what must be refused. */
#include "../unit.h"
#include "base/memory.h"
#include "gossip/wire/packing.h"
#include "world.h"
#include <zstd.h>

enum { SECOND = 1000000, MEMBERS = 40 };

/* A cluster in which each member says eight things of itself, as nodes do. */
static struct world *talking_world(size_t compress_min_bytes) {
    static const char *const keys[] = {"client", "admin",   "cluster",  "epoch",
                                       "leads",  "settled", "standing", "version"};
    struct world *world = world_new(1);
    world->timing.compress_min_bytes = compress_min_bytes;
    world_add_cluster(world, MEMBERS);
    world_run(world, 5 * SECOND);
    for (unsigned i = 1; i <= MEMBERS; i++)
        for (unsigned key = 0; key < 8; key++) {
            char value[64];
            snprintf(value, sizeof value, "10.0.7.%u:%u,%llu", i, 7000 + key,
                     (unsigned long long)random_below(&world->random, 1000000));
            world_set(world, i, keys[key], value);
            world_run(world, 1000);
        }
    world_run(world, 20 * SECOND);
    assert_true(world_is_settled(world));
    return world;
}

static bool newcomer_knows_all(struct world *world) {
    for (unsigned i = 1; i <= MEMBERS; i++)
        if (world_value(world, world->count, i, "version").length == 0)
            return false;
    return true;
}

/* The bytes of the datagrams that tell a newcomer everything. */
static uint64_t copy_bytes(size_t compress_min_bytes) {
    struct world *world = talking_world(compress_min_bytes);
    unsigned newcomer = world_add(world)->number;
    uint64_t before = world->fill_bytes;
    world_seed(world, newcomer, 1);
    assert_true(world_run_until(world, 10 * SECOND, newcomer_knows_all));
    uint64_t bytes = world->fill_bytes - before;
    world_run(world, 5 * SECOND);
    assert_true(world_is_settled(world));
    for (unsigned i = 1; i <= MEMBERS; i++) {
        struct bytes theirs = world_value(world, newcomer, i, "leads");
        assert_true(bytes_equal(theirs, world_value(world, i, i, "leads")));
    }
    world_free(world);
    return bytes;
}

static void test_copy_of_the_state_is_shorter(void **state) {
    (void)state;
    uint64_t plain = copy_bytes(0), packed = copy_bytes(400);
    assert_true(packed < plain * 7 / 10);
}

/* A node of the older release never gets a packed datagram, and gets all the same. */
static void test_older_release_gets_none(void **state) {
    (void)state;
    struct world *world = talking_world(1);
    world->is_next_old = true;
    world_seed(world, world_add(world)->number, 1);
    assert_true(world_run_until(world, 10 * SECOND, newcomer_knows_all));
    assert_int_equal(world->unreadable_count, 0);
    world_free(world);
}

/* Unpacking. */

#define HEADER_BYTES 27
static const uint8_t header[HEADER_BYTES] = "\x01\x09SSSSSSSSSSSSSSS\0\x02\0\0\0\0\0\0\x06";

/* A packed datagram of `raw_bytes`, which says that it holds `said_bytes`. */
static struct bytes packed_of(struct buffer *out, size_t raw_bytes, size_t said_bytes) {
    uint8_t *raw = memory_allocate_zeroed(1, raw_bytes + 1), frame[4096];
    size_t length = ZSTD_compress(frame, sizeof frame, raw, raw_bytes, 1);
    assert_false(ZSTD_isError(length));
    buffer_init(out, 8192);
    buffer_append(out, header, HEADER_BYTES);
    buffer_append_varint(out, said_bytes);
    buffer_append(out, frame, length);
    memory_free(raw);
    return buffer_bytes(out);
}

static int unpack(struct bytes datagram, struct bytes *out, struct buffer *unpacked) {
    buffer_init(unpacked, GOSSIP_DATAGRAM_MAXIMUM + PACKING_RAW_MAXIMUM);
    return packing_unpack(datagram, PACKING_RAW_MAXIMUM, unpacked, out);
}

static void check_unpack(size_t raw_bytes, size_t said_bytes, int expected) {
    struct buffer packed, unpacked;
    struct bytes out;
    struct bytes datagram = packed_of(&packed, raw_bytes, said_bytes);
    assert_int_equal(unpack(datagram, &out, &unpacked), expected);
    if (expected == 0) {
        assert_int_equal(out.length, HEADER_BYTES + raw_bytes);
        assert_int_equal(out.data[1], CODEC_FILL);
    }
    buffer_release(&packed);
    buffer_release(&unpacked);
}

/* A frame that would become a megabyte, or says more or less than it holds, is refused. */
static void test_bombs_are_refused(void **state) {
    (void)state;
    check_unpack(100, 100, 0);
    check_unpack(PACKING_RAW_MAXIMUM, PACKING_RAW_MAXIMUM, 0);
    check_unpack(PACKING_RAW_MAXIMUM + 1, PACKING_RAW_MAXIMUM + 1, ERR_MALFORMED);
    check_unpack(1 << 20, 100, ERR_MALFORMED);
    check_unpack(1 << 20, 1 << 20, ERR_MALFORMED);
    check_unpack(100, 101, ERR_MALFORMED);
    check_unpack(101, 100, ERR_MALFORMED);
    check_unpack(100, (size_t)1 << 62, ERR_MALFORMED);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    struct buffer packed, unpacked;
    struct bytes datagram = packed_of(&packed, 300, 300), out;
    for (size_t length = 2; length < datagram.length; length++) {
        assert_int_equal(unpack(bytes_of(datagram.data, length), &out, &unpacked), ERR_MALFORMED);
        buffer_release(&unpacked);
    }
    buffer_release(&packed);
}

/* Packed in itself, or said in version 0, it is no message at all. */
static void test_packed_is_no_message(void **state) {
    (void)state;
    struct codec_message message;
    struct buffer packed, unpacked;
    struct bytes datagram = packed_of(&packed, 300, 300), out;
    assert_int_equal(codec_decode(&message, datagram), ERR_MALFORMED);
    buffer_data(&packed)[0] = 0;
    assert_int_equal(unpack(datagram, &out, &unpacked), 0);
    assert_int_equal(codec_decode(&message, out), ERR_MALFORMED);
    buffer_release(&packed);
    buffer_release(&unpacked);
}

/* A packed FILL, byte by byte (docs/format/gossip.md); the frame is of zstd, whose releases may
 * write it otherwise, but read it always. */
static void test_golden_packed(void **state) {
    (void)state;
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x05, 0x29,
                                    0x00, 0x00, 0xf0, 0x02, 0x00, '?',  '?'};
    struct buffer packed, unpacked;
    struct bytes out;
    buffer_init(&packed, 100);
    buffer_append(&packed, header, HEADER_BYTES);
    buffer_append_u8(&packed, 5);
    buffer_append(&packed, frame, sizeof frame);
    assert_int_equal(unpack(buffer_bytes(&packed), &out, &unpacked), 0);
    assert_int_equal(out.length, HEADER_BYTES + 5);
    assert_memory_equal(out.data + HEADER_BYTES, "\xf0\x02\x00??", 5);
    struct codec_message message;
    assert_int_equal(codec_decode(&message, out), 0);
    assert_int_equal(message.kind, CODEC_FILL);
    buffer_release(&packed);
    buffer_release(&unpacked);
}

RUN_TESTS(cmocka_unit_test(test_copy_of_the_state_is_shorter),
          cmocka_unit_test(test_older_release_gets_none), cmocka_unit_test(test_bombs_are_refused),
          cmocka_unit_test(test_every_truncation_is_refused),
          cmocka_unit_test(test_packed_is_no_message), cmocka_unit_test(test_golden_packed))
