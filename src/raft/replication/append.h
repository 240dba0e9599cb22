/* The append message, both ends: how a leader brings entries and its clock, and what a follower
 * makes of them. */
#pragma once
#include "raft/state/state.h"

/* Does the window of a follower that is sent entries let the next one go? There must be one. */
bool raft_append_has_room(const struct raft *raft, const struct raft_progress *peer);
/* Sends the next entries, as many as one message holds and the window has room for, or none as a
 * probe. False if they are no longer held. */
bool raft_append_send(struct raft *raft, struct raft_progress *peer);
/* Asks whether it has the last entry that it was sent, by an append of none behind that: it answers
 * once it has made it durable, or refuses at once. False if the entry is no longer held. */
bool raft_append_ask(struct raft *raft, struct raft_progress *peer);
/* An append without entries. To a follower that is known to agree it names an index that it cannot
 * refuse, so that it answers at once: the match index, or 0 (the empty log, on which all agree) if
 * that is compacted away. */
struct raft_message *raft_heartbeat_send(struct raft *raft, struct raft_progress *peer);
void raft_append_receive(struct raft *raft, const struct raft_message *message);
