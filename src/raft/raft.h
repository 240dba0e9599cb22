/* Raft for one shard: events in, actions out. No I/O, no clock, no thread: raft_step() is told what
 * happened and when, and says what is to be done. Ongaro's thesis (CBTR) is cited by section.
 *
 *      event --> raft_step --> actions:  records to save   (in order, numbered by save_sequence)
 *                                        messages          (at once, or once a save is durable)
 *                                        commit_index      (apply up to here)
 *                                        reads answered, snapshots wanted,
 *                                        leadership news, the next deadline
 *
 * Invariants: term never falls; one vote a term, durable before it is told; a leader counts only
 * entries of its own term (5.4.2); an entry is committed only when durable on a majority of voters,
 * the leader's own disk being one of them or not; a configuration takes effect when it is appended.
 *
 * Beside the commit index a leader knows an early index: up to there a majority has received its
 * entries, durable or not. It moves for entries that ask for it (raft_entry.is_early) and decides
 * nothing here: elections, snapshots, membership and truncation know the commit index alone. */
#pragma once
#include "raft/events/actions.h"
#include "raft/events/configuration.h"
#include "raft/events/entry.h"
#include "raft/events/event.h"
#include "raft/events/message.h"
#include "raft/events/options.h"
#include "raft/events/role.h"

struct raft;
/* Takes the entries' references. `recovered->entries` itself stays the caller's. */
struct raft *raft_new(const struct raft_options *options, const struct raft_recovered *recovered);
void raft_free(struct raft *raft);
/* One event; fills *actions whole. */
void raft_step(struct raft *raft, const struct raft_event *event, struct raft_actions *actions);
/* What RAFT_DURABLE comes to on a follower, where nothing follows from it: no actions. False,
 * and nothing was done: this is none, and has to be stepped. */
bool raft_follower_durable(struct raft *raft, uint64_t save_sequence);
/* Asks for the memory that any step of it looks at (base/memory.h); and, once that is here, for
 * what it points to. */
void raft_fetch(const struct raft *raft);
void raft_fetch_behind(const struct raft *raft);
void raft_set_timing(struct raft *raft, const struct raft_timing *timing);
/* Without room this replica takes no entries from a leader, and says so, so that it is not sent
 * them over and over; it hears the leader, votes, and keeps what it has. */
void raft_set_room(struct raft *raft, bool has_room);
/* What is applied by now: past the commit index only up to the early index. */
void raft_set_applied(struct raft *raft, raft_index index);

/* Looking in; none changes anything. */
enum raft_role raft_role(const struct raft *raft);
raft_term raft_current_term(const struct raft *raft);
/* Rises with each recovery (RAFT_RECOVER), by the terms that it leaves behind. A million elections
 * count as one more. */
uint64_t raft_recovery_count(const struct raft *raft);
raft_node_number raft_vote(const struct raft *raft);   /* in the current term; 0: for nobody */
raft_node_number raft_leader(const struct raft *raft); /* 0: unknown */
raft_index raft_commit_index(const struct raft *raft);
raft_index raft_durable_index(const struct raft *raft); /* on this node's own disk */
raft_index raft_last_index(const struct raft *raft);
raft_index raft_first_index(const struct raft *raft); /* first index held in memory */
uint64_t raft_log_bytes(const struct raft *raft);     /* of all entries held in memory */
uint64_t raft_uncommitted_bytes(const struct raft *raft);
/* Of a leader: when the commit that is under way is later than commits usually are. 0: none is
 * timed (they are while raft_timing.lazy_us is above 0), or they take much longer than this disk
 * does, so that whoever waited for one would wait for the network. */
uint64_t raft_commit_overdue_us(const struct raft *raft);
/* NULL if not held; borrows. */
const struct raft_entry *raft_entry_at(const struct raft *raft, raft_index index);
raft_term raft_term_at(const struct raft *raft, raft_index index); /* 0 if unknown */
const struct raft_configuration *raft_configuration(const struct raft *raft);
/* The configuration in force as of `index` (applied, and not before the log in memory begins), for
 * snapshots. Without voters: a newcomer's that has not come to the entry which names them. */
const struct raft_configuration *raft_configuration_at(const struct raft *raft, raft_index index);
/* May a read be served at `now_us` from this leader's applied state? True only for a leader that
 * committed an entry of its term, is not transferring, and was heard by a quorum recently enough.
 * Ask before and again after the read. A lease read is served from the commit index when the read
 * came. */
bool raft_has_lease(const struct raft *raft, uint64_t now_us);
/* Is the lead being given away? Then nothing is taken until that has succeeded or is given up, an
 * election timeout later at the most. */
bool raft_is_handing_over(const struct raft *raft);
raft_node_number raft_successor_chosen(const struct raft *raft); /* to whom; 0: it is not */
/* Nothing is to be done here until something happens or a pair's heartbeats fail. */
bool raft_is_quiet(const struct raft *raft);
/* The shard was recovered without this replica, and what is committed here is not in the leader's
 * log: nothing can be taken over. To be begun anew, as one that was removed. */
bool raft_is_given_up(const struct raft *raft);
/* Of a leader only, for status: 0 otherwise; heard_us is 0 also for a peer that was never heard. */
raft_index raft_match_index(const struct raft *raft, raft_node_number peer);
/* What the peer does not have yet, in entries and in bytes; of a long tail the bytes are reckoned
 * from the mean entry held. 0 unless this leads. */
uint64_t raft_lag_entries(const struct raft *raft, raft_node_number peer);
uint64_t raft_lag_bytes(const struct raft *raft, raft_node_number peer);
uint64_t raft_peer_heard_us(const struct raft *raft, raft_node_number peer);
/* Where the log ends, or the one that was removed before it if that was longer: what to keep of a
 * replica that is removed now. */
void raft_floor(const struct raft *raft, raft_index *index, raft_term *term);
/* It does not have all that it once acknowledged: it campaigns for nothing, and votes for no log
 * that ends earlier than its own did. */
bool raft_is_below_floor(const struct raft *raft);
/* Would this voter take the lead at once and gladly, from a leader that has had it for so long at
 * the least? For moves that nobody needs: what is wanted otherwise is RAFT_TRANSFER. */
struct raft_led {
    uint64_t now_us, least_us;
};
bool raft_may_give_back(const struct raft *raft, raft_node_number node, const struct raft_led *led);
/* Is a change of the voters under way? What is only wished for, the leader alone knows. */
bool raft_is_changing(const struct raft *raft);
/* The learner that is furthest behind: which round of catching up it is in, from 1, and up to where
 * its log agrees. 0: nobody learns, or this is no leader. */
unsigned raft_catch_up_round(const struct raft *raft);
raft_index raft_catch_up_index(const struct raft *raft);
/* In metrics, and as the end of a sentence that begins with the learner. */
const char *raft_give_up_name(enum raft_give_up_cause cause);
const char *raft_give_up_text(enum raft_give_up_cause cause);
