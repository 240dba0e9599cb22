/* A node's directory with every kind of file and of record in it: whichever bit of it is another,
 * the check finds it, and names the file. */
#include "../store/fake_disk.h"
#include "../unit.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "directory/directory_check.h"
#include "directory/directory_writer.h"
#include "member/identity.h"
#include "raft/events/entry.h"
#include "shard/machine/keyspace_machine.h"
#include "store/record/format.h"
#include "worker/promise.h"
#include "worker/settings.h"
#include "written_log.h"

enum { SHARDS = 3, KEYS = 3, TERM = 2, SNAPSHOT_INDEX = 10, FORGOTTEN = 3, SEGMENT_BYTES = 2048 };

struct place {
    struct fake_disk node, worker;
    struct topology *topology;
    struct config config;
    struct wal *wal;
    raft_index last_index[SHARDS + 1];
};

/* ---- making it ---- */

static void set_key(struct machine *machine, const char *key) {
    const struct bytes words[] = {BYTES_LITERAL("set"), bytes_of_text(key), BYTES_LITERAL("v")};
    struct machine_call call = {
        .arguments = words, .argument_count = 3, .applied_ms = 5, .now_ms = 5};
    struct reply nobody = {.protocol = 2};
    machine->ops->apply(machine, &call, &nobody);
}

/* A snapshot of each shard, and its mark in the log; identity, founding, topology and promise. */
static void write_snapshots(struct place *place) {
    struct disk *worker = &place->worker.disk;
    struct directory_writer_options options = {.node_disk = &place->node.disk,
                                               .workers = &worker,
                                               .worker_count = 1,
                                               .topology = place->topology,
                                               .config = &place->config};
    struct directory_writer *writer;
    struct machine *machine = keyspace_machine_new(1, NULL);
    struct buffer problem;
    char key[16];
    buffer_init(&problem, 4096);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key-%u", i);
        set_key(machine, key);
    }
    assert_int_equal(directory_writer_new(&options, &writer, &problem), 0);
    for (uint32_t shard = 1; shard <= SHARDS; shard++) {
        struct directory_shard_state state = {shard, SNAPSHOT_INDEX, TERM, 5};
        assert_int_equal(directory_writer_shard(writer, &state, machine, &problem), 0);
        place->last_index[shard] = SNAPSHOT_INDEX;
    }
    assert_int_equal(directory_writer_finish(writer, &problem), 0);
    directory_writer_free(writer);
    machine->ops->free(machine);
    buffer_release(&problem);
}

static struct written_log log_of(struct place *place) {
    return (struct written_log){
        .fake = &place->worker, .tuning = settings_wal_tuning(&place->config), .has_digests = true};
}

static void open_log(struct place *place) {
    struct written_log written = log_of(place);
    place->wal = written_log_open(&written);
}

static void flush(struct place *place) {
    struct written_log written = log_of(place);
    written_log_flush(&written, place->wal);
}

static void append_entries(struct place *place, uint32_t shard, unsigned count) {
    static const char text[] = "what an entry holds";
    while (count-- > 0) {
        struct raft_entry *entry = raft_entry_new(sizeof text);
        memcpy(raft_entry_payload_room(entry), text, sizeof text);
        raft_entry_seal(entry, TERM, ++place->last_index[shard], RAFT_ENTRY_NOTHING);
        wal_append_entry(place->wal, shard, place->last_index[shard], raft_entry_bytes(entry));
        raft_entry_drop(entry);
    }
}

static struct fake_file *newest_segment(struct place *place) {
    struct fake_file *newest = NULL;
    uint64_t segment;
    for (size_t i = 0; i < place->worker.names.count; i++)
        if (wal_segment_name_parse(place->worker.names.entries[i].name, &segment))
            newest = place->worker.names.entries[i].file;
    return newest;
}

/* Where the last round of a segment begins, and where it ends. */
static size_t last_round(const struct fake_file *file, size_t *end) {
    size_t at = 0, begin = 0;
    uint64_t round = 0;
    struct wal_header header;
    while (at < file->live_bytes &&
           wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0) {
        begin = header.round == round ? begin : at;
        round = header.round;
        at += wal_record_bytes(header.payload_bytes);
    }
    *end = at;
    return begin;
}

/* A node that was killed while a round was written: the next start says where it cut. */
static void tear_last_round(struct place *place) {
    size_t begin = 0, end;
    struct fake_file *file = NULL;
    while (begin == 0) { /* no record of a cut is a segment's first */
        append_entries(place, 1, 1);
        flush(place);
        file = newest_segment(place);
        begin = last_round(file, &end);
    }
    wal_free(place->wal);
    file->live[end - 1 - WAL_RECORD_ALIGNMENT_BYTES] ^= 1;
    place->last_index[1]--;
    open_log(place);
}

/* No entry is in it, once others follow it: with it go the marks, which are said again. */
static void let_first_segment_go(struct place *place) {
    for (uint64_t term = TERM + 1; term < TERM + 10; term++) {
        wal_append_state(place->wal, 1, term, 1);
        flush(place);
    }
    wal_append_snapshot(place->wal, 1, SNAPSHOT_INDEX, TERM);
    wal_release(place->wal, 1, SNAPSHOT_INDEX);
    flush(place);
}

/* Behind the snapshots: records of every kind, and a mark behind the last of them. */
static void write_records(struct place *place) {
    open_log(place);
    let_first_segment_go(place);
    append_entries(place, 1, 6);
    flush(place);
    wal_append_truncate(place->wal, 1, place->last_index[1]--);
    flush(place);
    append_entries(place, 2, 6);
    wal_append_forget(place->wal, FORGOTTEN, SNAPSHOT_INDEX, TERM);
    flush(place);
    tear_last_round(place);
    append_entries(place, 1, 2);
    flush(place);
    wal_mark(place->wal);
    fake_disk_run_all(&place->worker);
    wal_free(place->wal);
}

static int set_up(void **state) {
    struct place *place = memory_allocate_zeroed(1, sizeof *place);
    struct topology_node node = {.uuid = {9}, .address = {"127.0.0.1", 7001, 17001, 9001}};
    fake_disk_init(&place->node);
    fake_disk_init(&place->worker);
    config_init(&place->config);
    place->config.wal_segment_bytes = SEGMENT_BYTES;
    place->topology = topology_found((const uint8_t *)"0123456789abcde", &node, 1, SHARDS, 1);
    place->topology->level = FEATURE_LEVEL_NEWEST;
    write_snapshots(place);
    write_records(place);
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    struct place *place = *state;
    fake_disk_release(&place->node);
    fake_disk_release(&place->worker);
    topology_free(place->topology);
    config_release(&place->config);
    memory_free(place);
    return 0;
}

/* ---- looking ---- */

static int open_worker(void *context, unsigned worker, struct disk **disk) {
    *disk = &((struct place *)context)->worker.disk;
    return worker == 0 ? 0 : ERR_NOT_FOUND;
}

static void check(struct place *place, struct directory_report *report) {
    struct directory_check_options options = {
        .node_disk = &place->node.disk, .open_worker = open_worker, .context = place};
    assert_int_equal(directory_check(&options, report), 0);
}

static bool is_found(struct place *place, const char *file) {
    struct directory_report report;
    bool is_named = false;
    check(place, &report);
    for (size_t i = 0; i < report.finding_count; i++)
        is_named = is_named || strcmp(report.findings[i].file, file) == 0;
    directory_report_release(&report);
    return is_named;
}

/* Every `step`-th bit of what the file holds. */
static void flip_bits(struct place *place, const char *file_name, struct fake_file *file,
                      size_t end, size_t step) {
    for (size_t bit = 0; bit < end * 8; bit += step) {
        file->live[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (!is_found(place, file_name))
            fail_msg("bit %zu of byte %zu in %s", bit % 8, bit / 8, file_name);
        file->live[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static bool begins(const char *name, const char *with) {
    return strncmp(name, with, strlen(with)) == 0;
}

/* What it holds; of a segment not what is behind its last record, and of the newest not the mark,
 * which cannot be told from a round that was never finished. */
static size_t length_of(struct place *place, const char *name, const struct fake_file *file) {
    size_t end;
    if (!begins(name, "wal-"))
        return file->live_bytes;
    size_t begin = last_round(file, &end);
    return file == newest_segment(place) ? begin : end;
}

static bool is_in_use(const char *name) {
    uint64_t segment;
    return !begins(name, "wal-") || wal_segment_name_parse(name, &segment);
}

static void test_the_directory_is_sound_and_has_everything(void **state) {
    struct place *place = *state;
    struct directory_report report;
    check(place, &report);
    if (report.finding_total)
        fail_msg("%s: %s", report.findings[0].file, report.findings[0].what);
    assert_int_equal(report.unknown_count + report.leftover_count, 0);
    assert_int_equal(report.shard_count, SHARDS);
    assert_true(report.workers[0].segment_count > 1);
    assert_true(report.shards[1].entry_count > 0); /* behind the control shard */
    directory_report_release(&report);
    unsigned kinds = 0;
    for (size_t i = 0; i < place->worker.names.count; i++) {
        const struct fake_file *file = place->worker.names.entries[i].file;
        struct wal_header header;
        uint64_t segment;
        if (!wal_segment_name_parse(place->worker.names.entries[i].name, &segment))
            continue;
        for (size_t at = 0;
             at < file->live_bytes &&
             wal_header_decode(bytes_of(file->live + at, file->live_bytes - at), &header) == 0;
             at += wal_record_bytes(header.payload_bytes))
            kinds |= 1u << header.kind;
    }
    assert_int_equal(kinds, (1u << WAL_KIND_END) - (1u << WAL_ENTRY));
}

static void test_every_flip_in_the_nodes_own_files(void **state) {
    struct place *place = *state;
    assert_int_equal(place->node.names.count, 3);
    for (size_t i = 0; i < place->node.names.count; i++) {
        struct fake_file *file = place->node.names.entries[i].file;
        flip_bits(place, place->node.names.entries[i].name, file, file->live_bytes, 1);
    }
}

static void flip_worker_files(struct place *place, const char *beginning, size_t step) {
    unsigned count = 0;
    for (size_t i = 0; i < place->worker.names.count; i++) {
        const char *name = place->worker.names.entries[i].name;
        struct fake_file *file = place->worker.names.entries[i].file;
        char path[DISK_NAME_MAXIMUM + 16];
        if (!begins(name, beginning) || !is_in_use(name))
            continue;
        snprintf(path, sizeof path, "worker-0/%s", name);
        flip_bits(place, path, file, length_of(place, name, file), step);
        count++;
    }
    assert_true(count > 0);
}

static void test_every_flip_in_a_promise(void **state) {
    flip_worker_files(*state, PROMISE_FILE, 1);
}

static void test_every_flip_in_a_manifest(void **state) {
    flip_worker_files(*state, "snapshot-1-", 1);
}

static void test_every_flip_in_a_chunk(void **state) { flip_worker_files(*state, "chunk-1-", 1); }

/* Here and there one in each byte: that every bit of a log is found is for the store's own test
 * (unit/store/test_verify.c). */
static void test_flips_all_over_the_log(void **state) { flip_worker_files(*state, "wal-", 7); }

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
RUN_TESTS(IN_A_PLACE(test_the_directory_is_sound_and_has_everything),
          IN_A_PLACE(test_every_flip_in_the_nodes_own_files),
          IN_A_PLACE(test_every_flip_in_a_promise), IN_A_PLACE(test_flips_all_over_the_log),
          IN_A_PLACE(test_every_flip_in_a_manifest), IN_A_PLACE(test_every_flip_in_a_chunk))
