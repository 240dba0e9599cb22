/* Suspicion: the time between a probe that failed and a death that is told (SWIM 4.2), after
 * Lifeguard:
 *
 *   - It lasts suspicion_factor * log10(max(10, n)) * probe_interval where nobody else confirms it;
 *     two further, independent accusers bring it down to (5 + log10(max(10, n))) / 3 intervals, or
 *     2.5 if that is less, the first of them most of the way; suspicion_least_percent says 250 of
 *     these 2.5, and scales both. Their word does not count while they are joining.
 *   - The suspect is told first, with the very next probe, and refutes by raising its incarnation.
 *   - A node in bad health itself waits longer before it calls a suspect dead; one that stood still
 *     hears first what came meanwhile.
 *   - Whoever suspects asks whether somebody knows better, and once more at the end (doubt.h,
 *     judging.h). */
#pragma once
#include "gossip/detect/detect_room.h"

struct suspicion {
    struct member *member;
    uint64_t since_us;
    struct due end; /* among the open; once it was called (judging.h), among the called */
    /* Hashes of their UUIDs: two of one hash count as one. */
    uint32_t accusers[GOSSIP_CONFIRMATIONS + 1];
    uint8_t accuser_count;
    uint8_t stretch; /* own local health at its beginning, plus 1 */
    bool is_called;  /* the last call was made */
};
/* Where a network parts, each node suspects half of the others. */
static_assert(sizeof(struct suspicion) <= 48, "a suspicion must stay small");

/* Before the member is set to GOSSIP_SUSPECT. */
void suspicion_begin(struct gossip *gossip, struct member *member,
                     const uint8_t accuser[GOSSIP_UUID_BYTES]);
/* The member is no suspect any more. No effect if it was none. */
void suspicion_end(struct gossip *gossip, struct member *member);
/* One more accuser of a suspect; news if it is independent and still counts. `created_us`: when it
 * said so, by its wall clock. */
void suspicion_confirm(struct gossip *gossip, struct member *member,
                       const uint8_t accuser[GOSSIP_UUID_BYTES], uint64_t created_us);
/* The member was heard after all, by another plane: its time to refute begins anew here. */
void suspicion_restart(struct gossip *gossip, struct member *member);
/* A suspect is called dead: how long that took since it was last heard here, if it was this node
 * that accused it. */
void suspicion_measure(struct gossip *gossip, const struct member *member);
/* Somebody knows of this node what only another process with its identity can have said. */
void suspicion_meet_twin(struct gossip *gossip, const struct codec_record *record);
/* Somebody says something of this node itself. */
void suspicion_hear_of_self(struct gossip *gossip, const struct codec_record *record);
/* The first among the open or the called that ends up to that moment; NULL: none does. */
struct suspicion *suspicion_first(const struct due_heap *heap, uint64_t until_us);
/* The last call was made: it ends when answers are there. */
void suspicion_called(struct gossip *gossip, struct suspicion *suspicion, uint64_t answered_us);
/* This node slept for that long: nobody is blamed for it. */
void suspicion_postpone(struct gossip *gossip, uint64_t lag_us);
/* Without local health, where nobody confirms it. */
uint64_t suspicion_longest_us(const struct gossip *gossip);
/* Lifeguard's local health: worse with what went wrong here, better with what went right. */
void local_health_change(struct gossip *gossip, int change);
