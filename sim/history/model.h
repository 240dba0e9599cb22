/* The operations of the workload, and what each does to one key by the book: the state machine
 * against which the histories are held. A key holds an integer (a string in Redis's eyes) or a hash
 * of a few integer fields, or is absent. A group is as many keys of one slot, which many-key
 * commands read and write at once: to the book it is a hash whose fields those keys are. */
#pragma once
#include "base/buffer.h"
#include "wire/response.h"

enum { MODEL_FIELD_COUNT = 3 };

enum operation_object { OBJECT_STRING, OBJECT_HASH, OBJECT_GROUP, OBJECT_COUNT };

enum operation_kind {
#define OPERATION(name, object, is_write, words) OPERATION_##name,
#include "sim/history/operation.def"
#undef OPERATION
    OPERATION_KIND_COUNT
};

struct operation_kind_facts {
    enum operation_object object;
    bool is_write;
    const char *words; /* operation.def */
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

#define OPERATION_UNKNOWN   UINT64_MAX
#define OPERATION_OF_BACKUP UINT32_MAX /* its client: a value that a backup holds */

struct operation {
    enum operation_kind kind;
    uint32_t key;
    uint32_t client;
    uint8_t field;
    bool is_async;    /* asked to be answered before the disk... */
    bool is_by_node;  /* ...or else as the node's setting says, which changes */
    bool is_shaken;   /* it may be, and what it finds may be lost already (risk.h) */
    bool is_perhaps;  /* of a known one: it was done before it returned, or never will be */
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

static inline bool operation_is_on(const struct operation *operation, enum operation_object object,
                                   uint32_t key) {
    return operation->key == key && operation_kind_facts(operation->kind)->object == object;
}
/* A part of FLUSHALL: the command is one operation on each object. */
static inline bool operation_is_flush(const struct operation *operation) {
    return operation->kind == OPERATION_FLUSH || operation->kind == OPERATION_HASH_FLUSH ||
           operation->kind == OPERATION_GROUP_FLUSH;
}
/* What MSET and MSETNX give a key of the group: each another value, so that half of one shows. */
static inline int64_t operation_group_value(const struct operation *operation, unsigned field) {
    return operation->argument + field;
}

/* What the operation does to the state, and what it answers. */
void model_apply(struct model_state *state, const struct operation *operation,
                 struct result *result);
