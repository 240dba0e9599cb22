/* The keyspace as a shard's state machine. */
#pragma once
#include "command/command.h"
#include "shard/machine/machine.h"

/* Returns owned; freed by its ops. What its reads meet, and expires while it is led, is added to
 * `use`, which outlives it; NULL: nobody counts. */
struct machine *keyspace_machine_new(uint64_t hash_seed, struct command_use *use);
/* As keyspace_leave_to(); also of those that it makes empty. */
void keyspace_machine_leave_to(struct machine *machine, struct remains *remains);
struct keyspace *keyspace_machine_keyspace(struct machine *machine);
uint64_t keyspace_machine_key_count(const struct machine *machine);
