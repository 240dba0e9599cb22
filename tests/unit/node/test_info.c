/* INFO and LATENCY: each command is counted once, as what it was, with the time that it took. */
#include <stdlib.h>

#include "replica/leads/standing.h"
#include "store/wal/wal.h"
#include "worker/worker.h"
#include "world.h"

#define FOUR_SHARDS ((const char *const[]){"shards", "4", NULL})

static void test_info(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0);
    client_ask(client, "SET a 1\nSET b 1 EX 100");
    client_take(client);
    world_pass_ms(world, 150);
    client_ask(client, "INFO");
    const char *text = client_take(client);
    static const char *const expected[] = {
        "# Server\r\nredis_version:7.0.15\r\nredis_mode:cluster\r\n",
        "\r\n\r\n# Clients\r\nconnected_clients:1\r\n",
        "loading:0\r\n",
        "role:master\r\nconnected_slaves:0\r\n",
        "# Cluster\r\ncluster_enabled:1\r\n",
        "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n",
        "tcp_port:7001\r\n",
        "shards_led:5\r\n"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_non_null(strstr(text, expected[i]));
    const char *resident = strstr(text, "used_memory_rss:");
    assert_non_null(resident);
    assert_in_range(strtoull(resident + strlen("used_memory_rss:"), NULL, 10), 1 << 20, 1LL << 40);
    /* The peak of Redis is that of used_memory, which is not kept here. */
    assert_non_null(strstr(text, "used_memory_rss_peak:"));
    assert_null(strstr(text, "used_memory_peak:"));
    CLIENT_EXPECT(client, "INFO cluster KEYSPACE",
                  "$76\r\n# Cluster\r\ncluster_enabled:1\r\n\r\n# "
                  "Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n\r\n");
    CLIENT_EXPECT(client, "INFO nosuch", "$0\r\n\r\n");
    client_ask(client, "HELLO 3\nINFO cluster");
    assert_non_null(strstr(client_take(client), "=34\r\ntxt:# Cluster\r\n"));
    world_free(world);
}

/* The figure behind `name:` in INFO. */
static long long info_figure(struct client *client, const char *name) {
    client_ask(client, "INFO everything");
    const char *at = strstr(client_take(client), name);
    assert_non_null(at);
    assert_int_equal(at[strlen(name)], ':');
    return atoll(at + strlen(name) + 1);
}

/* Reads that find and do not find, a key whose time comes, an error: INFO has counted each once.
 * The read that meets the key past its time runs twice and misses once; who looks inside a write
 * does not read. */
static void test_info_counts_what_was_met(void **state) {
    (void)state;
    static const char *const settings[] = {"expire-interval-ms", "60000", NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    client_ask(
        client,
        "SET a 1\nSET b 2 PX 50\nGET a\nMGET a b none\nEXISTS none\nAPPEND a x\nGETDEL none");
    client_take(client);
    world_pass_ms(world, 60);
    CLIENT_EXPECT(client, "GET b\nINCR a",
                  "$-1\r\n-ERR value is not an integer or out of range\r\n");
    world_pass_ms(world, 250);
    assert_int_equal(info_figure(client, "keyspace_hits"), 3);
    assert_int_equal(info_figure(client, "keyspace_misses"), 3);
    assert_int_equal(info_figure(client, "expired_keys"), 1);
    assert_int_equal(info_figure(client, "total_error_replies"), 1);
    client_ask(client, "INFO errorstats");
    assert_non_null(strstr(client_take(client), "errorstat_ERR:count=1\r\n"));
    client_ask(client, "INFO commandstats");
    assert_non_null(strstr(client_take(client), "cmdstat_mget:calls=1,usec="));
    world_free(world);
}

/* INFO, the metrics and what others hear of this node say the same. */
static void expect_disk_is_full(struct client *client, bool is_full) {
    struct worker *worker = world_worker(client->world, 0);
    world_pass_ms(client->world, 1500);
    assert_int_equal(metric_value(metrics_cell(worker->metrics, METRIC_disk_is_full, "0")),
                     is_full);
    assert_int_equal(info_figure(client, "disk_full"), is_full);
    uint64_t reasons = statistic_of(&worker->shared->workers[0].standing);
    assert_int_equal(reasons >> STANDING_FULL_DISK & 1, is_full);
}

/* No segment can be made any more, and there is room yet in the last one: no write is taken, and
 * that is told. */
static void test_a_full_disk_is_told_while_there_is_room(void **state) {
    (void)state;
    static const char *const settings[] = {"wal-spare-segments",
                                           "0",
                                           "wal-reserve-bytes",
                                           "64kb",
                                           "shards",
                                           "1",
                                           "snapshot-log-entries",
                                           "100000",
                                           NULL};
    struct world *world = world_new(1, settings);
    struct client *client = world_connect(world, 0);
    const struct wal *wal = world_worker(world, 0)->wal;
    static char set[10000] = "SET k ";
    memset(set + strlen(set), 'x', sizeof set - strlen(set) - 1);
    expect_disk_is_full(client, false);
    world_fill_disks(world, true);
    for (unsigned i = 0; wal_space(wal) == WAL_SPACE_ENOUGH; i++) {
        assert_in_range(i, 0, 1000);
        client_ask(client, set);
    }
    assert_int_equal(wal_space(wal), WAL_SPACE_SHORT);
    expect_disk_is_full(client, true);
    client_take(client);
    client_ask(client, "SET other x");
    assert_memory_equal(client_take(client), "-MISCONF ", 9);
    assert_int_equal(wal_space(wal), WAL_SPACE_SHORT);
    world_fill_disks(world, false);
    expect_disk_is_full(client, false);
    CLIENT_EXPECT(client, "SET other x", "+OK\r\n");
    world_free(world);
}

/* What INFO commandstats says of a command, without its times; "" if it says nothing. */
static void command_figures(struct client *client, const char *name, char out[128]) {
    char start[48];
    client_ask(client, "INFO commandstats");
    int length = snprintf(start, sizeof start, "cmdstat_%s:", name);
    const char *at = strstr(client_take(client), start);
    out[0] = '\0';
    if (!at)
        return;
    unsigned long long calls, duration_us, rejected, failed;
    double mean_us;
    int end = 0;
    int count = sscanf(at + length,
                       "calls=%llu,usec=%llu,usec_per_call=%lf,rejected_calls=%llu,"
                       "failed_calls=%llu\r\n%n",
                       &calls, &duration_us, &mean_us, &rejected, &failed, &end);
    assert_int_equal(count, 5);
    assert_true(end > 0);
    snprintf(out, 128, "%llu called, %llu rejected, %llu failed", calls, rejected, failed);
}

static void expect_figures(struct client *client, const char *name, const char *expected) {
    char figures[128];
    command_figures(client, name, figures);
    assert_string_equal(figures, expected);
}

/* What never ran was rejected, and is no call: a wrong count of words, no login, keys in several
 * slots, a leader elsewhere. What ran and ended in an error has failed. */
static void test_info_tells_calls_rejected_and_failed(void **state) {
    (void)state;
    struct world *world = world_new(2, FOUR_SHARDS);
    struct client *client = world_connect(world, 0), *other = world_connect(world, 1);
    client_ask(client,
               "SET {a}x y\nSET\nSET {a}x y EX 0\nGET {a}x\nHGET {a}x f\nGET\nMGET a b\n"
               "CONFIG SET nosuch 1\nCONFIG\nNOSUCH\nCLIENT NOSUCH\nTROTHDB WITH async INCR {a}x\n"
               "TROTHDB WITH now SET {a}x y\nTROTHDB WITH async SET\nSUBSCRIBE c\nECHO x");
    world_pass_ms(world, 100);
    client_take(client);
    expect_figures(other, "set", "2 called, 1 rejected, 1 failed");
    expect_figures(other, "get", "1 called, 1 rejected, 0 failed");
    expect_figures(other, "hget", "1 called, 0 rejected, 1 failed");
    expect_figures(other, "mget", "0 called, 1 rejected, 0 failed");
    expect_figures(other, "config|set", "1 called, 0 rejected, 1 failed");
    expect_figures(other, "config", "0 called, 1 rejected, 0 failed");
    expect_figures(other, "client", "");
    expect_figures(other, "incr", "1 called, 0 rejected, 1 failed");
    expect_figures(other, "trothdb|with", "1 called, 2 rejected, 0 failed");
    expect_figures(other, "echo", "0 called, 1 rejected, 0 failed");
    client_ask(other, "CONFIG SET requirepass secret");
    struct client *stranger = world_connect(world, 0);
    client_ask(stranger, "DEL a");
    expect_figures(other, "del", "0 called, 1 rejected, 0 failed");
    world_free(world);
}

/* How long the one SET took by INFO, whose disk was held for `held_ms` longer than it takes. */
static unsigned long long set_duration_us(unsigned held_ms) {
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    world_hold_disks(world, true);
    client_ask(client, "SET x y");
    world_pass_ms(world, held_ms);
    world_hold_disks(world, false);
    world_settle(world);
    assert_string_equal(client_take(client), "+OK\r\n");
    client_ask(client, "INFO commandstats");
    const char *set = strstr(client_take(client), "cmdstat_set:");
    unsigned long long duration_us, mean_us;
    assert_non_null(set);
    assert_int_equal(
        sscanf(set, "cmdstat_set:calls=1,usec=%llu,usec_per_call=%llu.00,", &duration_us, &mean_us),
        2);
    assert_true(mean_us == duration_us);
    world_free(world);
    return duration_us;
}

/* From its arrival to its reply, the wait for the disk included. */
static void test_info_tells_how_long_commands_took(void **state) {
    (void)state;
    assert_int_equal(set_duration_us(40) - set_duration_us(0), 40000);
}

/* Cumulative counts by upper bounds, of the commands named; a container stands for its subcommands,
 * and what was not called is left out. */
static void test_latency_histogram(void **state) {
    (void)state;
    struct world *world = world_new(1, NULL);
    struct client *client = world_connect(world, 0);
    client_ask(client, "CONFIG GET timeout\nOBJECT HELP\nHELLO 3");
    client_take(client);
    CLIENT_EXPECT(client, "LATENCY HISTOGRAM Config get nosuch confi",
                  "%1\r\n$10\r\nconfig|get\r\n%2\r\n$5\r\ncalls\r\n:1\r\n"
                  "$14\r\nhistogram_usec\r\n%1\r\n:10\r\n:1\r\n");
    CLIENT_EXPECT(client, "LATENCY HISTOGRAM get", "%0\r\n");
    world_free(world);
}

static bool metric_is(struct world *world, const char *line) {
    struct buffer text;
    buffer_init(&text, 16 << 20);
    node_shared_render_metrics(world_worker(world, 0)->shared, METRIC_PROMETHEUS, &text);
    buffer_append_u8(&text, 0);
    bool is_so = strstr((const char *)buffer_data(&text), line) != NULL;
    buffer_release(&text);
    return is_so;
}

static void expect_told(struct world *world, struct client *client, bool waits, bool is_full) {
    char ready[256] = "";
    struct buffer reason;
    buffer_init(&reason, 1024);
    world_pass_ms(world, 200);
    client_ask(client, "INFO persistence");
    assert_non_null(strstr(client_take(client),
                           waits ? "log_waits_for:files\r\n" : "log_waits_for:nothing\r\n"));
    assert_int_equal(info_figure(client, "disk_full"), is_full);
    assert_true(metric_is(world, waits ? "trothdb_log_waits_for_files{worker=\"0\"} 1\n"
                                       : "trothdb_log_waits_for_files{worker=\"0\"} 0\n"));
    assert_true(node_shared_is_ready(world_worker(world, 0)->shared, &reason));
    if (reason.length)
        memcpy(ready, buffer_data(&reason), reason.length < 255 ? reason.length : 255);
    assert_int_equal(strstr(ready, "may open no more files") != NULL, waits);
    assert_int_equal(strstr(ready, "ready for reads;") != NULL, is_full);
    buffer_release(&reason);
}

/* A log that waits for files says so before a write is refused for that, and the refusal names what
 * is wanting and what to do. */
static void test_what_the_log_waits_for_is_told(void **state) {
    (void)state;
    struct world *world =
        world_new(1, (const char *const[]){"wal-segment-bytes", "262144", "wal-reserve-bytes",
                                           "65536", "wal-spare-segments", "0", NULL});
    struct client *client = world_connect(world, 0);
    char command[4100] = "SET key ";
    memset(command + 8, 'v', 4000);
    expect_told(world, client, false, false);
    world_refuse_files(world, ERR_BUSY);
    unsigned written = 0, warned = 0;
    for (; info_figure(client, "disk_full") == 0 && written < 200; written++) {
        CLIENT_EXPECT(client, command, "+OK\r\n");
        world_pass_ms(world, 200);
        if (wal_wanting(world_worker(world, 0)->wal) && !info_figure(client, "disk_full")) {
            expect_told(world, client, true, false);
            warned++;
        }
    }
    assert_true(warned > 0);
    assert_in_range(written, 1, 199);
    expect_told(world, client, true, true);
    CLIENT_EXPECT(client, command,
                  "-MISCONF this node may open no more files (raise its limit, LimitNOFILE or "
                  "fs.file-max): it takes no writes until that is over; reads go on\r\n");
    world_refuse_files(world, 0);
    world_pass_ms(world, 3000);
    expect_told(world, client, false, false);
    CLIENT_EXPECT(client, command, "+OK\r\n");
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_what_the_log_waits_for_is_told), cmocka_unit_test(test_info),
          cmocka_unit_test(test_info_counts_what_was_met),
          cmocka_unit_test(test_a_full_disk_is_told_while_there_is_room),
          cmocka_unit_test(test_info_tells_calls_rejected_and_failed),
          cmocka_unit_test(test_info_tells_how_long_commands_took),
          cmocka_unit_test(test_latency_histogram))
