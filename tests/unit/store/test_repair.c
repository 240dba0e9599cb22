/* Repair: whatever bit of what was durable is lost, nothing that was not written is replayed, no
 * term or vote is forgotten, and a shard that lost entries says how long its log was. */
#include "../unit.h"
#include "base/memory.h"
#include "store/record/digest.h"
#include "store/record/format.h"
#include "store/recovery/verify.h"
#include "wal_world.h"

enum { SEGMENT_BYTES = 2048 };

static struct world *repairing(uint64_t segment_bytes) {
    struct world *world = world_repairing(segment_bytes);
    assert_int_equal(world_open(world), 0);
    return world;
}

/* Three shards: entries, a truncation that other entries follow, states, a mark. The last two
 * rounds are the first shard's. */
static struct world *mixed_log_of(uint64_t segment_bytes) {
    struct world *world = repairing(segment_bytes);
    for (uint32_t shard = 0; shard < WORLD_SHARDS; shard++)
        world_state(world, shard, 3, shard + 1);
    world_flush(world);
    for (uint64_t i = 1; i <= 4; i++) {
        world_entry(world, 0, i, 60);
        world_entry(world, 1, i, 40);
        world_flush(world);
    }
    world_truncate(world, 1, 3);
    world_state(world, 1, 4, 2);
    world_flush(world);
    world_entry(world, 1, 3, 30);
    world_entry(world, 2, 1, 50);
    world_flush(world);
    world_state(world, 2, 5, 1);
    world_entry(world, 1, 4, 30);
    world_flush(world);
    world_snapshot(world, 2, 1, 3);
    world_flush(world);
    world_entries(world, 2, 2, 2, 70);
    world_entries(world, 0, 5, 6, 20);
    world_close(world);
    return world;
}

/* In three segments. */
static struct world *mixed_log(void) { return mixed_log_of(SEGMENT_BYTES); }

/* The shard as it was after the first `count` appends. */
static struct world_shard *shard_after(const struct world *world, uint32_t shard, size_t count) {
    struct world_log *log = memory_allocate_zeroed(1, sizeof *log);
    for (size_t i = 1; i <= count; i++)
        world_log_apply(log, &world->appends[i]);
    struct world_shard *copy = memory_copy(&log->shards[shard], sizeof *copy);
    memory_free(log);
    return copy;
}

static bool has_entries_of(const struct world_shard *told, const struct world_shard *model) {
    for (uint64_t i = told->snapshot_index + 1; i < WORLD_INDEXES; i++)
        if (told->entries[i] != model->entries[i])
            return false;
    return true;
}

/* What is replayed is the log as it was at some time, or part of it behind the mark. */
static bool was_so_once(const struct world *world, uint32_t shard) {
    bool is_found = false;
    for (size_t count = 0; count <= world->append_count && !is_found; count++) {
        struct world_shard *model = shard_after(world, shard, count);
        is_found = has_entries_of(&world->log.shards[shard], model);
        memory_free(model);
    }
    return is_found;
}

/* `spared`: appends of the end that may have been taken for a torn tail. */
static bool keeps_promises(const struct world *world, uint32_t shard, size_t spared) {
    const struct world_shard *told = &world->log.shards[shard];
    struct world_shard *model = shard_after(world, shard, world->append_count - spared);
    bool is_right = told->snapshot_index == model->snapshot_index;
    if (told->floor_index || told->floor_term)
        is_right = is_right && told->term > model->term && told->floor_term >= WORLD_ENTRY_TERM &&
                   told->floor_index >= model->last_index && was_so_once(world, shard);
    else
        is_right = is_right && told->term == model->term && told->vote == model->vote &&
                   told->last_index >= model->last_index && was_so_once(world, shard);
    memory_free(model);
    return is_right;
}

static bool all_keep_promises(const struct world *world, size_t spared) {
    for (uint32_t shard = 0; shard < WORLD_SHARDS; shard++)
        if (!keeps_promises(world, shard, spared))
            return false;
    return true;
}

/* A bit that could be mended, in a log whose newest segment ends within a record: what the part
 * that was cut off promised is told by nothing. */
static void test_a_newest_segment_that_was_cut_short_is_not_mended(void **state) {
    (void)state;
    struct world *world = mixed_log();
    struct fake_file *first = world_segment(world, 1), *newest = world_segment(world, 3);
    uint8_t *bytes = memory_copy(newest->live, newest->live_bytes);
    size_t whole = newest->live_bytes, used = world_used_bytes(newest);
    first->live[first->live_bytes / 2] ^= 1;
    assert_int_equal(world_open(world), 0);
    world_free(world);
    world = mixed_log();
    first = world_segment(world, 1);
    first->live[first->live_bytes / 2] ^= 1;
    fake_disk_put(&world->fake, "wal-0000000003", bytes_of(bytes, used - 16));
    assert_int_equal(world_open(world), ERR_DAMAGED);
    fake_disk_put(&world->fake, "wal-0000000003", BYTES_NONE);
    assert_int_equal(world_open(world), ERR_DAMAGED);
    fake_disk_put(&world->fake, "wal-0000000003", bytes_of(bytes, whole));
    assert_int_equal(world_open(world), 0);
    memory_free(bytes);
    world_free(world);
}

/* Where the last round of the newest segment begins: rounds begin with a digest. */
static size_t last_round(const struct fake_file *file) {
    size_t found = 0;
    for (size_t at = 0; at + WAL_HEADER_BYTES <= world_used_bytes(file); at += 8) {
        struct wal_header header;
        bool is_digest =
            wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0 &&
            header.kind == WAL_DIGEST;
        found = is_digest ? at : found;
    }
    return found;
}

enum { SEGMENTS = 3 };

/* Any bit of what was durable. */
static void test_every_flip_is_repaired(void **state) {
    (void)state;
    struct world *model = mixed_log();
    assert_null(world_segment(model, SEGMENTS + 1));
    assert_non_null(world_segment(model, SEGMENTS));
    size_t with_loss = 0, refused = 0, all = 0;
    for (unsigned segment = 1; segment <= SEGMENTS; segment++) {
        const struct fake_file *file = world_segment(model, segment);
        size_t end = segment == SEGMENTS ? last_round(file) : world_used_bytes(file);
        for (size_t at = 0; at < end; at++) {
            struct world *world = mixed_log();
            world_segment(world, segment)->live[at] ^= (uint8_t)(1 << (at % 8));
            all++;
            int status = world_recover(world);
            refused += status != 0;
            assert_true(status == 0 || status == ERR_DAMAGED);
            if (status == 0 && !all_keep_promises(world, 0))
                fail_msg("segment %u byte %zu", segment, at);
            for (uint32_t shard = 0; shard < WORLD_SHARDS; shard++)
                with_loss += world->log.shards[shard].floor_index > 0;
            assert_int_equal(status == 0 ? world_recover(world) : 0, 0); /* and again */
            world_free(world);
        }
    }
    assert_int_equal(refused, 0);
    assert_in_range(with_loss, 1, all * WORLD_SHARDS / 2);
    world_free(model);
}

/* Of a sector, in any place. Where nothing can be certain the log is refused, and not touched. */
static void test_a_lost_sector_is_repaired_or_refused(void **state) {
    (void)state;
    struct world *model = mixed_log();
    size_t repaired = 0, refused = 0;
    for (unsigned segment = 1; segment <= SEGMENTS; segment++)
        for (size_t at = 0; at + 512 <= world_used_bytes(world_segment(model, segment));
             at += 128) {
            struct world *world = mixed_log();
            memset(world_segment(world, segment)->live + at, 0xa5, 512);
            int status = world_recover(world);
            assert_true(status == 0 || status == ERR_DAMAGED);
            bool is_tail =
                segment == SEGMENTS && at + 512 > last_round(world_segment(model, segment));
            if (status == 0 && !is_tail)
                assert_true(all_keep_promises(world, 0));
            repaired += status == 0;
            refused += status != 0;
            world_free(world);
        }
    assert_true(repaired > refused);
    world_free(model);
}

/* Where the first record of that kind stands in the first segment, from `from` on. */
static size_t find_record(struct world *world, size_t from, enum wal_kind kind, uint32_t shard,
                          uint64_t index) {
    const struct fake_file *file = world_segment(world, 1);
    for (size_t at = from; at + WAL_HEADER_BYTES <= world_used_bytes(file); at += 8) {
        struct wal_header header;
        bool is_it =
            wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0 &&
            header.kind == kind && header.shard == shard && header.index == index;
        if (is_it)
            return at;
    }
    fail();
    return 0;
}

static void flip(struct world *world, size_t at) {
    struct fake_file *file = world_segment(world, 1);
    file->live[at] ^= 4;
    file->durable[at] ^= 4;
}

/* In the payload of the second entry of shard 1, which others follow; in the first segment. */
static void spoil(struct world *world) {
    flip(world, find_record(world, 0, WAL_ENTRY, 1, 2) + WAL_HEADER_BYTES + 20);
}

/* Its header is sound, so what stands behind it in the same round is certain. */
static void test_only_the_record_is_lost_whose_header_is_sound(void **state) {
    (void)state;
    struct world *world = mixed_log();
    flip(world, find_record(world, 0, WAL_ENTRY, 0, 2) + WAL_HEADER_BYTES + 20);
    assert_int_equal(world_recover(world), 0);
    assert_true(world->log.shards[0].floor_index > 0);
    assert_int_equal(world->log.shards[1].floor_index, 0);
    assert_true(all_keep_promises(world, 0));
    world_free(world);
}

/* Behind bytes that cannot be read a digest vouches for itself, but not one that is damaged too:
 * the next one does. */
static void test_a_damaged_digest_is_passed_by(void **state) {
    (void)state;
    struct world *world = mixed_log();
    size_t entry = find_record(world, 0, WAL_ENTRY, 1, 2);
    flip(world, entry);
    flip(world, find_record(world, entry, WAL_DIGEST, 0, 0) + WAL_HEADER_BYTES + 20);
    assert_int_equal(world_recover(world), 0);
    assert_true(world->log.shards[1].floor_index > 0);
    assert_true(all_keep_promises(world, 0));
    world_free(world);
}

/* Nobody could give back what was lost: the log is left as it is, until there are peers. */
static void test_a_shard_without_peers_is_refused_as_it_is(void **state) {
    (void)state;
    struct world *world = mixed_log();
    spoil(world);
    world->has_peers = false;
    struct fake_file *file = world_segment(world, 1);
    uint8_t *before = memory_copy(file->live, file->live_bytes);
    assert_int_equal(world_recover(world), ERR_DAMAGED);
    assert_memory_equal(file->live, before, file->live_bytes);
    assert_ptr_equal(file, world_segment(world, 1));
    assert_null(world_segment(world, SEGMENTS + 1));
    memory_free(before);
    assert_non_null(strstr(world->problem.text, "damaged in wal-0000000001"));
    world->has_peers = true;
    assert_int_equal(world_recover(world), 0);
    assert_non_null(fake_disk_find(&world->fake, "damaged-0000000001"));
    assert_null(world_segment(world, 1));
    world_free(world);
}

/* The power fails, or the disk refuses, at any call of a repair: the next start does it again. */
static void test_a_repair_may_fail_anywhere(void **state) {
    (void)state;
    unsigned failures = 0;
    for (unsigned call = 1;; call++) {
        struct random random;
        random_init(&random, call);
        struct world *world = mixed_log();
        spoil(world);
        fake_disk_fail_after(&world->fake, call, ERR_IO);
        int status = world_recover(world);
        bool is_over = world->fake.fail_countdown > 0;
        fake_disk_fail_after(&world->fake, 0, 0);
        failures += status != 0;
        assert_true(status != 0 || is_over);
        fake_disk_crash(&world->fake, &random);
        assert_int_equal(world_recover(world), 0);
        assert_true(all_keep_promises(world, 0));
        world_free(world);
        if (is_over)
            break;
    }
    assert_true(failures >= 4);
}

/* ---- more than one segment of it is kept ---- */

enum { LONG_ENTRIES = 40, LONG_BYTES = 150, LONG_SEGMENTS = 6 };

/* Two shards by turns, of which the second loses an entry of the middle. */
static struct world *long_log(void) {
    struct world *world = repairing(SEGMENT_BYTES);
    world_state(world, 0, 3, 1);
    world_state(world, 1, 3, 2);
    for (uint64_t i = 1; i <= LONG_ENTRIES; i++) {
        world_entry(world, 0, i, LONG_BYTES);
        world_entry(world, 1, i, 20);
        world_flush(world);
    }
    world_truncate(world, 0, LONG_ENTRIES - 3);
    world_entries(world, 0, LONG_ENTRIES - 3, LONG_ENTRIES, 30);
    world_close(world);
    assert_non_null(world_segment(world, LONG_SEGMENTS));
    flip(world, find_record(world, 0, WAL_ENTRY, 1, 3) + WAL_HEADER_BYTES + 3);
    return world;
}

static uint64_t oldest_segment(struct world *world) {
    uint64_t oldest = 1;
    while (world_segment(world, oldest) == NULL)
        oldest++;
    return oldest;
}

/* So no part of a repair holds more of the log at once than a segment of it. */
static void test_a_repaired_log_has_segments_like_any_other(void **state) {
    (void)state;
    struct world *world = long_log();
    struct wal_verification result;
    assert_int_equal(world_recover(world), 0);
    uint64_t first = oldest_segment(world), next = first;
    assert_true(first > LONG_SEGMENTS);
    for (const struct fake_file *file; (file = world_segment(world, next)); next++)
        assert_in_range(file->live_bytes, WAL_SEGMENT_MINIMUM_BYTES, SEGMENT_BYTES);
    assert_in_range(next - first, 3, LONG_SEGMENTS + 2);
    assert_true(all_keep_promises(world, 0));
    assert_int_equal(world->log.shards[0].last_index, LONG_ENTRIES);
    assert_int_equal(world->log.shards[0].floor_index, 0);
    assert_int_equal(world->log.shards[1].last_index, 2);
    assert_int_equal(world->log.shards[1].floor_index, LONG_ENTRIES);
    assert_int_equal(world_verify(world, &result), 0);
    world_free(world);
}

/* The next damage is repaired as well, and what was repaired goes when nobody needs it. */
static void test_a_repaired_log_is_repaired_again(void **state) {
    (void)state;
    struct world *world = long_log();
    assert_int_equal(world_recover(world), 0);
    uint64_t first = oldest_segment(world);
    struct fake_file *second = world_segment(world, first + 1);
    second->live[second->live_bytes / 2] ^= 1;
    assert_int_equal(world_open(world), 0);
    assert_true(oldest_segment(world) > first + 1);
    uint64_t end = world->log.shards[0].floor_index;
    assert_int_equal(end, LONG_ENTRIES);
    uint64_t again = oldest_segment(world);
    world_let_go(world, 1, LONG_ENTRIES, WORLD_ENTRY_TERM);
    world_let_go(world, 0, LONG_ENTRIES, WORLD_ENTRY_TERM);
    world_entries(world, 0, LONG_ENTRIES + 1, LONG_ENTRIES + 30, LONG_BYTES);
    world_let_go(world, 0, LONG_ENTRIES + 30, WORLD_ENTRY_TERM);
    assert_null(world_segment(world, again));
    world_restart(world);
    assert_int_equal(world->log.shards[0].snapshot_index, LONG_ENTRIES + 30);
    world_free(world);
}

enum { CRASHES_EACH = 40 };

static size_t leftovers(const struct world *world) {
    size_t count = 0;
    for (size_t i = 0; i < world->fake.names.count; i++) {
        const char *name = world->fake.names.entries[i].name;
        count += strncmp(name, WAL_REPAIRED_PREFIX, strlen(WAL_REPAIRED_PREFIX)) == 0 ||
                 strcmp(name, WAL_NEXT_NEW_NAME) == 0;
    }
    return count;
}

/* Whatever the next start finds, it is the old log or the new one, and no third. */
static void expect_repaired(struct world *world) {
    assert_int_equal(world_recover(world), 0);
    assert_true(all_keep_promises(world, 0));
    assert_int_equal(world->log.shards[0].last_index, LONG_ENTRIES);
    assert_int_equal(world->log.shards[0].floor_index, 0);
    assert_int_equal(world->log.shards[1].floor_index, LONG_ENTRIES);
    assert_int_equal(leftovers(world), 0);
}

/* One call fails, and then the power. */
static void test_a_long_repair_may_fail_anywhere(void **state) {
    (void)state;
    unsigned failures = 0;
    bool is_over = false;
    for (unsigned call = 1; !is_over; call++) {
        struct random random;
        random_init(&random, call);
        struct world *world = long_log();
        fake_disk_fail_after(&world->fake, call, call % 2 ? ERR_IO : ERR_NO_SPACE);
        int status = world_recover(world);
        is_over = world->fake.fail_countdown > 0;
        fake_disk_fail_after(&world->fake, 0, 0);
        failures += status != 0;
        fake_disk_crash(&world->fake, &random);
        expect_repaired(world);
        world_free(world);
    }
    assert_true(failures > 10);
}

/* At that change, and again in the next start. False: there is no such change. */
static bool power_fails_at(unsigned change, struct random *random) {
    struct world *world = long_log();
    bool is_over = false;
    for (unsigned start = 0; start < 2; start++) {
        fake_disk_power_off_after(&world->fake, change);
        int status = world_recover(world);
        bool is_on = !fake_disk_is_off(&world->fake);
        is_over = start == 0 ? is_on : is_over;
        assert_true(status == 0 || !is_on);
        fake_disk_crash(&world->fake, random);
    }
    expect_repaired(world);
    world_free(world);
    return !is_over;
}

/* Whatever the directory keeps then of what was not synced. */
static void test_the_power_fails_in_a_long_repair(void **state) {
    (void)state;
    struct random random;
    unsigned changes = 1;
    random_init(&random, 1);
    while (power_fails_at(changes, &random)) {
        for (unsigned again = 1; again < CRASHES_EACH; again++)
            power_fails_at(changes, &random);
        changes++;
    }
    assert_true(changes > 15);
}

/* A segment that was read once, and not the second time: what is missing then is not left out. */
static void test_a_read_fails_in_a_repair(void **state) {
    (void)state;
    bool is_over = false;
    unsigned refused = 0;
    for (unsigned nth = 1; !is_over; nth++) {
        struct world *world = long_log();
        fake_disk_fail_call(&world->fake, FAKE_READ, nth);
        int status = world_recover(world);
        is_over = world->fake.failed_calls == 0;
        fake_disk_fail_call(&world->fake, FAKE_READ, 0);
        refused += status != 0;
        if (status != 0) {
            assert_int_equal(leftovers(world), 0);
            expect_repaired(world);
        }
        assert_true(all_keep_promises(world, 0));
        world_free(world);
    }
    assert_true(refused > LONG_SEGMENTS);
}

/* One segment is damaged, and another may not be opened: that is not damaged too. */
static void test_what_may_not_be_read_is_not_given_up(void **state) {
    (void)state;
    bool is_over = false;
    unsigned refused = 0;
    for (unsigned nth = 1; !is_over; nth++) {
        struct world *world = long_log();
        fake_disk_fail_call(&world->fake, FAKE_OPEN, nth);
        world->fake.fails_for_good = true;
        world->fake.fail_call_with = ERR_REFUSED;
        int status = world_recover(world);
        is_over = world->fake.failed_calls == 0;
        fake_disk_fail_call(&world->fake, FAKE_OPEN, 0);
        refused += status != 0;
        if (status != 0)
            expect_repaired(world);
        assert_int_equal(world->log.shards[0].floor_index, 0);
        world_free(world);
    }
    assert_true(refused > 2 * LONG_SEGMENTS);
}

/* The first shard alone, and five entries of it. */
static struct world *log_of_one_shard(void) {
    struct world *world = repairing(SEGMENT_BYTES);
    world_state(world, 0, 3, 1);
    world_entries(world, 0, 1, 5, 60);
    return world;
}

/* One of those entries is damaged while the log is closed. */
static void lose_an_entry(struct world *world) {
    world_close(world);
    world_segment(world, 1)->live[600] ^= 1;
    assert_int_equal(world_recover(world), 0);
}

/* A damaged place that a later snapshot covers costs nothing. */
static void test_a_snapshot_mends_the_gap(void **state) {
    (void)state;
    struct world *world = log_of_one_shard();
    world_snapshot(world, 0, 5, WORLD_ENTRY_TERM);
    world_flush(world);
    world_entries(world, 0, 6, 8, 60);
    lose_an_entry(world);
    assert_int_equal(world->log.shards[0].floor_index, 0);
    assert_int_equal(world->log.shards[0].last_index, 8);
    assert_int_equal(world->log.shards[0].term, 3);
    world_free(world);
}

/* Where the damaged log ended stays known when the segment that says so first is gone, though this
 * shard writes nothing any more. */
static void floor_outlives_its_segment(uint64_t segment_bytes) {
    struct world *world = mixed_log_of(segment_bytes);
    spoil(world);
    assert_int_equal(world_recover(world), 0);
    uint64_t floor_index = world->log.shards[1].floor_index;
    uint64_t next = world->log.shards[0].last_index + 1;
    assert_true(floor_index > 0);
    assert_int_equal(world_open(world), 0);
    uint64_t first_segment = 1;
    while (world_segment(world, first_segment) == NULL)
        first_segment++;
    world_let_go(world, 1, floor_index, WORLD_ENTRY_TERM);
    world_let_go(world, 2, floor_index, WORLD_ENTRY_TERM);
    world_entries(world, 0, next, next + 99, 200);
    world_let_go(world, 0, next + 99, WORLD_ENTRY_TERM);
    assert_null(world_segment(world, first_segment + 1));
    world_restart(world);
    assert_int_equal(world->log.shards[1].floor_index, floor_index);
    world_free(world);
}

/* Whether a digest reaches back to the segment's beginning or not: the first one of each tells of
 * all shards. */
static void test_a_floor_outlives_its_segment(void **state) {
    (void)state;
    floor_outlives_its_segment(SEGMENT_BYTES);
    floor_outlives_its_segment(4 * WAL_DIGEST_REACH_BYTES);
}

/* The damage lies far behind when a shard is heard of for the first time: a digest of all shards
 * stands between, so nothing of the new one can be lost. */
static void test_a_shard_from_behind_the_damage_is_in_no_doubt(void **state) {
    (void)state;
    struct world *world = log_of_one_shard();
    world_state(world, 1, 4, 2);
    world_flush(world);
    lose_an_entry(world);
    assert_true(world->log.shards[0].floor_index > 0);
    assert_int_equal(world->log.shards[1].term, 4);
    assert_int_equal(world->log.shards[1].vote, 2);
    world_free(world);
}

/* The repaired log is a log: it takes records, is read again with them, and trothdb check finds
 * nothing wrong with it. */
static void test_goes_on_behind_a_repair(void **state) {
    (void)state;
    struct world *world = mixed_log();
    spoil(world);
    assert_int_equal(world_open(world), 0);
    uint64_t next = world->log.shards[1].last_index + 1, term = world->log.shards[1].term;
    uint64_t floor_index = world->log.shards[1].floor_index;
    world_entries(world, 1, next, next, 33);
    world_close(world);
    assert_int_equal(world_recover(world), 0);
    assert_int_equal(world->log.shards[1].last_index, next);
    assert_int_equal(world->log.shards[1].term, term);
    assert_int_equal(world->log.shards[1].floor_index, floor_index);
    struct wal_verification result;
    assert_int_equal(world_verify(world, &result), 0);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_a_newest_segment_that_was_cut_short_is_not_mended),
          cmocka_unit_test(test_every_flip_is_repaired),
          cmocka_unit_test(test_a_lost_sector_is_repaired_or_refused),
          cmocka_unit_test(test_only_the_record_is_lost_whose_header_is_sound),
          cmocka_unit_test(test_a_damaged_digest_is_passed_by),
          cmocka_unit_test(test_a_shard_without_peers_is_refused_as_it_is),
          cmocka_unit_test(test_a_repair_may_fail_anywhere),
          cmocka_unit_test(test_a_repaired_log_has_segments_like_any_other),
          cmocka_unit_test(test_a_repaired_log_is_repaired_again),
          cmocka_unit_test(test_a_long_repair_may_fail_anywhere),
          cmocka_unit_test(test_the_power_fails_in_a_long_repair),
          cmocka_unit_test(test_a_read_fails_in_a_repair),
          cmocka_unit_test(test_what_may_not_be_read_is_not_given_up),
          cmocka_unit_test(test_a_snapshot_mends_the_gap),
          cmocka_unit_test(test_a_floor_outlives_its_segment),
          cmocka_unit_test(test_a_shard_from_behind_the_damage_is_in_no_doubt),
          cmocka_unit_test(test_goes_on_behind_a_repair))
