/* The rules of each agent's faulty net, as the steps under way ask for. An agent is told all of its
 * rules anew whenever they change, so that nothing has to be taken back one by one. */
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text/quantity.h"
#include "cli/chaos/chaos.h"

enum { RULES_BYTES_MAXIMUM = 256 << 10, RULE_COUNT_MAXIMUM = 60 };

/* The rules of one agent, each ended by a newline. */
struct rules {
    struct chaos *chaos;
    unsigned index;
    struct buffer text;
    unsigned count;
};

static bool are_any(const struct chaos *chaos, const bool *wanted) {
    return memchr(wanted, true, chaos->agent_maximum * sizeof *wanted) != NULL;
}

static void append_peers(struct rules *rules, const bool *wanted) {
    const struct chaos *chaos = rules->chaos;
    const char *comma = "";
    for (unsigned first = 0; first < chaos->agent_maximum; first++) {
        if (!wanted[first])
            continue;
        unsigned last = first;
        while (last + 1 < chaos->agent_maximum && wanted[last + 1])
            last++;
        int port = chaos->port + CHAOS_PEER_OFFSET;
        buffer_append_format(&rules->text, "%s127.0.0.1:%d", comma, port + (int)first);
        if (last > first)
            buffer_append_format(&rules->text, "-%d", port + (int)last);
        comma = ",";
        first = last;
    }
}

/* Those that were to be cut off may be dead by then, and there is nothing to cut. */
static void append_cut(struct rules *rules, const char *way, const bool *peers) {
    if (!are_any(rules->chaos, peers))
        return;
    buffer_append_format(&rules->text, "cut %s ", way);
    append_peers(rules, peers);
    buffer_append_u8(&rules->text, '\n');
    rules->count++;
}

/* Both ends hold to it, so that streams know of it as well. */
static void append_cuts(struct rules *rules, const struct scenario_step *step,
                        const struct chaos_concern *concern) {
    if (concern->who[rules->index])
        append_cut(rules, step->is_one_way ? "to" : "with", concern->other);
    if (concern->other[rules->index])
        append_cut(rules, step->is_one_way ? "from" : "with", concern->who);
}

/* In which part of a split an agent is: parts are taken in the order of the numbers, and who comes
 * later is in the last. */
static unsigned part_of(const struct chaos *chaos, const struct scenario_step *step,
                        unsigned index) {
    double end = 0;
    for (unsigned part = 0; part < step->part_count; part++) {
        end +=
            step->has_shares ? step->parts[part] * chaos->scenario->agent_count : step->parts[part];
        if (index < end - 0.5)
            return part;
    }
    return step->part_count - 1;
}

static void append_split(struct rules *rules, const struct scenario_step *step) {
    const struct chaos *chaos = rules->chaos;
    unsigned own = part_of(chaos, step, rules->index);
    bool *others = memory_allocate_zeroed(chaos->agent_maximum, sizeof *others);
    for (unsigned i = 0; i < chaos->agent_maximum; i++)
        others[i] = part_of(chaos, step, i) != own;
    append_cut(rules, "with", others);
    memory_free(others);
}

/* What concerns everybody is done where it is sent, so that it is done once. */
static void append_noise(struct rules *rules, const struct scenario_step *step,
                         const struct chaos_concern *concern) {
    char shortest[QUANTITY_TEXT_BYTES], longest[QUANTITY_TEXT_BYTES];
    bool is_for_all = step->who.count == 0 && step->who.range_count == 0;
    if (!is_for_all && !concern->who[rules->index])
        return;
    if (step->act == SCENARIO_DELAY) {
        buffer_append_format(&rules->text, "delay %s..%s",
                             quantity_format_duration(step->shortest_us, shortest),
                             quantity_format_duration(step->longest_us, longest));
    } else {
        buffer_append_format(&rules->text, "%s %.6f%%",
                             step->act == SCENARIO_LOSS ? "loss" : "duplicate", step->share * 100);
    }
    buffer_append_text(&rules->text, is_for_all ? " to *\n" : " with *\n");
    rules->count++;
}

static void append_step(struct rules *rules, unsigned position) {
    const struct scenario_step *step = &rules->chaos->scenario->steps[position];
    const struct chaos_concern *concern = &rules->chaos->concerns[position];
    if (!concern->is_active || rules->count >= RULE_COUNT_MAXIMUM)
        return;
    switch (step->act) {
    case SCENARIO_CUT:
        append_cuts(rules, step, concern);
        return;
    case SCENARIO_SPLIT:
        append_split(rules, step);
        return;
    case SCENARIO_LOSS:
    case SCENARIO_DELAY:
    case SCENARIO_DUPLICATE:
        append_noise(rules, step, concern);
        return;
    case SCENARIO_KILL:
    case SCENARIO_LEAVE:
    case SCENARIO_JOIN:
    case SCENARIO_RESTART:
    case SCENARIO_STOP:
    case SCENARIO_CHURN:
    case SCENARIO_MESSAGES:
        return;
    }
    UNREACHABLE();
}

static bool send_rules(struct rules *rules, const char *text) {
    struct bytes words[3 + RULE_COUNT_MAXIMUM + 2] = {
        BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("FAULT"),
        rules->count ? BYTES_LITERAL("SET") : BYTES_LITERAL("CLEAR")};
    size_t count = 3;
    while (*text) {
        size_t length = strcspn(text, "\n");
        words[count++] = bytes_of(text, length);
        text += length + 1;
    }
    return chaos_ask(rules->chaos, rules->index, CHAOS_ASKED_ANYTHING, words, count);
}

void chaos_faults_apply_to(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    struct rules rules = {.chaos = chaos, .index = index};
    buffer_init(&rules.text, RULES_BYTES_MAXIMUM);
    for (unsigned i = 0; i < chaos->scenario->step_count; i++)
        append_step(&rules, i);
    buffer_append_u8(&rules.text, '\0');
    const char *text = (const char *)buffer_data(&rules.text);
    CHECK(!rules.text.is_overflowed);
    if (strcmp(text, agent->rules ? agent->rules : "") != 0 && send_rules(&rules, text)) {
        memory_free(agent->rules);
        agent->rules = memory_copy_text(text);
    }
    buffer_release(&rules.text);
}

void chaos_faults_apply(struct chaos *chaos) {
    for (unsigned i = 0; i < chaos->agent_count; i++)
        if (chaos->agents[i].is_connected)
            chaos_faults_apply_to(chaos, i);
}
