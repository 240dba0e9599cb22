/* What a backup's blobs are called and hold, what may be removed, and how far a restore goes. */
#include "../unit.h"
#include "backup/log_archive.h"
#include "backup/replay.h"
#include "backup/shard_backup.h"
#include "command_entries.h"
#include "shard/machine/keyspace_machine.h"

static const struct backup_place PLACE = {.cluster_id = {0xab, 1, 2, 3}, .shard = 7};

/* ---- names ---- */

static void expect_same(const char *name, enum backup_name_kind kind) {
    struct backup_name parsed;
    assert_true(backup_name_parse(name, &parsed));
    assert_int_equal(parsed.kind, kind);
    if (kind != BACKUP_NAME_CATALOGUE)
        assert_int_equal(parsed.place.shard, 7);
    assert_memory_equal(parsed.place.cluster_id, PLACE.cluster_id, BACKUP_CLUSTER_BYTES);
}

/* Each kind of name is read back as what it was made of. */
static void names_come_back(void **state) {
    (void)state;
    char name[BLOB_NAME_MAXIMUM];
    struct backup_name parsed;
    const struct backup_log log = {11, 20, 1000, 2000};
    backup_log_name(&PLACE, &log, name);
    assert_string_equal(name, "ab010203000000000000000000000000/shard-00007/log/"
                              "00000000000000000011-00000000000000000020-1000-2000");
    expect_same(name, BACKUP_NAME_LOG);
    assert_true(backup_name_parse(name, &parsed));
    assert_memory_equal(&parsed.log, &log, sizeof log);
    backup_snapshot_name(&PLACE, &(struct backup_snapshot){30, 3000}, name);
    expect_same(name, BACKUP_NAME_SNAPSHOT);
    const struct snapshot_chunk chunk = {.raw_checksum = {.low = 5, .high = 6},
                                         .stored_checksum = 7};
    backup_chunk_name(&PLACE, &chunk, 2, name);
    expect_same(name, BACKUP_NAME_CHUNK);
    backup_catalogue_name(PLACE.cluster_id, name);
    expect_same(name, BACKUP_NAME_CATALOGUE);
}

/* So is one of a shard that was recovered, which begins as no name of before does. */
static void names_after_a_recovery_come_back(void **state) {
    (void)state;
    char name[BLOB_NAME_MAXIMUM];
    struct backup_name parsed;
    struct backup_place place = PLACE;
    place.recovery = 12;
    backup_snapshot_name(&place, &(struct backup_snapshot){30, 3000}, name);
    assert_string_equal(name, "ab010203000000000000000000000000/shard-00007.12/snapshot/"
                              "00000000000000000030-3000");
    expect_same(name, BACKUP_NAME_SNAPSHOT);
    assert_true(backup_name_parse(name, &parsed));
    assert_int_equal(parsed.place.recovery, 12);
}

/* What nobody of ours wrote is not taken for it. */
static void strange_names_are_passed_over(void **state) {
    (void)state;
    static const char *const NAMES[] = {
        "",
        "lost+found",
        "ab010203000000000000000000000000/shard-7/log/11-20-1-2",
        "ab010203000000000000000000000000/shard-00007/log/"
        "00000000000000000020-00000000000000000011-1-2",
        "ab010203000000000000000000000000/shard-00007/log/"
        "00000000000000000011-00000000000000000020-1-2x",
        "ab010203000000000000000000000000/shard-00007.0/snapshot/00000000000000000030-3000",
        "ab010203000000000000000000000000/shard-00007.01/snapshot/00000000000000000030-3000",
        "ab010203000000000000000000000000/shard-00007./snapshot/00000000000000000030-3000",
        "ab010203000000000000000000000000/shard-00007.1snapshot/00000000000000000030-3000",
        "ab010203000000000000000000000000/shard-00007.4294967297/snapshot/"
        "00000000000000000030-3000",
        "AB010203000000000000000000000000/cluster.json",
    };
    struct backup_name parsed;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        assert_false(backup_name_parse(NAMES[i], &parsed));
}

/* ---- the log archive ---- */

static void encode_two(struct buffer *blob) {
    const struct log_archive archive = {
        .place = PLACE, .log = {1, 2, 1000, 2000}, .entry_count = 2};
    struct buffer entries;
    buffer_init(&entries, 4096);
    buffer_init(blob, BLOB_BYTES_MAXIMUM);
    add_command(&entries, 1, 1000, "SET", "a");
    add_command(&entries, 2, 2000, "SET", "b");
    log_archive_encode(&archive, buffer_bytes(&entries), blob);
    buffer_release(&entries);
}

static int count_entry(void *context, const struct raft_entry *entry) {
    uint64_t *next = context;
    assert_int_equal(entry->index, (*next)++);
    return 0;
}

/* The header stands as docs/format/backup.md has it, and the entries come back. */
static void log_archive_comes_back(void **state) {
    (void)state;
    static const uint8_t HEADER[72] = {
        'T',  'L', 'A', 'R', 1, 0, 0, 0, 0xab, 1, 2, 3, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0,
        7,    0,   0,   0,   2, 0, 0, 0, 1,    0, 0, 0, 0, 0, 0, 0, 2,   0, 0, 0, 0, 0, 0, 0,
        0xe8, 3,   0,   0,   0, 0, 0, 0, 0xd0, 7, 0, 0, 0, 0, 0, 0, 132, 0, 0, 0, 0, 0, 0, 0};
    struct buffer blob;
    struct log_archive archive;
    uint64_t next = 1;
    encode_two(&blob);
    assert_memory_equal(buffer_data(&blob), HEADER, sizeof(HEADER));
    assert_int_equal(log_archive_decode(buffer_bytes(&blob), &archive, count_entry, &next), 0);
    assert_int_equal(next, 3);
    assert_int_equal(archive.log.last_stamp_ms, 2000);
    buffer_release(&blob);
}

/* Any bit that is not as it was written is found, and so is any byte that is missing. */
static void every_flip_of_a_log_archive_is_found(void **state) {
    (void)state;
    struct buffer blob;
    struct log_archive archive;
    encode_two(&blob);
    for (size_t bit = 0; bit < blob.length * 8; bit++) {
        uint64_t next = 1;
        buffer_data(&blob)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(log_archive_decode(buffer_bytes(&blob), &archive, count_entry, &next),
                             0);
        buffer_data(&blob)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t length = 0; length < blob.length; length++) {
        uint64_t next = 1;
        struct bytes part = bytes_of(buffer_data(&blob), length);
        assert_int_not_equal(log_archive_decode(part, &archive, count_entry, &next), 0);
    }
    buffer_release(&blob);
}

/* ---- what the store holds of a shard ---- */

static void fill(struct shard_backup *backup) {
    shard_backup_init(backup, &PLACE);
    shard_backup_add_snapshot(backup, &(struct backup_snapshot){900, 9000});
    shard_backup_add_snapshot(backup, &(struct backup_snapshot){100, 1000});
    shard_backup_add_log(backup, &(struct backup_log){951, 990, 9500, 9900});
    shard_backup_add_log(backup, &(struct backup_log){101, 400, 1010, 4000});
    shard_backup_add_log(backup,
                         &(struct backup_log){390, 950, 3900, 9500}); /* by a second leader */
    shard_backup_add_log(backup, &(struct backup_log){1200, 1300, 12000, 13000});
}

/* Pieces that overlap carry the archive on, and a gap ends it. */
static void archive_ends_at_a_gap(void **state) {
    (void)state;
    struct shard_backup backup;
    fill(&backup);
    assert_int_equal(shard_backup_end(&backup), 990);
    assert_int_equal(shard_backup_end_ms(&backup), 9900);
    assert_int_equal(shard_backup_reach(&backup, 100), 990);
    assert_int_equal(shard_backup_reach(&backup, 1000), 1000);
    assert_null(shard_backup_log_with(&backup, 991));
    assert_int_equal(shard_backup_log_with(&backup, 395)->first_index, 101);
    shard_backup_release(&backup);
}

static uint64_t removable(const struct shard_backup *backup, uint64_t keep_ms,
                          uint64_t interval_ms) {
    return shard_backup_removable(
        backup, &(struct backup_retention){.keep_ms = keep_ms, .interval_ms = interval_ms});
}

/* A snapshot may go once a younger one is old enough to begin from: the archive ends at 9900. */
static void every_moment_of_the_time_kept_stays_restorable(void **state) {
    (void)state;
    struct shard_backup backup;
    fill(&backup);
    assert_int_equal(removable(&backup, 900, 100000), 900);
    assert_int_equal(removable(&backup, 901, 100000), 100);
    assert_int_equal(removable(&backup, 8900, 100000), 100);
    assert_int_equal(removable(&backup, 8901, 100000), 0);
    assert_int_equal(shard_backup_snapshot_at(&backup, UINT64_MAX, 8999)->index, 100);
    assert_int_equal(shard_backup_snapshot_at(&backup, 899, UINT64_MAX)->index, 100);
    assert_null(shard_backup_snapshot_at(&backup, 99, UINT64_MAX));
    shard_backup_release(&backup);
}

/* Between snapshots goes by an interval at the most, whatever their stamps say: a clock that was a
 * year ahead makes nothing old, nor does it when it is put right and stamps stand still. */
static void a_clock_that_was_ahead_makes_nothing_old(void **state) {
    (void)state;
    const uint64_t year_ms = (uint64_t)365 * 86400 * 1000;
    struct shard_backup backup;
    shard_backup_init(&backup, &PLACE);
    for (uint64_t i = 1; i <= 5; i++)
        shard_backup_add_snapshot(&backup, &(struct backup_snapshot){i, i * 1000});
    assert_int_equal(removable(&backup, 3000, 1000), 2);
    shard_backup_add_snapshot(&backup, &(struct backup_snapshot){6, 6000 + year_ms});
    assert_int_equal(removable(&backup, 3000, 1000), 3);
    shard_backup_add_log(&backup, &(struct backup_log){7, 8, 2 * year_ms, 3 * year_ms});
    assert_int_equal(removable(&backup, 3000, 1000), 4);
    shard_backup_add_snapshot(&backup, &(struct backup_snapshot){8, 3 * year_ms});
    shard_backup_add_snapshot(&backup, &(struct backup_snapshot){9, 3 * year_ms});
    assert_int_equal(removable(&backup, 3000, 1000), 4);
    assert_int_equal(removable(&backup, 1, 1000), 6);
    shard_backup_release(&backup);
}

/* ---- replaying ---- */

static int replay_one(void *context, const struct raft_entry *entry) {
    return replay_entry(context, entry);
}

static uint64_t keys_at(const struct replay_target *target, bool *is_complete) {
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct replay replay;
    struct log_archive archive;
    struct buffer blob;
    encode_two(&blob);
    replay_init(&replay, machine, target);
    assert_int_equal(log_archive_decode(buffer_bytes(&blob), &archive, replay_one, &replay), 0);
    /* The same entries by another leader change nothing. */
    assert_int_equal(log_archive_decode(buffer_bytes(&blob), &archive, replay_one, &replay), 0);
    uint64_t keys = keyspace_key_count(keyspace_machine_keyspace(machine));
    assert_int_equal(replay.index, keys);
    *is_complete = replay.is_complete;
    replay_release(&replay);
    machine->ops->free(machine);
    buffer_release(&blob);
    return keys;
}

/* Up to a time, or an index: that one still, and nothing behind it. */
static void replay_ends_where_it_is_told(void **state) {
    (void)state;
    bool is_complete;
    assert_int_equal(keys_at(&REPLAY_LATEST, &is_complete), 2);
    assert_false(is_complete);
    assert_int_equal(keys_at(&(struct replay_target){UINT64_MAX, 1999}, &is_complete), 1);
    assert_true(is_complete);
    assert_int_equal(keys_at(&(struct replay_target){UINT64_MAX, 2000}, &is_complete), 2);
    assert_int_equal(keys_at(&(struct replay_target){1, UINT64_MAX}, &is_complete), 1);
    assert_int_equal(keys_at(&(struct replay_target){UINT64_MAX, 999}, &is_complete), 0);
}

/* Entries that are missing in between are never passed over. */
static void replay_refuses_a_gap(void **state) {
    (void)state;
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct replay replay;
    struct buffer entries;
    struct raft_entry *entry;
    buffer_init(&entries, 4096);
    add_command(&entries, 2, 2000, "SET", "b");
    struct bytes encoded = buffer_bytes(&entries);
    assert_int_equal(raft_entry_decode(&encoded, &entry), 0);
    replay_init(&replay, machine, &REPLAY_LATEST);
    assert_int_equal(replay_entry(&replay, entry), ERR_NOT_FOUND);
    assert_int_equal(keyspace_key_count(keyspace_machine_keyspace(machine)), 0);
    raft_entry_drop(entry);
    replay_release(&replay);
    machine->ops->free(machine);
    buffer_release(&entries);
}

RUN_TESTS(cmocka_unit_test(names_come_back), cmocka_unit_test(names_after_a_recovery_come_back),
          cmocka_unit_test(strange_names_are_passed_over), cmocka_unit_test(log_archive_comes_back),
          cmocka_unit_test(every_flip_of_a_log_archive_is_found),
          cmocka_unit_test(archive_ends_at_a_gap),
          cmocka_unit_test(every_moment_of_the_time_kept_stays_restorable),
          cmocka_unit_test(a_clock_that_was_ahead_makes_nothing_old),
          cmocka_unit_test(replay_ends_where_it_is_told), cmocka_unit_test(replay_refuses_a_gap))
