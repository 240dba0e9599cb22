/* GOSSIP FAULT: the rules by which a node's own gossip is cut, lost, delayed and duplicated. For
 * drills: refused unless the node was started with fault-injection. */
#include "base/check.h"
#include "io/faulty_net.h"
#include "member/gossip_call.h"

static void run_set(const struct gossip_call *call, struct faulty_net *faults) {
    char problem[FAULT_PROBLEM_BYTES];
    if (call->argument_count < 4)
        reply_error(call->reply, "ERR GOSSIP FAULT SET takes rules, such as \"loss 20%\"");
    else if (faulty_net_set(faults, call->arguments + 3, call->argument_count - 3, problem) != 0)
        reply_error_format(call->reply, "ERR %s", problem);
    else
        reply_ok(call->reply);
}

static void run_clear(const struct gossip_call *call, struct faulty_net *faults) {
    char problem[FAULT_PROBLEM_BYTES];
    if (call->argument_count > 3) {
        reply_error(call->reply, "ERR GOSSIP FAULT CLEAR takes away all rules, and no argument");
        return;
    }
    CHECK(faulty_net_set(faults, NULL, 0, problem) == 0);
    reply_ok(call->reply);
}

static void reply_count(struct reply *reply, const char *name, uint64_t count) {
    reply_bulk_text(reply, name);
    reply_integer(reply, (int64_t)count);
}

static void run_list(const struct gossip_call *call, struct faulty_net *faults) {
    struct faulty_net_counts counts;
    size_t rule_count = 0;
    while (faulty_net_rule(faults, rule_count) != NULL)
        rule_count++;
    faulty_net_counts(faults, &counts);
    reply_map(call->reply, 7);
    reply_bulk_text(call->reply, "rules");
    reply_array(call->reply, rule_count);
    for (size_t i = 0; i < rule_count; i++)
        reply_bulk_text(call->reply, faulty_net_rule(faults, i));
    reply_count(call->reply, "passed", counts.passed);
    reply_count(call->reply, "cut", counts.cut);
    reply_count(call->reply, "lost", counts.lost);
    reply_count(call->reply, "duplicated", counts.duplicated);
    reply_count(call->reply, "delayed", counts.delayed);
    reply_count(call->reply, "overflowed", counts.overflowed);
}

void gossip_fault_run(const struct gossip_call *call) {
    struct faulty_net *faults = gossiper_faults(call->gossiper);
    if (faults == NULL)
        reply_error(call->reply, "ERR faults are not allowed here: start the process with "
                                 "--fault-injection yes");
    else if (bytes_equal_ignoring_case(call->arguments[2], "set"))
        run_set(call, faults);
    else if (bytes_equal_ignoring_case(call->arguments[2], "clear"))
        run_clear(call, faults);
    else if (bytes_equal_ignoring_case(call->arguments[2], "list") && call->argument_count == 3)
        run_list(call, faults);
    else
        reply_error(call->reply, "ERR GOSSIP FAULT takes SET and rules, CLEAR, or LIST");
}
