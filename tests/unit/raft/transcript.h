/* What a step of raft asked for, in words. */
#pragma once
#include "cluster.h"

/* Appends to `out`; NULL: nothing. */
void transcript_actions(struct buffer *out, const struct cluster_node *node,
                        const struct raft_actions *actions);
void transcript_message(struct buffer *out, const struct raft_message *message);
void transcript_state(struct buffer *out, const struct cluster_node *node);
/* RAFT_MESSAGE_KIND_COUNT if no kind is called so. */
enum raft_message_kind transcript_kind_of(const char *text);
