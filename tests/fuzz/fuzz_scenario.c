/* Scenarios of trothdb chaos and rules of GOSSIP FAULT: whatever stands there either means
 * something that holds together, or is refused with one sentence. Both are text that people write.
 */
#include "base/check.h"
#include "chaos/scenario.h"
#include "io/fault_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void try_scenario(struct bytes text) {
    static struct scenario kept; /* large: made once */
    struct scenario *scenario = &kept;
    char problem[SCENARIO_PROBLEM_BYTES] = "";
    if (scenario_parse(scenario, "x", text, problem) == 0) {
        CHECK(scenario_check(scenario, problem) == 0);
        CHECK(scenario_agents_ever(scenario) <= SCENARIO_AGENT_MAXIMUM);
        CHECK(scenario->length_us <= SCENARIO_LENGTH_MAXIMUM_US);
        for (unsigned i = 0; i < scenario->step_count; i++)
            CHECK(scenario_step_end_us(scenario, &scenario->steps[i]) <= scenario->length_us);
    } else {
        CHECK(strncmp(problem, "x:", 2) == 0);
        CHECK(memchr(problem, 0, sizeof problem) != NULL);
    }
}

static void try_rule(struct bytes text) {
    struct fault_rule rule;
    char problem[FAULT_PROBLEM_BYTES] = "";
    if (fault_rule_parse(&rule, text, problem) != 0) {
        CHECK(problem[0] != 0);
        return;
    }
    CHECK(bytes_equal(bytes_of_text(rule.text), text));
    CHECK(rule.share >= 0 && rule.share <= 1 && rule.shortest_us <= rule.longest_us);
    fault_rule_release(&rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    try_scenario(bytes_of(data, length));
    try_rule(bytes_of(data, length));
    return 0;
}
