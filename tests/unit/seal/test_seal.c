/* What was sealed opens with the cluster's keys, and nothing else does. */
#include "../unit.h"
#include "seal/seal.h"
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

static const struct seal_key key = {{1, 2, 3, 4}}, other_key = {{1, 2, 3, 5}};

/* A file with this text, whose name is valid until the next call. */
static const char *file_with(const char *text) {
    static char name[64];
    snprintf(name, sizeof name, "/tmp/trothdb-test-seal-%d", (int)getpid());
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    return name;
}

static int read_keys(const char *text, struct seal **seal, struct buffer *problem) {
    const char *name = file_with(text);
    buffer_init(problem, 1024);
    int code = seal_new_from_file(seal, name, "", problem);
    unlink(name);
    return code;
}

/* What was sealed opens to the same bytes; sealing twice never gives the same bytes. */
static void test_what_was_sealed_opens(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, "");
    uint8_t message[1160], first[1160 + SEAL_EXTRA_BYTES], second[sizeof first];
    memset(message, 'm', sizeof message);
    for (size_t length = 0; length <= sizeof message; length += 29) {
        struct bytes opened;
        seal_close(seal, SEAL_DATAGRAM, bytes_of(message, length), first);
        seal_close(seal, SEAL_DATAGRAM, bytes_of(message, length), second);
        assert_memory_not_equal(first, second, length + SEAL_EXTRA_BYTES);
        assert_int_equal(seal_open(seal, SEAL_DATAGRAM, first, length + SEAL_EXTRA_BYTES, &opened),
                         0);
        assert_true(bytes_equal(opened, bytes_of(message, length)));
    }
    seal_free(seal);
}

/* Whether what one seal closed opens with another one. */
static bool is_open(struct seal *of_sender, struct seal *of_receiver) {
    uint8_t sealed[5 + SEAL_EXTRA_BYTES];
    struct bytes opened;
    seal_close(of_sender, SEAL_DATAGRAM, BYTES_LITERAL("hello"), sealed);
    int code = seal_open(of_receiver, SEAL_DATAGRAM, sealed, sizeof sealed, &opened);
    assert_true(code == ERR_REFUSED || bytes_equal(opened, BYTES_LITERAL("hello")));
    return code == 0;
}

/* Any bit changed, a byte lost, another purpose: refused. */
static void test_what_was_touched_is_refused(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, "");
    uint8_t sealed[8 + SEAL_EXTRA_BYTES], copy[sizeof sealed];
    struct bytes opened;
    seal_close(seal, SEAL_EXCHANGE, BYTES_LITERAL("8 bytes!"), sealed);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        memcpy(copy, sealed, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(seal_open(seal, SEAL_EXCHANGE, copy, sizeof copy, &opened), ERR_REFUSED);
    }
    for (size_t length = 0; length < sizeof sealed; length++) {
        memcpy(copy, sealed, sizeof copy);
        assert_int_equal(seal_open(seal, SEAL_EXCHANGE, copy, length, &opened), ERR_REFUSED);
    }
    memcpy(copy, sealed, sizeof copy);
    assert_int_equal(seal_open(seal, SEAL_DATAGRAM, copy, sizeof copy, &opened), ERR_REFUSED);
    assert_int_equal(seal_open(seal, SEAL_EXCHANGE, sealed, sizeof sealed, &opened), 0);
    seal_free(seal);
}

/* A cluster with another key, or with the same key and another name, opens nothing of ours. */
static void test_another_cluster_opens_nothing(void **state) {
    (void)state;
    struct seal *seal = seal_new(&key, 1, ""), *other = seal_new(&other_key, 1, ""),
                *orders = seal_new(&key, 1, "orders"), *same = seal_new(&key, 1, "orders"),
                *order = seal_new(&key, 1, "order");
    assert_true(is_open(seal, seal));
    assert_true(is_open(orders, same));
    assert_false(is_open(seal, other));
    assert_false(is_open(seal, orders));
    assert_false(is_open(orders, seal));
    assert_false(is_open(orders, order));
    seal_free(seal), seal_free(other), seal_free(orders), seal_free(same), seal_free(order);
}

/* The first key of a ring seals; each of them opens. */
static void test_every_key_of_the_ring_opens(void **state) {
    (void)state;
    const struct seal_key keys[] = {{{1}}, {{2}}, {{3}}};
    struct seal *ring = seal_new(keys, 3, ""), *first = seal_new(&keys[0], 1, ""),
                *last = seal_new(&keys[2], 1, ""), *stranger = seal_new(&key, 1, "");
    assert_true(is_open(first, ring));
    assert_true(is_open(last, ring));
    assert_false(is_open(stranger, ring));
    assert_true(is_open(ring, first));
    assert_false(is_open(ring, last));
    seal_free(ring), seal_free(first), seal_free(last), seal_free(stranger);
}

static void opens_by_hand(struct seal *seal, const char *with, size_t with_length) {
    uint8_t sealed[5 + SEAL_EXTRA_BYTES], opened[5];
    seal_close(seal, SEAL_DATAGRAM, BYTES_LITERAL("hello"), sealed);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(opened, NULL, NULL, sealed + 24,
                                                                5 + 16, (const uint8_t *)with,
                                                                with_length, sealed, key.bytes),
                     0);
    assert_memory_equal(opened, "hello", 5);
    seal_free(seal);
}

/* The bytes are those of libsodium's XChaCha20-Poly1305 over the purpose and the cluster's name, as
 * docs/format/peer.md says. */
static void test_the_format_is_the_documented_one(void **state) {
    (void)state;
    opens_by_hand(seal_new(&key, 1, ""), "trothdb datagram 1", 18);
    opens_by_hand(seal_new(&key, 1, "orders"), "trothdb datagram 1\0orders", 25);
}

#define KEY_TEXT "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"

#define OTHER_TEXT "0000000000000000000000000000000000000000000000000000000000000001"

static void test_a_key_file_holds_up_to_three_keys(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "00",
                                      KEY_TEXT "0",
                                      "x" KEY_TEXT,
                                      KEY_TEXT "00",
                                      KEY_TEXT "\n# my key\n",
                                      KEY_TEXT OTHER_TEXT,
                                      KEY_TEXT "\n1\n" KEY_TEXT "\n" KEY_TEXT "\n" KEY_TEXT "\n"};
    struct seal *seal, *first, *other;
    struct buffer problem;
    assert_int_equal(read_keys("  " KEY_TEXT "\r\n", &seal, &problem), 0);
    struct seal_key same = {{0}};
    for (unsigned i = 0; i < 16; i++)
        same.bytes[i] = (uint8_t)(0x11 * i), same.bytes[31 - i] = (uint8_t)(0x11 * i);
    first = seal_new(&same, 1, "");
    assert_true(is_open(first, seal));
    assert_true(is_open(seal, first));
    seal_free(seal);
    buffer_release(&problem);
    assert_int_equal(read_keys(OTHER_TEXT "\n" KEY_TEXT "\n", &seal, &problem), 0);
    other = seal_new(&(struct seal_key){{[31] = 1}}, 1, "");
    assert_true(is_open(first, seal));
    assert_true(is_open(seal, other));
    assert_false(is_open(seal, first));
    seal_free(seal), seal_free(first), seal_free(other);
    buffer_release(&problem);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_keys(bad[i], &seal, &problem), ERR_INVALID);
        assert_non_null(memmem(buffer_data(&problem), problem.length, "64 hex digits", 13));
        assert_null(memmem(buffer_data(&problem), problem.length, KEY_TEXT, 16));
        buffer_release(&problem);
    }
    buffer_init(&problem, 1024);
    assert_int_equal(seal_new_from_file(&seal, "/nowhere/at/all", "", &problem), ERR_IO);
    buffer_release(&problem);
}

RUN_TESTS(cmocka_unit_test(test_what_was_sealed_opens),
          cmocka_unit_test(test_what_was_touched_is_refused),
          cmocka_unit_test(test_another_cluster_opens_nothing),
          cmocka_unit_test(test_every_key_of_the_ring_opens),
          cmocka_unit_test(test_the_format_is_the_documented_one),
          cmocka_unit_test(test_a_key_file_holds_up_to_three_keys))
