#include "sim/operator/visitor.h"
#include "base/memory.h"
#include "sim/operator/operator.h"
#include <stdio.h>

enum { VISITOR_WORDS_MOST = 4, VISITOR_QUESTIONS_MOST = 5, VISITOR_NUMBER_BYTES = 12 };

struct visitor {
    struct simulation *simulation;
    struct sim_operator *operator_;
};

/* "#": the number of a shard. */
static const char *const QUESTIONS[][VISITOR_WORDS_MOST] = {
    {"INFO", "everything"},
    {"INFO", "commandstats"},
    {"CLUSTER", "NODES"},
    {"CLUSTER", "SLOTS"},
    {"CLUSTER", "SHARDS"},
    {"CLUSTER", "INFO"},
    {"CLUSTER", "LINKS"},
    {"CLUSTER", "COUNTKEYSINSLOT", "1000"},
    {"CLUSTER", "GETKEYSINSLOT", "1000", "10"},
    {"DBSIZE"},
    {"KEYS", "*"},
    {"SCAN", "0"},
    {"RANDOMKEY"},
    {"SLOWLOG", "GET", "10"},
    {"SLOWLOG", "LEN"},
    {"SLOWLOG", "RESET"},
    {"CLIENT", "LIST"},
    {"CONFIG", "GET", "*"},
    {"CONFIG", "RESETSTAT"},
    {"LATENCY", "HISTOGRAM"},
    {"GOSSIP", "MEMBERS"},
    {"GOSSIP", "INFO"},
    {"GOSSIP", "SET", "seen", "here"},
    {"GOSSIP", "DEL", "seen"},
    {"TROTHDB", "STATUS"},
    {"TROTHDB", "SETTINGS"},
    {"TROTHDB", "TOPOLOGY"},
    {"TROTHDB", "SNAPSHOT"},
    {"TROTHDB", "SNAPSHOT", "#"},
    {"TROTHDB", "TRANSFER", "#"},
};
enum { QUESTION_COUNT = sizeof QUESTIONS / sizeof *QUESTIONS };

static const double VISITOR_KILL_CHANCE = 0.05;

struct visitor *visitor_new(struct simulation *simulation) {
    struct visitor *visitor = memory_allocate_zeroed(1, sizeof *visitor);
    visitor->simulation = simulation;
    visitor->operator_ = sim_operator_new(simulation, &simulation->statistics.visits_answered);
    return visitor;
}

void visitor_free(struct visitor *visitor) {
    if (visitor == NULL)
        return;
    sim_operator_free(visitor->operator_);
    memory_free(visitor);
}

static void ask_one(struct visitor *visitor, unsigned node, const char *const *question) {
    struct simulation *simulation = visitor->simulation;
    char number[VISITOR_NUMBER_BYTES];
    struct bytes words[VISITOR_WORDS_MOST];
    size_t count = 0;
    snprintf(number, sizeof number, "%u",
             (unsigned)random_between(&simulation->random, 0, simulation->shard_count));
    for (; count < VISITOR_WORDS_MOST && question[count]; count++)
        words[count] = bytes_of_text(strcmp(question[count], "#") == 0 ? number : question[count]);
    simulation->statistics.visits++;
    sim_operator_ask(visitor->operator_, node, words, count);
}

void visitor_ask(struct visitor *visitor) {
    static const char *const kill[VISITOR_WORDS_MOST] = {"CLIENT", "KILL", "TYPE", "normal"};
    struct simulation *simulation = visitor->simulation;
    struct random *random = &simulation->random;
    unsigned node = (unsigned)random_below(random, simulation->node_count);
    trace_line(&simulation->trace, "operator: looks at node %u", node + 1);
    for (uint64_t left = random_between(random, 1, VISITOR_QUESTIONS_MOST); left > 0; left--)
        ask_one(visitor, node, QUESTIONS[random_below(random, QUESTION_COUNT)]);
    if (random_chance(random, VISITOR_KILL_CHANCE)) {
        trace_line(&simulation->trace, "operator: throws the clients of node %u out", node + 1);
        simulation->statistics.clients_thrown_out++;
        ask_one(visitor, node, kill);
    }
}
