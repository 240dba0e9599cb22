#include "chaos/scenario_lines.h"

#include <stdio.h>

static int who_parse(struct scenario_words *words, struct scenario_step *step) {
    return scenario_words_who(words, &step->who);
}

static int join_parse(struct scenario_words *words, struct scenario_step *step) {
    return scenario_words_count(words, 1, SCENARIO_AGENT_MAXIMUM, &step->who.count);
}

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

static int share_parse(struct scenario_words *words, struct scenario_step *step) {
    return on_parse(words, step, scenario_words_share(words, &step->share));
}

static int delay_parse(struct scenario_words *words, struct scenario_step *step) {
    return on_parse(words, step,
                    scenario_words_delay(words, &step->shortest_us, &step->longest_us));
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

static int messages_parse(struct scenario_words *words, struct scenario_step *step) {
    return scenario_words_rate(words, SCENARIO_MESSAGES_MAXIMUM, &step->rate);
}

/* What can happen, by its name: how the words behind the name are read, and whether it takes effect
 * at once and does not last. */
static const struct act {
    const char *name;
    int (*parse)(struct scenario_words *words, struct scenario_step *step);
    bool is_instant;
} acts[] = {
    [SCENARIO_KILL] = {"kill", who_parse, true},
    [SCENARIO_LEAVE] = {"leave", who_parse, true},
    [SCENARIO_JOIN] = {"join", join_parse, true},
    [SCENARIO_RESTART] = {"restart", who_parse, true},
    [SCENARIO_STOP] = {"stop", who_parse, false},
    [SCENARIO_CUT] = {"cut", cut_parse, false},
    [SCENARIO_SPLIT] = {"split", scenario_words_parts, false},
    [SCENARIO_LOSS] = {"loss", share_parse, false},
    [SCENARIO_DELAY] = {"delay", delay_parse, false},
    [SCENARIO_DUPLICATE] = {"duplicate", share_parse, false},
    [SCENARIO_CHURN] = {"churn", churn_parse, false},
    [SCENARIO_MESSAGES] = {"messages", messages_parse, false},
};
enum { ACT_COUNT = sizeof acts / sizeof acts[0] };

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
    bool is_instant = acts[step->act].is_instant;
    if (is_instant && step->for_us > 0)
        return scenario_words_refuse(words, "that does not last: take `for` away");
    if (step->act == SCENARIO_STOP && step->for_us == 0)
        return scenario_words_refuse(words, "how long is missing: write `for` and a time, such as "
                                            "stop 5 for 1s");
    if (step->every_us > 0 && step->every_us <= step->for_us)
        return scenario_words_refuse(words, "it comes again before it is over: write a longer "
                                            "time behind `every`");
    if (step->every_us > 0 && !is_instant && step->for_us == 0)
        return scenario_words_refuse(words, "it lasts to the end, so it cannot come again: write "
                                            "`for` and a time");
    return 0;
}

/* NULL: there is no such act. */
static const struct act *act_named(struct bytes word) {
    for (unsigned act = 0; act < ACT_COUNT; act++)
        if (bytes_equal(word, bytes_of_text(acts[act].name)))
            return &acts[act];
    return NULL;
}

static int refuse_statement(struct scenario_words *words, struct bytes word) {
    char names[SCENARIO_LINE_BYTES];
    size_t used = 0;
    for (unsigned act = 0; act < ACT_COUNT; act++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", act ? ", " : "",
                                 acts[act].name);
    return scenario_words_refuse(
        words, "'%.*s' is no statement: write agents, lasts, setting, expect, or a step: %s",
        SCENARIO_SHOWN(word), names);
}

int scenario_step_parse(struct scenario *scenario, struct scenario_words *words) {
    if (scenario->step_count == SCENARIO_STEP_MAXIMUM)
        return scenario_words_refuse(words, "too many steps: at most %d", SCENARIO_STEP_MAXIMUM);
    struct scenario_step *step = &scenario->steps[scenario->step_count];
    *step = (struct scenario_step){.line = words->line};
    if (scenario_words_take(words, "at")) {
        int error = scenario_words_duration(words, &step->at_us);
        if (error)
            return error;
    }
    scenario_words_rest(words, step->text);
    struct bytes word = scenario_words_next(words);
    const struct act *act = act_named(word);
    if (!act)
        return refuse_statement(words, word);
    step->act = (enum scenario_act)(act - acts);
    scenario->step_count++;
    int error = act->parse(words, step);
    return error ? error : span_parse(words, step);
}

uint64_t scenario_step_end_us(const struct scenario *scenario, const struct scenario_step *step) {
    if (step->every_us > 0) /* until no more fits */
        return scenario->length_us;
    if (acts[step->act].is_instant)
        return step->at_us;
    return step->for_us > 0 ? step->at_us + step->for_us : scenario->length_us;
}

bool scenario_act_is_fault(enum scenario_act act) { return act != SCENARIO_MESSAGES; }
