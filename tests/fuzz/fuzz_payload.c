/* Payloads of entries: what is accepted can be decoded to its end, and is what encoding it again
 * gives. */
#include "base/check.h"
#include "shard/machine/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct bytes payload = bytes_of(data, length);
    if (payload_check(payload))
        return 0;
    struct cursor in = cursor_of(payload);
    struct payload_header header;
    struct payload_arguments arguments = {0};
    struct buffer again;
    buffer_init(&again, SIZE_MAX);
    CHECK(payload_decode_header(&in, &header) == 0);
    payload_encode_header(&again, &header);
    for (uint32_t i = 0; i < header.command_count; i++) {
        CHECK(payload_decode_command(&in, &arguments) == 0);
        size_t before = again.length;
        payload_encode_command(&again, arguments.items, arguments.count);
        CHECK(again.length - before == payload_command_bytes(arguments.items, arguments.count));
    }
    CHECK(cursor_finish(&in) == 0);
    CHECK(bytes_equal(buffer_bytes(&again), payload));
    payload_arguments_release(&arguments);
    buffer_release(&again);
    return 0;
}
