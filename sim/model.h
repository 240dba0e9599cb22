/* The operations of the workload, and what each does to one key by the book: the state machine
 * against which the histories are held. A key holds an integer (a string in Redis's eyes) or a hash
 * of a few integer fields, or is absent. */
#pragma once
#include "base/buffer.h"
#include "wire/response.h"

enum { MODEL_FIELD_COUNT = 3 };

/* OPERATION(name, is it a hash's, can it change the key) */
enum operation_kind {
#define OPERATION(name, is_hash, is_write) OPERATION_##name,
#include "sim/operation.def"
#undef OPERATION
    OPERATION_KIND_COUNT
};

struct operation_kind_facts {
    const char *name;
    bool is_hash, is_write;
};
const struct operation_kind_facts *operation_kind_facts(enum operation_kind kind);

enum result_kind {
    RESULT_OK,
    RESULT_NIL,
    RESULT_INTEGER,
    RESULT_VALUE,
    RESULT_FIELDS,
    RESULT_STRANGE
};
struct result {
    enum result_kind kind;
    uint8_t present; /* of RESULT_FIELDS: bit i: field i is there */
    int64_t value[MODEL_FIELD_COUNT];
};
bool result_equal(const struct result *a, const struct result *b);

#define OPERATION_UNKNOWN UINT64_MAX

struct operation {
    enum operation_kind kind;
    uint32_t key;
    uint32_t client;
    uint8_t field;
    bool is_async;    /* asked to be answered before the disk */
    bool is_shaken;   /* it is, and what it finds may be lost already (risk.h) */
    int64_t argument; /* a value, an amount, or milliseconds in argument2 */
    int64_t argument2;
    uint64_t invoked_us;
    uint64_t returned_us; /* OPERATION_UNKNOWN: it may have happened, may happen yet, or never */
    uint64_t
        after; /* number of an earlier operation of the same pipeline on this key, + 1; 0: none */
    struct result result; /* of a known one */
};

struct model_state {
    int64_t value[MODEL_FIELD_COUNT]; /* a string's in value[0]; 0 where absent */
    uint8_t present;
    bool is_expiring;   /* has an expiry, so it may be gone at any moment, for good */
    uint8_t padding[6]; /* zero: states are compared as bytes */
};

/* What the operation does to the state, and what it answers. */
void model_apply(struct model_state *state, const struct operation *operation,
                 struct result *result);
/* "SET key 17": the request's bytes. Behind "TROTHDB WITH sync" or "async" where what the operation
 * wants is not what the node does by itself. */
void operation_encode(const struct operation *operation, bool is_node_async, struct buffer *out);
enum { OPERATION_KEY_BYTES = 32 };
void operation_key_name(uint32_t key, bool is_hash, char out[OPERATION_KEY_BYTES]);
/* The reply as a result; RESULT_STRANGE for anything that this operation can never answer. */
void operation_read_result(const struct operation *operation, const struct response *response,
                           struct result *result);
/* "c3 [12.345678 .. 12.350000] INCRBY k2 5 -> 17" for people. */
void operation_describe(const struct operation *operation, struct buffer *out);
