#include "base/memory.h"
#include "keyspace/private.h"

/* A key is found by four or five steps, each of which waits for memory that the one before names:
 * page, table, bucket, record, next record. For keys by lot out of many no cache has any of it. So
 * each step is taken for all expected keys before the next is taken for any: while one waits, the
 * others' memory is on its way. */

enum {
    CACHE_LINE_BYTES = 64,
    FETCHED_RECORD_BYTES = 1024, /* of a record with a long value: the processor guesses the rest */
    FETCHED_CHAIN_RECORDS = 3
};

/* How large it is is not known yet: the header and a short key may lie on two lines. */
static void fetch_record(const struct record *record) {
    memory_fetch(record);
    memory_fetch((const uint8_t *)record + CACHE_LINE_BYTES - 1);
}

static void fetch_rest(const struct record *record) {
    size_t bytes = record_bytes(record);
    bytes = bytes < FETCHED_RECORD_BYTES ? bytes : FETCHED_RECORD_BYTES;
    for (size_t at = 2 * (size_t)CACHE_LINE_BYTES; at < bytes; at += CACHE_LINE_BYTES)
        memory_fetch((const uint8_t *)record + at);
}

static void expect_key(struct expected_key *key, const struct keyspace *keyspace,
                       struct bytes text) {
    key->keyspace = keyspace;
    key->key = text;
    key->slot = slot_of_key(text);
    const struct slot_table *table = keyspace_slot_table(keyspace, key->slot);
    memory_fetch_all(table, sizeof *table);
    key->hash = bytes_hash(text, keyspace->hash_seed);
}

/* The bucket that holds the key if it is there; of a table that is changing its size, most likely.
 */
static struct record **bucket_of(const struct expected_key *key) {
    const struct slot_table *table = keyspace_slot_table(key->keyspace, key->slot);
    return table && table->count ? slot_table_bucket_of(table, key->hash) : NULL;
}

static void fetch_buckets(const struct expected_keys *expected, struct record ***buckets) {
    for (size_t i = 0; i < expected->count; i++) {
        buckets[i] = bucket_of(&expected->keys[i]);
        if (buckets[i])
            memory_fetch(buckets[i]);
    }
}

static void fetch_first_records(const struct expected_keys *expected, struct record ***buckets,
                                const struct record **records) {
    for (size_t i = 0; i < expected->count; i++) {
        records[i] = buckets[i] ? *buckets[i] : NULL;
        if (records[i])
            fetch_record(records[i]);
    }
}

static void fetch_next_records(const struct expected_keys *expected,
                               const struct record **records) {
    for (size_t i = 0; i < expected->count; i++) {
        const struct record *record = records[i];
        if (record == NULL)
            continue;
        bool is_found = bytes_equal(record_key(record), expected->keys[i].key);
        if (is_found)
            fetch_rest(record);
        records[i] = is_found ? NULL : record->next;
        if (records[i])
            fetch_record(records[i]);
    }
}

/* The pages and the first step, to the tables, are taken by expect_key(). */
static void fetch_records(const struct expected_keys *expected) {
    struct record **buckets[KEYSPACE_EXPECTED_MAXIMUM];
    const struct record *records[KEYSPACE_EXPECTED_MAXIMUM];
    fetch_buckets(expected, buckets);
    fetch_first_records(expected, buckets, records);
    for (int step = 1; step < FETCHED_CHAIN_RECORDS; step++)
        fetch_next_records(expected, records);
}

static size_t at_most(size_t count) {
    return count < KEYSPACE_EXPECTED_MAXIMUM ? count : KEYSPACE_EXPECTED_MAXIMUM;
}

void keyspace_expect(struct keyspace *keyspace, struct expected_keys *expected,
                     const struct bytes *keys, size_t count) {
    expected->count = at_most(count);
    expected->next = 0;
    for (size_t i = 0; i < expected->count; i++)
        expect_key(&expected->keys[i], keyspace, keys[i]);
    fetch_records(expected);
    keyspace->expected = expected;
}

void keyspace_expect_none(struct keyspace *keyspace) { keyspace->expected = NULL; }

void keyspace_fetch(const struct keyspace_hint *hints, size_t count) {
    struct expected_keys expected;
    expected.count = at_most(count);
    for (size_t i = 0; i < expected.count; i++)
        expect_key(&expected.keys[i], hints[i].keyspace, hints[i].key);
    fetch_records(&expected);
}

const struct expected_key *keyspace_expected(const struct keyspace *keyspace, struct bytes key) {
    struct expected_keys *expected = keyspace->expected;
    if (expected == NULL)
        return NULL;
    for (size_t at = expected->next; at < expected->count; at++) {
        const struct expected_key *found = &expected->keys[at];
        if (found->key.data == key.data && found->key.length == key.length) {
            expected->next = at;
            return found;
        }
    }
    return NULL;
}
