/* A net with faults, for tests and drills of real processes: what a node sends and receives passes
 * through rules that cut, lose, delay and duplicate datagrams.
 *
 *      owner --> faulty_net_door --[ to ]--> net            net --> owner's socket
 *                                                                      |
 *      owner's deliver <--[ from ]-------- faulty_net_receive <--------+
 *
 * What is delayed waits in a queue by its time, which the owner serves with faulty_net_tick();
 * without a rule everything passes at once. The same seed, clock and datagrams give the same
 * faults. Peer streams pass as they are: who opens or serves one asks faulty_net_is_cut(). */
#pragma once
#include "io/clock.h"
#include "io/fault_rule.h"

enum { FAULTY_NET_HELD_MAXIMUM = 16384 }; /* delayed datagrams; past it they are lost */

struct faulty_net;

struct faulty_net_options {
    struct net *net; /* borrowed, as is the clock */
    struct clock *clock;
    uint64_t seed;
    void (*deliver)(void *context, const struct net_address *from, struct bytes datagram);
    void *context;
};

/* What the rules did, since the start. */
struct faulty_net_counts {
    uint64_t passed, cut, lost, duplicated, delayed, overflowed;
};

struct faulty_net *faulty_net_new(const struct faulty_net_options *options); /* returns owned */
void faulty_net_free(struct faulty_net *faulty);
/* For the owner to send through. Borrowed. */
struct net *faulty_net_door(struct faulty_net *faulty);
/* A datagram came in: delivers it now, later, twice or never. */
void faulty_net_receive(struct faulty_net *faulty, const struct net_address *from,
                        struct bytes datagram);
/* Sends and delivers what is due; call it at or after faulty_net_deadline_us() (UINT64_MAX: nothing
 * waits). */
void faulty_net_tick(struct faulty_net *faulty);
uint64_t faulty_net_deadline_us(const struct faulty_net *faulty);

/* From now on these rules and no others. ERR_LIMIT or ERR_INVALID with `problem`
 * (FAULT_PROBLEM_BYTES) and the rules as they were. */
int faulty_net_set(struct faulty_net *faulty, const struct bytes *rules, size_t count,
                   char *problem) MUST_CHECK;
/* Rule `position` as it was written, or NULL behind the last. Borrowed until the next set. */
const char *faulty_net_rule(const struct faulty_net *faulty, size_t position);
/* Does a rule cut one of the ways between this node and the peer? A stream needs both. */
bool faulty_net_is_cut(const struct faulty_net *faulty, const struct net_address *peer);
void faulty_net_counts(const struct faulty_net *faulty, struct faulty_net_counts *out);
