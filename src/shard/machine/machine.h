/* A state machine behind a shard: the keyspace for data shards (keyspace_machine.h), the topology
 * for the control shard (replica/topology/control_machine.c). apply() is deterministic: it sees
 * only its own state, the call's arguments, time and seed. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "command/comparison.h"
#include "keyspace/keyspace.h"
#include "slot/slot_watch.h"
#include "wire/reply.h"

struct command;
struct machine_call {
    const struct command *command; /* what expect() found that it runs; NULL: it did not look */
    const struct bytes *arguments;
    size_t argument_count;
    uint64_t applied_ms; /* the shard's time */
    uint64_t
        now_ms; /* apply: the same; read on the leader: the later of it and the leader's clock */
    uint64_t seed;
    bool is_led; /* apply: the shard's leader does it; of all replicas this one counts it */
};

struct machine {
    const struct machine_ops *ops;
};

struct machine_ops {
    /* Is told of the calls that apply() gets next, in this order, so that what they need can come
     * from memory for all of them at once. Notes in them what it found; `keys` is room for more.
     * These and the arguments stay where they are until expect_none(). NULL: no use for it. */
    void (*expect)(struct machine *machine, struct machine_call *calls, size_t count,
                   struct expected_keys *keys);
    void (*expect_none)(struct machine *machine); /* with expect() */
    void (*apply)(struct machine *machine, const struct machine_call *call, struct reply *reply);
    /* Keys that are past their time by now_ms only are appended to expired_keys: the reply is void
     * then (command.h). */
    void (*read)(struct machine *machine, const struct machine_call *call, struct reply *reply,
                 struct buffer *expired_keys);
    /* Snapshots go by slot, so that they can be taken while the data changes and need not save
     * again what did not. A machine without slots has all that it holds in slot 0. */
    /* From now on the watch is told before a slot changes; NULL: nobody is. Borrows. */
    void (*watch)(struct machine *machine, struct slot_watch *watch);
    /* About how many bytes save() appends; 0 if, and only if, the slot is empty. */
    uint64_t (*slot_bytes)(struct machine *machine, slot_number slot);
    /* How many keys the slot holds. NULL: the machine has no keys, and so no parts of slots: it is
     * asked to save whole ones only. */
    uint64_t (*slot_keys)(struct machine *machine, slot_number slot);
    /* May what is saved from now on hold long strings in pieces? NULL: it makes no difference. */
    void (*split_strings)(struct machine *machine, bool may_split);
    /* Begins a cut: what these slots and parts of slots hold now is what save() appends of them,
     * whatever is applied meanwhile. One at a time. Takes the set. */
    void (*cut)(struct machine *machine, struct part_set *wanted);
    /* Appends more of what the part held, about so many bytes, and adds its share of hash(); each
     * part of the cut once. As keyspace_save_cut() has it. */
    enum cut_saved (*save)(struct machine *machine, struct slot_part part, size_t bytes,
                           size_t enough_bytes, struct buffer *out, uint64_t *state_hash);
    /* What is not saved is given up, about so much at a time as save() would go through for so many
     * bytes. True: there is more of it, and before another cut this is to be called again. */
    bool (*end_cut)(struct machine *machine, size_t bytes);
    uint64_t (*grown_bytes)(
        const struct machine *machine); /* memory held twice for the cut, about */
    /* What save() appended, slots one behind the other, but cut into pieces anywhere. */
    int (*load)(struct machine *machine, struct bytes piece);
    bool (*load_is_complete)(struct machine *machine);
    void (*clear)(struct machine *machine);
    struct machine *(*make_empty)(struct machine *machine); /* another of its kind, to load into */
    uint64_t (*hash)(struct machine *machine);              /* the sum over all slots */
    /* What replicas compared, of this state. NULL: the machine is not compared. */
    struct comparisons *(*comparisons)(struct machine *machine);
    /* Adds some keys of a slot from `cursor` on, 0 at first, for replicas to compare, and returns
     * the next cursor; 0: that was all of them. Keys or values of great length are counted, and
     * nothing behind their bucket is named. NULL: the machine has no long slots. */
    uint64_t (*name_keys)(struct machine *machine, slot_number slot, uint64_t cursor,
                          struct comparison_keys *out);
    /* Of those that name_keys() counted in the bucket at this cursor: the one of this number, from
     * 0, and where a piece of what it holds ends that begins at out->from. False: it is not there
     * any more, or its name is too long to be told. */
    bool (*name_piece)(struct machine *machine, slot_number slot, uint64_t cursor, unsigned number,
                       struct comparison_piece *out);
    /* Keys whose time has come, length-prefixed; returns how many. */
    size_t (*collect_expired)(struct machine *machine, uint64_t now_ms, size_t maximum,
                              struct buffer *out);
    /* May there ever be one? NULL: never. */
    bool (*may_expire)(struct machine *machine);
    void (*free)(struct machine *machine);
};
