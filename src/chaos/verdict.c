#include "chaos/verdict.h"
#include "base/check.h"
#include <stdio.h>

/* When the last thing that disturbs anybody is over. */
static uint64_t calm_us_of(const struct scenario *scenario) {
    uint64_t calm_us = 0;
    for (unsigned i = 0; i < scenario->step_count; i++) {
        uint64_t end_us = scenario_step_end_us(scenario, &scenario->steps[i]);
        if (scenario_act_is_fault(scenario->steps[i].act) && end_us > calm_us)
            calm_us = end_us;
    }
    return calm_us;
}

/* `count` happened, of which those in `share` count. */
static void say_share(struct verdict *verdict, const struct scenario_expectation *expectation,
                      struct tally_share share, uint64_t count, const char *what,
                      const struct histogram *known) {
    double half_seconds = (double)tally_quantile_us(known, 0.5) / 1e6,
           last_seconds = (double)known->maximum / 1e6;
    verdict->is_known = share.count > 0;
    verdict->is_met = verdict->is_known && tally_share_value(share) >= expectation->share;
    if (count == 0)
        snprintf(verdict->said, sizeof verdict->said, "there was no %s", what);
    else if (share.count == 0)
        snprintf(verdict->said, sizeof verdict->said,
                 "of %llu %ss none shows it: each came too late, or ended before all knew",
                 (unsigned long long)count, what);
    else if (known->count == 0)
        snprintf(verdict->said, sizeof verdict->said, "no %s became known to all, of %llu", what,
                 (unsigned long long)count);
    else if (count == 1)
        snprintf(verdict->said, sizeof verdict->said, "the only %s was known to all after %.3f s",
                 what, last_seconds);
    else
        snprintf(
            verdict->said, sizeof verdict->said,
            "%.1f%% of %llu %ss were known to all by then; half within %.3f s, the last %.3f s",
            tally_share_value(share) * 100, (unsigned long long)share.count, what, half_seconds,
            last_seconds);
}

static void say_whole(struct verdict *verdict, const struct scenario_expectation *expectation,
                      const struct scenario *scenario, const struct tally *tally) {
    uint64_t calm_us = calm_us_of(scenario), since_us = tally->whole_since_us;
    if (since_us == TALLY_NEVER) {
        snprintf(verdict->said, sizeof verdict->said, "not all views were right at the end");
        return;
    }
    uint64_t took_us = since_us > calm_us ? since_us - calm_us : 0;
    verdict->is_met = took_us <= expectation->within_us;
    snprintf(verdict->said, sizeof verdict->said,
             "all views were right %.3f s after the last disturbance", (double)took_us / 1e6);
}

static void say_count(struct verdict *verdict, const struct scenario_expectation *expectation,
                      uint64_t count, const char *one, const char *many) {
    verdict->is_met = count <= expectation->at_most;
    snprintf(verdict->said, sizeof verdict->said, "%llu %s", (unsigned long long)count,
             count == 1 ? one : many);
}

/* No agent runs in no memory, and none is silent: 0 is that nobody looked before the run was over.
 */
static void say_below(struct verdict *verdict, const struct scenario_expectation *expectation,
                      uint64_t amount, const char *what) {
    bool is_large = amount >= 1 << 20;
    verdict->is_known = amount > 0;
    if (!verdict->is_known) {
        snprintf(verdict->said, sizeof verdict->said, "the run was too short to measure it");
        return;
    }
    verdict->is_met = amount < expectation->at_most;
    snprintf(verdict->said, sizeof verdict->said, "%.2f %s%s",
             (double)amount / (is_large ? 1 << 20 : 1 << 10), is_large ? "MB" : "kB", what);
}

void verdict_of(const struct scenario_expectation *expectation, const struct scenario *scenario,
                const struct tally *tally, struct verdict *verdict) {
    *verdict = (struct verdict){.is_known = true};
    switch (expectation->subject) {
    case SCENARIO_DEATHS:
        say_share(verdict, expectation, tally_share_of_deaths(tally, expectation->within_us),
                  tally->death_count, "death", &tally->death_known);
        return;
    case SCENARIO_NEWS:
        say_share(verdict, expectation, tally_share_of_news(tally, expectation->within_us),
                  tally->message_count, "message", &tally->news_known);
        return;
    case SCENARIO_WHOLE:
        say_whole(verdict, expectation, scenario, tally);
        return;
    case SCENARIO_FALSE_ACCUSATIONS:
        say_count(verdict, expectation, tally->false_accusations + tally->false_deaths,
                  "false accusation or death", "false accusations and deaths");
        return;
    case SCENARIO_FALSE_DEATHS:
        say_count(verdict, expectation, tally->false_deaths, "false death", "false deaths");
        return;
    case SCENARIO_MEMORY:
        say_below(verdict, expectation, tally_resident_most_bytes(tally),
                  " resident in the largest agent");
        return;
    case SCENARIO_TRAFFIC:
        say_below(verdict, expectation, tally_bytes_per_second(tally), "/s sent by an agent");
        return;
    }
    UNREACHABLE();
}

/* What only grows is past mending once it is too much. */
static bool only_grows(enum scenario_subject subject) {
    return subject == SCENARIO_FALSE_ACCUSATIONS || subject == SCENARIO_FALSE_DEATHS ||
           subject == SCENARIO_MEMORY;
}

void verdict_cut_short(const struct scenario_expectation *expectation, struct verdict *verdict) {
    verdict->is_known = !verdict->is_met && only_grows(expectation->subject);
    verdict->is_met = false;
}
