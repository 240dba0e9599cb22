/* The payload of an entry: its bytes, and what is refused. */
#include "../unit.h"
#include "shard/machine/payload.h"

/* docs/format/commands.md */
static const uint8_t GOLDEN[] = {
    1,                                              /* version */
    0x00, 0x68, 0xe5, 0xcf, 0x8b, 0x01, 0x00, 0x00, /* stamp 1700000000000 */
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* seed */
    2,    0,    0,    0,                            /* commands */
    3,    3,    'S',  'E',  'T',  1,    'k',  0,    /* SET k "" */
    2,    3,    'G',  'E',  'T',  1,    'k',        /* GET k */
};

static void encode_golden(struct buffer *out) {
    struct payload_header header = {
        .stamp_ms = 1700000000000, .seed = 0x0102030405060708, .command_count = 2};
    const struct bytes set[] = {BYTES_LITERAL("SET"), BYTES_LITERAL("k"), BYTES_LITERAL("")};
    const struct bytes get[] = {BYTES_LITERAL("GET"), BYTES_LITERAL("k")};
    payload_encode_header(out, &header);
    payload_encode_command(out, set, 3);
    payload_encode_command(out, get, 2);
    assert_int_equal(out->length, PAYLOAD_HEADER_BYTES + payload_command_bytes(set, 3) +
                                      payload_command_bytes(get, 2));
}

static void test_golden(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1024);
    encode_golden(&out);
    assert_int_equal(out.length, sizeof(GOLDEN));
    assert_memory_equal(buffer_data(&out), GOLDEN, sizeof(GOLDEN));
    buffer_release(&out);
}

static void test_decoded(void **state) {
    (void)state;
    struct cursor in = cursor_of(bytes_of(GOLDEN, sizeof(GOLDEN)));
    struct payload_header header;
    struct payload_arguments arguments = {0};
    assert_int_equal(payload_decode_header(&in, &header), 0);
    assert_int_equal(header.stamp_ms, 1700000000000);
    assert_int_equal(header.seed, 0x0102030405060708);
    assert_int_equal(header.command_count, 2);
    assert_int_equal(payload_decode_command(&in, &arguments), 0);
    assert_int_equal(arguments.count, 3);
    assert_true(bytes_equal(arguments.items[0], BYTES_LITERAL("SET")));
    assert_int_equal(arguments.items[2].length, 0);
    assert_int_equal(payload_decode_command(&in, &arguments), 0);
    assert_int_equal(arguments.count, 2);
    assert_int_equal(cursor_finish(&in), 0);
    payload_arguments_release(&arguments);
}

/* What does not fit is still there to be decoded otherwise; what is cut short is an error. */
static void test_decoded_within(void **state) {
    (void)state;
    struct cursor in = cursor_of(bytes_of(GOLDEN, sizeof(GOLDEN)));
    struct payload_header header;
    struct bytes room[3];
    size_t count;
    assert_int_equal(payload_decode_header(&in, &header), 0);
    struct cursor begun = in;
    assert_int_equal(payload_decode_within(&in, room, 2, &count), ERR_LIMIT);
    assert_int_equal(payload_decode_within(&in, room, 3, &count), 0);
    assert_int_equal(count, 3);
    assert_true(bytes_equal(room[0], BYTES_LITERAL("SET")));
    assert_int_equal(room[2].length, 0);
    assert_int_equal(payload_decode_within(&in, room, 3, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(cursor_finish(&in), 0);
    begun.end = begun.at + 3;
    assert_int_equal(payload_decode_within(&begun, room, 3, &count), ERR_MALFORMED);
}

static int check_with(struct bytes payload, size_t at, uint8_t value) {
    uint8_t bytes[256];
    assert_in_range(at, 0, payload.length - 1);
    assert_in_range(payload.length, 1, sizeof bytes);
    memcpy(bytes, payload.data, payload.length);
    bytes[at] = value;
    return payload_check(bytes_of(bytes, payload.length));
}

static int check_changed(size_t at, uint8_t value) {
    return check_with(bytes_of(GOLDEN, sizeof(GOLDEN)), at, value);
}

static void test_refused(void **state) {
    (void)state;
    assert_int_equal(payload_check(bytes_of(GOLDEN, sizeof(GOLDEN))), 0);
    for (size_t length = 0; length < sizeof(GOLDEN); length++)
        assert_int_equal(payload_check(bytes_of(GOLDEN, length)), ERR_MALFORMED);
    uint8_t longer[sizeof(GOLDEN) + 1] = {0};
    memcpy(longer, GOLDEN, sizeof(GOLDEN));
    assert_int_equal(payload_check(bytes_of(longer, sizeof longer)), ERR_MALFORMED);
    assert_int_equal(check_changed(0, 3), ERR_VERSION);
    assert_int_equal(check_changed(0, 2), ERR_MALFORMED);     /* no traces */
    assert_int_equal(check_changed(17, 0), ERR_MALFORMED);    /* no command */
    assert_int_equal(check_changed(17, 1), ERR_MALFORMED);    /* something left over */
    assert_int_equal(check_changed(17, 3), ERR_MALFORMED);    /* one is missing */
    assert_int_equal(check_changed(20, 0xff), ERR_MALFORMED); /* very many are missing */
    assert_int_equal(check_changed(21, 0), ERR_MALFORMED);    /* a command of nothing */
    assert_int_equal(check_changed(22, 0x80),
                     ERR_MALFORMED); /* a length not in its shortest form */
}

/* docs/format/commands.md */
static const uint8_t TRACED[] = {
    2,                                              /* version */
    0x00, 0x68, 0xe5, 0xcf, 0x8b, 0x01, 0x00, 0x00, /* stamp 1700000000000 */
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* seed */
    2,    0,    0,    0,                            /* commands */
    1,                                              /* traces */
    1,    3,    'a',  '-',  '7',                    /* of the second command: "a-7" */
    2,    3,    'G',  'E',  'T',  1,    'k',        /* GET k */
    2,    3,    'D',  'E',  'L',  1,    'k',        /* DEL k */
};

static void test_golden_with_traces(void **state) {
    (void)state;
    struct buffer traces, out;
    buffer_init(&traces, PAYLOAD_TRACES_BYTES_MAXIMUM);
    buffer_init(&out, 1024);
    payload_encode_trace(&traces, 1, BYTES_LITERAL("a-7"));
    struct payload_header header = {.stamp_ms = 1700000000000,
                                    .seed = 0x0102030405060708,
                                    .command_count = 2,
                                    .trace_count = 1,
                                    .traces = buffer_bytes(&traces)};
    payload_encode_header(&out, &header);
    payload_encode_command(&out, (const struct bytes[]){BYTES_LITERAL("GET"), BYTES_LITERAL("k")},
                           2);
    payload_encode_command(&out, (const struct bytes[]){BYTES_LITERAL("DEL"), BYTES_LITERAL("k")},
                           2);
    assert_int_equal(out.length, sizeof(TRACED));
    assert_memory_equal(buffer_data(&out), TRACED, sizeof(TRACED));
    struct cursor in = cursor_of(buffer_bytes(&out));
    assert_int_equal(payload_decode_header(&in, &header), 0);
    assert_int_equal(header.trace_count, 1);
    struct cursor decoded = cursor_of(header.traces);
    uint32_t position;
    assert_true(bytes_equal(payload_decode_trace(&decoded, &position), BYTES_LITERAL("a-7")));
    assert_int_equal(position, 1);
    assert_int_equal(payload_check(buffer_bytes(&out)), 0);
    buffer_release(&traces);
    buffer_release(&out);
}

static int check_traced(size_t at, uint8_t value) {
    return check_with(bytes_of(TRACED, sizeof(TRACED)), at, value);
}

static void test_refused_traces(void **state) {
    (void)state;
    for (size_t length = 0; length < sizeof(TRACED); length++)
        assert_int_equal(payload_check(bytes_of(TRACED, length)), ERR_MALFORMED);
    assert_int_equal(check_traced(21, 0), ERR_MALFORMED);   /* none: that is version 1 */
    assert_int_equal(check_traced(21, 17), ERR_MALFORMED);  /* too many */
    assert_int_equal(check_traced(22, 2), ERR_MALFORMED);   /* of no command */
    assert_int_equal(check_traced(23, 0), ERR_MALFORMED);   /* no id */
    assert_int_equal(check_traced(24, ' '), ERR_MALFORMED); /* would break a log line */
    assert_int_equal(check_traced(24, ':'), 0);
}

RUN_TESTS(cmocka_unit_test(test_golden), cmocka_unit_test(test_golden_with_traces),
          cmocka_unit_test(test_refused_traces), cmocka_unit_test(test_decoded),
          cmocka_unit_test(test_decoded_within), cmocka_unit_test(test_refused))
