/* What a step of raft asked for, in words. */
#pragma once
#include "cluster.h"

/* Appends to `out`; NULL: nothing. */
void transcript_actions(struct buffer *out, const struct cluster_node *node,
                        const struct raft_actions *actions);
void transcript_message(struct buffer *out, const struct raft_message *message);
void transcript_state(struct buffer *out, const struct cluster_node *node);
