#include "chaos/scenario.h"
#include "base/check.h"
#include "base/text/quantity.h"
#include "chaos/scenario_words.h"
#include <stdio.h>

/* ---- expectations ---- */

static int within_parse(struct scenario_words *words, struct scenario_expectation *expectation) {
    if (!scenario_words_take(words, "within"))
        return scenario_words_refuse(words, "a time is missing: write `within` and the time, such "
                                            "as within 3s");
    return scenario_words_duration(words, &expectation->within_us);
}

static int below_parse(struct scenario_words *words, struct scenario_expectation *expectation,
                       const char *unit) {
    if (!scenario_words_take(words, "below"))
        return scenario_words_refuse(words,
                                     "a size is missing: write `below` and the size, such "
                                     "as below 6mb%s",
                                     unit);
    struct bytes word = scenario_words_next(words), size = word;
    size_t unit_length = strlen(unit);
    bool has_unit = word.length > unit_length &&
                    memcmp(word.data + word.length - unit_length, unit, unit_length) == 0;
    if (has_unit)
        size.length -= unit_length;
    if (!has_unit || quantity_parse_bytes(size, &expectation->at_most) != 0)
        return scenario_words_refuse(words, "'%.*s' is no size here: write one such as 6mb%s",
                                     SCENARIO_SHOWN(word), unit);
    return 0;
}

static int timed_parse(struct scenario_words *words, struct scenario_expectation *expectation) {
    struct bytes word = scenario_words_next(words);
    if (bytes_equal(word, BYTES_LITERAL("news")))
        expectation->subject = SCENARIO_NEWS;
    else if (bytes_equal(word, BYTES_LITERAL("deaths")) ||
             bytes_equal(word, BYTES_LITERAL("death")))
        expectation->subject = SCENARIO_DEATHS;
    else
        return scenario_words_refuse(words, "'%.*s' cannot be expected: write news or deaths",
                                     SCENARIO_SHOWN(word));
    return within_parse(words, expectation);
}

static int falsehood_parse(struct scenario_words *words, struct scenario_expectation *expectation) {
    if (scenario_words_take(words, "false")) {
        struct bytes word = scenario_words_next(words);
        bool is_death = bytes_equal(word, BYTES_LITERAL("deaths"));
        expectation->subject = is_death ? SCENARIO_FALSE_DEATHS : SCENARIO_FALSE_ACCUSATIONS;
        if (is_death || bytes_equal(word, BYTES_LITERAL("accusations")))
            return 0;
    }
    return scenario_words_refuse(words, "what there should be none of is missing: write `false "
                                        "accusations` or `false deaths`");
}

static int subject_parse(struct scenario_words *words, struct scenario_expectation *expectation) {
    struct bytes first = scenario_words_peek(words);
    unsigned count;
    if (scenario_words_take(words, "no"))
        return falsehood_parse(words, expectation);
    if (scenario_words_take(words, "at")) {
        if (!scenario_words_take(words, "most"))
            return scenario_words_refuse(words, "write `at most` and a number");
        int error = scenario_words_count(words, 0, 1000000, &count);
        expectation->at_most = error ? 0 : count;
        return error ? error : falsehood_parse(words, expectation);
    }
    if (scenario_words_take(words, "whole")) {
        expectation->subject = SCENARIO_WHOLE;
        return within_parse(words, expectation);
    }
    if (scenario_words_take(words, "memory")) {
        expectation->subject = SCENARIO_MEMORY;
        return below_parse(words, expectation, "");
    }
    if (scenario_words_take(words, "traffic")) {
        expectation->subject = SCENARIO_TRAFFIC;
        return below_parse(words, expectation, "/s");
    }
    if (first.length > 0 && first.data[first.length - 1] == '%') {
        int error = scenario_words_share(words, &expectation->share);
        if (error)
            return error;
        if (!scenario_words_take(words, "of"))
            return scenario_words_refuse(words, "write `of news` or `of deaths` behind the share");
    }
    return timed_parse(words, expectation);
}

static void text_join(const struct scenario_words *words, unsigned from, unsigned to,
                      char out[SCENARIO_LINE_BYTES]) {
    size_t used = 0;
    out[0] = 0;
    for (unsigned i = from; i < to; i++)
        used += (size_t)snprintf(out + used, SCENARIO_LINE_BYTES - used, "%s%.*s",
                                 i > from ? " " : "", BYTES_PRINT(words->words[i]));
}

static int expectation_parse(struct scenario *scenario, struct scenario_words *words) {
    if (scenario->expectation_count == SCENARIO_EXPECTATION_MAXIMUM)
        return scenario_words_refuse(words, "too many expectations: at most %d",
                                     SCENARIO_EXPECTATION_MAXIMUM);
    struct scenario_expectation *expectation =
        &scenario->expectations[scenario->expectation_count++];
    *expectation = (struct scenario_expectation){.share = 1, .line = words->line};
    text_join(words, words->at, words->count, expectation->text);
    int error = subject_parse(words, expectation);
    return error ? error : scenario_words_end(words);
}

/* ---- steps ---- */

static int cut_parse(struct scenario_words *words, struct scenario_step *step) {
    int error = scenario_words_who(words, &step->who);
    if (error)
        return error;
    step->is_one_way = scenario_words_take(words, ">");
    if (!step->is_one_way && !scenario_words_take(words, "<>"))
        return scenario_words_refuse(words, "write > (one way) or <> (both ways) between the "
                                            "agents, such as cut a3 > a7");
    return scenario_words_who(words, &step->other);
}

/* Everybody, unless "on" some. */
static int on_parse(struct scenario_words *words, struct scenario_step *step, int error) {
    if (error || !scenario_words_take(words, "on"))
        return error;
    return scenario_words_who(words, &step->who);
}

static int churn_parse(struct scenario_words *words, struct scenario_step *step) {
    int error = scenario_words_rate(words, SCENARIO_CHURN_MAXIMUM, &step->rate);
    if (error)
        return error;
    step->is_deadly = scenario_words_take(words, "join-kill");
    if (!step->is_deadly)
        (void)scenario_words_take(words, "join-leave");
    return 0;
}

static int act_parse(struct scenario_words *words, struct scenario_step *step) {
    switch (step->act) {
    case SCENARIO_KILL:
    case SCENARIO_LEAVE:
    case SCENARIO_STOP:
    case SCENARIO_RESTART:
        return scenario_words_who(words, &step->who);
    case SCENARIO_JOIN:
        return scenario_words_count(words, 1, SCENARIO_AGENT_MAXIMUM, &step->who.count);
    case SCENARIO_CUT:
        return cut_parse(words, step);
    case SCENARIO_SPLIT:
        return scenario_words_parts(words, step);
    case SCENARIO_LOSS:
    case SCENARIO_DUPLICATE:
        return on_parse(words, step, scenario_words_share(words, &step->share));
    case SCENARIO_DELAY:
        return on_parse(words, step,
                        scenario_words_delay(words, &step->shortest_us, &step->longest_us));
    case SCENARIO_CHURN:
        return churn_parse(words, step);
    case SCENARIO_MESSAGES:
        return scenario_words_rate(words, SCENARIO_MESSAGES_MAXIMUM, &step->rate);
    }
    UNREACHABLE();
}

/* Takes effect at once and does not last. */
static bool act_is_instant(enum scenario_act act) {
    switch (act) {
    case SCENARIO_KILL:
    case SCENARIO_LEAVE:
    case SCENARIO_JOIN:
    case SCENARIO_RESTART:
        return true;
    case SCENARIO_STOP:
    case SCENARIO_CUT:
    case SCENARIO_SPLIT:
    case SCENARIO_LOSS:
    case SCENARIO_DELAY:
    case SCENARIO_DUPLICATE:
    case SCENARIO_CHURN:
    case SCENARIO_MESSAGES:
        return false;
    }
    UNREACHABLE();
}

bool scenario_act_is_fault(enum scenario_act act) { return act != SCENARIO_MESSAGES; }

static int span_parse(struct scenario_words *words, struct scenario_step *step) {
    while (scenario_words_peek(words).length > 0) {
        bool is_for = scenario_words_take(words, "for");
        if (!is_for && !scenario_words_take(words, "every"))
            return scenario_words_end(words);
        uint64_t *span_us = is_for ? &step->for_us : &step->every_us;
        int error = scenario_words_duration(words, span_us);
        if (error)
            return error;
        if (*span_us == 0)
            return scenario_words_refuse(words, "a time of nothing makes no sense there: write "
                                                "one such as 500ms or 10s");
    }
    if (act_is_instant(step->act) && step->for_us > 0)
        return scenario_words_refuse(words, "that does not last: take `for` away");
    if (step->act == SCENARIO_STOP && step->for_us == 0)
        return scenario_words_refuse(words, "how long is missing: write `for` and a time, such as "
                                            "stop 5 for 1s");
    if (step->every_us > 0 && step->every_us <= step->for_us)
        return scenario_words_refuse(words, "it comes again before it is over: write a longer "
                                            "time behind `every`");
    if (step->every_us > 0 && !act_is_instant(step->act) && step->for_us == 0)
        return scenario_words_refuse(words, "it lasts to the end, so it cannot come again: write "
                                            "`for` and a time");
    return 0;
}

static int step_parse(struct scenario *scenario, struct scenario_words *words) {
    static const char *const names[] = {
        [SCENARIO_KILL] = "kill",   [SCENARIO_LEAVE] = "leave",
        [SCENARIO_JOIN] = "join",   [SCENARIO_RESTART] = "restart",
        [SCENARIO_STOP] = "stop",   [SCENARIO_CUT] = "cut",
        [SCENARIO_SPLIT] = "split", [SCENARIO_LOSS] = "loss",
        [SCENARIO_DELAY] = "delay", [SCENARIO_DUPLICATE] = "duplicate",
        [SCENARIO_CHURN] = "churn", [SCENARIO_MESSAGES] = "messages"};
    if (scenario->step_count == SCENARIO_STEP_MAXIMUM)
        return scenario_words_refuse(words, "too many steps: at most %d", SCENARIO_STEP_MAXIMUM);
    struct scenario_step *step = &scenario->steps[scenario->step_count];
    *step = (struct scenario_step){.line = words->line};
    if (scenario_words_take(words, "at")) {
        int error = scenario_words_duration(words, &step->at_us);
        if (error)
            return error;
    }
    text_join(words, words->at, words->count, step->text);
    struct bytes word = scenario_words_next(words);
    for (unsigned act = 0; act < sizeof names / sizeof names[0]; act++) {
        if (!bytes_equal(word, bytes_of_text(names[act])))
            continue;
        step->act = (enum scenario_act)act;
        scenario->step_count++;
        int error = act_parse(words, step);
        return error ? error : span_parse(words, step);
    }
    return scenario_words_refuse(
        words,
        "'%.*s' is no statement: write agents, lasts, setting, expect, or a step: kill, leave, "
        "join, restart, stop, cut, split, loss, delay, duplicate, churn, messages",
        SCENARIO_SHOWN(word));
}

/* ---- lines ---- */

/* What each agent is given its own of. */
static bool is_chaos_own(struct bytes setting) {
    static const char *const names[] = {"name", "bind", "port",   "peer-port",   "admin-port",
                                        "join", "dir",  "config", "requirepass", "fault-injection"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_equal(setting, bytes_of_text(names[i])))
            return true;
    return false;
}

/* Of two that say the same thing differently, nobody can tell which one was meant. */
static int refuse_second(struct scenario_words *words, struct bytes what, unsigned first_line) {
    return scenario_words_refuse(words, "'%.*s' is said in line %u already: take one of them away",
                                 SCENARIO_SHOWN(what), first_line);
}

static const struct scenario_setting *setting_named(const struct scenario *scenario,
                                                    struct bytes name) {
    for (unsigned i = 0; i < scenario->setting_count; i++)
        if (bytes_equal(name, bytes_of_text(scenario->settings[i].name)))
            return &scenario->settings[i];
    return NULL;
}

static int setting_parse(struct scenario *scenario, struct scenario_words *words) {
    struct bytes name = scenario_words_next(words), value = scenario_words_next(words);
    const struct scenario_setting *earlier = setting_named(scenario, name);
    if (earlier)
        return refuse_second(words, name, earlier->line);
    if (scenario->setting_count == SCENARIO_SETTING_MAXIMUM)
        return scenario_words_refuse(words, "too many settings: at most %d",
                                     SCENARIO_SETTING_MAXIMUM);
    struct scenario_setting *setting = &scenario->settings[scenario->setting_count++];
    if (name.length == 0 || value.length == 0 || name.length >= sizeof setting->name ||
        value.length >= sizeof setting->value)
        return scenario_words_refuse(words, "a setting has a name and a value: write one such as "
                                            "setting gossip-flush-ms 10");
    if (is_chaos_own(name))
        return scenario_words_refuse(words,
                                     "'%.*s' is set for each agent by chaos itself: take "
                                     "the line away",
                                     SCENARIO_SHOWN(name));
    memcpy(setting->name, name.data, name.length);
    memcpy(setting->value, value.data, value.length);
    setting->line = words->line;
    return scenario_words_end(words);
}

static int length_parse(struct scenario *scenario, struct scenario_words *words) {
    if (scenario->length_line)
        return refuse_second(words, BYTES_LITERAL("lasts"), scenario->length_line);
    scenario->length_line = words->line;
    int error = scenario_words_duration(words, &scenario->length_us);
    if (!error && scenario->length_us == 0)
        error = scenario_words_refuse(words, "a time of nothing makes no sense there: write one "
                                             "such as 10s or 2m");
    return error ? error : scenario_words_end(words);
}

static int agents_parse(struct scenario *scenario, struct scenario_words *words) {
    if (scenario->agents_line)
        return refuse_second(words, BYTES_LITERAL("agents"), scenario->agents_line);
    scenario->agents_line = words->line;
    int error = scenario_words_count(words, 2, SCENARIO_AGENT_MAXIMUM, &scenario->agent_count);
    return error ? error : scenario_words_end(words);
}

static int line_parse(struct scenario *scenario, struct scenario_words *words) {
    if (words->count == 0)
        return 0;
    if (scenario_words_take(words, "expect"))
        return expectation_parse(scenario, words);
    if (scenario_words_take(words, "setting"))
        return setting_parse(scenario, words);
    if (scenario_words_take(words, "lasts"))
        return length_parse(scenario, words);
    if (scenario_words_take(words, "agents"))
        return agents_parse(scenario, words);
    return step_parse(scenario, words);
}

static void length_default(struct scenario *scenario) {
    if (scenario->length_us > 0)
        return;
    for (unsigned i = 0; i < scenario->step_count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        uint64_t end_us = step->at_us + step->for_us;
        scenario->length_us = end_us > scenario->length_us ? end_us : scenario->length_us;
    }
    scenario->length_us += SCENARIO_AFTERWARDS_US;
}

int scenario_parse(struct scenario *scenario, const char *file, struct bytes text, char *problem) {
    struct scenario_words words = {.file = file, .problem = problem};
    *scenario = (struct scenario){.file = file, .agent_count = SCENARIO_AGENTS_DEFAULT};
    if (text.length > SCENARIO_FILE_BYTES) {
        words.line = 1;
        return scenario_words_refuse(&words,
                                     "the file is too long for a scenario: at most %d "
                                     "bytes",
                                     SCENARIO_FILE_BYTES);
    }
    while (text.length > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.length);
        size_t length = newline != NULL ? (size_t)(newline - text.data) : text.length;
        words.line++;
        int error = scenario_words_split(&words, bytes_of(text.data, length));
        if (!error)
            error = line_parse(scenario, &words);
        if (error)
            return error;
        size_t taken = length + (newline != NULL);
        text = bytes_of(text.data + taken, text.length - taken);
    }
    length_default(scenario);
    return scenario_check(scenario, problem);
}

uint64_t scenario_step_end_us(const struct scenario *scenario, const struct scenario_step *step) {
    if (step->every_us > 0) /* until no more fits */
        return scenario->length_us;
    if (act_is_instant(step->act))
        return step->at_us;
    return step->for_us > 0 ? step->at_us + step->for_us : scenario->length_us;
}

/* ---- does it hold together? ---- */

static uint64_t step_joins(const struct scenario *scenario, const struct scenario_step *step) {
    uint64_t end_us = scenario_step_end_us(scenario, step);
    uint64_t span_us = end_us > step->at_us ? end_us - step->at_us : 0;
    if (step->act == SCENARIO_CHURN)
        return (uint64_t)(step->rate * (double)span_us / 1e6) + 1;
    if (step->act != SCENARIO_JOIN)
        return 0;
    return step->who.count * (step->every_us > 0 ? span_us / step->every_us + 1 : 1);
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
