#include "written_log.h"
#include "../unit.h"

static int on_entry(void *context, uint32_t shard, struct bytes entry) {
    (void)context, (void)shard, (void)entry;
    return 0;
}

static int on_truncate(void *context, uint32_t shard, uint64_t from_index) {
    (void)context, (void)shard, (void)from_index;
    return 0;
}

static int on_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    (void)context, (void)shard, (void)term, (void)vote;
    return 0;
}

static int on_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)context, (void)shard, (void)index, (void)term;
    return 0;
}

static void on_durable(void *context, uint64_t sequence) { (void)context, (void)sequence; }

static void on_failure(void *context, int error, const char *what) {
    (void)context, (void)error;
    fail_msg("%s", what);
}

struct wal *written_log_open(const struct written_log *written) {
    struct wal_options options = {.disk = &written->fake->disk,
                                  .tuning = written->tuning,
                                  .seed = 5,
                                  .has_digests = written->has_digests,
                                  .on_durable = on_durable,
                                  .on_failure = on_failure};
    struct wal_visitor visitor = {
        .entry = on_entry, .truncate = on_truncate, .state = on_state, .snapshot = on_snapshot};
    struct wal_problem problem;
    struct wal *wal;
    assert_int_equal(wal_open(&options, &visitor, &wal, &problem), 0);
    return wal;
}

void written_log_flush(const struct written_log *written, struct wal *wal) {
    wal_flush(wal);
    fake_disk_run_all(written->fake);
    assert_true(wal_is_idle(wal));
}
