/* Replies: walking over one and building its tree agree on where it ends, and nothing is read
 * behind it. */
#include "base/check.h"
#include "base/memory.h"
#include "wire/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void check_inside(const struct response *response, struct bytes input) {
    if (response->text.length > 0)
        CHECK(response->text.data >= input.data &&
              response->text.data + response->text.length <= input.data + input.length);
    for (size_t i = 0; i < response->element_count; i++)
        check_inside(&response->elements[i], input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct bytes input = bytes_of(data, length);
    for (;;) {
        struct response response;
        size_t parsed = 0, skipped = 0;
        int status = response_parse(input, &response, &parsed);
        CHECK(status == response_skip(input, &skipped));
        if (status != 1)
            return 0;
        CHECK(parsed == skipped && parsed > 0 && parsed <= input.length);
        check_inside(&response, bytes_of(input.data, parsed));
        response_release(&response);
        input = bytes_of(input.data + parsed, input.length - parsed);
    }
}
