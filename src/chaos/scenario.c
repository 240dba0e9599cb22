#include "chaos/scenario.h"
#include "chaos/scenario_lines.h"

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
        return scenario_expectation_parse(scenario, words);
    if (scenario_words_take(words, "setting"))
        return setting_parse(scenario, words);
    if (scenario_words_take(words, "lasts"))
        return length_parse(scenario, words);
    if (scenario_words_take(words, "agents"))
        return agents_parse(scenario, words);
    return scenario_step_parse(scenario, words);
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
        words.line++;
        int error = scenario_words_split(&words, bytes_take_until(&text, '\n'));
        if (!error)
            error = line_parse(scenario, &words);
        if (error)
            return error;
    }
    length_default(scenario);
    return scenario_check(scenario, problem);
}
