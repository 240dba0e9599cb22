#include "sim/run/census.h"
#include "base/memory.h"
#include "sim/cluster/node.h"
#include "sim/history/operation.h"
#include "sim/life/connection.h"
#include "sim/workload/workload.h"
#include "wire/request.h"
#include <stdio.h>

enum {
    CENSUS_QUESTIONS = 2, /* of each node: DBSIZE and KEYS */
    CENSUS_PATIENCE_US = 2000000,
    CENSUS_NAME_BYTES = 2 * OPERATION_NAME_BYTES,
    CENSUS_NAME_MAXIMUM = WORKLOAD_PLACE_COUNT * MODEL_FIELD_COUNT + WORKLOAD_BALLAST_COUNT
};

struct name {
    char text[CENSUS_NAME_BYTES];
    bool is_there, is_certain; /* by the last reads; who may expire may be gone since */
    unsigned said_count;
};

struct census {
    struct simulation *simulation;
    struct connection connections[SIM_NODE_MAXIMUM];
    struct name names[CENSUS_NAME_MAXIMUM];
    size_t name_count;
    uint64_t asked_us; /* 0: nobody is asked */
    unsigned waiting;  /* for answers */
    bool is_void;      /* somebody would not say */
    int64_t size;      /* what DBSIZE counts */
    uint64_t said_count;
    char stranger[CENSUS_NAME_BYTES]; /* a key that nobody ever wrote */
    struct buffer problem;            /* with what was said last */
};

/* ---- what the last reads found ---- */

static struct name *name_add(struct census *census) { return &census->names[census->name_count++]; }

static const struct result *last_read(const struct simulation *simulation, unsigned place) {
    enum operation_kind kind = workload_whole_read(place).kind;
    for (size_t i = simulation->history.count; i-- > 0;) {
        const struct operation *operation = &simulation->history.operations[i];
        if (operation->kind == kind && workload_place(operation) == place &&
            operation->returned_us != 0 && operation->returned_us != OPERATION_UNKNOWN)
            return &operation->result;
    }
    return NULL;
}

static void expect_group(struct census *census, const char *group, const struct result *result) {
    for (unsigned field = 0; field < MODEL_FIELD_COUNT; field++) {
        struct name *name = name_add(census);
        operation_member_name(group, field, name->text, sizeof name->text);
        name->is_there = result->present >> field & 1;
        name->is_certain = true;
    }
}

static void expect_place(struct census *census, unsigned place) {
    struct operation operation = workload_whole_read(place);
    const struct result *result = last_read(census->simulation, place);
    char text[OPERATION_NAME_BYTES];
    operation_object_name(&operation, text);
    if (result == NULL)
        return;
    if (operation_kind_facts(operation.kind)->object == OBJECT_GROUP) {
        expect_group(census, text, result);
        return;
    }
    struct name *name = name_add(census);
    snprintf(name->text, sizeof name->text, "%s", text);
    name->is_there = result->kind == RESULT_VALUE || result->present != 0;
    name->is_certain = !name->is_there || !workload_expires(&operation);
}

/* Large writes stand in no history: these are there or not, but not twice. */
static void expect_ballast(struct census *census) {
    for (unsigned i = 0; i < WORKLOAD_BALLAST_COUNT; i++)
        workload_ballast_name(i, name_add(census)->text);
}

/* ---- asking ---- */

static void census_reply(void *context, unsigned node, const struct response *response);
static void census_lost(void *context, unsigned node, enum connection_loss loss);

struct census *census_new(struct simulation *simulation) {
    struct census *census = memory_allocate_zeroed(1, sizeof *census);
    census->simulation = simulation;
    buffer_init(&census->problem, SIM_FAILURE_MAXIMUM);
    for (unsigned place = 0; place < WORKLOAD_PLACE_COUNT; place++)
        expect_place(census, place);
    expect_ballast(census);
    struct connection_user user = {.reply = census_reply, .lost = census_lost, .context = census};
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_init(&census->connections[node], simulation, node, &user);
    return census;
}

void census_free(struct census *census) {
    for (unsigned node = 0; node < census->simulation->node_count; node++)
        connection_release(&census->connections[node]);
    buffer_release(&census->problem);
    memory_free(census);
}

static void ask_node(struct census *census, unsigned node) {
    const struct bytes size[] = {BYTES_LITERAL("DBSIZE")};
    const struct bytes keys[] = {BYTES_LITERAL("KEYS"), BYTES_LITERAL("*")};
    struct buffer request;
    buffer_init(&request, 256);
    request_encode(&request, size, 1);
    request_encode(&request, keys, 2);
    connection_send(&census->connections[node], buffer_bytes(&request));
    buffer_release(&request);
    census->waiting += CENSUS_QUESTIONS;
}

/* What was asked before and is not answered counts no more. */
static void ask(struct census *census) {
    struct simulation *simulation = census->simulation;
    census->asked_us = simulation->queue.now_us;
    census->waiting = 0;
    census->is_void = false;
    census->size = 0;
    census->said_count = 0;
    census->stranger[0] = 0;
    for (size_t i = 0; i < census->name_count; i++)
        census->names[i].said_count = 0;
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_close(&census->connections[node]);
    for (unsigned node = 0; node < simulation->node_count; node++)
        if (sim_node_is_alive(simulation->nodes[node]))
            ask_node(census, node);
}

/* ---- the answers ---- */

static void note_name(struct census *census, struct bytes text) {
    census->said_count++;
    for (size_t i = 0; i < census->name_count; i++)
        if (bytes_equal(bytes_of_text(census->names[i].text), text)) {
            census->names[i].said_count++;
            return;
        }
    snprintf(census->stranger, sizeof census->stranger, "%.*s", BYTES_PRINT(text));
}

static void census_reply(void *context, unsigned node, const struct response *response) {
    struct census *census = context;
    (void)node;
    census->waiting--;
    if (response->kind == RESPONSE_INTEGER)
        census->size += response->integer;
    else if (response->kind != RESPONSE_ARRAY)
        census->is_void = true;
    for (size_t i = 0; i < response->element_count; i++)
        note_name(census, response->elements[i].text);
}

static void census_lost(void *context, unsigned node, enum connection_loss loss) {
    struct census *census = context;
    (void)node, (void)loss;
    census->is_void = true;
    census->asked_us = 0;
}

/* ---- are they right ---- */

static bool is_name_right(const struct name *name, struct buffer *problem) {
    if (name->said_count > 1)
        buffer_append_format(problem, "KEYS names %s %u times", name->text, name->said_count);
    else if (name->is_certain && name->is_there && name->said_count == 0)
        buffer_append_format(problem, "%s was read last, and KEYS does not name it", name->text);
    else if (name->is_certain && !name->is_there && name->said_count > 0)
        buffer_append_format(problem, "%s was read as absent last, and KEYS names it", name->text);
    return problem->length == 0;
}

static bool are_answers_right(const struct census *census, struct buffer *problem) {
    for (size_t i = 0; i < census->name_count; i++)
        if (!is_name_right(&census->names[i], problem))
            return false;
    if (census->stranger[0])
        buffer_append_format(problem, "KEYS names %s, which nobody wrote", census->stranger);
    else if (census->size != (int64_t)census->said_count)
        buffer_append_format(problem, "DBSIZE counts %lld keys, and KEYS names %llu",
                             (long long)census->size, (unsigned long long)census->said_count);
    return problem->length == 0;
}

struct bytes census_problem(const struct census *census) {
    return census->problem.length ? buffer_bytes(&census->problem)
                                  : BYTES_LITERAL("the nodes do not say which keys there are");
}

bool census_is_right(struct census *census) {
    uint64_t now_us = census->simulation->queue.now_us;
    bool is_answered = census->asked_us != 0 && census->waiting == 0 && !census->is_void;
    if (is_answered) {
        buffer_clear(&census->problem);
        if (are_answers_right(census, &census->problem))
            return true;
    }
    if (is_answered || census->is_void || now_us >= census->asked_us + CENSUS_PATIENCE_US)
        ask(census);
    return false;
}
