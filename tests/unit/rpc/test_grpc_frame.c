/* The frames of gRPC messages, in pieces of any size. */
#include "../unit.h"
#include "base/memory.h"
#include "base/random.h"
#include "rpc/grpc_frame.h"

enum { MESSAGE_MAXIMUM = 5000, MESSAGE_COUNT = 200 };

static void test_the_prefix_is_big_endian(void **state) {
    (void)state;
    uint8_t prefix[GRPC_PREFIX_BYTES];
    grpc_prefix_write(prefix, 0x01020304);
    assert_memory_equal(prefix, "\x00\x01\x02\x03\x04", GRPC_PREFIX_BYTES);
}

/* Messages of many sizes, one after the other, in one buffer; byte i of message n is (n + i). */
static void fill_stream(struct random *random, struct buffer *stream, size_t lengths[]) {
    for (unsigned n = 0; n < MESSAGE_COUNT; n++) {
        uint8_t prefix[GRPC_PREFIX_BYTES];
        lengths[n] = random_chance(random, 0.2) ? random_below(random, MESSAGE_MAXIMUM + 1)
                                                : random_below(random, 12);
        grpc_prefix_write(prefix, lengths[n]);
        buffer_append(stream, prefix, sizeof prefix);
        for (size_t i = 0; i < lengths[n]; i++)
            buffer_append_u8(stream, (uint8_t)(n + i));
    }
}

static void expect_message(struct bytes message, unsigned n, size_t length) {
    assert_int_equal(message.length, length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(message.data[i], (uint8_t)(n + i));
}

/* However the stream is cut into pieces, the same messages come out. */
static void test_pieces_of_any_size_give_the_same_messages(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (unsigned round = 0; round < 60; round++) {
        struct buffer stream;
        struct grpc_reader reader;
        size_t lengths[MESSAGE_COUNT];
        unsigned n = 0;
        buffer_init(&stream, 4 << 20);
        grpc_reader_init(&reader, MESSAGE_MAXIMUM);
        fill_stream(&random, &stream, lengths);
        size_t most = random_between(&random, 1, round % 2 ? 20 : 20000);
        while (stream.length > 0) {
            size_t piece = random_between(&random, 1, most);
            piece = piece < stream.length ? piece : stream.length;
            uint8_t *copy = memory_copy(buffer_data(&stream), piece); /* so that overreads show */
            struct bytes input = bytes_of(copy, piece), message;
            while (grpc_reader_next(&reader, &input, &message) == 1) {
                assert_true(n < MESSAGE_COUNT);
                expect_message(message, n, lengths[n]);
                n++;
            }
            assert_int_equal(input.length, 0);
            buffer_consume(&stream, piece);
            memory_free(copy);
        }
        assert_int_equal(n, MESSAGE_COUNT);
        assert_false(grpc_reader_is_amid(&reader));
        grpc_reader_release(&reader);
        buffer_release(&stream);
    }
}

static int read_one(const char *text, size_t length, size_t pieces) {
    struct grpc_reader reader;
    grpc_reader_init(&reader, 10);
    int code = 0;
    for (size_t at = 0; at < length && code == 0; at += pieces) {
        struct bytes message;
        struct bytes input = bytes_of(text + at, length - at < pieces ? length - at : pieces);
        code = grpc_reader_next(&reader, &input, &message);
    }
    grpc_reader_release(&reader);
    return code;
}

/* A length past the maximum and a compressed message are refused from the prefix alone. */
static void test_what_is_too_long_or_compressed_is_refused(void **state) {
    (void)state;
    for (size_t pieces = 1; pieces <= 5; pieces++) {
        assert_int_equal(read_one("\0\0\0\0\x0b", 5, pieces), ERR_LIMIT);
        assert_int_equal(read_one("\0\xff\xff\xff\xff", 5, pieces), ERR_LIMIT);
        assert_int_equal(read_one("\1\0\0\0\1", 5, pieces), ERR_VERSION);
        assert_int_equal(read_one("\0\0\0\0\0", 5, pieces), 1);
        assert_int_equal(read_one("\0\0\0\0\x0a", 5, pieces), 0);
    }
}

RUN_TESTS(cmocka_unit_test(test_the_prefix_is_big_endian),
          cmocka_unit_test(test_pieces_of_any_size_give_the_same_messages),
          cmocka_unit_test(test_what_is_too_long_or_compressed_is_refused))
