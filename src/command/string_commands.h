/* The functions of the rows of command.def that are about strings. */
#pragma once
#include "command/command.h"
#include "keyspace/record/record.h"

/* string_set.c: giving a key a string */
void string_set(struct command_context *context);
void string_setex(struct command_context *context);
void string_psetex(struct command_context *context);
void string_setnx(struct command_context *context);
void string_getset(struct command_context *context);
void string_getex(struct command_context *context);
void string_mset(struct command_context *context);
void string_msetnx(struct command_context *context);

/* string_commands.c: reading whole strings */
void string_get(struct command_context *context);
void string_getdel(struct command_context *context);
void string_mget(struct command_context *context);
void string_strlen(struct command_context *context);
/* A string as a bulk, or `length` bytes of it, all of which it has. */
void string_reply(struct command_context *context, const struct record *record);
void string_reply_part(struct command_context *context, const struct record *record, size_t offset,
                       size_t length);

/* string_range.c: parts of strings */
void string_append(struct command_context *context);
void string_getrange(struct command_context *context);
void string_setrange(struct command_context *context);

/* string_number.c: strings that are numbers */
void string_incr(struct command_context *context);
void string_decr(struct command_context *context);
void string_incrby(struct command_context *context);
void string_decrby(struct command_context *context);
void string_incrbyfloat(struct command_context *context);
