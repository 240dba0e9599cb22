/* Digests: which shards one tells of, how far back the next one reaches, and what is none although
 * its checksum is right. */
#include "../unit.h"
#include "base/checksum.h"
#include "store/record/digest.h"
#include "store/recovery/replay.h"

/* ---- what it tells ---- */

static void write_state(struct wal_ledger *ledger, uint32_t shard, uint64_t round, uint64_t term) {
    uint8_t payload[WAL_STATE_PAYLOAD_BYTES];
    wal_state_encode(payload, &(struct wal_state){.term = term, .vote = 2});
    struct wal_header header = {.kind = WAL_STATE, .shard = shard, .round = round};
    assert_int_equal(wal_ledger_apply(ledger, &header, bytes_of(payload, sizeof payload)), 0);
}

/* The shards' numbers, one digit each. */
static const char *shards_told(const struct wal_ledger *ledger, uint64_t first_round) {
    static char shards[16];
    size_t count = 0;
    struct buffer payload;
    buffer_init(&payload, SIZE_MAX);
    wal_digest_encode(ledger->shards, ledger->shard_count, first_round, &payload);
    struct wal_digest digest;
    struct wal_digest_row row;
    assert_int_equal(wal_digest_begin(&digest, buffer_bytes(&payload)), 0);
    assert_int_equal(digest.first_round, first_round);
    while (wal_digest_next(&digest, &row)) {
        assert_int_equal(row.known.state.term, 10 + row.shard);
        assert_int_equal(row.known.state.vote, 2);
        assert_int_equal(row.known.record_count, 1);
        shards[count++] = (char)('0' + row.shard);
    }
    shards[count] = 0;
    buffer_release(&payload);
    return shards;
}

static void test_tells_of_what_changed_lately(void **state) {
    (void)state;
    struct wal_ledger ledger;
    wal_ledger_init(&ledger);
    wal_ledger_begin_segment(&ledger, 1);
    write_state(&ledger, 4, 7, 14); /* 0, 2 and 3 are not known */
    write_state(&ledger, 1, 8, 11);
    write_state(&ledger, 5, 9, 15);
    assert_string_equal(shards_told(&ledger, 0), "145");
    assert_string_equal(shards_told(&ledger, 7), "145");
    assert_string_equal(shards_told(&ledger, 8), "15");
    assert_string_equal(shards_told(&ledger, 10), "");
    wal_ledger_release(&ledger);
}

static int note_floor(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    char *told = context;
    size_t length = strlen(told);
    snprintf(told + length, 64 - length, "%u:%u@%u ", (unsigned)shard, (unsigned)index,
             (unsigned)term);
    return 0;
}

/* A replay hears from it of what was lost, and of nothing else: a log that was forgotten was not
 * damaged. */
static void test_floors_of_damaged_logs_are_replayed(void **state) {
    (void)state;
    struct wal_ledger ledger;
    wal_ledger_init(&ledger);
    wal_ledger_begin_segment(&ledger, 1);
    for (uint32_t shard = 0; shard < 4; shard++)
        write_state(&ledger, shard, 1, 10 + shard);
    ledger.shards[1].floor_index = 7;
    ledger.shards[1].floor_term = 3;
    ledger.shards[2].floor_index = 8;
    ledger.shards[2].is_forgotten = true;
    ledger.shards[3].floor_term = 2; /* all it had was a term */
    struct buffer payload;
    buffer_init(&payload, SIZE_MAX);
    wal_digest_encode(ledger.shards, ledger.shard_count, 0, &payload);
    char told[64] = "";
    struct wal_visitor visitor = {.floor = note_floor, .context = told};
    struct wal_header header = {.kind = WAL_DIGEST};
    assert_int_equal(wal_visit_record(&visitor, &ledger, &header, buffer_bytes(&payload)), 0);
    assert_string_equal(told, "1:7@3 3:0@2 ");
    visitor.floor = NULL;
    assert_int_equal(wal_visit_record(&visitor, &ledger, &header, buffer_bytes(&payload)), 0);
    buffer_release(&payload);
    wal_ledger_release(&ledger);
}

/* ---- how far back ---- */

/* Always to a digest that lies so many bytes behind at the least; where there is none yet, to the
 * beginning. A new segment begins anew. */
static void test_reaches_back_over_some_bytes(void **state) {
    (void)state;
    const struct {
        uint64_t round, offset, far_round;
    } notes[] = {
        {5, 0, 0},
        {6, WAL_DIGEST_REACH_BYTES - 1, 0}, /* 5 does not lie far enough behind yet */
        {7, WAL_DIGEST_REACH_BYTES, 5},
        {8, 2 * WAL_DIGEST_REACH_BYTES - 1, 5},
        {9, 2 * WAL_DIGEST_REACH_BYTES, 7},
        {10, 9 * WAL_DIGEST_REACH_BYTES, 9}, /* a long round */
        {11, 9 * WAL_DIGEST_REACH_BYTES + 100, 9},
    };
    struct wal_digest_reach reach = {0};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        wal_digest_reach_note(&reach, notes[i].round, notes[i].offset);
        assert_int_equal(reach.far_round, notes[i].far_round);
    }
    wal_digest_reach_reset(&reach);
    assert_int_equal(reach.far_round, 0);
    wal_digest_reach_note(&reach, 12, 0);
    wal_digest_reach_note(&reach, 13, WAL_DIGEST_REACH_BYTES);
    assert_int_equal(reach.far_round, 12);
}

/* ---- what is none ---- */

enum { AT_RESERVED = 4, AT_ROWS = 16, AT_FLAGS = 2, AT_SECOND_ROW = AT_ROWS + 64 };

/* Two rows, of shards 1 and 2; then `value` at `at`, and the length. */
static int begin_with(size_t at, uint8_t value, size_t length) {
    uint8_t payload[AT_ROWS + 2 * WAL_DIGEST_ROW_BYTES + 1] = {0};
    payload[AT_ROWS] = 1;
    payload[AT_SECOND_ROW] = 2;
    payload[at] = value;
    uint32_t crc32c = checksum_crc32c(0, bytes_of(payload + 8, length - 8));
    for (unsigned i = 0; i < 4; i++)
        payload[i] = (uint8_t)(crc32c >> 8 * i);
    struct wal_digest digest;
    return wal_digest_begin(&digest, bytes_of(payload, length));
}

static void test_a_digest_of_nonsense_is_refused(void **state) {
    (void)state;
    const size_t length = AT_ROWS + 2 * WAL_DIGEST_ROW_BYTES;
    assert_int_equal(begin_with(AT_ROWS, 1, length), 0);
    assert_int_equal(begin_with(AT_ROWS, 0, length), 0);
    assert_int_equal(begin_with(AT_ROWS, 1, AT_ROWS + WAL_DIGEST_ROW_BYTES), 0);
    assert_int_equal(begin_with(AT_ROWS + AT_FLAGS, 1, length), 0);
    const struct {
        size_t at;
        uint8_t value;
        size_t length;
    } wrong[] = {
        {AT_RESERVED, 1, length},
        {AT_ROWS + AT_FLAGS, 2, length},
        {AT_SECOND_ROW, 1, length}, /* twice */
        {AT_SECOND_ROW, 0, length},
        {AT_SECOND_ROW + AT_FLAGS, 3, length},
        {AT_ROWS, 1, length + 1},
        {AT_ROWS, 1, length - 1},
        {AT_ROWS, 1, 8}, /* not even the first round */
        {AT_ROWS, 1, AT_ROWS - 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(begin_with(wrong[i].at, wrong[i].value, wrong[i].length), ERR_MALFORMED);
    struct wal_digest digest;
    for (size_t bytes = 0; bytes < 8; bytes++)
        assert_int_equal(wal_digest_begin(&digest, bytes_of((uint8_t[8]){0}, bytes)),
                         ERR_MALFORMED);
    assert_int_equal(wal_digest_begin(&digest, bytes_of((uint8_t[16]){1}, 16)), ERR_MALFORMED);
}

RUN_TESTS(cmocka_unit_test(test_tells_of_what_changed_lately),
          cmocka_unit_test(test_floors_of_damaged_logs_are_replayed),
          cmocka_unit_test(test_reaches_back_over_some_bytes),
          cmocka_unit_test(test_a_digest_of_nonsense_is_refused))
