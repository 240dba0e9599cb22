/* GOSSIP KEYS: the ring of cluster keys of this member. Keys go in and never come out: a key is
 * called by its id. */
#include "member/gossip_call.h"
#include "seal/keyring.h"

enum { KEYS_PROBLEM_BYTES = 1024 };

static void keys_list(struct seal *seal, struct reply *reply) {
    struct seal_key_shown keys[SEAL_KEYS_MAXIMUM];
    unsigned count = keyring_list(seal, keys);
    reply_array(reply, count);
    for (unsigned i = 0; i < count; i++) {
        reply_map(reply, 2);
        reply_bulk_text(reply, "id");
        reply_bulk_text(reply, keys[i].id);
        reply_bulk_text(reply, "use");
        reply_bulk_text(reply, keys[i].is_sealing ? "seals and opens" : "opens");
    }
}

static void reply_outcome(struct reply *reply, int code, const struct buffer *problem) {
    if (code == 0)
        reply_ok(reply);
    else
        reply_error_format(reply, "ERR %.*s", BYTES_PRINT(buffer_bytes(problem)));
}

static void keys_add(struct seal *seal, struct bytes key, struct reply *reply,
                     struct buffer *problem) {
    char id[SEAL_ID_TEXT_BYTES];
    int code = keyring_add(seal, key, id, problem);
    if (code == 0)
        reply_bulk_text(reply, id);
    else
        reply_outcome(reply, code, problem);
}

static void keys_change(const struct gossip_call *call, struct seal *seal) {
    struct bytes action = call->arguments[2], key = call->arguments[3];
    struct buffer problem;
    buffer_init(&problem, KEYS_PROBLEM_BYTES);
    if (bytes_equal_ignoring_case(action, "add"))
        keys_add(seal, key, call->reply, &problem);
    else if (bytes_equal_ignoring_case(action, "use"))
        reply_outcome(call->reply, keyring_use(seal, key, &problem), &problem);
    else if (bytes_equal_ignoring_case(action, "remove"))
        reply_outcome(call->reply, keyring_remove(seal, key, &problem), &problem);
    else
        reply_error(call->reply, REPLY_SYNTAX);
    buffer_release(&problem);
}

void gossip_ring_run(const struct gossip_call *call) {
    struct seal *seal = gossiper_seal(call->gossiper);
    if (seal == NULL)
        reply_error(call->reply, "ERR this member has no cluster key: it was started without "
                                 "cluster-key-file");
    else if (call->argument_count == 3 && bytes_equal_ignoring_case(call->arguments[2], "list"))
        keys_list(seal, call->reply);
    else if (call->argument_count == 4)
        keys_change(call, seal);
    else
        reply_error(call->reply, REPLY_SYNTAX);
}
