/* The commands of hashes: hash_read.c, hash_write.c, hash_scan.c, hash_random.c; each function is
 * the one that its row of command.def names. */
#pragma once
#include "command/key.h"
#include "keyspace/value/hash_value.h"

/* The hash of arguments[1] for a read; *hash is NULL if the key is absent. False: it holds another
 * type, and the error is replied. Borrows. */
bool hash_find_read(struct command_context *context, const struct hash_value **hash);

void hash_hset(struct command_context *context);
void hash_hsetnx(struct command_context *context);
void hash_hmset(struct command_context *context);
void hash_hget(struct command_context *context);
void hash_hmget(struct command_context *context);
void hash_hgetall(struct command_context *context);
void hash_hdel(struct command_context *context);
void hash_hexists(struct command_context *context);
void hash_hincrby(struct command_context *context);
void hash_hincrbyfloat(struct command_context *context);
void hash_hkeys(struct command_context *context);
void hash_hvals(struct command_context *context);
void hash_hlen(struct command_context *context);
void hash_hstrlen(struct command_context *context);
void hash_hscan(struct command_context *context);
void hash_hrandfield(struct command_context *context);
