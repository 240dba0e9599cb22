/* What the world's clients do, and what can be seen of its replicas. */
#include <stdio.h>

#include "base/check.h"
#include "world.h"

static size_t split(const char *command, struct bytes arguments[WORLD_ARGUMENTS]) {
    size_t count = 0;
    while (*command) {
        size_t length = strcspn(command, " ");
        CHECK(count < WORLD_ARGUMENTS);
        arguments[count++] = bytes_of(command, length);
        command += length + (command[length] == ' ');
    }
    return count;
}

static struct shard_waiter waiter_of(struct world *world) {
    return (struct shard_waiter){.target = world,
                                 .ticket = world->next_ticket++,
                                 .protocol = 2,
                                 .is_async = world->is_async};
}

int world_try(struct world *world, raft_node_number on, const char *command) {
    struct bytes arguments[WORLD_ARGUMENTS];
    size_t count = split(command, arguments);
    return shard_propose(world->replicas[on].shard, arguments, count, waiter_of(world));
}

uint64_t world_propose(struct world *world, raft_node_number on, const char *command) {
    return world_try(world, on, command) ? 0 : world->next_ticket - 1;
}

uint64_t world_read(struct world *world, raft_node_number on, const char *command, unsigned flags) {
    struct bytes arguments[WORLD_ARGUMENTS];
    size_t count = split(command, arguments);
    struct shard_waiter waiter = waiter_of(world);
    int error = shard_read(world->replicas[on].shard, arguments, count, waiter, flags);
    return error ? 0 : waiter.ticket;
}

uint64_t world_propose_async(struct world *world, raft_node_number on, const char *command) {
    world->is_async = true;
    uint64_t ticket = world_propose(world, on, command);
    world->is_async = false;
    return ticket;
}

void world_write(struct world *world, raft_node_number on, const char *command) {
    uint64_t ticket = world_propose(world, on, command);
    CHECK(ticket != 0);
    world_settle(world);
}

void world_increment(struct world *world, raft_node_number on, unsigned times) {
    for (unsigned i = 0; i < times; i++)
        world_write(world, on, "INCR n");
}

static void write_much(struct world *world, raft_node_number on, const char *prefix,
                       unsigned key_count) {
    struct random random;
    random_init(&random, key_count);
    for (unsigned i = 0; i < key_count; i++) {
        char command[16 + 40000];
        size_t length = (size_t)snprintf(command, sizeof command, "SET %s%u ", prefix, i);
        for (; length < sizeof command - 1; length++)
            command[length] = (char)('!' + random_below(&random, 90));
        command[length] = 0;
        world_write(world, on, command);
    }
}

void world_write_much(struct world *world, raft_node_number on, unsigned key_count) {
    write_much(world, on, "key", key_count);
}

void world_write_one_slot(struct world *world, raft_node_number on, unsigned key_count) {
    write_much(world, on, "{same}", key_count);
}

/* ---- to be seen ---- */

struct shard *world_shard(const struct world *world, raft_node_number number) {
    return world->replicas[number].shard;
}

const struct raft *world_raft(const struct world *world, raft_node_number number) {
    return shard_raft(world_shard(world, number));
}

uint64_t world_state_hash(const struct world *world, raft_node_number number) {
    return shard_state_hash(world_shard(world, number));
}

raft_index world_applied_index(const struct world *world, raft_node_number number) {
    return shard_applied_index(world_shard(world, number));
}

raft_index world_snapshot_index(const struct world *world, raft_node_number number) {
    return shard_snapshot_index(world_shard(world, number));
}

const struct snapshot_manifest *world_newest_snapshot(const struct world *world,
                                                      raft_node_number number) {
    return snapshot_shelf_newest(shard_snapshot_shelf(world_shard(world, number)));
}

uint64_t world_snapshot_hash(const struct world *world, raft_node_number number) {
    return snapshot_manifest_state_hash(world_newest_snapshot(world, number));
}

uint64_t world_counted(const struct world *world, raft_node_number on, enum metric_id id,
                       const char *label) {
    return metric_value(metrics_cell(world->replicas[on].metrics, id, label));
}

uint64_t world_chunks(const struct world *world, raft_node_number on, const char *what) {
    return world_counted(world, on, METRIC_snapshot_chunks_total, what);
}

const char *world_answer(const struct world *world, uint64_t ticket) {
    static const char *const NAMES[] = {"DONE ", "NOT_EXECUTED", "UNKNOWN"};
    static char text[128];
    text[0] = 0;
    for (size_t i = 0; i < world->answer_count; i++) {
        const struct answer *answer = &world->answers[i];
        if (answer->ticket == ticket) {
            CHECK(text[0] == 0); /* an answer comes once */
            snprintf(text, sizeof text, "%s%s", NAMES[answer->outcome], answer->text);
        }
    }
    return text;
}

bool world_is_equal(const struct world *world) {
    const struct shard *first = NULL;
    for (raft_node_number i = 1; i <= world->replica_count; i++) {
        const struct shard *shard = world->replicas[i].shard;
        if (shard && first &&
            (shard_applied_index(shard) != shard_applied_index(first) ||
             shard_time_ms(shard) != shard_time_ms(first) ||
             shard_state_hash(shard) != shard_state_hash(first)))
            return false;
        first = first ? first : shard;
    }
    return true;
}

bool world_keeps_up(struct world *world, raft_node_number number, raft_node_number leader) {
    world_increment(world, leader, 5);
    world_run(world, 100);
    if (!world_is_equal(world))
        return false;
    world_restart(world, number); /* it starts with what is on its disk */
    world_run(world, 500);
    return world_is_equal(world);
}

bool world_has_logged(struct world *world, raft_node_number number, const char *text) {
    struct bytes lines = buffer_bytes(&world->replicas[number].lines);
    return lines.length && memmem(lines.data, lines.length, text, strlen(text)) != NULL;
}

struct keyspace *world_keyspace(struct world *world, raft_node_number number) {
    return keyspace_machine_keyspace(shard_machine(world->replicas[number].shard));
}
