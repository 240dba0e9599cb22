/* Golden bytes: every kind of reply, in RESP2 and in RESP3. */
#include "../unit.h"
#include "wire/reply.h"

enum { OUT_MAXIMUM_BYTES = 4096 };

static struct buffer out;
static struct reply reply;

static int setup(void **state) {
    (void)state;
    buffer_init(&out, OUT_MAXIMUM_BYTES);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    buffer_release(&out);
    return 0;
}

/* Runs the call in both protocols and holds the bytes against what is expected. */
#define EXPECT(call, resp2, resp3)                                                                 \
    do {                                                                                           \
        reply = (struct reply){.out = &out, .protocol = 2};                                        \
        call;                                                                                      \
        expect_bytes(resp2, sizeof(resp2) - 1);                                                    \
        reply.protocol = 3;                                                                        \
        call;                                                                                      \
        expect_bytes(resp3, sizeof(resp3) - 1);                                                    \
    } while (0)

static void expect_bytes(const char *expected, size_t length) {
    assert_int_equal(out.length, length);
    assert_memory_equal(buffer_data(&out), expected, length);
    buffer_clear(&out);
}

static void test_simple_and_error(void **state) {
    (void)state;
    EXPECT(reply_simple(&reply, "PONG"), "+PONG\r\n", "+PONG\r\n");
    EXPECT(reply_ok(&reply), "+OK\r\n", "+OK\r\n");
    EXPECT(reply_error(&reply, REPLY_SYNTAX), "-ERR syntax error\r\n", "-ERR syntax error\r\n");
    EXPECT(reply_error_format(&reply, "ERR unknown command '%s', %d", "a\r\nb", 7),
           "-ERR unknown command 'a  b', 7\r\n", "-ERR unknown command 'a  b', 7\r\n");
}

static void test_long_formatted_error(void **state) {
    (void)state;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    reply = (struct reply){.out = &out, .protocol = 2};
    reply_error_format(&reply, "ERR %s", text);
    assert_int_equal(out.length, 1 + 4 + 1000 + 2);
    assert_memory_equal(buffer_data(&out) + out.length - 3, "x\r\n", 3);
    buffer_clear(&out);
}

static void test_numbers(void **state) {
    (void)state;
    EXPECT(reply_integer(&reply, 0), ":0\r\n", ":0\r\n");
    EXPECT(reply_integer(&reply, -12), ":-12\r\n", ":-12\r\n");
    EXPECT(reply_integer(&reply, INT64_MIN), ":-9223372036854775808\r\n",
           ":-9223372036854775808\r\n");
    EXPECT(reply_integer(&reply, INT64_MAX), ":9223372036854775807\r\n",
           ":9223372036854775807\r\n");
    EXPECT(reply_bulk_integer(&reply, -42), "$3\r\n-42\r\n", "$3\r\n-42\r\n");
}

static void test_blobs(void **state) {
    (void)state;
    EXPECT(reply_bulk(&reply, BYTES_LITERAL("a\0\r\nb")), "$5\r\na\0\r\nb\r\n",
           "$5\r\na\0\r\nb\r\n");
    EXPECT(reply_bulk(&reply, BYTES_NONE), "$0\r\n\r\n", "$0\r\n\r\n");
    EXPECT(reply_bulk_text(&reply, "text"), "$4\r\ntext\r\n", "$4\r\ntext\r\n");
    EXPECT(reply_verbatim(&reply, BYTES_LITERAL("hello")), "$5\r\nhello\r\n",
           "=9\r\ntxt:hello\r\n");
}

static void test_nulls(void **state) {
    (void)state;
    EXPECT(reply_null(&reply), "$-1\r\n", "_\r\n");
}

static void test_aggregates(void **state) {
    (void)state;
    EXPECT(reply_array(&reply, 0), "*0\r\n", "*0\r\n");
    EXPECT(reply_array(&reply, 1000), "*1000\r\n", "*1000\r\n");
    EXPECT(reply_map(&reply, 3), "*6\r\n", "%3\r\n");
    EXPECT(reply_set(&reply, 2), "*2\r\n", "~2\r\n");
    EXPECT(reply_push(&reply, 2), "*2\r\n", ">2\r\n");
}

/* A follower applies a command and answers nobody. */
static void test_discards_without_a_buffer(void **state) {
    (void)state;
    reply = (struct reply){.out = NULL, .protocol = 3};
    reply_ok(&reply);
    reply_error_format(&reply, "ERR %d", 1);
    reply_map(&reply, 1);
    reply_verbatim(&reply, BYTES_LITERAL("x"));
}

/* A bulk that does not fit leaves nothing of itself behind, and says so. */
static void test_overflow_leaves_no_half(void **state) {
    (void)state;
    struct buffer small;
    buffer_init(&small, 16);
    reply = (struct reply){.out = &small, .protocol = 2};
    reply_bulk(&reply, BYTES_LITERAL("0123456789abcdef"));
    assert_true(small.is_overflowed);
    assert_int_equal(small.length, 0);
    buffer_release(&small);
}

RUN_TESTS(cmocka_unit_test_setup_teardown(test_simple_and_error, setup, teardown),
          cmocka_unit_test_setup_teardown(test_long_formatted_error, setup, teardown),
          cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
          cmocka_unit_test_setup_teardown(test_blobs, setup, teardown),
          cmocka_unit_test_setup_teardown(test_nulls, setup, teardown),
          cmocka_unit_test_setup_teardown(test_aggregates, setup, teardown),
          cmocka_unit_test(test_discards_without_a_buffer),
          cmocka_unit_test(test_overflow_leaves_no_half))
