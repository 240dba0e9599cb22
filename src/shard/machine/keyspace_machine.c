#include "shard/machine/keyspace_machine.h"

#include "base/check.h"
#include "base/memory.h"
#include "command/command.h"
#include "keyspace/scan.h"

struct keyspace_machine {
    struct machine machine;
    struct keyspace *keyspace;
    uint64_t hash_seed;
    struct command_use *use; /* borrowed; NULL: nobody counts */
    struct remains *remains; /* borrowed; NULL: all is freed at once */
    struct comparisons comparisons;
};

static struct keyspace *keyspace_of(const struct machine *machine) {
    return ((const struct keyspace_machine *)machine)->keyspace;
}

static const struct command *command_of(const struct machine_call *call) {
    struct bytes sub = call->argument_count > 1 ? call->arguments[1] : BYTES_NONE;
    return command_find(call->arguments[0], sub);
}

/* Keys past the maximum, of a long MSET say, are found one by one. */
static void machine_expect(struct machine *machine, struct machine_call *calls, size_t count,
                           struct expected_keys *expected) {
    struct bytes keys[KEYSPACE_EXPECTED_MAXIMUM];
    size_t key_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t positions[KEYSPACE_EXPECTED_MAXIMUM], room = KEYSPACE_EXPECTED_MAXIMUM - key_count;
        const struct command *command = calls[i].command = command_of(&calls[i]);
        size_t found =
            command ? command_keys(command, calls[i].argument_count, positions, room) : 0;
        for (size_t key = 0; key < found && key < room; key++)
            keys[key_count++] = calls[i].arguments[positions[key]];
    }
    keyspace_expect(keyspace_of(machine), expected, keys, key_count);
}

static void machine_expect_none(struct machine *machine) {
    keyspace_expect_none(keyspace_of(machine));
}

/* A void reply met nothing: the read is run again. An entry is applied by every replica, and
 * counted by one. */
static void count_use(struct machine *machine, const struct machine_call *call,
                      const struct buffer *expired_keys, const struct command_use *met) {
    struct command_use *use = ((struct keyspace_machine *)machine)->use;
    if (use && !(expired_keys && expired_keys->length)) {
        use->hits += met->hits;
        use->misses += met->misses;
        use->expired += call->is_led ? met->expired : 0;
    }
}

static void run(struct machine *machine, const struct machine_call *call, struct reply *reply,
                struct buffer *expired_keys) {
    const struct command *command = call->command ? call->command : command_of(call);
    if (!command || !command->run) {
        /* Only a log written by a later release can hold it; the leader checked the command before
         * it proposed it. */
        reply_error(reply, "ERR unknown command in the log");
        return;
    }
    if (!reply->out && !(command->flags & COMMAND_WRITE))
        return; /* a read that went through the log, applied where nobody waits for it */
    struct command_use met = {0};
    struct command_context context = {.keyspace = keyspace_of(machine),
                                      .applied_ms = call->applied_ms,
                                      .now_ms = call->now_ms,
                                      .seed = call->seed,
                                      .arguments = call->arguments,
                                      .argument_count = call->argument_count,
                                      .reply = reply,
                                      .expired_keys = expired_keys,
                                      .use = &met,
                                      .comparisons =
                                          &((struct keyspace_machine *)machine)->comparisons};
    command->run(&context);
    count_use(machine, call, expired_keys, &met);
}

static void machine_apply(struct machine *machine, const struct machine_call *call,
                          struct reply *reply) {
    run(machine, call, reply, NULL);
}

static void machine_watch(struct machine *machine, struct slot_watch *watch) {
    keyspace_watch(keyspace_of(machine), watch);
}

static uint64_t machine_slot_bytes(struct machine *machine, slot_number slot) {
    return keyspace_slot_bytes(keyspace_of(machine), slot);
}

static uint64_t machine_slot_keys(struct machine *machine, slot_number slot) {
    return keyspace_slot_key_count(keyspace_of(machine), slot);
}

static void machine_split_strings(struct machine *machine, bool may_split) {
    keyspace_split_strings(keyspace_of(machine), may_split);
}

static void machine_cut(struct machine *machine, struct part_set *wanted) {
    keyspace_cut(keyspace_of(machine), wanted);
}

static enum cut_saved machine_save(struct machine *machine, struct slot_part part, size_t bytes,
                                   size_t enough_bytes, struct buffer *out, uint64_t *state_hash) {
    return keyspace_save_cut(keyspace_of(machine), part, bytes, enough_bytes, out, state_hash);
}

static bool machine_end_cut(struct machine *machine, size_t bytes) {
    return keyspace_give_up_cut(keyspace_of(machine), bytes);
}

static uint64_t machine_grown_bytes(const struct machine *machine) {
    return keyspace_cut_grown_bytes(keyspace_of(machine));
}

static int machine_load(struct machine *machine, struct bytes chunk) {
    return keyspace_load(keyspace_of(machine), chunk);
}

static bool machine_load_is_complete(struct machine *machine) {
    return keyspace_load_is_complete(keyspace_of(machine));
}

static void machine_clear(struct machine *machine) {
    keyspace_clear(keyspace_of(machine));
    ((struct keyspace_machine *)machine)->comparisons = (struct comparisons){0};
}

static struct machine *machine_make_empty(struct machine *machine) {
    const struct keyspace_machine *other = (struct keyspace_machine *)machine;
    struct machine *empty = keyspace_machine_new(other->hash_seed, other->use);
    keyspace_machine_leave_to(empty, other->remains);
    return empty;
}

static uint64_t machine_hash(struct machine *machine) {
    return keyspace_hash(keyspace_of(machine));
}

static struct comparisons *machine_comparisons(struct machine *machine) {
    return &((struct keyspace_machine *)machine)->comparisons;
}

enum {
    NAMED_BYTES = 256 << 10,     /* that all replicas go through then, about: a fraction of a ms */
    NAMED_NAME_BYTES = 16 << 10, /* so much longer is the entry, about */
    NAMED_STEPS = 4096,          /* of the scan, in what may be an empty table */
    NAMED_VALUE_MAXIMUM = 1 << 20, /* to go through a longer one would hold everybody up */
    NAMED_KEY_MAXIMUM = 4 << 10,
    NAMED_ALONE_MAXIMUM = 1 << 20, /* a longer name is not worth its place in the log */
    NAMED_STRING_PIECE_BYTES = 1 << 20,
    NAMED_OBJECT_PIECE_BYTES = NAMED_BYTES /* its elements lie all over the memory */
};

static bool is_named_alone(const struct record *record) {
    return record->key_length > NAMED_KEY_MAXIMUM ||
           record_memory_bytes(record) > NAMED_VALUE_MAXIMUM;
}

static void name_key(void *context, const struct record *record) {
    struct comparison_keys *out = context;
    uint64_t bytes = record_memory_bytes(record);
    if (is_named_alone(record)) {
        out->long_count++;
        return;
    }
    if (out->count == COMPARISON_KEYS_MAXIMUM)
        return;
    out->keys[out->count++] = record_key(record);
    out->name_bytes += record->key_length;
    out->value_bytes += bytes;
}

/* What a bucket has is named together; there is room for more than buckets have. */
static uint64_t machine_name_keys(struct machine *machine, slot_number slot, uint64_t cursor,
                                  struct comparison_keys *out) {
    for (unsigned step = 0; step < NAMED_STEPS; step++) {
        out->long_cursor = cursor;
        cursor = keyspace_scan_slot(keyspace_of(machine), slot, cursor, name_key, out);
        if (cursor == 0 || out->long_count || out->count > COMPARISON_KEYS_MAXIMUM / 2 ||
            out->name_bytes >= NAMED_NAME_BYTES || out->value_bytes >= NAMED_BYTES)
            break;
    }
    return cursor;
}

struct long_key {
    unsigned left;
    const struct record *record; /* NULL: not found yet */
};

static void find_long(void *context, const struct record *record) {
    struct long_key *wanted = context;
    if (wanted->record == NULL && is_named_alone(record) && wanted->left-- == 0)
        wanted->record = record;
}

static bool machine_name_piece(struct machine *machine, slot_number slot, uint64_t cursor,
                               unsigned number, struct comparison_piece *out) {
    struct long_key found = {.left = number};
    keyspace_scan_slot(keyspace_of(machine), slot, cursor, find_long, &found);
    if (found.record == NULL || found.record->key_length > NAMED_ALONE_MAXIMUM)
        return false;
    bool is_string = record_type(found.record) == VALUE_STRING;
    size_t bytes = is_string ? NAMED_STRING_PIECE_BYTES : NAMED_OBJECT_PIECE_BYTES;
    out->key = record_key(found.record);
    out->to = record_place_behind(found.record, out->from, bytes);
    return true;
}

static size_t machine_collect_expired(struct machine *machine, uint64_t now_ms, size_t maximum,
                                      struct buffer *out) {
    return keyspace_collect_expired(keyspace_of(machine), now_ms, maximum, out);
}

static bool machine_may_expire(struct machine *machine) {
    return keyspace_expiring_count(keyspace_of(machine)) > 0;
}

static void machine_free(struct machine *machine) {
    keyspace_free(keyspace_of(machine));
    memory_free(machine);
}

static const struct machine_ops KEYSPACE_MACHINE = {.expect = machine_expect,
                                                    .expect_none = machine_expect_none,
                                                    .apply = machine_apply,
                                                    .read = run,
                                                    .watch = machine_watch,
                                                    .slot_bytes = machine_slot_bytes,
                                                    .slot_keys = machine_slot_keys,
                                                    .split_strings = machine_split_strings,
                                                    .cut = machine_cut,
                                                    .save = machine_save,
                                                    .end_cut = machine_end_cut,
                                                    .grown_bytes = machine_grown_bytes,
                                                    .load = machine_load,
                                                    .load_is_complete = machine_load_is_complete,
                                                    .clear = machine_clear,
                                                    .make_empty = machine_make_empty,
                                                    .hash = machine_hash,
                                                    .comparisons = machine_comparisons,
                                                    .name_keys = machine_name_keys,
                                                    .name_piece = machine_name_piece,
                                                    .collect_expired = machine_collect_expired,
                                                    .may_expire = machine_may_expire,
                                                    .free = machine_free};

struct machine *keyspace_machine_new(uint64_t hash_seed, struct command_use *use) {
    struct keyspace_machine *machine = memory_allocate_zeroed(1, sizeof *machine);
    machine->machine.ops = &KEYSPACE_MACHINE;
    machine->keyspace = keyspace_new(hash_seed);
    machine->hash_seed = hash_seed;
    machine->use = use;
    return &machine->machine;
}

void keyspace_machine_leave_to(struct machine *machine, struct remains *remains) {
    CHECK(machine->ops == &KEYSPACE_MACHINE);
    ((struct keyspace_machine *)machine)->remains = remains;
    keyspace_leave_to(keyspace_of(machine), remains);
}

uint64_t keyspace_machine_key_count(const struct machine *machine) {
    CHECK(machine->ops == &KEYSPACE_MACHINE);
    return keyspace_key_count(keyspace_of(machine));
}

struct keyspace *keyspace_machine_keyspace(struct machine *machine) {
    CHECK(machine->ops == &KEYSPACE_MACHINE);
    return keyspace_of(machine);
}
