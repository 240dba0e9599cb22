/* How commands look keys up, which is where time comes in.
 *
 *   expiry            <= applied_ms      > applied_ms, <= now_ms            later or never
 *   key_find_read     absent             absent, and noted in expired_keys  found
 *   key_find_write    deleted, absent    (applied_ms == now_ms)             found
 *
 * A write deletes because every replica does at the same entry. A read may not: its clock is not
 * the shard's, and a later leader's clock could bring the key back; so it asks for the deletion to
 * be committed and is run again. */
#pragma once
#include "command/command.h"
#include "keyspace/edit.h"

enum {
    /* Once so many bytes of keys past their time are noted, a run notes no more: it is void anyway,
     * and the next run will meet the rest. So a walk over a million of them makes entries of
     * bounded size. */
    KEY_EXPIRED_BYTES_MAXIMUM = 64 * 1024
};

/* NULL if absent. Borrows from the keyspace. */
const struct record *key_find_read(struct command_context *context, struct bytes key);
struct record *key_find_write(struct command_context *context, struct bytes key);
/* A key that is past its time, and is counted as such. False: it was not there. */
bool key_delete_expired(struct command_context *context, struct bytes key);
/* Whether a record met in a walk is there by the rules of key_find_read. */
bool key_is_live(struct command_context *context, const struct record *record);

/* False, and WRONGTYPE is replied, if it holds another type. An absent (NULL) record is fine. */
bool key_check_type(struct command_context *context, const struct record *record,
                    enum value_type type);
