/* A directory that a restore writes, on disks that refuse one call, whichever: it is called
 * finished only if every byte is there, and what is not finished lacks the file that a start wants.
 */
#include "../store/fake_disk.h"
#include "../unit.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "cluster/topology_file.h"
#include "directory/directory_writer.h"
#include "member/identity.h"
#include "shard/machine/keyspace_machine.h"
#include "shard/machine/plan.h"
#include "slot/slot.h"
#include "store/snapshot/chunk.h"
#include "store/wal/wal.h"
#include "worker/promise.h"
#include "worker/settings.h"

enum {
    DISKS = 3,
    WORKERS = 2,
    SHARDS = 3,
    KEYS = 40,
    CALLS_MAXIMUM = 2000,
    SHORT_SEGMENT_BYTES = 1024,
    REPEATS = 6 /* so that the log needs another */
};

struct world {
    struct fake_disk disks[DISKS]; /* the node's own, then a worker's each */
    struct topology *topology;
    struct config config;
    struct machine *machine;
    unsigned repeats; /* how often each shard is written */
};

static void set_key(struct machine *machine, const char *key, struct bytes value) {
    const struct bytes words[] = {BYTES_LITERAL("set"), bytes_of_text(key), value};
    struct machine_call call = {
        .arguments = words, .argument_count = 3, .applied_ms = 5, .now_ms = 5};
    struct reply nobody = {.protocol = 2};
    machine->ops->apply(machine, &call, &nobody);
}

static void fill(struct machine *machine) {
    for (unsigned i = 0; i < KEYS; i++) {
        char key[20];
        snprintf(key, sizeof key, "key-%u", i);
        set_key(machine, key, BYTES_LITERAL("value"));
    }
}

static struct world *world_new(void) {
    struct world *world = memory_allocate_zeroed(1, sizeof *world);
    struct topology_node node = {.uuid = {9}, .address = {"127.0.0.1", 7001, 17001, 9001}};
    for (unsigned i = 0; i < DISKS; i++)
        fake_disk_init(&world->disks[i]);
    world->topology = topology_found((const uint8_t *)"0123456789abcde", &node, 1, SHARDS, 1);
    config_init(&world->config);
    world->config.wal_segment_bytes = 65536;
    world->machine = keyspace_machine_new(1, NULL);
    fill(world->machine);
    world->repeats = 1;
    return world;
}

static void world_free(struct world *world) {
    world->machine->ops->free(world->machine);
    config_release(&world->config);
    topology_free(world->topology);
    for (unsigned i = 0; i < DISKS; i++) {
        assert_int_equal(world->disks[i].open_files, 0);
        fake_disk_release(&world->disks[i]);
    }
    memory_free(world);
}

/* As trothdb restore does it. */
static int write_all(struct world *world) {
    struct disk *workers[WORKERS] = {&world->disks[1].disk, &world->disks[2].disk};
    struct directory_writer_options options = {.node_disk = &world->disks[0].disk,
                                               .workers = workers,
                                               .worker_count = WORKERS,
                                               .topology = world->topology,
                                               .config = &world->config};
    struct directory_writer *writer;
    struct buffer problem;
    buffer_init(&problem, 4096);
    int code = directory_writer_new(&options, &writer, &problem);
    bool is_made = code == 0;
    for (unsigned i = 0; code == 0 && i < SHARDS * world->repeats; i++) {
        unsigned shard = i % SHARDS + 1;
        struct directory_shard_state state = {shard, 10 * shard, 2, 5};
        code = directory_writer_shard(writer, &state, world->machine, &problem);
    }
    code = code ? code : directory_writer_finish(writer, &problem);
    assert_int_equal(problem.length > 0, code != 0);
    if (is_made)
        directory_writer_free(writer);
    buffer_release(&problem);
    return code;
}

/* ---- what is there then ---- */

static bool is_a_topology(struct world *world, const char *name) {
    const struct fake_file *file = fake_disk_find(&world->disks[0], name);
    struct topology *topology = NULL;
    bool is_read =
        file && topology_file_decode(bytes_of(file->live, file->live_bytes), &topology) == 0;
    topology_free(topology);
    return is_read;
}

static bool looks_whole(struct world *world) {
    struct identity identity;
    return identity_read(&world->disks[0].disk, &identity) == 0 &&
           is_a_topology(world, "founding") && is_a_topology(world, "topology");
}

static int on_entry(void *context, uint32_t shard, struct bytes entry) {
    (void)context, (void)shard, (void)entry;
    return ERR_EXISTS;
}
static int on_truncate(void *context, uint32_t shard, uint64_t from_index) {
    (void)context, (void)shard, (void)from_index;
    return ERR_EXISTS;
}
static int on_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    (void)context, (void)shard, (void)term, (void)vote;
    return 0;
}
static int on_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    assert_int_equal(index, 10 * shard);
    assert_int_equal(term, 2);
    ++*(unsigned *)context;
    return 0;
}
static void on_durable(void *context, uint64_t sequence) { (void)context, (void)sequence; }
static void on_failure(void *context, int error, const char *what) {
    (void)context, (void)error;
    fail_msg("%s", what);
}

/* Every shard's mark is durable in the log of its worker, and beside it that no replica of these
 * has promised anything. */
static void expect_marks(struct world *world) {
    unsigned marks = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        uint64_t promise_us = 1;
        assert_int_equal(promise_read(&world->disks[1 + i].disk, &promise_us), 0);
        assert_int_equal(promise_us, 0);
        struct wal_options options = {.disk = &world->disks[1 + i].disk,
                                      .tuning = settings_wal_tuning(&world->config),
                                      .on_durable = on_durable,
                                      .on_failure = on_failure};
        struct wal_visitor visitor = {.entry = on_entry,
                                      .truncate = on_truncate,
                                      .state = on_state,
                                      .snapshot = on_snapshot,
                                      .context = &marks};
        struct wal_problem problem;
        struct wal *wal;
        assert_int_equal(wal_open(&options, &visitor, &wal, &problem), 0);
        fake_disk_run_all(&world->disks[1 + i]);
        wal_free(wal);
    }
    assert_int_equal(marks, SHARDS * world->repeats);
}

static bool fail_one(unsigned disk, enum fake_call call, unsigned nth, int error) {
    struct world *world = world_new();
    struct random random;
    random_init(&random, nth);
    if (error == ERR_NO_SPACE) {
        world->config.wal_segment_bytes = SHORT_SEGMENT_BYTES;
        world->repeats = REPEATS;
        world->disks[disk].fails_for_good = true;
    }
    fake_disk_fail_call(&world->disks[disk], call, nth);
    world->disks[disk].fail_call_with = error;
    int code = write_all(world);
    bool is_hit = world->disks[disk].failed_calls > 0;
    for (unsigned i = 0; i < DISKS; i++) {
        fake_disk_fail_call(&world->disks[i], call, 0);
        fake_disk_crash(&world->disks[i], &random);
    }
    assert_true(code == 0 || is_hit);
    if (code == 0)
        assert_true(looks_whole(world));
    if (looks_whole(world))
        expect_marks(world);
    world_free(world);
    return is_hit;
}

static void test_any_one_call_fails(void **state) {
    (void)state;
    for (unsigned disk = 0; disk < DISKS; disk++)
        for (enum fake_call call = 0; call < FAKE_CALL_COUNT; call++)
            for (unsigned nth = 1; fail_one(disk, call, nth, ERR_IO); nth++)
                assert_true(nth < CALLS_MAXIMUM);
}

/* Also where the log goes on in another segment: it would wait for space that nobody makes. */
static void test_no_space_for_any_one_call(void **state) {
    (void)state;
    static const enum fake_call calls[] = {FAKE_OPEN, FAKE_WRITE, FAKE_PREALLOCATE, FAKE_RENAME};
    for (unsigned disk = 0; disk < DISKS; disk++)
        for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
            for (unsigned nth = 1; fail_one(disk, calls[i], nth, ERR_NO_SPACE); nth++)
                assert_true(nth < CALLS_MAXIMUM);
}

/* ---- how it is cut ---- */

enum { CHUNK_BYTES = 16384, LARGE_KEYS = 1500, HUGE_BYTES = 3 * CHUNK_BYTES, HUGE_KEYS = 6 };

/* One slot that is many chunks, and small ones; of some of those the values are so long that
 * nobody would guess it by their number. */
static void fill_unevenly(struct machine *machine) {
    char key[24];
    uint8_t *value = memory_allocate(HUGE_BYTES);
    struct random random;
    random_init(&random, 7);
    for (size_t i = 0; i < HUGE_BYTES; i++)
        value[i] = (uint8_t)random_next(&random);
    for (unsigned i = 0; i < LARGE_KEYS; i++) {
        snprintf(key, sizeof key, "{large}%u", i);
        set_key(machine, key, bytes_of(value + i, 100));
    }
    for (unsigned i = 0; i < HUGE_KEYS; i++) {
        snprintf(key, sizeof key, "huge-%u", i);
        set_key(machine, key, bytes_of(value, HUGE_BYTES));
    }
    memory_free(value);
}

static struct snapshot_manifest *manifest_of(struct world *world, uint32_t shard) {
    struct snapshot_manifest *manifest;
    struct disk *disk = &world->disks[1 + shard % WORKERS].disk;
    assert_int_equal(snapshot_manifest_read(disk, shard, 10 * shard, &manifest), 0);
    return manifest;
}

static void expect_loads(struct world *world, const struct snapshot_manifest *manifest) {
    struct machine *machine = keyspace_machine_new(2, NULL);
    uint32_t shard = manifest->meta.shard;
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        struct buffer raw;
        assert_int_equal(snapshot_chunk_read(&world->disks[1 + shard % WORKERS].disk, shard,
                                             &manifest->chunks[i], &raw),
                         0);
        assert_int_equal(machine->ops->load(machine, buffer_bytes(&raw)), 0);
        buffer_release(&raw);
    }
    assert_true(machine->ops->load_is_complete(machine));
    assert_true(machine->ops->hash(machine) == world->machine->ops->hash(world->machine));
    assert_true(snapshot_manifest_state_hash(manifest) ==
                world->machine->ops->hash(world->machine));
    machine->ops->free(machine);
}

/* Nothing changed, and then one key: the shard's own next snapshot keeps the rest. */
static uint32_t count_new(struct world *world, const struct snapshot_manifest *manifest,
                          const char *key) {
    struct plan_options options = {.chunk_bytes = CHUNK_BYTES, .may_divide = true};
    struct part_set changed = {.parts = NULL};
    struct plan plan;
    uint32_t count = 0;
    plan_divide(manifest->chunks, manifest->chunk_count, &changed);
    if (key)
        part_set_add_key(&changed, slot_of_key(bytes_of_text(key)), bytes_of_text(key));
    plan_init(&plan, world->machine, manifest, &changed, &options);
    for (uint32_t i = 0; i < plan.chunk_count; i++)
        count += !plan.is_old[i];
    plan_release(&plan);
    part_set_clear(&changed);
    return count;
}

static void test_a_large_slot_is_divided_as_a_running_node_does(void **state) {
    (void)state;
    struct world *world = world_new();
    world->config.snapshot_chunk_bytes = CHUNK_BYTES;
    world->topology->level = FEATURE_LEVEL_NEWEST;
    fill_unevenly(world->machine);
    assert_int_equal(write_all(world), 0);
    for (uint32_t shard = 1; shard <= SHARDS; shard++) {
        struct snapshot_manifest *manifest = manifest_of(world, shard);
        unsigned parts = 0;
        for (uint32_t i = 0; i < manifest->chunk_count; i++) {
            parts += manifest->chunks[i].part_bits > 0;
            assert_true(manifest->chunks[i].raw_bytes < HUGE_BYTES + 3 * CHUNK_BYTES);
        }
        assert_true(parts >= 8);
        expect_loads(world, manifest);
        assert_true(count_new(world, manifest, "{large}7") <= count_new(world, manifest, NULL) + 1);
        snapshot_manifest_free(manifest);
    }
    world_free(world);
}

/* A node of an older release may join the cluster that the directory begins. */
static void test_nothing_is_divided_at_an_old_level(void **state) {
    (void)state;
    struct world *world = world_new();
    world->config.snapshot_chunk_bytes = CHUNK_BYTES;
    world->topology->level = 1;
    fill_unevenly(world->machine);
    assert_int_equal(write_all(world), 0);
    struct snapshot_manifest *manifest = manifest_of(world, 1);
    for (uint32_t i = 0; i < manifest->chunk_count; i++)
        assert_int_equal(manifest->chunks[i].part_bits, 0);
    expect_loads(world, manifest);
    snapshot_manifest_free(manifest);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_fails),
          cmocka_unit_test(test_no_space_for_any_one_call),
          cmocka_unit_test(test_a_large_slot_is_divided_as_a_running_node_does),
          cmocka_unit_test(test_nothing_is_divided_at_an_old_level))
