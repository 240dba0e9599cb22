/* A chunk of a saved keyspace: whatever comes, it is refused or it loads; what loads is saved again
 * and loads to the same keyspace, with every count true. */
#include "base/check.h"
#include "keyspace/keyspace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { KEYS_COLLECTED_BYTES_MAXIMUM = 16 * 1024 * 1024 };

static void load_again(void *context, struct bytes chunk) {
    CHECK(keyspace_load(context, chunk) == 0);
}

static void expect_saved(const struct keyspace *keyspace) {
    struct keyspace *again = keyspace_new(2);
    keyspace_save(keyspace, load_again, again);
    CHECK(keyspace_hash(again) == keyspace_hash(keyspace));
    CHECK(keyspace_key_count(again) == keyspace_key_count(keyspace));
    CHECK(keyspace_expiring_count(again) == keyspace_expiring_count(keyspace));
    struct buffer expired;
    buffer_init(&expired, KEYS_COLLECTED_BYTES_MAXIMUM);
    CHECK(keyspace_collect_expired(again, UINT64_MAX, SIZE_MAX, &expired) ==
          keyspace_expiring_count(again));
    buffer_release(&expired);
    keyspace_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct keyspace *keyspace = keyspace_new(1);
    if (keyspace_load(keyspace, bytes_of(data, length)) == 0)
        expect_saved(keyspace);
    keyspace_free(keyspace);
    return 0;
}
