/* Heads of HTTP requests to the admin port: one that comes in pieces is incomplete until its last
 * byte, and is read then as if it had come at once; every part of it lies within it. */
#include "admin/http_request.h"
#include "base/check.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void check_within(struct bytes part, struct bytes whole) {
    CHECK(part.length == 0 ||
          (part.data >= whole.data && part.data + part.length <= whole.data + whole.length));
}

static void check_accept(struct bytes accept) {
    static const char *const types[] = {"text/plain", "application/openmetrics-text"};
    for (unsigned i = 0; i < 2; i++)
        CHECK(http_accept_weight(accept, types[i], "1.0.0") < 10000);
}

/* In blocks of exactly their lengths, for the address sanitizer. */
static void check_pieces(struct bytes head) {
    size_t step = 1 + head.length / 16;
    for (size_t length = 1; length < head.length; length += step) {
        struct http_request request;
        uint8_t *piece = memory_copy(head.data, length);
        CHECK(http_request_parse(bytes_of(piece, length), &request) == 0);
        memory_free(piece);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct bytes input = bytes_of(data, length);
    struct http_request request;
    check_accept(input);
    int code = http_request_parse(input, &request);
    if (code <= 0)
        return 0;
    CHECK((size_t)code <= length && code <= HTTP_HEAD_MAXIMUM_BYTES);
    struct bytes head = bytes_of(data, (size_t)code);
    CHECK(request.method.length > 0 && request.path.length > 0 && request.path.data[0] == '/');
    check_within(request.method, head);
    check_within(request.path, head);
    check_within(request.query, head);
    check_within(request.accept, head);
    check_accept(request.accept);
    check_pieces(head);
    return 0;
}
