#include "sim/operator/rotation.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "seal/keyring.h"
#include "sim/cluster/node.h"
#include "sim/life/connection.h"
#include "wire/request.h"
enum { ROTATION_POLL_US = 1000000 };

enum rotation_step { ROTATION_ADD, ROTATION_USE, ROTATION_REMOVE, ROTATION_OVER };

struct rotation {
    struct simulation *simulation;
    struct connection connections[SIM_NODE_MAXIMUM];
    enum rotation_step step; /* ROTATION_OVER: none is under way */
    bool is_taken[SIM_NODE_MAXIMUM];
    struct seal_key former, fresh;
};

static event_run rotation_event;

/* A node that refuses is asked again. */
static void rotation_reply(void *context, unsigned node, const struct response *response) {
    struct rotation *rotation = context;
    if (response->kind == RESPONSE_ERROR)
        trace_line(&rotation->simulation->trace, "operator: node %u refuses: %.*s", node + 1,
                   BYTES_PRINT(response->text));
    else
        rotation->is_taken[node] = true;
}

static void rotation_lost(void *context, unsigned node, enum connection_loss loss) {
    (void)context, (void)node, (void)loss;
}

struct rotation *rotation_new(struct simulation *simulation) {
    struct rotation *rotation = memory_allocate_zeroed(1, sizeof *rotation);
    rotation->simulation = simulation;
    rotation->step = ROTATION_OVER;
    rotation->fresh = simulation->cluster_key;
    struct connection_user user = {
        .reply = rotation_reply, .lost = rotation_lost, .context = rotation};
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_init(&rotation->connections[node], simulation, node, &user);
    return rotation;
}

void rotation_free(struct rotation *rotation) {
    if (rotation == NULL)
        return;
    for (unsigned node = 0; node < rotation->simulation->node_count; node++)
        connection_release(&rotation->connections[node]);
    memory_free(rotation);
}

/* ---- one step ---- */

/* Over a new connection: an answer to the step before must not be taken for one to this. */
static void ask(struct rotation *rotation, unsigned node) {
    static const char *const actions[] = {"ADD", "USE", "REMOVE"};
    char key[HEX_TEXT_BYTES(SEAL_KEY_BYTES)], id[SEAL_ID_TEXT_BYTES];
    struct buffer request;
    hex_write(rotation->fresh.bytes, SEAL_KEY_BYTES, key);
    keyring_id(rotation->step == ROTATION_REMOVE ? &rotation->former : &rotation->fresh, id);
    buffer_init(&request, 1024);
    request_encode(&request,
                   (const struct bytes[]){BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("KEYS"),
                                          bytes_of_text(actions[rotation->step]),
                                          bytes_of_text(rotation->step == ROTATION_ADD ? key : id)},
                   4);
    connection_close(&rotation->connections[node]);
    connection_send(&rotation->connections[node], buffer_bytes(&request));
    buffer_release(&request);
}

/* Who is down is asked when it is up again; who was never started gets the new key with its start.
 * Who was taken out needs none once it has ended: until then it has to hear of that. One that is
 * down then is passed over, as by --partial. */
static bool has_ring(const struct sim_node *node) {
    return node->life > 0 && !node->is_locked_out && (node->is_up || !node->is_given_up);
}

static bool is_step_taken(struct rotation *rotation) {
    bool is_taken = true;
    for (unsigned node = 0; node < rotation->simulation->node_count; node++) {
        const struct sim_node *asked = rotation->simulation->nodes[node];
        if (rotation->is_taken[node] || !has_ring(asked))
            continue;
        is_taken = false;
        if (sim_node_is_alive(asked))
            ask(rotation, node);
    }
    return is_taken;
}

static void begin_step(struct rotation *rotation, enum rotation_step step) {
    rotation->step = step;
    for (unsigned node = 0; node < SIM_NODE_MAXIMUM; node++)
        rotation->is_taken[node] = false;
}

static void look_later(struct rotation *rotation, uint64_t after_us) {
    struct event_queue *queue = &rotation->simulation->queue;
    event_schedule(queue, queue->now_us + after_us, rotation_event, rotation);
}

void rotation_begin(struct rotation *rotation) {
    struct simulation *simulation = rotation->simulation;
    if (!simulation->is_sealed || rotation->step != ROTATION_OVER)
        return;
    trace_line(&simulation->trace, "operator: another cluster key is wanted");
    simulation->is_key_changing = true;
    rotation->former = rotation->fresh;
    for (unsigned i = 0; i < SEAL_KEY_BYTES; i++)
        rotation->fresh.bytes[i] = (uint8_t)random_next(&simulation->random);
    begin_step(rotation, ROTATION_ADD);
    look_later(rotation, 0);
}

static void end(struct rotation *rotation) {
    struct simulation *simulation = rotation->simulation;
    simulation->cluster_key = rotation->fresh;
    simulation->is_key_changing = false;
    simulation->statistics.keys_rotated++;
}

static void rotation_event(struct event *event) {
    struct rotation *rotation = event->context;
    if (is_step_taken(rotation)) {
        begin_step(rotation, rotation->step + 1);
        trace_line(&rotation->simulation->trace, "operator: all nodes have taken that step");
    }
    if (rotation->step == ROTATION_OVER)
        end(rotation);
    else
        look_later(rotation, ROTATION_POLL_US);
}
