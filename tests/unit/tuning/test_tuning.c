/* Each setting of gossip reaches the core, as what it is called and in the core's units; none
 * reaches another's place. What people may set the core can do, and what is left out means the same
 * to both. */
#include "../unit.h"
#include "config/setting.h"
#include "gossip/instance/timing.h"
#include "tuning/tuning.h"

/* Not the default, and as what it has to be read. */
static const struct wish {
    const char *name, *value;
    size_t at, bytes;
    uint64_t expected;
    bool has_default; /* in the core */
} wishes[] = {
#define WISH(name, value, field, expected)                                                         \
    {                                                                                              \
        name, value, offsetof(struct gossip_timing, field),                                        \
            sizeof((struct gossip_timing){0}.field), expected, false                               \
    }
#define WISH_OR_DEFAULT(name, value, field, expected)                                              \
    {                                                                                              \
        name, value, offsetof(struct gossip_timing, field),                                        \
            sizeof((struct gossip_timing){0}.field), expected, true                                \
    }
    WISH("gossip-probe-interval-ms", "700", probe_interval_us, 700000),
    WISH("gossip-probe-timeout-ms", "150", probe_timeout_us, 150000),
    WISH("gossip-suspicion-factor", "6", suspicion_factor, 6),
    WISH("gossip-flush-ms", "9", flush_us, 9000),
    WISH("gossip-adapt", "no", is_adapting, 0),
    WISH_OR_DEFAULT("gossip-goal-ms", "321", goal_us, 321000),
    WISH("gossip-coordinates", "no", says_coordinate, 0),
    WISH_OR_DEFAULT("gossip-fan-out", "7", fan_out, 7),
    WISH("gossip-bytes-per-second", "3mb", bytes_per_second, 3 << 20),
    WISH("gossip-compress-min-bytes", "555", compress_min_bytes, 555),
    WISH("gossip-stream-min-bytes", "77kb", stream_min_bytes, 77 << 10),
    WISH("gossip-wire-maximum", "0", wire_maximum, 0),
    WISH_OR_DEFAULT("gossip-observers", "5", observers, 5),
    WISH_OR_DEFAULT("gossip-helpers", "2", helpers, 2),
    WISH_OR_DEFAULT("gossip-suspicion-least-percent", "333", suspicion_least_percent, 333),
    WISH_OR_DEFAULT("gossip-local-health-maximum", "10", local_health_maximum, 10),
    WISH_OR_DEFAULT("gossip-tellings-percent", "111", tellings_percent, 111),
    WISH_OR_DEFAULT("gossip-far-one-in", "12", far_one_in, 12),
    WISH_OR_DEFAULT("gossip-urgent-bytes", "444", urgent_bytes, 444),
    WISH_OR_DEFAULT("gossip-share-cluster-percent", "13", share_percent[GOSSIP_CLUSTER], 13),
    WISH_OR_DEFAULT("gossip-share-state-percent", "14", share_percent[GOSSIP_STATE], 14),
    WISH_OR_DEFAULT("gossip-share-rest-percent", "15", share_percent[GOSSIP_REST], 15),
    WISH_OR_DEFAULT("gossip-grave-seconds", "77", grave_us, 77000000),
    WISH_OR_DEFAULT("gossip-removal-seconds", "88", removal_us, 88000000),
    WISH_OR_DEFAULT("gossip-back-off-ms", "999", back_off_us, 999000),
    WISH_OR_DEFAULT("gossip-streams-served", "16", streams_served, 16),
    WISH_OR_DEFAULT("gossip-stream-seconds", "17", stream_limit_us, 17000000),
#undef WISH
#undef WISH_OR_DEFAULT
};
enum { WISHES = sizeof wishes / sizeof *wishes };

static uint64_t field_of(const struct gossip_timing *timing, const struct wish *wish) {
    const uint8_t *at = (const uint8_t *)timing + wish->at;
    if (wish->bytes == sizeof(bool))
        return *(const bool *)at;
    if (wish->bytes == sizeof(unsigned))
        return *(const unsigned *)at;
    assert_int_equal(wish->bytes, sizeof(uint64_t));
    return *(const uint64_t *)at;
}

static void test_each_setting_has_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < WISHES; i++) {
        struct config config;
        struct buffer problem;
        config_init(&config);
        buffer_init(&problem, 4096);
        const struct gossip_timing before = tuning_timing(&config);
        assert_int_equal(config_set(&config, bytes_of_text(wishes[i].name),
                                    bytes_of_text(wishes[i].value), CONFIG_SOURCE_LIVE, &problem),
                         0);
        const struct gossip_timing after = tuning_timing(&config);
        assert_true(field_of(&before, &wishes[i]) != wishes[i].expected);
        for (size_t other = 0; other < WISHES; other++)
            assert_int_equal(field_of(&after, &wishes[other]),
                             other == i ? wishes[i].expected : field_of(&before, &wishes[other]));
        buffer_release(&problem);
        config_release(&config);
    }
}

static struct gossip_timing timing_with(const struct wish *wish, long long number) {
    struct config config;
    struct buffer problem;
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    config_init(&config);
    buffer_init(&problem, 4096);
    assert_int_equal(config_set(&config, bytes_of_text(wish->name), bytes_of_text(text),
                                CONFIG_SOURCE_LIVE, &problem),
                     0);
    const struct gossip_timing timing = tuning_timing(&config);
    buffer_release(&problem);
    config_release(&config);
    return timing;
}

/* The least and the most that may be set of each number is what the core takes as it stands. */
static void test_no_value_that_may_be_set_is_changed_by_the_core(void **state) {
    (void)state;
    unsigned ranges = 0;
    for (size_t i = 0; i < WISHES; i++) {
        const struct setting *setting = setting_find(bytes_of_text(wishes[i].name));
        if (setting->kind != KIND_INT && setting->kind != KIND_BYTES)
            continue;
        const long long ends[] = {setting->minimum, setting->maximum};
        for (unsigned end = 0; end < 2; end++) {
            const struct gossip_timing asked = timing_with(&wishes[i], ends[end]);
            struct gossip_timing taken = asked;
            timing_bound(&taken);
            assert_int_equal(field_of(&taken, &wishes[i]), field_of(&asked, &wishes[i]));
        }
        ranges++;
    }
    assert_int_equal(ranges, WISHES - 2); /* gossip-adapt and gossip-coordinates are yes or no */
}

/* Who makes an instance without saying more gets what people get who set nothing. */
static void test_the_defaults_are_those_of_the_core(void **state) {
    (void)state;
    struct config config;
    config_init(&config);
    const struct gossip_timing usual = tuning_timing(&config);
    struct gossip_timing left_out = {0};
    timing_bound(&left_out);
    for (size_t i = 0; i < WISHES; i++)
        if (wishes[i].has_default)
            assert_int_equal(field_of(&left_out, &wishes[i]), field_of(&usual, &wishes[i]));
    config_release(&config);
}

/* A setting that is added and reaches nothing would be found here. */
static void count_setting(void *context, const char *name, const char *value) {
    unsigned *count = context;
    (void)value;
    (*count)++;
    for (size_t i = 0; i < WISHES; i++)
        if (strcmp(name, wishes[i].name) == 0)
            return;
    fail_msg("%s is not looked at", name);
}

static void test_every_setting_of_gossip_is_looked_at(void **state) {
    (void)state;
    struct config config;
    unsigned count = 0;
    config_init(&config);
    config_get(&config, BYTES_LITERAL("gossip-*"), count_setting, &count);
    assert_int_equal(count, WISHES);
    config_release(&config);
}

RUN_TESTS(cmocka_unit_test(test_each_setting_has_its_place),
          cmocka_unit_test(test_no_value_that_may_be_set_is_changed_by_the_core),
          cmocka_unit_test(test_the_defaults_are_those_of_the_core),
          cmocka_unit_test(test_every_setting_of_gossip_is_looked_at))
