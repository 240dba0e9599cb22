#include "../unit.h"
#include "server/seal.h"
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

static const struct seal key = {.key = {1, 2, 3, 4}};
static const struct seal other_key = {.key = {1, 2, 3, 5}};

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

static int read_key(const char *text, struct seal *seal, struct buffer *problem) {
    const char *name = file_with(text);
    buffer_init(problem, 1024);
    int code = seal_read_key(seal, name, problem);
    unlink(name);
    return code;
}

/* What was sealed opens to the same bytes; sealing twice never gives the same bytes. */
static void test_what_was_sealed_opens(void **state) {
    (void)state;
    uint8_t message[1160], first[1160 + SEAL_EXTRA_BYTES], second[sizeof first];
    memset(message, 'm', sizeof message);
    for (size_t length = 0; length <= sizeof message; length += 29) {
        struct bytes opened;
        seal_close(&key, SEAL_DATAGRAM, bytes_of(message, length), first);
        seal_close(&key, SEAL_DATAGRAM, bytes_of(message, length), second);
        assert_memory_not_equal(first, second, length + SEAL_EXTRA_BYTES);
        assert_int_equal(seal_open(&key, SEAL_DATAGRAM, first, length + SEAL_EXTRA_BYTES, &opened),
                         0);
        assert_true(bytes_equal(opened, bytes_of(message, length)));
    }
}

/* Any bit changed, a byte lost, another key, another purpose: refused. */
static void test_what_was_touched_is_refused(void **state) {
    (void)state;
    uint8_t sealed[8 + SEAL_EXTRA_BYTES], copy[sizeof sealed];
    struct bytes opened;
    seal_close(&key, SEAL_EXCHANGE, BYTES_LITERAL("8 bytes!"), sealed);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        memcpy(copy, sealed, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(seal_open(&key, SEAL_EXCHANGE, copy, sizeof copy, &opened), ERR_REFUSED);
    }
    for (size_t length = 0; length < sizeof sealed; length++) {
        memcpy(copy, sealed, sizeof copy);
        assert_int_equal(seal_open(&key, SEAL_EXCHANGE, copy, length, &opened), ERR_REFUSED);
    }
    memcpy(copy, sealed, sizeof copy);
    assert_int_equal(seal_open(&other_key, SEAL_EXCHANGE, copy, sizeof copy, &opened), ERR_REFUSED);
    assert_int_equal(seal_open(&key, SEAL_DATAGRAM, copy, sizeof copy, &opened), ERR_REFUSED);
    assert_int_equal(seal_open(&key, SEAL_EXCHANGE, sealed, sizeof sealed, &opened), 0);
}

/* The bytes are those of libsodium's XChaCha20-Poly1305 over the purpose, as docs/format/peer.md
 * says. */
static void test_the_format_is_the_documented_one(void **state) {
    (void)state;
    uint8_t sealed[5 + SEAL_EXTRA_BYTES], opened[5];
    static const char with[] = "trothdb datagram 1";
    seal_close(&key, SEAL_DATAGRAM, BYTES_LITERAL("hello"), sealed);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(opened, NULL, NULL, sealed + 24,
                                                                5 + 16, (const uint8_t *)with,
                                                                sizeof with - 1, sealed, key.key),
                     0);
    assert_memory_equal(opened, "hello", 5);
}

#define KEY_TEXT "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"

static void test_a_key_file_holds_64_hex_digits(void **state) {
    (void)state;
    static const char *const bad[] = {"",           "00",          KEY_TEXT "0",
                                      "x" KEY_TEXT, KEY_TEXT "00", KEY_TEXT "\n# my key\n"};
    struct seal seal;
    struct buffer problem;
    assert_int_equal(read_key("  " KEY_TEXT "\r\n", &seal, &problem), 0);
    assert_int_equal(seal.key[1], 0x11);
    assert_int_equal(seal.key[31], 0x00);
    assert_int_equal(seal.key[16], 0xff);
    buffer_release(&problem);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_key(bad[i], &seal, &problem), ERR_INVALID);
        assert_non_null(memmem(buffer_data(&problem), problem.length, "64 hex digits", 13));
        buffer_release(&problem);
    }
    buffer_init(&problem, 1024);
    assert_int_equal(seal_read_key(&seal, "/nowhere/at/all", &problem), ERR_IO);
    buffer_release(&problem);
}

RUN_TESTS(cmocka_unit_test(test_what_was_sealed_opens),
          cmocka_unit_test(test_what_was_touched_is_refused),
          cmocka_unit_test(test_the_format_is_the_documented_one),
          cmocka_unit_test(test_a_key_file_holds_64_hex_digits))
