/* The keyspace as a shard's state machine. */
#pragma once
#include "keyspace/keyspace.h"
#include "shard/machine.h"

struct machine *keyspace_machine_new(uint64_t hash_seed); /* returns owned; freed by its ops */
struct keyspace *keyspace_machine_keyspace(struct machine *machine);
