/* Each thing that gossip counts is shown under the name and label that metric.def gives it, and
 * under no other: no two of the numbers here are equal. */
#include "../unit.h"
#include "member/gossip_meter.h"

enum { TEXT_MAXIMUM = 1 << 20 };

static const struct gossip_counters counted = {
    .malformed = 101,
    .replayed = 102,
    .unproven = 103,
    .suspicions = 104,
    .refutations = 105,
    .deaths = 106,
    .probes_answered = 107,
    .probes_relayed = 108,
    .probes_contacted = 109,
    .probes_failed = 110,
    .indirect_probes = 111,
    .stream_tries = 112,
    .suspicions_refuted = 113,
    .suspicions_died = 114,
    .suspicions_left = 115,
    .name_conflicts = 116,
    .identity_conflicts = 117,
    .local_health = 8,
    .propagation_undated = 118,
    .propagation_uncorrected = 119,
    .propagation_implausible = 120,
    .fan_out = 9,
    .flush_us = 2500,
    .goal_us = 350000,
    .pace = -2,
    .adapted_faster = 121,
    .adapted_slower = 122,
    .adapted_larger = 123,
    .adapted_smaller = 124,
    .clock_skew_us = 1250000,
    .news_waiting = {125, 126, 127, 128},
    .news_told = {129, 130, 131, 132},
    .news_bytes = {133, 134, 135, 136},
    .tokens_spent = 137,
    .tokens_left = -138,
    .news_waits = 139,
    .dropped_for_bandwidth = 140,
    .referrals = 141,
    .dropped_for_memory = 142,
    .dropped_for_relays = 143,
    .dropped_for_members = 144,
    .dropped_for_news = 145,
    .streams_asked = {146, 147, 148},
    .streams_served = {149, 150, 151},
    .streams_serving = 3,
    .stream_bytes_received = 152,
    .stream_bytes_sent = 153,
};

static const char *const shown[] = {
    "refused_total{cause=\"malformed\"} 101",
    "refused_total{cause=\"replayed\"} 102",
    "refused_total{cause=\"unproven\"} 103",
    "suspicions_total 104",
    "refutations_total 105",
    "deaths_total 106",
    "probes_total{outcome=\"answered\"} 107",
    "probes_total{outcome=\"through-helper\"} 108",
    "probes_total{outcome=\"by-contact\"} 109",
    "probes_total{outcome=\"failed\"} 110",
    "helpers_asked_total 111",
    "stream_tries_total 112",
    "suspicions_ended_total{outcome=\"refuted\"} 113",
    "suspicions_ended_total{outcome=\"died\"} 114",
    "suspicions_ended_total{outcome=\"left\"} 115",
    "name_conflicts_total 116",
    "identity_conflicts_total 117",
    "local_health 8",
    "propagation_unmeasured_total{cause=\"undated\"} 118",
    "propagation_unmeasured_total{cause=\"uncorrected\"} 119",
    "propagation_unmeasured_total{cause=\"implausible\"} 120",
    "fan_out 9",
    "flush_seconds 0.002500",
    "goal_seconds 0.350000",
    "pace -2",
    "adaptations_total{change=\"faster\"} 121",
    "adaptations_total{change=\"slower\"} 122",
    "adaptations_total{change=\"larger\"} 123",
    "adaptations_total{change=\"smaller\"} 124",
    "clock_skew_largest_seconds 1.250000",
    "queue_depth{priority=\"urgent\"} 125",
    "queue_depth{priority=\"cluster\"} 126",
    "queue_depth{priority=\"state\"} 127",
    "queue_depth{priority=\"rest\"} 128",
    "news_told_total{priority=\"urgent\"} 129",
    "news_told_total{priority=\"cluster\"} 130",
    "news_told_total{priority=\"state\"} 131",
    "news_told_total{priority=\"rest\"} 132",
    "news_bytes_total{priority=\"urgent\"} 133",
    "news_bytes_total{priority=\"cluster\"} 134",
    "news_bytes_total{priority=\"state\"} 135",
    "news_bytes_total{priority=\"rest\"} 136",
    "bandwidth_spent_bytes_total 137",
    "bandwidth_left_bytes -138",
    "bandwidth_waits_total 139",
    "dropped_total{cause=\"bandwidth\"} 140",
    "dropped_total{cause=\"referred\"} 141",
    "dropped_total{cause=\"memory\"} 142",
    "dropped_total{cause=\"relays\"} 143",
    "dropped_total{cause=\"members\"} 144",
    "dropped_total{cause=\"news\"} 145",
    "streams_total{end=\"asked-done\"} 146",
    "streams_total{end=\"asked-busy\"} 147",
    "streams_total{end=\"asked-failed\"} 148",
    "streams_total{end=\"served-done\"} 149",
    "streams_total{end=\"served-busy\"} 150",
    "streams_total{end=\"served-failed\"} 151",
    "streams_served 3",
    "stream_bytes_total{direction=\"received\"} 152",
    "stream_bytes_total{direction=\"sent\"} 153",
};

static void assert_shows(struct metrics *metrics, const char *series) {
    struct buffer out;
    char line[256];
    snprintf(line, sizeof line, "\ntrothdb_gossip_%s\n", series);
    buffer_init(&out, TEXT_MAXIMUM);
    metrics_render(&metrics, 1, METRIC_PROMETHEUS, &out);
    buffer_append_u8(&out, '\0');
    const char *text = (const char *)buffer_data(&out);
    if (strstr(text, line) == NULL)
        fail_msg("%s is missing in:\n%s", series, text);
    buffer_release(&out);
}

/* Counted twice it is the same: a counter grows by what is new. */
static void test_each_counter_has_its_series(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    struct gossip_meter meter;
    gossip_meter_init(&meter, metrics);
    for (unsigned time = 0; time < 2; time++) {
        gossip_meter_count(&meter, &counted);
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
            assert_shows(metrics, shown[i]);
    }
    struct gossip_counters later = counted;
    later.refutations += 5;
    later.news_waiting[GOSSIP_REST] = 0;
    later.local_health = 0;
    gossip_meter_count(&meter, &later);
    assert_shows(metrics, "refutations_total 110");
    assert_shows(metrics, "queue_depth{priority=\"rest\"} 0");
    assert_shows(metrics, "local_health 0");
    metrics_free(metrics);
}

static void test_datagrams_are_counted_by_kind(void **state) {
    (void)state;
    static const char *const kinds[] = {
#define MESSAGE(name, number, text) [number] = #name,
#define SECTION(name, tag)
#include "gossip/wire/gossip_message.def"
#undef MESSAGE
#undef SECTION
    };
    struct metrics *metrics = metrics_new();
    struct gossip_meter meter;
    uint8_t datagram[64] = {1};
    char series[128];
    gossip_meter_init(&meter, metrics);
    for (uint8_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        datagram[1] = kind;
        if (kinds[kind] == NULL)
            continue;
        for (unsigned i = 0; i <= kind; i++)
            gossip_meter_sent(&meter, bytes_of(datagram, 10));
        gossip_meter_received(&meter, bytes_of(datagram, 20U + kind));
    }
    for (uint8_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        if (kinds[kind] == NULL)
            continue;
        snprintf(series, sizeof series, "messages_sent_total{kind=\"%s\"} %u", kinds[kind],
                 kind + 1U);
        assert_shows(metrics, series);
        snprintf(series, sizeof series, "sent_bytes_total{kind=\"%s\"} %u", kinds[kind],
                 10 * (kind + 1U));
        assert_shows(metrics, series);
        snprintf(series, sizeof series, "messages_received_total{kind=\"%s\"} 1", kinds[kind]);
        assert_shows(metrics, series);
        snprintf(series, sizeof series, "received_bytes_total{kind=\"%s\"} %u", kinds[kind],
                 20U + kind);
        assert_shows(metrics, series);
    }
    metrics_free(metrics);
}

/* What a step has measured goes into its histogram, in seconds. */
static void test_what_a_step_measured(void **state) {
    (void)state;
    struct gossip_options options = {
        .uuid = {1}, .generation = 1, .address = {.host = "127.0.0.1", .port = 1}, .name = "a"};
    struct gossip *gossip = gossip_new(&options);
    struct metrics *metrics = metrics_new();
    struct gossip_propagation news[] = {{.type = GOSSIP_NEWS_DEATH, .delay_us = 250000, .trace = 7},
                                        {.type = GOSSIP_NEWS_STATE, .delay_us = 30000, .trace = 8}};
    struct gossip_actions actions = {.round_trip_us = 1500,
                                     .detection_us = 2500000,
                                     .is_clock_measured = true,
                                     .clock_skew_us = 500000,
                                     .propagations = news,
                                     .propagation_count = 2};
    struct gossip_meter meter;
    gossip_meter_init(&meter, metrics);
    gossip_meter_step(&meter, gossip, &actions, 1);
    assert_shows(metrics, "probe_rtt_seconds_sum 0.001500");
    assert_shows(metrics, "detection_seconds_sum 2.500000");
    assert_shows(metrics, "clock_skew_seconds_sum 0.500000");
    assert_shows(metrics, "propagation_latency_seconds_sum{type=\"death\"} 0.250000");
    assert_shows(metrics, "propagation_latency_seconds_sum{type=\"state\"} 0.030000");
    actions = (struct gossip_actions){0};
    gossip_meter_step(&meter, gossip, &actions, 1);
    assert_shows(metrics, "detection_seconds_count 1");
    assert_shows(metrics, "clock_skew_seconds_count 1");
    metrics_free(metrics);
    gossip_free(gossip);
}

RUN_TESTS(cmocka_unit_test(test_each_counter_has_its_series),
          cmocka_unit_test(test_datagrams_are_counted_by_kind),
          cmocka_unit_test(test_what_a_step_measured))
