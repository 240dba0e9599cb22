/* Replies as clients read them: every type, lengths that lie, and the same answer from
 * response_skip. */
#include "../unit.h"
#include "base/memory.h"
#include "wire/response.h"
#include <math.h>

enum { PRINTED_MAXIMUM_BYTES = 64 * 1024 };

static void print_response(const struct response *response, struct buffer *out) {
    static const char *const open[] = {[RESPONSE_ARRAY] = "[",
                                       [RESPONSE_MAP] = "{",
                                       [RESPONSE_SET] = "~{",
                                       [RESPONSE_PUSH] = ">["};
    switch (response->kind) {
    case RESPONSE_SIMPLE:
        buffer_append_format(out, "+%.*s", BYTES_PRINT(response->text));
        break;
    case RESPONSE_ERROR:
        buffer_append_format(out, "-%.*s", BYTES_PRINT(response->text));
        break;
    case RESPONSE_INTEGER:
        buffer_append_format(out, ":%lld", (long long)response->integer);
        break;
    case RESPONSE_BULK:
        buffer_append_format(out, "\"%.*s\"", BYTES_PRINT(response->text));
        break;
    case RESPONSE_NULL:
        buffer_append_text(out, "null");
        break;
    case RESPONSE_DOUBLE:
        buffer_append_format(out, ",%g", response->number);
        break;
    case RESPONSE_BOOLEAN:
        buffer_append_text(out, response->integer ? "true" : "false");
        break;
    case RESPONSE_VERBATIM:
        buffer_append_format(out, "=%.*s", BYTES_PRINT(response->text));
        break;
    case RESPONSE_BIG_NUMBER:
        buffer_append_format(out, "(%.*s", BYTES_PRINT(response->text));
        break;
    case RESPONSE_ARRAY:
    case RESPONSE_MAP:
    case RESPONSE_SET:
    case RESPONSE_PUSH:
        buffer_append_text(out, open[response->kind]);
        for (size_t i = 0; i < response->element_count; i++) {
            buffer_append_text(out, i > 0 ? " " : "");
            print_response(&response->elements[i], out);
        }
        buffer_append_text(out, ";");
        break;
    }
}

/* The whole input is one reply, every shorter one is incomplete, and one byte more is left alone.
 */
static void expect_reply(struct bytes input, const char *expected) {
    struct response response;
    size_t consumed = 0, skipped = 0;
    for (size_t length = 0; length < input.length; length++) {
        uint8_t *block = memory_copy(input.data, length);
        assert_int_equal(response_parse(bytes_of(block, length), &response, &consumed), 0);
        assert_int_equal(response_skip(bytes_of(block, length), &skipped), 0);
        memory_free(block);
    }
    uint8_t *longer = memory_allocate(input.length + 1);
    memcpy(longer, input.data, input.length);
    longer[input.length] = '+';
    struct bytes whole = bytes_of(longer, input.length + 1);
    assert_int_equal(response_parse(whole, &response, &consumed), 1);
    assert_int_equal(consumed, input.length);
    assert_int_equal(response_skip(whole, &skipped), 1);
    assert_int_equal(skipped, input.length);
    struct buffer printed;
    buffer_init(&printed, PRINTED_MAXIMUM_BYTES);
    print_response(&response, &printed);
    buffer_append_u8(&printed, 0);
    assert_string_equal((const char *)buffer_data(&printed), expected);
    buffer_release(&printed);
    response_release(&response);
    memory_free(longer);
}

#define EXPECT(input, expected) expect_reply(BYTES_LITERAL(input), expected)

static void test_scalars(void **state) {
    (void)state;
    EXPECT("+OK\r\n", "+OK");
    EXPECT("-ERR no\r\n", "-ERR no");
    EXPECT(":-7\r\n", ":-7");
    EXPECT("$5\r\nhello\r\n", "\"hello\"");
    EXPECT("$4\r\na\r\nb\r\n", "\"a\r\nb\"");
    EXPECT("$0\r\n\r\n", "\"\"");
    EXPECT("$-1\r\n", "null");
    EXPECT("*-1\r\n", "null");
    EXPECT("_\r\n", "null");
    EXPECT("#t\r\n", "true");
    EXPECT("#f\r\n", "false");
    EXPECT(",1.5\r\n", ",1.5");
    EXPECT(",-inf\r\n", ",-inf");
    EXPECT(",nan\r\n", ",nan");
    EXPECT("=9\r\ntxt:hello\r\n", "=hello");
    EXPECT("!5\r\nERR x\r\n", "-ERR x");
    EXPECT("(123456789012345678901234567890\r\n", "(123456789012345678901234567890");
}

static void test_aggregates(void **state) {
    (void)state;
    EXPECT("*0\r\n", "[;");
    EXPECT("*3\r\n:1\r\n$1\r\nx\r\n*1\r\n_\r\n", "[:1 \"x\" [null;;");
    EXPECT("%1\r\n+k\r\n*2\r\n:1\r\n:2\r\n", "{+k [:1 :2;;");
    EXPECT("~2\r\n:1\r\n:2\r\n", "~{:1 :2;");
    EXPECT(">2\r\n+message\r\n*0\r\n", ">[+message [;;");
}

static void test_attributes_are_read_over(void **state) {
    (void)state;
    EXPECT("|1\r\n+ttl\r\n:3600\r\n$1\r\nx\r\n", "\"x\"");
    EXPECT("*2\r\n|0\r\n|1\r\n+a\r\n*1\r\n:9\r\n:1\r\n:2\r\n", "[:1 :2;");
}

static void expect_refused(struct bytes input, int code) {
    struct response response;
    size_t consumed;
    assert_int_equal(response_parse(input, &response, &consumed), code);
    assert_int_equal(response_skip(input, &consumed), code);
}

static void test_malformed(void **state) {
    (void)state;
    static const char *const inputs[] = {
        "x\r\n",   "\r\n",        ":\r\n",     ":1x\r\n",       ":01\r\n",
        "$-2\r\n", "$x\r\n",      "$1\r\nxyz", "*-2\r\n",       "%-1\r\n",
        "#x\r\n",  "_x\r\n",      ",x\r\n",    "=3\r\ntxt\r\n", "=4\r\ntxtx\r\n",
        "+a\rb",   "*1\r\n?\r\n", "=-1\r\n",   "$?\r\n"};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        expect_refused(bytes_of_text(inputs[i]), ERR_MALFORMED);
}

static void test_limits(void **state) {
    (void)state;
    expect_refused(BYTES_LITERAL("*1000000000\r\n"), ERR_LIMIT);
    expect_refused(BYTES_LITERAL("$2000000000\r\n"), ERR_LIMIT);
    struct buffer input;
    buffer_init(&input, 1024 * 1024);
    for (int depth = 0; depth < RESPONSE_DEPTH_MAXIMUM; depth++)
        buffer_append_text(&input, "*1\r\n");
    expect_refused(buffer_bytes(&input), ERR_LIMIT);
    buffer_clear(&input);
    buffer_append_text(&input, "+");
    for (int i = 0; i < RESPONSE_LINE_MAXIMUM_BYTES + 1; i++)
        buffer_append_u8(&input, 'x');
    expect_refused(buffer_bytes(&input), ERR_LIMIT);
    buffer_release(&input);
}

/* The deepest reply allowed is read. */
static void test_deepest(void **state) {
    (void)state;
    struct buffer input;
    buffer_init(&input, 1024);
    for (int depth = 0; depth < RESPONSE_DEPTH_MAXIMUM - 1; depth++)
        buffer_append_text(&input, "*1\r\n");
    buffer_append_text(&input, ":1\r\n");
    struct response response;
    size_t consumed;
    assert_int_equal(response_parse(buffer_bytes(&input), &response, &consumed), 1);
    response_release(&response);
    buffer_release(&input);
}

RUN_TESTS(cmocka_unit_test(test_scalars), cmocka_unit_test(test_aggregates),
          cmocka_unit_test(test_attributes_are_read_over), cmocka_unit_test(test_malformed),
          cmocka_unit_test(test_limits), cmocka_unit_test(test_deepest))
