/* Entries are compressed where that pays, once for all followers; what comes in is not believed. */
#include "../unit.h"

#include "base/random.h"
#include "replica/mail/packer.h"

enum { ENTRY_COUNT = 5, ENTRY_BYTES = 4000 };

/* Entries of text that repeats itself, or of noise. */
static struct raft_message message_of(struct raft_entry **entries, raft_term term, bool is_noise) {
    struct random random;
    random_init(&random, term);
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        entries[i] = raft_entry_new(ENTRY_BYTES);
        uint8_t *room = raft_entry_payload_room(entries[i]);
        for (unsigned at = 0; at < ENTRY_BYTES; at++)
            room[at] = is_noise ? (uint8_t)random_next(&random) : (uint8_t)(at % 50);
        raft_entry_seal(entries[i], term, 10 + i, RAFT_ENTRY_COMMANDS);
    }
    return (struct raft_message){.entries = entries, .entry_count = ENTRY_COUNT};
}

static size_t bytes_of_entries(const struct raft_message *message) {
    size_t bytes = 0;
    for (size_t i = 0; i < message->entry_count; i++)
        bytes += message->entries[i]->length;
    return bytes;
}

static struct bytes pack(struct packer *packer, const struct raft_message *message) {
    return packer_pack(packer, 3, message, bytes_of_entries(message));
}

static void drop(const struct raft_message *message) {
    for (size_t i = 0; i < message->entry_count; i++)
        raft_entry_drop(message->entries[i]);
}

static void test_what_goes_in_comes_out(void **state) {
    (void)state;
    struct packer packer;
    packer_init(&packer);
    struct raft_entry *entries[ENTRY_COUNT];
    struct raft_message message = message_of(entries, 1, false);
    struct bytes packed = pack(&packer, &message), out;
    assert_true(packed.length > 0 && packed.length < bytes_of_entries(&message) / 10);
    assert_int_equal(packer_unpack(&packer, packed, bytes_of_entries(&message), &out), 0);
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        struct raft_entry *entry;
        assert_int_equal(raft_entry_decode(&out, &entry), 0);
        assert_true(bytes_equal(raft_entry_bytes(entry), raft_entry_bytes(entries[i])));
        raft_entry_drop(entry);
    }
    assert_int_equal(out.length, 0);
    drop(&message);
    packer_release(&packer);
}

/* The second follower costs nothing; another term at the same place is another log. */
static void test_once_for_all_followers(void **state) {
    (void)state;
    struct packer packer;
    packer_init(&packer);
    struct raft_entry *entries[ENTRY_COUNT], *others[ENTRY_COUNT];
    struct raft_message message = message_of(entries, 1, false),
                        other = message_of(others, 2, false);
    struct bytes first = pack(&packer, &message), second = pack(&packer, &message);
    assert_ptr_equal(first.data, second.data);
    struct bytes out, third = pack(&packer, &other);
    assert_int_equal(packer_unpack(&packer, third, bytes_of_entries(&other), &out), 0);
    struct raft_entry *entry;
    assert_int_equal(raft_entry_decode(&out, &entry), 0);
    assert_int_equal(entry->term, 2);
    raft_entry_drop(entry);
    drop(&message);
    drop(&other);
    packer_release(&packer);
}

/* Noise is sent as it is, and soon not even tried; once the entries change it is noticed. */
static void test_only_where_it_pays(void **state) {
    (void)state;
    struct packer packer;
    packer_init(&packer);
    struct raft_entry *entries[ENTRY_COUNT];
    struct raft_message noise = message_of(entries, 1, true);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pack(&packer, &noise).length, 0);
    drop(&noise);
    struct raft_message text = message_of(entries, 2, false);
    unsigned waited = 0;
    while (pack(&packer, &text).length == 0)
        assert_true(++waited <= PACKER_TRY_EVERY);
    assert_true(waited > 1);
    drop(&text);
    packer_release(&packer);
}

static void test_lies_are_refused(void **state) {
    (void)state;
    struct packer packer;
    packer_init(&packer);
    struct raft_entry *entries[ENTRY_COUNT];
    struct raft_message message = message_of(entries, 1, false);
    size_t length = bytes_of_entries(&message);
    struct bytes packed = pack(&packer, &message), out;
    assert_int_equal(packer_unpack(&packer, packed, length - 1, &out), ERR_MALFORMED);
    assert_int_equal(packer_unpack(&packer, packed, length + 1, &out), ERR_MALFORMED);
    assert_int_equal(packer_unpack(&packer, packed, UINT64_MAX, &out), ERR_LIMIT);
    for (size_t cut = 0; cut < packed.length; cut++)
        assert_int_equal(packer_unpack(&packer, bytes_of(packed.data, cut), length, &out),
                         ERR_MALFORMED);
    assert_int_equal(packer_unpack(&packer, BYTES_LITERAL("no zstd at all"), length, &out),
                     ERR_MALFORMED);
    assert_int_equal(packer_unpack(&packer, packed, length, &out), 0);
    drop(&message);
    packer_release(&packer);
}

/* One entry of term 2 at index 7, 100 bytes of "troth troth ...": docs/format/peer.md. */
static const uint8_t GOLDEN[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x84, 0x0d, 0x01, 0x00, 0xa8, 0x84,
                                 0x00, 0x00, 0x00, 0x27, 0xc0, 0x72, 0xd2, 0x02, 0x00, 0x07, 0x00,
                                 0x01, 0x01, 0x00, 0x74, 0x72, 0x6f, 0x74, 0x68, 0x20, 0x04, 0x00,
                                 0x9b, 0x32, 0x05, 0xb4, 0x01, 0x30, 0x1e, 0x00, 0x12};

static void test_golden(void **state) {
    (void)state;
    struct packer packer;
    packer_init(&packer);
    struct bytes out;
    assert_int_equal(packer_unpack(&packer, bytes_of(GOLDEN, sizeof GOLDEN), 132, &out), 0);
    struct raft_entry *entry;
    assert_int_equal(raft_entry_decode(&out, &entry), 0);
    assert_int_equal(entry->term, 2);
    assert_int_equal(entry->index, 7);
    assert_memory_equal(raft_entry_payload(entry).data, "troth troth troth", 17);
    raft_entry_drop(entry);
    packer_release(&packer);
}

RUN_TESTS(cmocka_unit_test(test_what_goes_in_comes_out),
          cmocka_unit_test(test_once_for_all_followers), cmocka_unit_test(test_only_where_it_pays),
          cmocka_unit_test(test_lies_are_refused), cmocka_unit_test(test_golden))
