/* Whatever stands in a key file, comes as a key, an id or a sealed message: it is refused, or
 * understood, and the ring stays one of one to three keys that seals and opens. */
#include "base/check.h"
#include "seal/keyring.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ring(struct seal *seal) {
    struct seal_key_shown keys[SEAL_KEYS_MAXIMUM];
    uint8_t sealed[4 + SEAL_EXTRA_BYTES];
    struct bytes opened;
    unsigned count = keyring_list(seal, keys);
    CHECK(count >= 1);
    CHECK(count <= SEAL_KEYS_MAXIMUM);
    CHECK(keys[0].is_sealing);
    seal_close(seal, SEAL_EXCHANGE, BYTES_LITERAL("ring"), sealed);
    CHECK(seal_open(seal, SEAL_EXCHANGE, sealed, sizeof sealed, &opened) == 0);
    CHECK(bytes_equal(opened, BYTES_LITERAL("ring")));
}

/* The input is steps: what to do (1 byte), a length (1 byte), so many bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct seal_key key = {{1}};
    struct seal *seal = seal_new(&key, 1, "fuzz");
    struct buffer problem;
    buffer_init(&problem, 4096);
    while (size >= 2) {
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        struct bytes text = bytes_of(data + 2, length), opened;
        char id[SEAL_ID_TEXT_BYTES];
        uint8_t sealed[256];
        memcpy(sealed, text.data, length);
        buffer_clear(&problem);
        int code = 0;
        switch (data[0] % 4) {
        case 0:
            code = keyring_add(seal, text, id, &problem);
            break;
        case 1:
            code = keyring_use(seal, text, &problem);
            break;
        case 2:
            code = keyring_remove(seal, text, &problem);
            break;
        case 3:
            CHECK(seal_open(seal, SEAL_DATAGRAM, sealed, length, &opened) == ERR_REFUSED);
            break;
        }
        CHECK((code != 0) == (problem.length > 0));
        check_ring(seal);
        data += 2 + length;
        size -= 2 + length;
    }
    buffer_release(&problem);
    seal_free(seal);
    return 0;
}
