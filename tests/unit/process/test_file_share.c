/* Descriptors are shared out so that the node's own are never taken by others. */
#include "../unit.h"
#include "process/file_share.h"
#include "rpc/grpc_server.h"
#include <sys/resource.h>

static void test_what_a_usual_system_allows(void **state) {
    (void)state;
    struct file_share many = file_share_of(524288, 2);
    assert_int_equal(many.peers, GRPC_SERVER_CONNECTION_MAXIMUM);
    assert_int_equal(many.clients, 524288 - FILE_SHARE_OWN - 2 * GRPC_SERVER_CONNECTION_MAXIMUM);
    struct file_share few = file_share_of(1024, 1);
    assert_int_equal(few.peers, 128);
    assert_int_equal(few.clients, 384);
    struct file_share fewest = file_share_of(64, 1);
    assert_int_equal(fewest.peers, FILE_SHARE_PEERS_LEAST);
    assert_int_equal(fewest.clients, 16);
}

/* From as many as a worker wants at the least, others never get at the node's own. */
static void test_others_leave_the_nodes_own(void **state) {
    (void)state;
    for (unsigned workers = 1; workers <= 64; workers++) {
        for (uint64_t allowed = 64 * workers; allowed < 100000; allowed += 1 + allowed / 9) {
            struct file_share share = file_share_of(allowed, workers);
            uint64_t own = allowed / 2 < FILE_SHARE_OWN ? allowed / 2 : FILE_SHARE_OWN;
            assert_true(share.clients >= 1);
            assert_true(share.clients + (uint64_t)share.peers * workers <= allowed - own);
        }
    }
}

/* The soft limit is what programs start with; the hard one is what they may have. */
static void test_the_limit_is_raised(void **state) {
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_max > 200);
    limit.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct file_share share = file_share_take(1);
    assert_true(share.allowed > 100);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur >= share.allowed);
}

RUN_TESTS(cmocka_unit_test(test_what_a_usual_system_allows),
          cmocka_unit_test(test_others_leave_the_nodes_own),
          cmocka_unit_test(test_the_limit_is_raised))
