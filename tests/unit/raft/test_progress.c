/* The window of one follower against a plain list of what is in flight: however long the entries
 * are, it holds no more than it has bytes, or one of them. */
#include "../unit.h"

#include "base/random.h"
#include "raft/parts/progress.h"

enum { FLIGHT_MAXIMUM = 64 };

static const struct raft_timing timing = {.window_bytes = 1000, .window_messages = 20};

static void test_window(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    struct raft_progress progress = {0};
    raft_progress_begin(&progress, 2, 1);
    assert_int_equal(progress.state, RAFT_PROBE);
    raft_progress_replicate(&progress);
    struct raft_flight flights[FLIGHT_MAXIMUM];
    size_t count = 0, full_count = 0;
    for (unsigned round = 0; round < 5000; round++) {
        uint64_t bytes = 0;
        for (size_t i = 0; i < count; i++)
            bytes += flights[i].bytes;
        uint64_t length = random_chance(&random, 0.02) ? 1500 : random_between(&random, 1, 100);
        uint64_t left = bytes < timing.window_bytes ? timing.window_bytes - bytes : 0;
        bool has_room = count == 0 || (count < timing.window_messages && length <= left);
        assert_true(bytes <= timing.window_bytes || count == 1);
        assert_int_equal(raft_progress_left_bytes(&progress, &timing), left);
        assert_int_equal(raft_progress_has_room(&progress, &timing, length), has_room);
        full_count += !has_room;
        if (has_room && random_chance(&random, 0.9)) {
            struct raft_flight flight = {progress.next_index + random_below(&random, 5), length};
            raft_progress_fly(&progress, flight.last_index, flight.bytes, round);
            flights[count++] = flight;
        } else if (progress.next_index > 1) {
            progress.match_index =
                random_between(&random, progress.match_index, progress.next_index - 1);
            raft_progress_land(&progress, round);
            size_t landed = 0;
            while (landed < count && flights[landed].last_index <= progress.match_index)
                landed++;
            count -= landed;
            memmove(flights, flights + landed, count * sizeof flights[0]);
        }
    }
    assert_true(full_count > 10);
    raft_progress_release(&progress);
}

/* Going back never goes below what is known to match. */
static void test_probe(void **state) {
    (void)state;
    struct raft_progress progress = {0};
    raft_progress_begin(&progress, 2, 10);
    progress.match_index = 4;
    raft_progress_replicate(&progress);
    raft_progress_fly(&progress, 9, 100, 0);
    raft_progress_probe(&progress, 2);
    assert_int_equal(progress.next_index, 5);
    assert_int_equal(progress.flight_count, 0);
    assert_int_equal(progress.flight_bytes, 0);
    raft_progress_snapshot(&progress, 7);
    assert_int_equal(progress.state, RAFT_SNAPSHOT);
    assert_int_equal(progress.snapshot_index, 7);
    raft_progress_begin(&progress, 3, 1);
    assert_int_equal(progress.match_index, 0);
    raft_progress_release(&progress);
}

RUN_TESTS(cmocka_unit_test(test_window), cmocka_unit_test(test_probe))
