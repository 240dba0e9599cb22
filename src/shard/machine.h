/* A state machine behind a shard: the keyspace for data shards (keyspace_machine.h), the topology
 * for the control shard (node/control.c). apply() is deterministic: it sees only its own state, the
 * call's arguments, time and seed. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "wire/reply.h"

struct machine_call {
    const struct bytes *arguments;
    size_t argument_count;
    uint64_t applied_ms; /* the shard's time */
    uint64_t
        now_ms; /* apply: the same; read on the leader: the later of it and the leader's clock */
    uint64_t seed;
};

struct machine {
    const struct machine_ops *ops;
};

struct machine_ops {
    void (*apply)(struct machine *machine, const struct machine_call *call, struct reply *reply);
    /* Keys that are past their time by now_ms only are appended to expired_keys: the reply is void
     * then (command.h). */
    void (*read)(struct machine *machine, const struct machine_call *call, struct reply *reply,
                 struct buffer *expired_keys);
    void (*save)(struct machine *machine, void (*emit)(void *context, struct bytes chunk),
                 void *context);
    /* What save() emitted, in order, but cut into pieces anywhere. */
    int (*load)(struct machine *machine, struct bytes piece);
    bool (*load_is_complete)(struct machine *machine);
    void (*clear)(struct machine *machine);
    struct machine *(*make_empty)(struct machine *machine); /* another of its kind, to load into */
    uint64_t (*hash)(struct machine *machine);
    /* Keys whose time has come, length-prefixed; returns how many. */
    size_t (*collect_expired)(struct machine *machine, uint64_t now_ms, size_t maximum,
                              struct buffer *out);
    /* May there ever be one? NULL: never. */
    bool (*may_expire)(struct machine *machine);
    void (*free)(struct machine *machine);
};
