/* Requests: what is read, whole and in pieces; limits; Redis's words for what is broken. */
#include "../unit.h"
#include "base/memory.h"
#include "base/random.h"
#include "wire/request.h"

static const struct request_limits limits = {
    .bulk_bytes = 1024 * 1024, .argument_count = 100000, .inline_bytes = 64 * 1024};

enum { PRINTED_MAXIMUM_BYTES = 64 * 1024 * 1024 };

/* Prints the requests read so far, "[SET|key|value]" each, then "..." or "!problem". `piece` bytes
 * more are visible at each call, every time in a fresh block of exactly that size: the parser may
 * not rely on where the input stands, and reading past its end is seen by the address sanitizer. */
static void print_requests(struct bytes input, size_t piece, const struct request_limits *with,
                           struct buffer *printed) {
    struct request_parser parser;
    request_parser_init(&parser, with);
    size_t start = 0, visible = 0;
    for (;;) {
        uint8_t *block = memory_copy(input.data + start, visible - start);
        size_t consumed;
        enum request_status status =
            request_parse(&parser, bytes_of(block, visible - start), &consumed);
        if (status == REQUEST_READY) {
            for (size_t i = 0; i < parser.argument_count; i++) {
                buffer_append_text(printed, i == 0 ? "[" : "|");
                buffer_append_bytes(printed, parser.arguments[i]);
            }
            buffer_append_text(printed, parser.argument_count == 0 ? "[]" : "]");
            start += consumed;
        }
        memory_free(block);
        if (status == REQUEST_BROKEN) {
            buffer_append_text(printed, "!");
            buffer_append_text(printed, parser.problem);
            break;
        }
        if (status == REQUEST_INCOMPLETE && visible == input.length) {
            buffer_append_text(printed, start < input.length ? "..." : "");
            break;
        }
        if (status == REQUEST_INCOMPLETE)
            visible += piece < input.length - visible ? piece : input.length - visible;
    }
    request_parser_release(&parser);
}

static void expect_with(const struct request_limits *with, struct bytes input,
                        const char *expected) {
    static const size_t pieces[] = {SIZE_MAX, 1, 2, 3, 7};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buffer printed;
        buffer_init(&printed, PRINTED_MAXIMUM_BYTES);
        print_requests(input, pieces[i], with, &printed);
        buffer_append_u8(&printed, 0);
        assert_string_equal((const char *)buffer_data(&printed), expected);
        buffer_release(&printed);
    }
}

#define EXPECT(input, expected) expect_with(&limits, BYTES_LITERAL(input), expected)

static void test_multibulk(void **state) {
    (void)state;
    EXPECT("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n", "[ECHO|hello]");
    EXPECT("*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "[PING][SET|k|]");
    EXPECT("*0\r\n*-1\r\n*-100\r\n*1\r\n$4\r\nPING\r\n", "[][][][PING]");
    EXPECT("*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n", "[ECHO|a\r\nb]");
    EXPECT("*2\r\n$4\r\nECHO\r\n$5\r\nhel", "...");
    EXPECT("*2\r", "...");
    EXPECT("", "");
}

/* Redis does not look at what stands where a line end should: neither do we. */
static void test_line_ends_are_not_looked_at(void **state) {
    (void)state;
    EXPECT("*1\rx$4\ryPINGab*1\r\n$4\r\nPING\r\n", "[PING][PING]");
}

static void test_broken_multibulk(void **state) {
    (void)state;
    EXPECT("*x\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*01\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*+1\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("* 1\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*2147483648\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*99999999999999999999999\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*100001\r\n", "!Protocol error: invalid multibulk length");
    EXPECT("*1\r\n$4\r\nPING\r\n*1\r\nfoo\r\n", "[PING]!Protocol error: expected '$', got 'f'");
    EXPECT("*1\r\n\r\n", "!Protocol error: expected '$', got '\r'");
    EXPECT("*1\r\n:4\r\n", "!Protocol error: expected '$', got ':'");
    EXPECT("*1\r\n$-1\r\n", "!Protocol error: invalid bulk length");
    EXPECT("*1\r\n$\r\n", "!Protocol error: invalid bulk length");
    EXPECT("*1\r\n$4x\r\n", "!Protocol error: invalid bulk length");
    EXPECT("*1\r\n$1048577\r\n", "!Protocol error: invalid bulk length");
    EXPECT("*1\r\n$9223372036854775808\r\n", "!Protocol error: invalid bulk length");
}

/* A client that has not logged in may send ten arguments of 16 KiB, and not one byte more. */
static void test_unauthenticated_limits(void **state) {
    (void)state;
    struct request_limits strict = limits;
    strict.is_unauthenticated = true;
    expect_with(&strict, BYTES_LITERAL("*10\r\n$16384\r\n"), "...");
    expect_with(&strict, BYTES_LITERAL("*11\r\n"),
                "!Protocol error: unauthenticated multibulk length");
    expect_with(&strict, BYTES_LITERAL("*1\r\n$16385\r\n"),
                "!Protocol error: unauthenticated bulk length");
}

static void expect_endless(const char *head, const char *expected) {
    struct buffer input;
    buffer_init(&input, 1024 * 1024);
    buffer_append_text(&input, head);
    for (size_t i = 0; i < 65 * 1024; i++)
        buffer_append_u8(&input, '1');
    buffer_append_text(&input, "\r\n");
    struct buffer printed;
    for (size_t piece = 1024; piece <= 1024 * 1024; piece *= 32) {
        buffer_init(&printed, PRINTED_MAXIMUM_BYTES);
        print_requests(buffer_bytes(&input), piece, &limits, &printed);
        buffer_append_u8(&printed, 0);
        assert_string_equal((const char *)buffer_data(&printed), expected);
        buffer_release(&printed);
    }
    buffer_release(&input);
}

static void test_lines_without_an_end(void **state) {
    (void)state;
    expect_endless("*", "!Protocol error: too big mbulk count string");
    expect_endless("*1\r\n$", "!Protocol error: too big bulk count string");
    expect_endless("PING ", "!Protocol error: too big inline request");
}

static void test_inline(void **state) {
    (void)state;
    EXPECT("PING\r\nPING\n", "[PING][PING]");
    EXPECT("  SET  key \t value \r\n", "[SET|key|value]");
    EXPECT("\r\n\n   \r\nPING\r\n", "[][][][PING]");
    EXPECT("SET k \"a b\\n\\x41\\\"\\q\"\r\n", "[SET|k|a b\nA\"q]");
    EXPECT("SET k 'a \\n \\' b'\r\n", "[SET|k|a \\n ' b]");
    EXPECT("SET k \"\" ''\r\n", "[SET|k||]");
    EXPECT("\"\"\r\n", "[]");
    EXPECT("SET ab\"c d\" e\r\n", "[SET|abc d|e]");
    EXPECT("SET \"\\x4\" \"\\xzz\"\r\n", "[SET|x4|xzz]");
    EXPECT("PING\0 ignored\r\n", "[PING]");
    EXPECT("PING", "...");
}

/* A form that a web page has a browser send ends at its head: no command in its body is run. */
static void test_http(void **state) {
    (void)state;
    EXPECT("POST / HTTP/1.1\r\n",
           "!Protocol error: this is HTTP; the port speaks the Redis protocol");
    EXPECT("GET / HTTP/1.1\r\nhost: a\r\nSET k v\r\n",
           "[GET|/|HTTP/1.1]!Protocol error: this is HTTP; the port speaks the Redis protocol");
    EXPECT("*1\r\n$4\r\npost\r\n", "[post]");
    EXPECT("SET post host:\r\n", "[SET|post|host:]");
}

static void test_broken_inline(void **state) {
    (void)state;
    EXPECT("SET k \"abc\r\n", "!Protocol error: unbalanced quotes in request");
    EXPECT("SET k 'abc\r\n", "!Protocol error: unbalanced quotes in request");
    EXPECT("SET k \"abc\"d\r\n", "!Protocol error: unbalanced quotes in request");
    EXPECT("SET k 'abc'd\r\n", "!Protocol error: unbalanced quotes in request");
    EXPECT("SET k \"abc\\\r\n", "!Protocol error: unbalanced quotes in request");
    EXPECT("SET k \"a\0\"\r\n", "!Protocol error: unbalanced quotes in request");
    struct request_limits few = limits;
    few.argument_count = 2;
    expect_with(&few, BYTES_LITERAL("a b\r\n"), "[a|b]");
    expect_with(&few, BYTES_LITERAL("a b c\r\n"), "!Protocol error: too many arguments in request");
}

/* Random requests, encoded, come back the same, whatever pieces the network makes of them. */
static void test_encode_and_parse_agree(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 50; round++) {
        struct buffer input, expected, printed;
        buffer_init(&input, PRINTED_MAXIMUM_BYTES);
        buffer_init(&expected, PRINTED_MAXIMUM_BYTES);
        buffer_init(&printed, PRINTED_MAXIMUM_BYTES);
        uint8_t noise[20000];
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)random_next(&random);
        for (uint64_t left = random_between(&random, 1, 5); left > 0; left--) {
            struct bytes arguments[40];
            size_t count = (size_t)random_between(&random, 1, 40);
            for (size_t i = 0; i < count; i++) {
                uint64_t most = random_chance(&random, 0.1) ? sizeof noise : 12;
                arguments[i] = bytes_of(noise, (size_t)random_below(&random, most));
                buffer_append_text(&expected, i == 0 ? "[" : "|");
                buffer_append_bytes(&expected, arguments[i]);
            }
            buffer_append_text(&expected, "]");
            request_encode(&input, arguments, count);
        }
        print_requests(buffer_bytes(&input), (size_t)random_between(&random, 100, 5000), &limits,
                       &printed);
        assert_true(bytes_equal(buffer_bytes(&printed), buffer_bytes(&expected)));
        buffer_release(&input);
        buffer_release(&expected);
        buffer_release(&printed);
    }
}

/* After a broken request nothing of the connection is read any more. */
static void test_broken_stays_broken(void **state) {
    (void)state;
    struct request_parser parser;
    request_parser_init(&parser, &limits);
    size_t consumed;
    assert_int_equal(request_parse(&parser, BYTES_LITERAL("*1\r\nfoo\r\n"), &consumed),
                     REQUEST_BROKEN);
    assert_int_equal(request_parse(&parser, BYTES_LITERAL("x"), &consumed), REQUEST_BROKEN);
    assert_string_equal(parser.problem, "Protocol error: expected '$', got 'f'");
    request_parser_release(&parser);
}

static void test_encode_golden(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1024);
    const struct bytes arguments[] = {BYTES_LITERAL("SET"), BYTES_LITERAL(""),
                                      BYTES_LITERAL("a\r\n")};
    request_encode(&out, arguments, 3);
    assert_true(bytes_equal(buffer_bytes(&out),
                            BYTES_LITERAL("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\na\r\n\r\n")));
    buffer_release(&out);
}

/* A request of very many arguments is read, and its memory is given back with the next one. */
static void test_gives_back_memory(void **state) {
    (void)state;
    struct buffer input;
    buffer_init(&input, PRINTED_MAXIMUM_BYTES);
    buffer_append_text(&input, "*50000\r\n");
    for (int i = 0; i < 50000; i++)
        buffer_append_text(&input, "$1\r\nx\r\n");
    struct request_parser parser;
    request_parser_init(&parser, &limits);
    size_t consumed;
    assert_int_equal(request_parse(&parser, buffer_bytes(&input), &consumed), REQUEST_READY);
    assert_int_equal(parser.argument_count, 50000);
    assert_int_equal(consumed, input.length);
    assert_int_equal(request_parse(&parser, BYTES_LITERAL("PING\r\n"), &consumed), REQUEST_READY);
    assert_true(parser.argument_capacity <= 1024);
    request_parser_release(&parser);
    buffer_release(&input);
}

/* A claimed count allocates nothing: only arguments that came do. */
static void test_a_lying_count_costs_nothing(void **state) {
    (void)state;
    struct request_parser parser;
    request_parser_init(&parser, &limits);
    size_t consumed;
    assert_int_equal(request_parse(&parser, BYTES_LITERAL("*100000\r\n$1\r\nx\r\n$9"), &consumed),
                     REQUEST_INCOMPLETE);
    assert_true(parser.argument_capacity <= 16);
    request_parser_release(&parser);
}

/* "name key length", or "" for what is none of the plain ones. In a block of its own, so that
 * reading past its end is seen. */
static void expect_glance(const char *input, size_t length, const char *expected) {
    uint8_t *block = memory_copy(input, length);
    struct bytes seen[2];
    char text[128] = "";
    size_t bytes = request_glance(bytes_of(block, length), seen);
    if (bytes)
        snprintf(text, sizeof text, "%.*s %.*s %zu", (int)seen[0].length,
                 (const char *)seen[0].data, (int)seen[1].length, (const char *)seen[1].data,
                 bytes);
    assert_string_equal(text, expected);
    memory_free(block);
}

/* A glance sees what stands in front if it is whole and plain, and nothing otherwise. */
static void test_glance(void **state) {
    (void)state;
    static const char get[] = "*2\r\n$3\r\nGET\r\n$12\r\nkey:00000001\r\n";
    const size_t length = sizeof get - 1;
    expect_glance(get, length, "GET key:00000001 32");
    for (size_t cut = 0; cut < length; cut++)
        expect_glance(get, cut, "");
    expect_glance("*3\r\n$1\r\na\r\n$0\r\n\r\n$1\r\nb\r\n*1\r\n", 28, "a  24");
    static const char *const others[] = {"GET key\r\n",
                                         "*1\r\n$4\r\nPING\r\n",
                                         "*x\r\n$1\r\na\r\n$1\r\nb\r\n",
                                         "*2\r\n$-1\r\na\r\nb\r\n",
                                         "*2\r\n$\r\na\r\n$1\r\nb\r\n",
                                         "*2\r\n$99999\r\na\r\n$1\r\nb\r\n",
                                         "*9999\r\n$1\r\na\r\n$1\r\nb\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect_glance(others[i], strlen(others[i]), "");
}

RUN_TESTS(cmocka_unit_test(test_multibulk), cmocka_unit_test(test_line_ends_are_not_looked_at),
          cmocka_unit_test(test_broken_multibulk), cmocka_unit_test(test_unauthenticated_limits),
          cmocka_unit_test(test_lines_without_an_end), cmocka_unit_test(test_inline),
          cmocka_unit_test(test_http), cmocka_unit_test(test_broken_inline),
          cmocka_unit_test(test_encode_and_parse_agree), cmocka_unit_test(test_broken_stays_broken),
          cmocka_unit_test(test_encode_golden), cmocka_unit_test(test_gives_back_memory),
          cmocka_unit_test(test_a_lying_count_costs_nothing), cmocka_unit_test(test_glance))
