/* An operation of the workload as a client sends it, and its reply as a result. */
#pragma once
#include "sim/history/model.h"

enum { OPERATION_NAME_BYTES = 32 };
/* The key's name, or what stands before those of a group: it is in the slot in any case. */
void operation_object_name(const struct operation *operation, char out[OPERATION_NAME_BYTES]);
/* That of one of its keys. */
void operation_member_name(const char *group, unsigned field, char *out, size_t out_bytes);
/* "SET key 17": the request's bytes, behind "TROTHDB WITH sync" or "async" if the command itself is
 * to say so. */
void operation_encode(const struct operation *operation, bool is_said, struct buffer *out);
/* The reply as a result; RESULT_STRANGE for anything that this operation can never answer. */
void operation_read_result(const struct operation *operation, const struct response *response,
                           struct result *result);
/* "c3 [12.345678 .. 12.350000] INCRBY k2 5 -> 17" for people. */
void operation_describe(const struct operation *operation, struct buffer *out);
