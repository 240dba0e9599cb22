/* Blocks of a saved keyspace: whatever comes, it is refused or it loads; what loads is saved again
 * and loads to the same keyspace, with every count true. */
#include "base/check.h"
#include "keyspace/keyspace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { KEYS_COLLECTED_BYTES_MAXIMUM = 16 * 1024 * 1024 };

static void expect_saved(struct keyspace *keyspace) {
    struct keyspace *again = keyspace_new(2);
    uint64_t hash = 0;
    struct buffer saved;
    buffer_init(&saved, SIZE_MAX);
    struct part_set all = {.parts = NULL};
    part_set_add_all(&all);
    keyspace_cut(keyspace, &all);
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        CHECK(keyspace_slot_key_count(keyspace, (slot_number)slot) == 0 ||
              keyspace_save_cut(keyspace, slot_whole((slot_number)slot), SIZE_MAX, SIZE_MAX, &saved,
                                &hash) == CUT_SAVED_ALL);
    keyspace_end_cut(keyspace);
    CHECK(hash == keyspace_hash(keyspace));
    CHECK(keyspace_load(again, buffer_bytes(&saved)) == 0);
    buffer_release(&saved);
    CHECK(keyspace_load_is_complete(again));
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

/* The first byte says where the bytes are cut in two: a cut changes nothing. */
static int load_cut(struct keyspace *keyspace, struct bytes saved, size_t cut) {
    if (cut > saved.length)
        cut = saved.length;
    int result = keyspace_load(keyspace, bytes_of(saved.data, cut));
    return result ? result
                  : keyspace_load(keyspace, bytes_of(saved.data + cut, saved.length - cut));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    if (length == 0)
        return 0;
    struct bytes saved = bytes_of(data + 1, length - 1);
    struct keyspace *keyspace = keyspace_new(1), *cut = keyspace_new(1);
    int result = keyspace_load(keyspace, saved);
    CHECK(load_cut(cut, saved, data[0]) == result);
    CHECK(keyspace_hash(cut) == keyspace_hash(keyspace));
    if (result == 0)
        expect_saved(keyspace);
    keyspace_free(keyspace);
    keyspace_free(cut);
    return 0;
}
