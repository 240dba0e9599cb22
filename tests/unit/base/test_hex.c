/* Hexadecimal digits: what is written is read back, and nothing but that is read. */
#include "../unit.h"
#include "base/text/hex.h"

static void every_byte_is_read_back(void **state) {
    (void)state;
    uint8_t bytes[256], back[256];
    char text[HEX_TEXT_BYTES(256)];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_write(bytes, 256, text);
    assert_memory_equal(text, "000102030405060708090a0b", 24);
    assert_string_equal(text + 2 * 250, "fafbfcfdfeff");
    assert_true(hex_read(bytes_of_text(text), 256, back));
    assert_memory_equal(back, bytes, 256);
}

static void nothing_is_no_bytes(void **state) {
    (void)state;
    char text[HEX_TEXT_BYTES(0)] = {'x'};
    hex_write(NULL, 0, text);
    assert_string_equal(text, "");
    assert_true(hex_read(BYTES_NONE, 0, NULL));
}

static void what_is_not_written_is_not_read(void **state) {
    (void)state;
    static const char *const texts[] = {"",     "a",    "abc",  "abcdef", "ABCD",
                                        "abCd", "0x12", " 1f2", "+1-2",   "12g4",
                                        "12:4", "12/4", "12`4", "12@4",   "12\0204"};
    uint8_t out[2];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(hex_read(bytes_of_text(texts[i]), 2, out));
}

static void digits_are_of_either_case(void **state) {
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";
    for (unsigned letter = 0; letter < 256; letter++) {
        const char *at = letter ? strchr(digits, (int)letter) : NULL;
        int place = at ? (int)(at - digits) : -1;
        assert_int_equal(hex_digit((uint8_t)letter), place > 15 ? place - 6 : place);
    }
}

RUN_TESTS(cmocka_unit_test(every_byte_is_read_back), cmocka_unit_test(nothing_is_no_bytes),
          cmocka_unit_test(what_is_not_written_is_not_read),
          cmocka_unit_test(digits_are_of_either_case))
