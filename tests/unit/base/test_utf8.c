/* Bytes that others chose: JSON stays JSON, and what is shown to people stays on its line. */
#include "../unit.h"
#include "base/text/json.h"
#include "base/utf8.h"

static void sequences_are_those_of_the_rfc(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 0},
        {"a", 1},
        {"\x7f", 1},
        {"\x80", 0},     /* goes on with nothing */
        {"\xc1\x81", 0}, /* overlong */
        {"\xc3\xb6x", 2},
        {"\xc3", 0}, /* cut */
        {"\xc3(", 0},
        {"\xe0\x9f\xbf", 0}, /* overlong */
        {"\xe2\x82\xac", 3},
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xf0\x9f\x90\x98", 4},
        {"\xf4\x90\x80\x80", 0}, /* beyond the last */
        {"\xf5\x80\x80\x80", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_sequence(bytes_of_text(cases[i].text)), cases[i].length);
}

static void assert_shown(struct bytes text, const char *expected) {
    struct buffer out;
    buffer_init(&out, 4096);
    utf8_append_shown(&out, text);
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)buffer_data(&out), expected);
    buffer_release(&out);
}

static void no_terminal_obeys_what_is_shown(void **state) {
    (void)state;
    assert_shown(BYTES_LITERAL("h\xc3\xb6ren \\ \xe2\x82\xac"), "h\xc3\xb6ren \\ \xe2\x82\xac");
    assert_shown(BYTES_LITERAL("\x1b[2J\r\n\t\x7f\0"), "\\x1b[2J\\x0d\\n\\x09\\x7f\\x00");
    assert_shown(BYTES_LITERAL("\xc2\x9b"
                               "31m"),
                 "\\xc2\\x9b"
                 "31m"); /* a C1 control: CSI */
    assert_shown(BYTES_LITERAL("\xff\xc3"), "\\xff\\xc3");
    assert_shown(BYTES_NONE, "");
}

static void any_bytes_become_json(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    struct json json = {.out = &out};
    json_open(&json, NULL, '[');
    json_bytes(&json, NULL, BYTES_LITERAL("h\xc3\xb6\xff\x1b\"\\\0\xe2\x82"));
    json_text(&json, NULL, "\xed\xa0\x80\x7f");
    json_close(&json, ']');
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)buffer_data(&out),
                        "[\"h\xc3\xb6\\ufffd\\u001b\\\"\\\\\\u0000\\ufffd\\ufffd\","
                        "\"\\ufffd\\ufffd\\ufffd\x7f\"]");
    buffer_release(&out);
}

RUN_TESTS(cmocka_unit_test(sequences_are_those_of_the_rfc),
          cmocka_unit_test(no_terminal_obeys_what_is_shown),
          cmocka_unit_test(any_bytes_become_json))
