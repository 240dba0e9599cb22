/* Snapshots: taken to let the log go, sent to replicas that were away. */
#include "../unit.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/names.h"
#include "world.h"

enum { SNAPSHOT_ENTRIES = 16 };

static struct world *started(unsigned replica_count) {
    return world_led_taking(replica_count, SNAPSHOT_ENTRIES);
}

static void test_sent_to_one_that_was_away(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 3, true);
    world_increment(world, 1, 100);
    assert_true(raft_first_index(world_raft(world, 1)) > raft_last_index(world_raft(world, 3)) + 1);
    world_let_back(world, 3, 1000);
    assert_true(world_snapshot_index(world, 3) > 50);
    assert_true(world_is_equal(world));
    assert_true(world_keeps_up(world, 3, 1));
    world_free(world);
}

/* What changed since a snapshot came in is in the next one that is taken here. */
static void test_taken_after_one_came_in(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 3, true);
    world_increment(world, 1, 100);
    world_let_back(world, 3, 1000);
    raft_index came_in = world_snapshot_index(world, 3);
    assert_true(came_in > 50);
    for (unsigned i = 0; i < 10; i++) { /* so slowly that it follows by the log */
        world_increment(world, 1, 5);
        world_run(world, 100);
    }
    raft_index taken = world_snapshot_index(world, 3);
    assert_true(taken > came_in);
    world_restart(world, 3);
    assert_int_equal(world_snapshot_index(world, 3), taken);
    world_run(world, 500);
    assert_int_equal(world_snapshot_index(world, 3), taken);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* 3 misses more than the others' logs hold, and is heard again just now. */
static void away_for_much(struct world *world) {
    world_cut_off(world, 3, true);
    world_run(world, 1000); /* so that no transfer is begun meanwhile */
    world_write_much(world, 1, 80);
    world_run(world, 500); /* snapshots are taken bit by bit */
    world_cut_off(world, 3, false);
}

static struct world *started_with_3_behind(void) {
    struct world *world = started(3);
    away_for_much(world);
    return world;
}

static uint64_t loaded_bytes(const struct world *world, raft_node_number number) {
    return world_counted(world, number, METRIC_snapshot_loaded_bytes_total, NULL);
}

/* While 3 loads a snapshot, one that still has the whole log comes to lead, and sends that. What 3
 * has by then is newer than the snapshot: it stays, and the snapshot only lets the log go. */
static void test_the_log_overtakes_a_snapshot(void **state) {
    (void)state;
    struct world *world = started(3);
    world->replicas[2].config.snapshot_log_entries = WORLD_SNAPSHOT_NEVER;
    world->replicas[3].config.snapshot_log_entries = WORLD_SNAPSHOT_NEVER;
    world->replicas[3].config.snapshot_turn_bytes = 256; /* so it loads for seconds */
    away_for_much(world);
    raft_index sent_index = world_snapshot_index(world, 1);
    for (unsigned i = 0; i < 1000 && loaded_bytes(world, 3) == 0; i++)
        world_run(world, 5);
    assert_true(loaded_bytes(world, 3) > 0);
    world_elect(world, 2);
    world_write(world, 2, "SET key1 newer");
    world_run(world, 200);
    assert_int_equal(world_applied_index(world, 3), raft_last_index(world_raft(world, 2)));
    assert_int_equal(world_snapshot_index(world, 3), 0);
    world_run(world, 60000);
    assert_int_equal(world_snapshot_index(world, 3), sent_index);
    assert_in_range(raft_first_index(world_raft(world, 3)), 2, sent_index + 1);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_installed_total, NULL), 0);
    assert_true(world_is_equal(world));
    /* It is what the next one is built on, and what a restart begins with. */
    world_write(world, 2, "SET key2 newest");
    world_run(world, 100);
    world_restart(world, 3);
    assert_int_equal(world_applied_index(world, 3), sent_index);
    world_run(world, 500);
    world_take_snapshot(world, 3);
    world_restart(world, 3);
    world_run(world, 500);
    assert_true(world_is_equal(world));
    world_free(world);
}

static bool lose_first_second_piece(struct world *world, struct letter *letter) {
    return letter->kind != LETTER_PIECE || letter->piece.place.chunk != 1 || world->censored > 0;
}

/* A piece is lost though the stream stays: it is sent again, long before anybody gives up. */
static void test_lost_piece(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world->censor = lose_first_second_piece;
    world_run(world, 2500);
    assert_int_equal(world->censored, 1);
    assert_true(world_is_equal(world));
    assert_false(world_has_logged(world, 1, "broke off"));
    world_free(world);
}

static bool lose_half_of_the_pieces(struct world *world, struct letter *letter) {
    struct random random;
    random_init(&random, world->now_us + letter->piece.place.chunk);
    return letter->kind != LETTER_PIECE || random_chance(&random, 0.5);
}

static void test_many_lost_pieces(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world->censor = lose_half_of_the_pieces;
    world_run(world, 20000);
    assert_true(world->censored > 2);
    assert_true(world_is_equal(world));
    world_free(world);
}

static bool damage_first_fourth_piece(struct world *world, struct letter *letter) {
    if (letter->kind == LETTER_PIECE && letter->piece.place.chunk == 3 && world->next_ticket) {
        letter->data[letter->piece.data.length / 2] ^= 1;
        world->next_ticket = 0;
    }
    return true;
}

/* One bit is wrong: the transfer is refused, the state that was there stays, and the next transfer
 * brings what is lacking. */
static void test_damaged_piece(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world->censor = damage_first_fourth_piece;
    world_run(world, 3000);
    assert_int_equal(world->next_ticket, 0);
    assert_true(world_has_logged(world, 3, "received snapshot refused"));
    assert_true(world_is_equal(world));
    world_free(world);
}

static bool lose_third_piece_on(struct world *world, struct letter *letter) {
    (void)world;
    return letter->kind != LETTER_PIECE || letter->piece.place.chunk < 2;
}

/* The leader goes in the middle of a transfer: the next one sends its own snapshot. */
static void test_leader_changes_meanwhile(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world->censor = lose_third_piece_on;
    world_run(world, 300);
    assert_true(world->censored > 0);
    world_cut_off(world, 1, true);
    world->censor = NULL;
    world_elect(world, 2);
    world_increment(world, 2, 3);
    world_run(world, 2000);
    world_let_back(world, 1, 2000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* The follower's disk is slow: the transfer waits for it. */
static void test_slow_disk_of_the_receiver(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world_run(world, 60);
    world->replicas[3].is_disk_held = true;
    world_run(world, 12000);
    assert_int_not_equal(world_snapshot_index(world, 3), world_snapshot_index(world, 1));
    world->replicas[3].is_disk_held = false;
    world_run(world, 2000);
    assert_false(world_has_logged(world, 1, "broke off"));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* One that is away for good holds up neither the others' snapshots nor their logs. */
static void test_log_is_let_go_without_one(void **state) {
    (void)state;
    struct world *world = started(3);
    world_kill(world, 3);
    world_run(world, 1000);
    for (unsigned i = 0; i < 40; i++) {
        world_increment(world, 1, 10);
        world_run(world, 100);
    }
    raft_index held =
        raft_last_index(world_raft(world, 1)) - raft_first_index(world_raft(world, 1));
    assert_in_range(held, 0, 4 * SNAPSHOT_ENTRIES);
    assert_false(world_has_logged(world, 1, "transfer begun"));
    assert_int_equal(world_start(world, 3), 0);
    world_run(world, 1000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* The leader writes on, and takes snapshots, while a slow transfer runs: the follower finds the log
 * that it needs next, and the files that it asks for (consul #9609). */
static void test_log_is_kept_while_a_transfer_runs(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world->censor = lose_third_piece_on;
    raft_index before = world_snapshot_index(world, 1);
    for (unsigned i = 0; i < 20; i++) {
        world_increment(world, 1, 5);
        world_run(world, 50);
    }
    assert_true(world_snapshot_index(world, 1) > before);
    world->censor = NULL;
    world_run(world, 2000);
    assert_true(world_is_equal(world));
    assert_false(world_has_logged(world, 1, "broke off"));
    world_free(world);
}

/* ---- what is offered to 3 ---- */

static struct shard_snapshot_progress last_progress;

static bool note_progress(struct world *world, struct letter *letter) {
    (void)world;
    if (letter->kind == LETTER_PROGRESS)
        last_progress = letter->progress;
    return true;
}

/* What 3 answers from now on is last_progress. */
static void watch_progress(struct world *world) {
    world->censor = note_progress;
    last_progress = (struct shard_snapshot_progress){0};
}

/* All three hold five entries, and 3 is watched. */
static struct world *started_to_be_offered(void) {
    struct world *world = started(3);
    world_increment(world, 1, 5);
    world_run(world, 100);
    watch_progress(world);
    return world;
}

/* As the leader would send it. */
static struct shard_snapshot_offer offer_of(const struct world *world, struct bytes manifest,
                                            raft_index index) {
    return (struct shard_snapshot_offer){.peer = 1,
                                         .version = SHARD_SNAPSHOT_VERSION,
                                         .term = raft_current_term(world_raft(world, 1)),
                                         .snapshot_index = index,
                                         .manifest = manifest};
}

static void send_offer(struct world *world, struct shard_snapshot_offer offer) {
    shard_offer(world_shard(world, 3), &offer);
    world_run(world, 20);
}

/* A snapshot of what is applied already is no news. */
static void test_no_news(void **state) {
    (void)state;
    struct world *world = started_to_be_offered();
    send_offer(world, offer_of(world, BYTES_LITERAL("not even looked at"), 3));
    assert_true(last_progress.is_installed);
    assert_int_equal(last_progress.snapshot_index, 3);
    assert_int_equal(world_snapshot_index(world, 3), 0);
    world_free(world);
}

/* A later release leads: what it offers is not looked at, both say why, and nothing changes. */
static void test_another_version_is_refused(void **state) {
    (void)state;
    struct world *world = started_to_be_offered();
    uint64_t hash = world_state_hash(world, 3);
    struct shard_snapshot_offer offer = offer_of(world, BYTES_LITERAL("not even looked at"), 1000);
    offer.version = SHARD_SNAPSHOT_VERSION + 1;
    send_offer(world, offer);
    assert_true(last_progress.is_refused);
    assert_int_equal(last_progress.version, SHARD_SNAPSHOT_VERSION);
    assert_true(world_has_logged(world, 3, "a version that this release does not know"));
    assert_true(world_state_hash(world, 3) == hash);
    world_free(world);
}

static bool age_first_progress(struct world *world, struct letter *letter) {
    if (letter->kind == LETTER_PROGRESS && !world_has_logged(world, 1, "broke off")) {
        letter->progress.version = SHARD_SNAPSHOT_VERSION_WHOLE - 1;
        letter->progress.is_refused = true;
    }
    return true;
}

/* The other way round: an earlier release follows, and is replaced by one that knows. */
static void test_refused_by_an_earlier_release(void **state) {
    (void)state;
    struct world *world = started_with_3_behind();
    world->censor = age_first_progress;
    world_run(world, 3000);
    assert_true(world_has_logged(world, 1, "a follower does not know the version"));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A snapshot of one chunk, which is on replica 3's disk already. */
static void make_offer(struct world *world, const struct snapshot_meta *meta, const char *raw,
                       struct buffer *encoded) {
    struct snapshot_chunk chunk = {.first_slot = 0, .last_slot = 16383};
    struct buffer image;
    buffer_init(&image, SIZE_MAX);
    if (raw[0]) {
        assert_int_equal(snapshot_chunk_pack(WORLD_SHARD, bytes_of_text(raw), &image, &chunk), 0);
        assert_int_equal(snapshot_chunk_write(&world->replicas[3].disk->disk, WORLD_SHARD, &chunk,
                                              buffer_bytes(&image)),
                         0);
    }
    struct snapshot_manifest *manifest = snapshot_manifest_new(meta, &chunk, raw[0] != 0);
    buffer_init(encoded, SNAPSHOT_MANIFEST_BYTES_MAXIMUM);
    snapshot_manifest_encode(manifest, encoded);
    snapshot_manifest_free(manifest);
    buffer_release(&image);
}

/* Whole, undamaged, and nothing that a replica wrote: refused before the old state is given up. */
static void test_snapshot_of_nonsense(void **state) {
    (void)state;
    struct world *world = started_to_be_offered();
    uint64_t hash = world_state_hash(world, 3);
    struct snapshot_meta meta = {.shard = WORLD_SHARD, .index = 90, .term = 1};
    memcpy(meta.configuration, "\3\1\0\0\0\2\0\0\0\3\0\0\0\0", 15);
    meta.configuration_bytes = 15;
    const struct {
        const char *raw;
        uint32_t shard;
        uint64_t term;
        uint32_t configuration_bytes;
        bool is_refused;
    } cases[] = {
        {"no records", WORLD_SHARD, 1, 15, true},
        {"\1 half", WORLD_SHARD, 1, 15, true}, /* of a block */
        {"", WORLD_SHARD + 1, 1, 15, true},
        {"", WORLD_SHARD, 1000, 15, true},
        {"", WORLD_SHARD, 0, 15, true},
        {"", WORLD_SHARD, 1, 14, true},
        {"", WORLD_SHARD, 1, 15, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer encoded;
        meta.shard = cases[i].shard;
        meta.term = cases[i].term;
        meta.configuration_bytes = cases[i].configuration_bytes;
        make_offer(world, &meta, cases[i].raw, &encoded);
        watch_progress(world);
        send_offer(world, offer_of(world, buffer_bytes(&encoded), 90));
        assert_int_equal(last_progress.is_refused, cases[i].is_refused);
        assert_int_equal(last_progress.is_installed, !cases[i].is_refused);
        if (cases[i].is_refused)
            assert_int_equal(world_state_hash(world, 3), hash);
        buffer_release(&encoded);
    }
    assert_int_equal(world_applied_index(world, 3), 90);
    world_free(world);
}

/* Only the leader sends snapshots. */
static void test_offer_of_a_stranger(void **state) {
    (void)state;
    struct world *world = started_to_be_offered();
    struct shard_snapshot_offer of_a_follower = offer_of(world, BYTES_LITERAL("abc"), 50);
    of_a_follower.peer = 2;
    send_offer(world, of_a_follower);
    struct shard_snapshot_offer of_an_earlier_term = offer_of(world, BYTES_LITERAL("abc"), 50);
    of_an_earlier_term.term--;
    send_offer(world, of_an_earlier_term);
    assert_int_equal(last_progress.peer, 0);
    world_free(world);
}

/* A deposed leader waits for a command, and a snapshot takes it past the index: nobody knows. */
static void test_unknown_under_a_snapshot(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 1, true);
    uint64_t ticket = world_propose(world, 1, "SET k lost");
    world_settle(world);
    world_elect(world, 2);
    world_increment(world, 2, 100);
    world_let_back(world, 1, 2000);
    assert_true(world_snapshot_index(world, 1) > 50);
    assert_answer(world, ticket, "UNKNOWN");
    assert_true(world_is_equal(world));
    world_free(world);
}

static unsigned count_lines(struct world *world, raft_node_number number, const char *text) {
    struct bytes lines = buffer_bytes(&world->replicas[number].lines);
    unsigned count = 0;
    const uint8_t *at = lines.data;
    while (at && (at = memmem(at, (size_t)(lines.data + lines.length - at), text, strlen(text)))) {
        at += strlen(text);
        count++;
    }
    return count;
}

/* A disk that is full refuses the snapshot: the shard goes on, and tries again after a pause. */
static void test_full_disk(void **state) {
    (void)state;
    struct world *world = started(1);
    struct replica *replica = &world->replicas[1];
    replica->is_disk_held = true;
    for (unsigned i = 0; count_lines(world, 1, "snapshot begun") == 0; i++) {
        assert_in_range(i, 0, SNAPSHOT_ENTRIES);
        world_propose(world, 1, "INCR n");
        world_settle(world);
        while (fake_disk_run_job(replica->disk, DISK_LANE_LOG))
            world_settle(world);
    }
    fake_disk_fail_after(replica->disk, 1, ERR_NO_SPACE);
    while (!world_has_logged(world, 1, "snapshot not written"))
        assert_true(fake_disk_run_job(replica->disk, DISK_LANE_BULK));
    replica->is_disk_held = false;
    world_increment(world, 1, 40);
    assert_int_equal(count_lines(world, 1, "snapshot begun"), 1);
    world_run(world, 11000);
    world_increment(world, 1, 1);
    assert_int_equal(count_lines(world, 1, "snapshot begun"), 2);
    assert_true(shard_snapshot_index(replica->shard) > SNAPSHOT_ENTRIES);
    world_free(world);
}

static void first_chunk_name(struct world *world, raft_node_number number,
                             char name[DISK_NAME_MAXIMUM]) {
    snapshot_chunk_name(WORLD_SHARD, &world_newest_snapshot(world, number)->chunks[0], name);
}

/* A chunk is gone under the leader: it takes another snapshot, and the follower gets that. */
static void test_lost_file_of_the_leader(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 3, true);
    world_increment(world, 1, 100);
    char name[DISK_NAME_MAXIMUM];
    first_chunk_name(world, 1, name);
    struct disk *disk = &world->replicas[1].disk->disk;
    assert_int_equal(disk->ops->remove(disk, name), 0);
    world_let_back(world, 3, 2000);
    assert_true(world_has_logged(world, 1, "another one is taken in its place"));
    assert_true(world_is_equal(world));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_sent_to_one_that_was_away),
          cmocka_unit_test(test_taken_after_one_came_in),
          cmocka_unit_test(test_the_log_overtakes_a_snapshot), cmocka_unit_test(test_lost_piece),
          cmocka_unit_test(test_many_lost_pieces), cmocka_unit_test(test_damaged_piece),
          cmocka_unit_test(test_leader_changes_meanwhile),
          cmocka_unit_test(test_slow_disk_of_the_receiver),
          cmocka_unit_test(test_log_is_let_go_without_one),
          cmocka_unit_test(test_log_is_kept_while_a_transfer_runs), cmocka_unit_test(test_no_news),
          cmocka_unit_test(test_another_version_is_refused),
          cmocka_unit_test(test_refused_by_an_earlier_release),
          cmocka_unit_test(test_snapshot_of_nonsense), cmocka_unit_test(test_offer_of_a_stranger),
          cmocka_unit_test(test_unknown_under_a_snapshot), cmocka_unit_test(test_full_disk),
          cmocka_unit_test(test_lost_file_of_the_leader))
