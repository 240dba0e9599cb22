/* A backup of which blobs are damaged, missing or not to be read, in every combination: what can be
 * come to without them is come to, of what is not it is said why, and nothing less is ever taken
 * for it. */
#include "../unit.h"
#include "backup/backup_read.h"
#include "backup/log_archive.h"
#include "base/memory.h"
#include "command_entries.h"
#include "fake_blobs.h"
#include "shard/machine/keyspace_machine.h"
#include "shard/machine/plan.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/manifest.h"

/*   entry     1   2   3   4   5   6   7   8   9       each appends to one of the keys, by turns
 *   log       [  A  ] [  B  ] [    D    ] [  E  ]
 *                         [     C     ]               of another leader
 *   snapshot          X           Y                   of 3 and of 6, with two chunks each,
 *                                                     of which the second one is spoiled   */
enum { ENTRIES = 9, STAMP_MS = 1000, BLOB_PIECES = 5, KEYS = 4, CHUNKS = 2 };
enum blob { A, B, C, D, E, X, X_CHUNK, Y, Y_CHUNK, BLOBS };
static const struct {
    uint64_t first, last;
} PIECES[BLOB_PIECES] = {{1, 2}, {3, 4}, {4, 6}, {5, 7}, {8, 9}};
static const struct backup_place PLACE = {.cluster_id = {0xab, 1, 2, 3}, .shard = 7};

struct story {
    struct fake_blobs blobs;
    char names[BLOBS][BLOB_NAME_MAXIMUM];
    uint64_t hashes[ENTRIES + 1]; /* of the state behind each entry */
    unsigned passed_count;
    char passed[BLOB_NAME_MAXIMUM]; /* the last one */
    struct backup_reader reader;
    uint64_t snapshot_index, hash; /* of the last restore */
};

/* ---- making it ---- */

static void put(struct story *story, const char *name, struct bytes bytes) {
    struct blob_problem problem;
    struct blob_store *store = &story->blobs.store;
    assert_int_equal(store->ops->put(store, name, bytes, &problem), 0);
}

static void add_entry(struct buffer *entries, uint64_t index) {
    char key[8];
    snprintf(key, sizeof key, "key%u", (unsigned)(index - 1) % KEYS);
    add_command(entries, index, index * STAMP_MS, "APPEND", key);
}

static void put_piece(struct story *story, enum blob blob) {
    const struct backup_log log = {PIECES[blob].first, PIECES[blob].last,
                                   PIECES[blob].first * STAMP_MS, PIECES[blob].last * STAMP_MS};
    const struct log_archive archive = {.place = PLACE,
                                        .log = log,
                                        .entry_count =
                                            (uint32_t)(log.last_index - log.first_index + 1)};
    struct buffer entries, image;
    buffer_init(&entries, SIZE_MAX);
    buffer_init(&image, BLOB_BYTES_MAXIMUM);
    for (uint64_t index = log.first_index; index <= log.last_index; index++)
        add_entry(&entries, index);
    log_archive_encode(&archive, buffer_bytes(&entries), &image);
    backup_log_name(&PLACE, &log, story->names[blob]);
    put(story, story->names[blob], buffer_bytes(&image));
    buffer_release(&entries);
    buffer_release(&image);
}

static void save(struct machine *machine, struct snapshot_chunk *chunk, struct buffer *raw) {
    for (unsigned slot = chunk->first_slot; slot <= chunk->last_slot; slot++) {
        struct slot_part part = plan_part_of(chunk);
        part.slot = (slot_number)slot;
        if (machine->ops->slot_keys(machine, part.slot))
            machine->ops->save(machine, part, SIZE_MAX, SIZE_MAX, raw, &chunk->state_hash);
    }
}

static void put_chunk(struct story *story, struct machine *machine, struct snapshot_chunk *chunk,
                      char name[BLOB_NAME_MAXIMUM]) {
    struct buffer raw, image;
    buffer_init(&raw, SIZE_MAX);
    buffer_init(&image, SIZE_MAX);
    save(machine, chunk, &raw);
    assert_int_equal(snapshot_chunk_pack(PLACE.shard, buffer_bytes(&raw), &image, chunk), 0);
    backup_chunk_name(&PLACE, chunk, 0, name);
    put(story, name, buffer_bytes(&image));
    buffer_release(&raw);
    buffer_release(&image);
}

/* Of all slots, half in each chunk. */
static void put_chunks(struct story *story, enum blob blob, struct machine *machine,
                       struct snapshot_chunk chunks[CHUNKS]) {
    struct part_set all = {.parts = NULL};
    char first[BLOB_NAME_MAXIMUM];
    chunks[0] = (struct snapshot_chunk){.last_slot = SLOT_COUNT / 2 - 1};
    chunks[1] = (struct snapshot_chunk){.first_slot = SLOT_COUNT / 2, .last_slot = SLOT_COUNT - 1};
    plan_divide(chunks, CHUNKS, &all);
    for (unsigned i = 0; i < CHUNKS; i++)
        plan_note_changed(&chunks[i], &all);
    machine->ops->cut(machine, &all);
    put_chunk(story, machine, &chunks[0], first);
    put_chunk(story, machine, &chunks[1], story->names[blob + 1]);
    assert_false(machine->ops->end_cut(machine, 1));
}

static void put_snapshot(struct story *story, enum blob blob, struct machine *machine,
                         uint64_t index) {
    struct snapshot_chunk chunks[CHUNKS];
    struct snapshot_meta meta = {
        .shard = PLACE.shard, .index = index, .term = 4, .stamp_ms = index * STAMP_MS};
    struct buffer image;
    buffer_init(&image, SIZE_MAX);
    put_chunks(story, blob, machine, chunks);
    struct snapshot_manifest *manifest = snapshot_manifest_new(&meta, chunks, CHUNKS);
    snapshot_manifest_encode(manifest, &image);
    backup_snapshot_name(&PLACE, &(struct backup_snapshot){index, index * STAMP_MS},
                         story->names[blob]);
    put(story, story->names[blob], buffer_bytes(&image));
    snapshot_manifest_free(manifest);
    buffer_release(&image);
}

static void live(struct story *story) {
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct replay replay;
    replay_init(&replay, machine, &REPLAY_LATEST);
    for (uint64_t index = 1; index <= ENTRIES; index++) {
        struct buffer encoded;
        struct raft_entry *entry;
        buffer_init(&encoded, SIZE_MAX);
        add_entry(&encoded, index);
        struct bytes rest = buffer_bytes(&encoded);
        assert_int_equal(raft_entry_decode(&rest, &entry), 0);
        assert_int_equal(replay_entry(&replay, entry), 0);
        raft_entry_drop(entry);
        buffer_release(&encoded);
        story->hashes[index] = machine->ops->hash(machine);
        if (index == 3 || index == 6)
            put_snapshot(story, index == 3 ? X : Y, machine, index);
    }
    replay_release(&replay);
    machine->ops->free(machine);
}

static void note_passed(void *context, const struct backup_passed *passed) {
    struct story *story = context;
    story->passed_count++;
    snprintf(story->passed, sizeof story->passed, "%s", passed->name);
    assert_int_equal(passed->shard, PLACE.shard);
    assert_true(passed->what[0] != 0);
}

static struct story *story_new(void) {
    struct story *story = memory_allocate_zeroed(1, sizeof *story);
    fake_blobs_init(&story->blobs);
    story->reader = (struct backup_reader){
        .store = &story->blobs.store, .passed = note_passed, .context = story};
    for (enum blob blob = A; blob <= E; blob++)
        put_piece(story, blob);
    live(story);
    return story;
}

static void story_free(struct story *story) {
    fake_blobs_release(&story->blobs);
    memory_free(story);
}

/* ---- spoiling it, and bringing it back ---- */

static void flip(struct story *story, enum blob blob) {
    struct fake_blob *found = fake_blobs_find(&story->blobs, story->names[blob]);
    assert_non_null(found);
    found->data[found->length / 2] ^= 1;
}

static void drop(struct story *story, enum blob blob) {
    struct blob_problem problem;
    assert_int_equal(
        story->blobs.store.ops->remove(&story->blobs.store, story->names[blob], &problem), 0);
}

enum spoilt { DAMAGED, MISSING, UNREADABLE, SPOILT_COUNT };

static void spoil(struct story *story, enum blob blob, enum spoilt how) {
    if (how == MISSING)
        drop(story, blob);
    else if (how == DAMAGED)
        flip(story, blob);
    else
        fake_blobs_find(&story->blobs, story->names[blob])->is_unreadable = true;
}

static int restore(struct story *story, struct replay_target target, uint64_t *reached) {
    struct backup_catalogue catalogue;
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct replay replay;
    story->passed_count = 0;
    story->passed[0] = story->reader.problem.text[0] = 0;
    replay_init(&replay, machine, &target);
    assert_int_equal(backup_catalogue_read(story->reader.store, &catalogue, &story->reader.problem),
                     0);
    const struct shard_backup *shard =
        catalogue.cluster_count ? cluster_backup_shard(&catalogue.clusters[0], PLACE.shard) : NULL;
    int error = shard ? backup_read_shard(&story->reader, shard, &replay) : ERR_NOT_FOUND;
    *reached = replay.index;
    story->snapshot_index = replay.snapshot_index;
    story->hash = machine->ops->hash(machine);
    if (error == 0)
        assert_int_equal(replay.time_ms, replay.index * STAMP_MS);
    if (error && shard)
        assert_true(story->reader.problem.text[0] != 0);
    backup_catalogue_release(&catalogue);
    replay_release(&replay);
    machine->ops->free(machine);
    return error;
}

/* ---- one at a time ---- */

/* The older snapshot and more of the log come to the same point, and it is told what was passed
 * over. */
static void test_a_damaged_newest_snapshot_is_passed_over(void **state) {
    (void)state;
    static const enum blob BLOBS_OF_NEWEST[] = {Y, Y_CHUNK};
    for (unsigned i = 0; i < 2; i++) {
        for (enum spoilt how = 0; how < SPOILT_COUNT; how++) {
            struct story *story = story_new();
            uint64_t reached;
            spoil(story, BLOBS_OF_NEWEST[i], how);
            assert_int_equal(restore(story, REPLAY_LATEST, &reached), 0);
            assert_int_equal(reached, ENTRIES);
            assert_true(story->hash == story->hashes[ENTRIES]);
            assert_int_equal(story->snapshot_index, 3);
            bool is_listed = BLOBS_OF_NEWEST[i] != Y || how != MISSING;
            assert_int_equal(story->passed_count, is_listed);
            assert_string_equal(story->passed, is_listed ? story->names[Y] : "");
            story_free(story);
        }
    }
}

/* Before the damaged one nothing is passed over; without any snapshot the whole log is there. */
static void test_only_what_is_in_the_way_is_passed_over(void **state) {
    (void)state;
    struct story *story = story_new();
    uint64_t reached;
    flip(story, Y);
    assert_int_equal(restore(story, (struct replay_target){5, UINT64_MAX}, &reached), 0);
    assert_int_equal(reached, 5);
    assert_int_equal(story->passed_count, 0);
    assert_int_equal(restore(story, (struct replay_target){UINT64_MAX, 7500}, &reached), 0);
    assert_int_equal(reached, 7);
    assert_true(story->hash == story->hashes[7]);
    assert_int_equal(story->passed_count, 1);
    flip(story, X_CHUNK);
    assert_int_equal(restore(story, REPLAY_LATEST, &reached), 0);
    assert_int_equal(story->snapshot_index, 0);
    assert_true(story->hash == story->hashes[ENTRIES]);
    assert_int_equal(story->passed_count, 2);
    drop(story, A);
    assert_int_equal(restore(story, REPLAY_LATEST, &reached), ERR_DAMAGED);
    assert_non_null(strstr(story->reader.problem.text, story->names[Y]));
    story_free(story);
}

/* The way from the older one ends before the damaged one: both are named, and nothing less is
 * restored unless it is asked for. */
static void test_what_only_the_damaged_one_has_is_refused(void **state) {
    (void)state;
    struct story *story = story_new();
    uint64_t reached;
    flip(story, Y);
    drop(story, B);
    drop(story, C);
    assert_int_equal(restore(story, REPLAY_LATEST, &reached), ERR_NOT_FOUND);
    assert_non_null(strstr(story->reader.problem.text, story->names[Y]));
    assert_non_null(strstr(story->reader.problem.text, "index 3"));
    assert_int_equal(restore(story, (struct replay_target){3, UINT64_MAX}, &reached), 0);
    assert_int_equal(reached, 3);
    story_free(story);
}

/* A store that does not answer is asked for nothing older. */
static void test_a_store_that_fails_is_no_damage(void **state) {
    (void)state;
    unsigned nth = 1;
    for (;; nth++) {
        struct story *story = story_new();
        uint64_t reached;
        fake_blobs_fail(&story->blobs, BLOB_GET, nth, false);
        int error = restore(story, REPLAY_LATEST, &reached);
        unsigned failed = story->blobs.failed_calls;
        assert_int_equal(error, failed ? ERR_IO : 0);
        assert_int_equal(story->passed_count, 0);
        story_free(story);
        if (!failed)
            break;
    }
    assert_true(nth > 4);
}

/* Whole and sound, and another's. */
static void test_a_piece_under_another_name_is_not_replayed(void **state) {
    (void)state;
    struct story *story = story_new();
    struct fake_blob *other = fake_blobs_find(&story->blobs, story->names[A]);
    uint64_t reached;
    put(story, story->names[E], bytes_of(other->data, other->length));
    assert_int_equal(restore(story, REPLAY_LATEST, &reached), ERR_DAMAGED);
    assert_int_equal(reached, 7);
    assert_true(story->hash == story->hashes[7]);
    story_free(story);
}

/* ---- all at a time ---- */

static bool is_good(unsigned spoiled, enum blob blob) { return (spoiled >> blob & 1) == 0; }

/* How far the good pieces lead from there. */
static uint64_t reach(unsigned spoiled, uint64_t index) {
    for (enum blob blob = A; blob <= E; blob++)
        if (is_good(spoiled, blob) && PIECES[blob].first <= index + 1 && PIECES[blob].last > index)
            index = PIECES[blob].last;
    return index;
}

static uint64_t best(unsigned spoiled) {
    if (is_good(spoiled, Y) && is_good(spoiled, Y_CHUNK))
        return reach(spoiled, 6);
    if (is_good(spoiled, X) && is_good(spoiled, X_CHUNK))
        return reach(spoiled, 3);
    return reach(spoiled, 0);
}

/* The last entry that any name speaks of. A blob keeps its name unless it is missing. */
static uint64_t last_known(unsigned spoiled, enum spoilt how) {
    bool is_missing = how == MISSING;
    uint64_t last = 0;
    for (enum blob blob = A; blob <= E; blob++)
        if ((!is_missing || is_good(spoiled, blob)) && PIECES[blob].last > last)
            last = PIECES[blob].last;
    if ((!is_missing || is_good(spoiled, X)) && last < 3)
        last = 3;
    if ((!is_missing || is_good(spoiled, Y)) && last < 6)
        last = 6;
    return last;
}

static void expect_all_or_nothing(unsigned spoiled, enum spoilt how) {
    struct story *story = story_new();
    uint64_t reached, last = last_known(spoiled, how);
    for (enum blob blob = A; blob < BLOBS; blob++)
        if (!is_good(spoiled, blob))
            spoil(story, blob, how);
    int error = restore(story, REPLAY_LATEST, &reached);
    if ((error == 0) != (last > 0 && best(spoiled) == last))
        fail_msg("spoiled %#x: %d, %s", spoiled, error, story->reader.problem.text);
    if (error == 0) {
        assert_int_equal(reached, last);
        assert_true(story->hash == story->hashes[last]);
    }
    story_free(story);
}

static void test_any_set_of_blobs_is_spoiled(void **state) {
    (void)state;
    for (unsigned spoiled = 0; spoiled < 1u << BLOBS; spoiled++)
        for (enum spoilt how = 0; how < SPOILT_COUNT; how++)
            expect_all_or_nothing(spoiled, how);
}

RUN_TESTS(cmocka_unit_test(test_a_damaged_newest_snapshot_is_passed_over),
          cmocka_unit_test(test_only_what_is_in_the_way_is_passed_over),
          cmocka_unit_test(test_what_only_the_damaged_one_has_is_refused),
          cmocka_unit_test(test_a_store_that_fails_is_no_damage),
          cmocka_unit_test(test_a_piece_under_another_name_is_not_replayed),
          cmocka_unit_test(test_any_set_of_blobs_is_spoiled))
