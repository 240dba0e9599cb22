#include "sim/operator/operator.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "sim/check/checks.h"
#include "sim/life/connection.h"
#include "wire/request.h"
#include <stdio.h>

enum { OPERATOR_REQUEST_BYTES = TOPOLOGY_BYTES_MAXIMUM + 8192, OPERATOR_NUMBER_BYTES = 12 };

struct sim_operator {
    struct simulation *simulation;
    uint64_t *accepted_count;
    struct connection connections[SIM_NODE_MAXIMUM];
};

/* A refusal is an answer too: the leader moved, or it is so already. */
static void operator_reply(void *context, unsigned node, const struct response *response) {
    struct sim_operator *operator_ = context;
    if (response->kind == RESPONSE_ERROR)
        trace_line(&operator_->simulation->trace, "operator: node %u refuses: %.*s", node + 1,
                   BYTES_PRINT(response->text));
    if (operator_->accepted_count)
        *operator_->accepted_count += response->kind != RESPONSE_ERROR;
}

static void operator_lost(void *context, unsigned node, enum connection_loss loss) {
    (void)context, (void)node, (void)loss;
}

struct sim_operator *sim_operator_new(struct simulation *simulation, uint64_t *accepted_count) {
    struct sim_operator *operator_ = memory_allocate_zeroed(1, sizeof *operator_);
    operator_->simulation = simulation;
    operator_->accepted_count = accepted_count;
    struct connection_user user = {
        .reply = operator_reply, .lost = operator_lost, .context = operator_};
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_init(&operator_->connections[node], simulation, node, &user);
    return operator_;
}

void sim_operator_free(struct sim_operator *operator_) {
    for (unsigned node = 0; node < operator_->simulation->node_count; node++)
        connection_release(&operator_->connections[node]);
    memory_free(operator_);
}

void sim_operator_ask(struct sim_operator *operator_, unsigned node, const struct bytes *arguments,
                      size_t count) {
    struct buffer request;
    buffer_init(&request, OPERATOR_REQUEST_BYTES);
    request_encode(&request, arguments, count);
    connection_send(&operator_->connections[node], buffer_bytes(&request));
    buffer_release(&request);
}

void sim_operator_place(struct sim_operator *operator_, uint32_t shard, const unsigned *nodes,
                        unsigned count) {
    struct simulation *simulation = operator_->simulation;
    unsigned leader = checks_leader(simulation, 0);
    char numbers[1 + SIM_NODE_MAXIMUM][OPERATOR_NUMBER_BYTES];
    struct bytes arguments[3 + SIM_NODE_MAXIMUM] = {BYTES_LITERAL("TROTHDB"),
                                                    BYTES_LITERAL("REPLICAS")};
    if (leader >= simulation->node_count)
        return;
    for (unsigned i = 0; i <= count; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%u", i ? nodes[i - 1] + 1 : shard);
        arguments[2 + i] = bytes_of_text(numbers[i]);
    }
    trace_line(&simulation->trace, "operator: node %u is asked for %u replicas of shard %u",
               leader + 1, count, shard);
    sim_operator_ask(operator_, leader, arguments, 3 + count);
}
