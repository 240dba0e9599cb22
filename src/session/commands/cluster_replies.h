/* CLUSTER's tables of nodes and slots: the reply is written, and true. */
#pragma once
#include "session/client/session_command.h"

/* cluster_nodes.c */
bool cluster_reply_nodes(struct session_command *call);
bool cluster_reply_replicas(struct session_command *call);

/* cluster_slots.c */
bool cluster_reply_slots(struct session_command *call);
bool cluster_reply_shards(struct session_command *call);
