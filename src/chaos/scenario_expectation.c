#include "chaos/scenario_lines.h"

#include "base/text/quantity.h"

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

int scenario_expectation_parse(struct scenario *scenario, struct scenario_words *words) {
    if (scenario->expectation_count == SCENARIO_EXPECTATION_MAXIMUM)
        return scenario_words_refuse(words, "too many expectations: at most %d",
                                     SCENARIO_EXPECTATION_MAXIMUM);
    struct scenario_expectation *expectation =
        &scenario->expectations[scenario->expectation_count++];
    *expectation = (struct scenario_expectation){.share = 1, .line = words->line};
    scenario_words_rest(words, expectation->text);
    int error = subject_parse(words, expectation);
    return error ? error : scenario_words_end(words);
}
