/* The functions of the rows of command.def that are about keys whatever they hold. */
#pragma once
#include "command/command.h"

/* key_commands.c */
void key_del(struct command_context *context);
void key_exists(struct command_context *context);
void key_type(struct command_context *context);
void key_rename(struct command_context *context);
void key_renamenx(struct command_context *context);
void key_copy(struct command_context *context);

/* key_expiry.c */
void key_expire(struct command_context *context);
void key_pexpire(struct command_context *context);
void key_expireat(struct command_context *context);
void key_pexpireat(struct command_context *context);
void key_ttl(struct command_context *context);
void key_pttl(struct command_context *context);
void key_expiretime(struct command_context *context);
void key_pexpiretime(struct command_context *context);
void key_persist(struct command_context *context);
void key_trothdb_expire(struct command_context *context);

/* key_walk.c: over the whole keyspace of one shard */
void key_scan(struct command_context *context);
void key_keys(struct command_context *context);
void key_randomkey(struct command_context *context);
void key_dbsize(struct command_context *context);
void key_flushall(struct command_context *context);

/* key_object.c */
void key_object_encoding(struct command_context *context);
void key_object_refcount(struct command_context *context);
void key_object_freq(struct command_context *context);
void key_memory_usage(struct command_context *context);
void key_memory_help(struct command_context *context);
void key_object_help(struct command_context *context);
