#include "../unit.h"
#include "metric/metric.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAXIMUM = 64 << 20 };

static const char *render(struct metrics *const *all, size_t count, struct buffer *out) {
    buffer_init(out, TEXT_MAXIMUM);
    metrics_render(all, count, out);
    buffer_append_u8(out, '\0');
    assert_false(out->is_overflowed);
    return (const char *)buffer_data(out);
}

static void assert_shows(const char *text, const char *line) {
    assert_non_null(text);
    if (strstr(text, line) == NULL)
        fail_msg("'%s' is missing in:\n%s", line, text);
}

/* Two registries, as of two workers, are shown as one. */
static void test_registries_are_added_up(void **state) {
    (void)state;
    struct metrics *all[] = {metrics_new(), metrics_new()};
    metric_add(metrics_cell(all[0], METRIC_commands_total, "set"), 5);
    metric_add(metrics_cell(all[1], METRIC_commands_total, "set"), 7);
    metric_add(metrics_cell(all[1], METRIC_commands_total, "get"), 1);
    metric_set(metrics_cell(all[0], METRIC_clients_connected, NULL), 3);
    metric_set(metrics_cell(all[1], METRIC_clients_connected, NULL), 4);
    metric_set(metrics_cell(all[0], METRIC_uptime_seconds, NULL), 2500000);
    metrics_cell(all[0], METRIC_proposals_total, NULL); /* asked for, not yet counted */
    struct buffer out;
    const char *text = render(all, 2, &out);
    assert_shows(text, "# HELP trothdb_commands_total Commands answered, by command.\n"
                       "# TYPE trothdb_commands_total counter\n"
                       "trothdb_commands_total{command=\"get\"} 1\n"
                       "trothdb_commands_total{command=\"set\"} 12\n");
    assert_shows(text, "trothdb_clients_connected 7\n");
    assert_shows(text, "trothdb_uptime_seconds 2.500000\n");
    assert_shows(text, "trothdb_proposals_total 0\n");
    assert_shows(text, "trothdb_build_info{version=\"" TROTHDB_VERSION "\"} 1\n");
    assert_null(strstr(text, "wal_segments"));
    buffer_release(&out);
    metrics_free(all[0]);
    metrics_free(all[1]);
}

static void test_a_histogram_counts_into_exact_cumulative_bounds(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric_cell *latency = metrics_cell(metrics, METRIC_command_latency_seconds, "get");
    static const uint64_t observed_us[] = {0, 10, 11, 100, 101, 10000000, 10000001};
    for (size_t i = 0; i < sizeof observed_us / sizeof *observed_us; i++)
        metric_observe(latency, observed_us[i]);
    metric_observe(metrics_cell(metrics, METRIC_batch_bytes, NULL), 4097);
    assert_int_equal(metric_value(latency), 7);
    struct buffer out;
    const char *text = render(&metrics, 1, &out);
    assert_shows(text,
                 "# TYPE trothdb_command_latency_seconds histogram\n"
                 "trothdb_command_latency_seconds_bucket{command=\"get\",le=\"1e-05\"} 2\n"
                 "trothdb_command_latency_seconds_bucket{command=\"get\",le=\"2.5e-05\"} 3\n");
    assert_shows(text, "{command=\"get\",le=\"0.0001\"} 4\n");
    assert_shows(text, "{command=\"get\",le=\"0.00025\"} 5\n");
    assert_shows(text, "{command=\"get\",le=\"10\"} 6\n"
                       "trothdb_command_latency_seconds_bucket{command=\"get\",le=\"+Inf\"} 7\n"
                       "trothdb_command_latency_seconds_sum{command=\"get\"} 20.000223\n"
                       "trothdb_command_latency_seconds_count{command=\"get\"} 7\n");
    assert_shows(text, "trothdb_batch_bytes_bucket{le=\"4096\"} 0\n"
                       "trothdb_batch_bytes_bucket{le=\"16384\"} 1\n");
    buffer_release(&out);
    metrics_free(metrics);
}

static void test_label_values_are_bounded_and_clean(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    char label[200];
    memset(label, 'x', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    struct metric_cell *longest = metrics_cell(metrics, METRIC_commands_total, label);
    label[METRIC_LABEL_VALUE_MAXIMUM] = '\0';
    assert_ptr_equal(metrics_cell(metrics, METRIC_commands_total, label), longest);
    metrics_cell(metrics, METRIC_commands_total, "a\"\\\n\xff");
    struct buffer out;
    assert_shows(render(&metrics, 1, &out), "{command=\"a\\\"\\\\??\"} 0\n");
    buffer_release(&out);

    for (unsigned i = 0; i < 2 * METRIC_CELLS_PER_METRIC_MAXIMUM; i++) {
        snprintf(label, sizeof label, "%u", i);
        metric_set(metrics_cell(metrics, METRIC_keys, label), 1);
    }
    struct metric_cell *other = metrics_cell(metrics, METRIC_keys, "other");
    assert_ptr_equal(metrics_cell(metrics, METRIC_keys, "yet another"), other);
    const char *text = render(&metrics, 1, &out);
    unsigned line_count = 0;
    while ((text = strstr(text, "\ntrothdb_keys{")) != NULL) {
        line_count++;
        text++;
    }
    assert_int_equal(line_count, METRIC_CELLS_PER_METRIC_MAXIMUM);
    buffer_release(&out);
    metrics_free(metrics);
}

static const char *any_value_of(const char *label_name) { return label_name ? "value" : NULL; }

/* One cell of every metric, as promtool sees it. */
static void test_promtool_finds_nothing_wrong(void **state) {
    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        skip();
    struct metrics *metrics = metrics_new();
#define METRIC(id, kind, label, divisor, help)                                                     \
    metrics_cell(metrics, METRIC_##id, any_value_of(label));
#include "metric/metric.def"
#undef METRIC
    struct buffer out;
    render(&metrics, 1, &out);
    FILE *promtool = popen("promtool check metrics", "w");
    assert_non_null(promtool);
    assert_int_equal(fwrite(buffer_data(&out), 1, out.length - 1, promtool), out.length - 1);
    assert_int_equal(pclose(promtool), 0);
    buffer_release(&out);
    metrics_free(metrics);
}

struct race {
    struct metrics *metrics;
    atomic_bool is_done;
};

static void *write_without_end(void *context) {
    struct race *race = context;
    for (unsigned i = 0; i < 20000; i++) {
        char label[16];
        snprintf(label, sizeof label, "%u", i % 500);
        metric_add(metrics_cell(race->metrics, METRIC_commands_total, label), 1);
        metric_observe(metrics_cell(race->metrics, METRIC_command_latency_seconds, label), i);
    }
    atomic_store(&race->is_done, true);
    return NULL;
}

/* A scrape while the owner writes and adds cells; under TSan this shows that the registry needs no
 * lock. */
static void test_rendering_while_the_owner_writes(void **state) {
    (void)state;
    struct race race = {.metrics = metrics_new()};
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_without_end, &race), 0);
    do {
        struct buffer out;
        render(&race.metrics, 1, &out);
        buffer_release(&out);
    } while (!atomic_load(&race.is_done));
    pthread_join(writer, NULL);
    assert_int_equal(metric_value(metrics_cell(race.metrics, METRIC_commands_total, "7")), 40);
    metrics_free(race.metrics);
}

RUN_TESTS(cmocka_unit_test(test_registries_are_added_up),
          cmocka_unit_test(test_a_histogram_counts_into_exact_cumulative_bounds),
          cmocka_unit_test(test_label_values_are_bounded_and_clean),
          cmocka_unit_test(test_promtool_finds_nothing_wrong),
          cmocka_unit_test(test_rendering_while_the_owner_writes))
