/* Metrics of many threads are added up into one page that Prometheus understands. */
#include "../planting.h"
#include "metric/metric_private.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAXIMUM = 64 << 20 };

static const char *render_as(enum metric_format format, struct metrics *const *all, size_t count,
                             struct buffer *out) {
    buffer_init(out, TEXT_MAXIMUM);
    metrics_render(all, count, format, out);
    buffer_append_u8(out, '\0');
    assert_false(out->is_overflowed);
    return (const char *)buffer_data(out);
}

static const char *render(struct metrics *const *all, size_t count, struct buffer *out) {
    return render_as(METRIC_PROMETHEUS, all, count, out);
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

/* What a gauge told of is gone: this registry tells of it no more, until it is there again. */
static void test_what_is_gone_is_not_shown(void **state) {
    (void)state;
    struct metrics *all[] = {metrics_new(), metrics_new()};
    struct metric_cell *keys = metrics_cell(all[0], METRIC_keys, "3");
    struct buffer out;
    metric_set(keys, 7);
    metric_unset(keys);
    assert_null(strstr(render(all, 2, &out), "trothdb_keys"));
    buffer_release(&out);
    metric_set(metrics_cell(all[1], METRIC_keys, "3"), 5);
    assert_shows(render(all, 2, &out), "trothdb_keys{shard=\"3\"} 5\n");
    buffer_release(&out);
    metric_set(keys, 2);
    assert_shows(render(all, 2, &out), "trothdb_keys{shard=\"3\"} 7\n");
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

/* News of two threads in three buckets: of the newest in each the trace id stands behind it, but in
 * the ordinary text, which has no room for it. */
static void test_buckets_show_the_newest_exemplar(void **state) {
    (void)state;
    struct metrics *all[] = {metrics_new(), metrics_new()};
    struct metric_cell *mine =
        metrics_cell(all[0], METRIC_gossip_propagation_latency_seconds, "state");
    struct metric_cell *other =
        metrics_cell(all[1], METRIC_gossip_propagation_latency_seconds, "state");
    metric_observe_traced(mine, 70000, 0xaaaaaaaa, UINT64_C(1700000000000000));
    metric_observe_traced(mine, 60000, 0x0123abcd, UINT64_C(1700000001123000));
    metric_observe_traced(other, 90000, 0xbbbbbbbb, UINT64_C(1700000001122999));
    metric_observe_traced(other, 10000000, 0, UINT64_C(1700000002000000));
    metric_observe_traced(other, 60000000, 0xffffffff, UINT64_C(1700000003000000));
    struct buffer out;
    const char *text = render_as(METRIC_OPENMETRICS, all, 2, &out);
#define BUCKET "trothdb_gossip_propagation_latency_seconds_bucket{type=\"state\",le="
    assert_shows(text,
                 BUCKET "\"0.05\"} 0\n" BUCKET
                        "\"0.1\"} 3 # {trace_id=\"0123abcd\"} 0.060000 1700000001.123\n" BUCKET
                        "\"0.25\"} 3\n");
    assert_shows(text,
                 BUCKET "\"10.0\"} 4 # {trace_id=\"00000000\"} 10.000000 1700000002.000\n" BUCKET
                        "\"+Inf\"} 5 # {trace_id=\"ffffffff\"} 60.000000 1700000003.000\n");
    buffer_release(&out);
    text = render(all, 2, &out);
    assert_shows(text, BUCKET "\"0.05\"} 0\n" BUCKET "\"0.1\"} 3\n" BUCKET "\"0.25\"} 3\n");
    assert_shows(text, BUCKET "\"10\"} 4\n" BUCKET "\"+Inf\"} 5\n");
    assert_null(strstr(text, " # "));
    buffer_release(&out);
    metrics_free(all[0]);
    metrics_free(all[1]);
}

/* Each kind of metric, as OpenMetrics names its family and its samples, up to the end. */
static void test_openmetrics_names_families_by_their_kind(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    metric_add(metrics_cell(metrics, METRIC_commands_total, "set"), 12);
    metric_set(metrics_cell(metrics, METRIC_clients_connected, NULL), 7);
    metric_observe(metrics_cell(metrics, METRIC_batch_bytes, NULL), 5);
    struct buffer out;
    const char *text = render_as(METRIC_OPENMETRICS, &metrics, 1, &out);
    assert_shows(text, "# HELP trothdb_build The version that runs; the value is always 1.\n"
                       "# TYPE trothdb_build info\n"
                       "trothdb_build_info{version=\"" TROTHDB_VERSION "\"} 1\n");
    assert_shows(text, "# TYPE trothdb_clients_connected gauge\n"
                       "trothdb_clients_connected 7\n");
    assert_shows(text, "# HELP trothdb_commands Commands answered, by command.\n"
                       "# TYPE trothdb_commands counter\n"
                       "trothdb_commands_total{command=\"set\"} 12\n");
    assert_shows(text, "# TYPE trothdb_batch_bytes histogram\n"
                       "trothdb_batch_bytes_bucket{le=\"1.0\"} 0\n"
                       "trothdb_batch_bytes_bucket{le=\"4.0\"} 0\n"
                       "trothdb_batch_bytes_bucket{le=\"16.0\"} 1\n");
    assert_string_equal(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
    buffer_release(&out);
    metrics_free(metrics);
}

static bool ends_in(const char *text, const char *end) {
    return strlen(text) > strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* Units stand last in a name: seconds, given in microseconds, or bytes. */
static void test_names_end_in_their_units(void **state) {
    (void)state;
#define METRIC(id, kind, label, divisor, help)                                                     \
    assert_int_equal(strstr(#id, "_seconds") != NULL, (divisor) == 1e6);                           \
    assert_int_equal(strstr(#id, "_seconds") != NULL, ends_in(#id, "_seconds"));                   \
    assert_int_equal(strstr(#id, "_bytes") != NULL,                                                \
                     ends_in(#id, "_bytes") || ends_in(#id, "_bytes_total"));                      \
    assert_null(strstr(#id, "_us"));                                                               \
    assert_null(strstr(#id, "_ms"));
#include "metric/metric.def"
#undef METRIC
}

/* What OpenMetrics cannot write is not declared. */
static void test_rows_can_be_written_in_openmetrics(void **state) {
    (void)state;
#define METRIC(id, kind, label, divisor, help)                                                     \
    assert_int_equal(METRIC_##kind == METRIC_COUNTER, ends_in(#id, "_total"));                     \
    assert_int_equal(METRIC_##kind == METRIC_INFO, ends_in(#id, "_info"));                         \
    assert_null(strpbrk(help, "\"\\\n"));
#include "metric/metric.def"
#undef METRIC
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

struct exemplar_race {
    struct metric_exemplar kept;
    atomic_bool is_done;
};

static void *write_exemplars_without_end(void *context) {
    struct exemplar_race *race = context;
    for (uint32_t i = 0; i < 500000; i++)
        metric_exemplar_write(&race->kept, (struct exemplar){.trace = i, .value = i, .wall_us = i});
    atomic_store(&race->is_done, true);
    return NULL;
}

/* What is read while the owner writes is of one observation, never of two, or is not there. */
static void test_an_exemplar_is_read_whole(void **state) {
    (void)state;
    struct exemplar_race race = {.is_done = false};
    assert_false(metric_exemplar_read(&race.kept).is_there);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_exemplars_without_end, &race), 0);
    struct exemplar torn = {0};
    do {
        struct exemplar exemplar = metric_exemplar_read(&race.kept);
        if (exemplar.is_there &&
            (exemplar.value != exemplar.trace || exemplar.wall_us != exemplar.trace))
            torn = exemplar;
    } while (!atomic_load(&race.is_done));
    pthread_join(writer, NULL); /* only then may anything fail: the writer uses this frame */
    if (torn.is_there)
        fail_msg("torn: trace %u, value %lu, at %lu", torn.trace, torn.value, torn.wall_us);
    assert_true(metric_exemplar_read(&race.kept).is_there);
    atomic_fetch_add(&race.kept.version, 1); /* a write is under way */
    assert_false(metric_exemplar_read(&race.kept).is_there);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_registries_are_added_up),
                   cmocka_unit_test(test_what_is_gone_is_not_shown),
                   cmocka_unit_test(test_a_histogram_counts_into_exact_cumulative_bounds),
                   cmocka_unit_test(test_buckets_show_the_newest_exemplar),
                   cmocka_unit_test(test_openmetrics_names_families_by_their_kind),
                   cmocka_unit_test(test_names_end_in_their_units),
                   cmocka_unit_test(test_rows_can_be_written_in_openmetrics),
                   cmocka_unit_test(test_label_values_are_bounded_and_clean),
                   cmocka_unit_test(test_promtool_finds_nothing_wrong),
                   cmocka_unit_test(test_rendering_while_the_owner_writes),
                   cmocka_unit_test(test_an_exemplar_is_read_whole))
