/* The messages of CatchUp: their bytes, what is refused, and the seal around them. */
#include "../unit.h"
#include "rpc/catch_up.h"
#include "rpc/grpc_frame.h"

static const uint8_t nonce[CATCH_UP_NONCE_BYTES] = "sixteen by lot..";
static const struct seal_key key = {{1}}, another_key = {{2}};

static void assert_read(struct bytes message, struct seal *seal, int code) {
    uint8_t read[CATCH_UP_NONCE_BYTES];
    struct buffer gossip, copy;
    buffer_init(&gossip, GOSSIP_STREAM_MESSAGE_MAXIMUM);
    buffer_init(&copy, CATCH_UP_MAXIMUM_BYTES); /* a message may be changed by reading it */
    buffer_append_bytes(&copy, message);
    assert_int_equal(catch_up_read(buffer_bytes(&copy), seal, read, &gossip), code);
    assert_int_equal(gossip.length, code ? 0 : 4);
    if (code == 0) {
        assert_memory_equal(buffer_data(&gossip), "FILL", 4);
        assert_memory_equal(read, nonce, sizeof nonce);
    }
    buffer_release(&copy);
    buffer_release(&gossip);
}

/* As docs/format/peer.md has it: field 1 the nonce, field 2 what is gossip's. */
static const uint8_t golden[] = "\0\0\0\0\x18"
                                "\x0a\x10"
                                "sixteen by lot.."
                                "\x12\x04"
                                "FILL";
enum { GOLDEN_BYTES = sizeof golden - 1 };

static void test_the_bytes_of_a_message(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, GRPC_PREFIX_BYTES + CATCH_UP_MAXIMUM_BYTES);
    assert_true(catch_up_append(&out, NULL, nonce, BYTES_LITERAL("FILL")));
    assert_int_equal(out.length, GOLDEN_BYTES);
    assert_memory_equal(buffer_data(&out), golden, GOLDEN_BYTES);
    buffer_release(&out);
    assert_read(bytes_of(golden + GRPC_PREFIX_BYTES, GOLDEN_BYTES - GRPC_PREFIX_BYTES), NULL, 0);
}

/* Cut anywhere, with another nonce's length, with nothing in it: malformed. A field that a later
 * release adds is skipped. */
static void test_what_is_malformed(void **state) {
    (void)state;
    const uint8_t *message = golden + GRPC_PREFIX_BYTES;
    for (size_t length = 0; length < GOLDEN_BYTES - GRPC_PREFIX_BYTES; length++)
        assert_read(bytes_of(message, length), NULL, ERR_MALFORMED);
    assert_read(BYTES_LITERAL("\x0a\x0fsixteen by lot.\x12\x04"
                              "FILL"),
                NULL, ERR_MALFORMED);
    assert_read(BYTES_LITERAL("\x0a\x10sixteen by lot..\x12\x00"), NULL, ERR_MALFORMED);
    assert_read(BYTES_LITERAL("\x0a\x10sixteen by lot..\x12\x04"
                              "FILL\x78\x01"),
                NULL, 0);
}

/* The largest piece goes through, sealed or not; one byte more is refused by who reads it. */
static void test_the_largest_message(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, "");
    for (unsigned i = 0; i < 2; i++) {
        struct buffer out, gossip;
        uint8_t read[CATCH_UP_NONCE_BYTES];
        static const uint8_t large[GOSSIP_STREAM_MESSAGE_MAXIMUM + 1] = {1};
        for (size_t more = 0; more < 2; more++) {
            buffer_init(&out, GRPC_PREFIX_BYTES + CATCH_UP_MAXIMUM_BYTES);
            buffer_init(&gossip, sizeof large);
            struct bytes said = bytes_of(large, GOSSIP_STREAM_MESSAGE_MAXIMUM + more);
            assert_true(catch_up_append(&out, i ? seal : NULL, nonce, said));
            struct bytes message =
                bytes_of(buffer_data(&out) + GRPC_PREFIX_BYTES, out.length - GRPC_PREFIX_BYTES);
            assert_int_equal(catch_up_read(message, i ? seal : NULL, read, &gossip),
                             more ? ERR_MALFORMED : 0);
            assert_int_equal(gossip.length, more ? 0 : GOSSIP_STREAM_MESSAGE_MAXIMUM);
            buffer_release(&gossip);
            buffer_release(&out);
        }
    }
    seal_free(seal);
}

/* What is sealed opens with that key in that cluster, whole; and what is not, with none. */
static void test_what_is_sealed(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, "ours"), *others = seal_new(&another_key, 1, "ours"),
                *elsewhere = seal_new(&key, 1, "theirs");
    struct buffer out;
    buffer_init(&out, GRPC_PREFIX_BYTES + CATCH_UP_MAXIMUM_BYTES);
    assert_true(catch_up_append(&out, seal, nonce, BYTES_LITERAL("FILL")));
    assert_int_equal(out.length, GOLDEN_BYTES + SEAL_EXTRA_BYTES);
    uint8_t *sealed = buffer_data(&out) + GRPC_PREFIX_BYTES;
    struct bytes message = bytes_of(sealed, out.length - GRPC_PREFIX_BYTES);
    assert_read(message, seal, 0);
    assert_read(message, others, ERR_REFUSED);
    assert_read(message, elsewhere, ERR_REFUSED);
    assert_read(bytes_of(golden + GRPC_PREFIX_BYTES, GOLDEN_BYTES - GRPC_PREFIX_BYTES), seal,
                ERR_REFUSED);
    for (size_t i = 0; i < message.length; i++) {
        sealed[i] ^= 1;
        assert_read(message, seal, ERR_REFUSED);
        sealed[i] ^= 1;
    }
    buffer_release(&out);
    seal_free(elsewhere);
    seal_free(others);
    seal_free(seal);
}

RUN_TESTS(cmocka_unit_test(test_the_bytes_of_a_message), cmocka_unit_test(test_what_is_malformed),
          cmocka_unit_test(test_the_largest_message), cmocka_unit_test(test_what_is_sealed))
