#include "replica/topology/control_machine.h"
#include "base/check.h"

#include "base/memory.h"

enum { TOPOLOGY_BYTES_USUAL = 1024 };

struct control_machine {
    struct machine machine;
    struct topology *topology;
    struct buffer loading; /* pieces of a snapshot, until they are a whole topology */
    struct buffer cut;     /* the topology as of a cut, encoded; empty: none is under way */
    uint64_t cut_hash;
    struct slot_watch *watch; /* of slot 0, where all of this is; borrowed */
    struct comparisons comparisons;
};

static struct control_machine *control_of(struct machine *machine) {
    return (struct control_machine *)machine;
}

static uint64_t control_hash(struct machine *machine) {
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(control_of(machine)->topology, &encoded);
    uint64_t hash = bytes_hash(buffer_bytes(&encoded), 0);
    buffer_release(&encoded);
    return hash;
}

/* Whatever slots it names: all of this is compared at once. False: the call is another one. */
static bool control_compare(struct machine *machine, const struct machine_call *call) {
    if (call->argument_count < 3 ||
        !bytes_equal(call->arguments[0], BYTES_LITERAL("trothdb.compare")))
        return false;
    bool has_former = call->argument_count >= 5;
    const struct comparison made = {.is_made = true,
                                    .id = call->seed,
                                    .last_slot = SLOT_COUNT - 1,
                                    .hash = control_hash(machine)};
    comparisons_take(&control_of(machine)->comparisons,
                     has_former ? call->arguments[3] : BYTES_NONE,
                     has_former ? call->arguments[4] : BYTES_NONE, &made);
    return true;
}

static struct comparisons *control_comparisons(struct machine *machine) {
    return &control_of(machine)->comparisons;
}

static void control_apply(struct machine *machine, const struct machine_call *call,
                          struct reply *reply) {
    if (control_compare(machine, call)) {
        reply_ok(reply);
        return;
    }
    slot_watch_touch_slot(control_of(machine)->watch, 0);
    int error =
        topology_apply(control_of(machine)->topology, call->arguments, call->argument_count);
    if (error)
        reply_error_format(reply, "ERR %s", error_text(error));
    else
        reply_ok(reply);
}

static void control_read(struct machine *machine, const struct machine_call *call,
                         struct reply *reply, struct buffer *expired_keys) {
    (void)call;
    (void)expired_keys;
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(control_of(machine)->topology, &encoded);
    reply_bulk(reply, buffer_bytes(&encoded));
    buffer_release(&encoded);
}

static void control_watch(struct machine *machine, struct slot_watch *watch) {
    control_of(machine)->watch = watch;
}

static uint64_t control_slot_bytes(struct machine *machine, slot_number slot) {
    (void)machine;
    return slot == 0 ? TOPOLOGY_BYTES_USUAL : 0;
}

/* A topology is small: it is encoded at once. */
static void control_cut(struct machine *machine, struct part_set *wanted) {
    struct control_machine *control = control_of(machine);
    if (part_set_has(wanted, slot_whole(0))) {
        topology_encode(control->topology, &control->cut);
        control->cut_hash = bytes_hash(buffer_bytes(&control->cut), 0);
    }
    part_set_clear(wanted);
}

static enum cut_saved control_save(struct machine *machine, struct slot_part part, size_t bytes,
                                   size_t enough_bytes, struct buffer *out, uint64_t *state_hash) {
    struct control_machine *control = control_of(machine);
    (void)bytes, (void)enough_bytes;
    CHECK(part.bits == 0);
    if (part.slot == 0) {
        buffer_append_bytes(out, buffer_bytes(&control->cut));
        *state_hash += control->cut_hash;
    }
    return CUT_SAVED_ALL;
}

static bool control_end_cut(struct machine *machine, size_t bytes) {
    (void)bytes;
    buffer_clear(&control_of(machine)->cut);
    return false;
}

static uint64_t control_grown_bytes(const struct machine *machine) {
    return ((const struct control_machine *)machine)->cut.length;
}

static int control_load(struct machine *machine, struct bytes piece) {
    struct buffer *loading = &control_of(machine)->loading;
    buffer_append_bytes(loading, piece);
    return loading->is_overflowed ? ERR_LIMIT : 0;
}

static bool control_load_is_complete(struct machine *machine) {
    struct topology *topology;
    if (topology_decode(buffer_bytes(&control_of(machine)->loading), &topology))
        return false;
    topology_free(control_of(machine)->topology);
    control_of(machine)->topology = topology;
    control_of(machine)->comparisons = (struct comparisons){0};
    buffer_clear(&control_of(machine)->loading);
    return true;
}

static void control_clear(struct machine *machine) { buffer_clear(&control_of(machine)->loading); }

static struct machine *control_make_empty(struct machine *machine) {
    return control_machine_new(control_of(machine)->topology); /* loading replaces it */
}

static void control_free(struct machine *machine) {
    topology_free(control_of(machine)->topology);
    buffer_release(&control_of(machine)->loading);
    buffer_release(&control_of(machine)->cut);
    memory_free(machine);
}

static const struct machine_ops CONTROL_MACHINE = {.apply = control_apply,
                                                   .read = control_read,
                                                   .watch = control_watch,
                                                   .slot_bytes = control_slot_bytes,
                                                   .cut = control_cut,
                                                   .save = control_save,
                                                   .end_cut = control_end_cut,
                                                   .grown_bytes = control_grown_bytes,
                                                   .load = control_load,
                                                   .load_is_complete = control_load_is_complete,
                                                   .clear = control_clear,
                                                   .make_empty = control_make_empty,
                                                   .hash = control_hash,
                                                   .comparisons = control_comparisons,
                                                   .free = control_free};

struct machine *control_machine_new(const struct topology *founding) {
    struct control_machine *machine = memory_allocate_zeroed(1, sizeof *machine);
    machine->machine.ops = &CONTROL_MACHINE;
    machine->topology = topology_copy(founding);
    buffer_init(&machine->loading, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&machine->cut, TOPOLOGY_BYTES_MAXIMUM);
    return &machine->machine;
}

const struct topology *control_machine_topology(struct machine *machine) {
    return control_of(machine)->topology;
}

/* ---- files ---- */
