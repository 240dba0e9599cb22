/* Does a scenario hold together? */
#include "chaos/scenario_words.h"

static uint64_t step_joins(const struct scenario *scenario, const struct scenario_step *step) {
    uint64_t end_us = scenario_step_end_us(scenario, step);
    uint64_t span_us = end_us > step->at_us ? end_us - step->at_us : 0;
    if (step->act == SCENARIO_CHURN)
        return (uint64_t)(step->rate * (double)span_us / 1e6) + 1;
    if (step->act != SCENARIO_JOIN)
        return 0;
    return step->who.count * (step->every_us > 0 ? span_us / step->every_us + 1 : 1);
}

static bool is_named(const struct scenario_who *who, unsigned agent) {
    for (unsigned i = 0; i < who->range_count; i++)
        if (agent >= who->ranges[i].first && agent <= who->ranges[i].last)
            return true;
    return false;
}

unsigned scenario_step_wanted(const struct scenario_step *step) {
    if (step->act == SCENARIO_JOIN)
        return 0;
    unsigned count = step->who.count;
    for (unsigned agent = 1; agent <= SCENARIO_AGENT_MAXIMUM; agent++)
        count += is_named(&step->who, agent);
    return count;
}

unsigned scenario_agents_ever(const struct scenario *scenario) {
    uint64_t count = scenario->agent_count;
    for (unsigned i = 0; i < scenario->step_count; i++)
        count += step_joins(scenario, &scenario->steps[i]);
    return count < SCENARIO_AGENT_MAXIMUM ? (unsigned)count : SCENARIO_AGENT_MAXIMUM;
}

static int who_check(const struct scenario *scenario, struct scenario_words *words,
                     const struct scenario_who *who) {
    if (who->count > scenario->agent_count)
        return scenario_words_refuse(words, "there are only %u agents: write a smaller number",
                                     scenario->agent_count);
    unsigned ever = scenario_agents_ever(scenario);
    for (unsigned i = 0; i < who->range_count; i++)
        if (who->ranges[i].last > ever)
            return scenario_words_refuse(words, "there is no a%u: agents are a1 to a%u",
                                         who->ranges[i].last, ever);
    return 0;
}

static int parts_check(const struct scenario *scenario, struct scenario_words *words,
                       const struct scenario_step *step) {
    double sum = 0;
    for (unsigned i = 0; i < step->part_count; i++)
        sum += step->parts[i];
    if (step->part_count > 0 && step->has_shares && (sum < 0.999 || sum > 1.001))
        return scenario_words_refuse(words, "the parts are %.0f%% together: write 100%%",
                                     sum * 100);
    if (step->part_count > 0 && !step->has_shares && sum != scenario->agent_count)
        return scenario_words_refuse(words,
                                     "the parts are %.0f agents together, and there are %u: write "
                                     "parts of all, or shares such as 50%%/50%%",
                                     sum, scenario->agent_count);
    return 0;
}

/* The first agent that both name; 0: none. */
static unsigned named_by_both(const struct scenario_who *one, const struct scenario_who *other) {
    for (unsigned i = 0; i < one->range_count; i++) {
        for (unsigned at = 0; at < other->range_count; at++) {
            unsigned first = one->ranges[i].first, last = one->ranges[i].last;
            first = other->ranges[at].first > first ? other->ranges[at].first : first;
            last = other->ranges[at].last < last ? other->ranges[at].last : last;
            if (first <= last)
                return first;
        }
    }
    return 0;
}

static int cut_check(const struct scenario *scenario, struct scenario_words *words,
                     const struct scenario_step *step) {
    unsigned both = named_by_both(&step->who, &step->other);
    unsigned count = step->who.count + step->other.count;
    if (both)
        return scenario_words_refuse(words, "a%u is on both sides of the cut: name it on one",
                                     both);
    if (count > scenario->agent_count)
        return scenario_words_refuse(words,
                                     "the sides are %u agents together, and there are %u: write "
                                     "smaller numbers",
                                     count, scenario->agent_count);
    return 0;
}

/* Of one step with those before it, so that the line that is too much is named. */
static int joins_check(const struct scenario *scenario, struct scenario_words *words,
                       const struct scenario_step *step) {
    uint64_t count = scenario->agent_count;
    for (const struct scenario_step *at = scenario->steps; at <= step; at++)
        count += step_joins(scenario, at);
    if (count > SCENARIO_AGENT_MAXIMUM)
        return scenario_words_refuse(words,
                                     "with it there are %llu agents, and at most %d can be: "
                                     "let fewer join",
                                     (unsigned long long)count, SCENARIO_AGENT_MAXIMUM);
    return 0;
}

static int step_check(const struct scenario *scenario, struct scenario_words *words,
                      const struct scenario_step *step) {
    int error = step->act == SCENARIO_JOIN ? 0 : who_check(scenario, words, &step->who);
    if (!error)
        error = who_check(scenario, words, &step->other);
    if (!error)
        error = parts_check(scenario, words, step);
    if (!error && step->act == SCENARIO_CUT)
        error = cut_check(scenario, words, step);
    if (error)
        return error;
    if (step->at_us + step->for_us > scenario->length_us)
        return scenario_words_refuse(words, "it is not over when the scenario ends: write a "
                                            "longer `lasts`, or an earlier time");
    return joins_check(scenario, words, step);
}

int scenario_check(const struct scenario *scenario, char *problem) {
    struct scenario_words words = {.file = scenario->file, .line = 1, .problem = problem};
    if (scenario->length_us > SCENARIO_LENGTH_MAXIMUM_US)
        return scenario_words_refuse(&words, "it takes longer than a day: write a shorter one");
    for (unsigned i = 0; i < scenario->step_count; i++) {
        words.line = scenario->steps[i].line;
        int error = step_check(scenario, &words, &scenario->steps[i]);
        if (error)
            return error;
    }
    return 0;
}
