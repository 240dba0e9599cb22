/* Directories that no node leaves like that, looked through: whatever their files say, it is told
 * and not believed. */
#include "../store/fake_disk.h"
#include "../unit.h"
#include "base/memory.h"
#include "directory/directory_check.h"
#include "written_log.h"

enum { WORKERS = 2, SHARDS = 4 };

struct place {
    struct fake_disk node, workers[WORKERS];
};

/* A log in which each shard of the worker has a term. */
static void write_log(struct fake_disk *fake, unsigned worker) {
    struct written_log written = {.fake = fake,
                                  .tuning = {.segment_bytes = 4096, .round_bytes = 4096}};
    struct wal *wal = written_log_open(&written);
    for (unsigned shard = worker; shard < SHARDS; shard += WORKERS)
        wal_append_state(wal, shard, 3, 1);
    written_log_flush(&written, wal);
    wal_free(wal);
}

static int set_up(void **state) {
    struct place *place = memory_allocate_zeroed(1, sizeof *place);
    fake_disk_init(&place->node);
    for (unsigned i = 0; i < WORKERS; i++) {
        fake_disk_init(&place->workers[i]);
        write_log(&place->workers[i], i);
    }
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    struct place *place = *state;
    fake_disk_release(&place->node);
    for (unsigned i = 0; i < WORKERS; i++)
        fake_disk_release(&place->workers[i]);
    memory_free(place);
    return 0;
}

static void put_identity(struct place *place, uint32_t worker_count) {
    static const uint8_t fresh[NODE_UUID_BYTES] = {7};
    struct identity identity;
    struct buffer problem;
    buffer_init(&problem, 1024);
    assert_int_equal(identity_open(&place->node.disk, fresh, worker_count, &identity, &problem), 0);
    buffer_release(&problem);
}

static int open_worker(void *context, unsigned worker, struct disk **disk) {
    struct place *place = context;
    if (worker >= WORKERS)
        return ERR_NOT_FOUND;
    *disk = &place->workers[worker].disk;
    return 0;
}

static void check(struct place *place, struct directory_report *report) {
    struct directory_check_options options = {
        .node_disk = &place->node.disk, .open_worker = open_worker, .context = place};
    assert_int_equal(directory_check(&options, report), 0);
    assert_int_equal(report->worker_count, WORKERS);
}

static bool is_found(const struct directory_report *report, const char *file, const char *what) {
    for (size_t i = 0; i < report->finding_count; i++)
        if (strcmp(report->findings[i].file, file) == 0 &&
            strstr(report->findings[i].what, what) != NULL)
            return true;
    return false;
}

static void test_the_identity_of_a_node(void **state) {
    struct place *place = *state;
    struct directory_report report;
    put_identity(place, WORKERS);
    check(place, &report);
    assert_int_equal(report.shard_count, SHARDS);
    assert_false(is_found(&report, "identity", ""));
    directory_report_release(&report);
}

/* It came from the wrong copy: an agent has no workers, and here are the logs of two. */
static void test_the_identity_of_an_agent(void **state) {
    struct place *place = *state;
    struct directory_report report;
    put_identity(place, IDENTITY_AGENT);
    check(place, &report);
    assert_int_equal(report.shard_count, SHARDS);
    assert_true(is_found(&report, "identity", "it is an agent's"));
    directory_report_release(&report);
}

static void test_no_identity(void **state) {
    struct place *place = *state;
    struct directory_report report;
    check(place, &report);
    assert_int_equal(report.shard_count, SHARDS);
    assert_true(is_found(&report, "identity", "not found"));
    directory_report_release(&report);
}

static unsigned findings_of_rights(const struct directory_report *report) {
    unsigned count = 0;
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct directory_finding *finding = &report->findings[i];
        if (strstr(finding->what, error_text(ERR_REFUSED)) == NULL)
            continue;
        assert_non_null(strstr(finding->advice, "as the user that the node runs as"));
        count++;
    }
    return count;
}

static bool refuse_open(struct place *place, struct fake_disk *disk, unsigned nth) {
    struct directory_report report;
    unsigned failed = disk->failed_calls;
    fake_disk_fail_call(disk, FAKE_OPEN, nth);
    disk->fails_for_good = true;
    disk->fail_call_with = ERR_REFUSED;
    check(place, &report);
    bool is_hit = disk->failed_calls > failed;
    assert_int_equal(findings_of_rights(&report) > 0, is_hit);
    assert_int_equal(report.unread_total, is_hit ? report.finding_total : 0);
    fake_disk_fail_call(disk, FAKE_OPEN, 0);
    directory_report_release(&report);
    return is_hit;
}

/* Somebody else checks it: nobody is told to throw away what he may not look at. */
static void test_what_may_not_be_read_is_not_called_lost(void **state) {
    struct place *place = *state;
    struct fake_disk *disks[] = {&place->node, &place->workers[0]};
    put_identity(place, WORKERS);
    for (unsigned i = 0; i < 2; i++) {
        unsigned nth = 1;
        while (refuse_open(place, disks[i], nth))
            nth++;
        assert_true(nth > 1);
    }
}

static void test_an_identity_of_fewer_workers(void **state) {
    struct place *place = *state;
    struct directory_report report;
    struct directory_check_options options = {
        .node_disk = &place->node.disk, .open_worker = open_worker, .context = place};
    put_identity(place, 1);
    assert_int_equal(directory_check(&options, &report), 0);
    assert_int_equal(report.worker_count, 1);
    assert_int_equal(report.shard_count, SHARDS / WORKERS);
    directory_report_release(&report);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
RUN_TESTS(IN_A_PLACE(test_the_identity_of_a_node), IN_A_PLACE(test_the_identity_of_an_agent),
          IN_A_PLACE(test_no_identity), IN_A_PLACE(test_what_may_not_be_read_is_not_called_lost),
          IN_A_PLACE(test_an_identity_of_fewer_workers))
