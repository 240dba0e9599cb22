/* Requests: whatever comes, parsing it whole and in pieces gives the same requests and the same
 * end. The first byte says how large the pieces are; its highest bit, whether the client has logged
 * in. */
#include "base/check.h"
#include "base/memory.h"
#include "wire/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { PRINTED_MAXIMUM_BYTES = 16 * 1024 * 1024 };

static void print_request(const struct request_parser *parser, struct buffer *printed) {
    buffer_append_varint(printed, parser->argument_count);
    for (size_t i = 0; i < parser->argument_count; i++)
        buffer_append_length_prefixed(printed, parser->arguments[i]);
}

static void print_requests(struct bytes input, size_t piece, const struct request_limits *limits,
                           struct buffer *printed) {
    struct request_parser parser;
    request_parser_init(&parser, limits);
    size_t start = 0, visible = 0;
    for (;;) {
        size_t consumed = 0;
        enum request_status status =
            request_parse(&parser, bytes_of(input.data + start, visible - start), &consumed);
        CHECK(consumed <= visible - start);
        if (status == REQUEST_READY) {
            CHECK(consumed > 0);
            print_request(&parser, printed);
            start += consumed;
        } else if (status == REQUEST_BROKEN) {
            buffer_append_text(printed, parser.problem);
            break;
        } else if (visible == input.length) {
            break;
        } else {
            size_t left = input.length - visible;
            visible += piece < left ? piece : left;
        }
    }
    request_parser_release(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct request_limits limits = {.bulk_bytes = 20000,
                                    .argument_count = 1000,
                                    .inline_bytes = 100,
                                    .is_unauthenticated = data[0] & 0x80};
    struct bytes input = bytes_of(data + 1, length - 1);
    struct buffer whole, pieces;
    buffer_init(&whole, PRINTED_MAXIMUM_BYTES);
    buffer_init(&pieces, PRINTED_MAXIMUM_BYTES);
    print_requests(input, SIZE_MAX, &limits, &whole);
    print_requests(input, 1 + (data[0] & 0x7f), &limits, &pieces);
    CHECK(bytes_equal(buffer_bytes(&whole), buffer_bytes(&pieces)));
    buffer_release(&whole);
    buffer_release(&pieces);
    return 0;
}
