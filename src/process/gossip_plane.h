/* The gossip plane of one process, on one loop: the gossiper on the peer port's UDP socket, and the
 * seeds whose names are looked up. Datagrams are sealed where a cluster key is set; what does not
 * open is counted and dropped. Members that do not answer are tried by a stream.
 *
 *     socket --gossip_plane--> seal_open --> gossiper_datagram
 *     socket <--try_send-- seal_close <-- gossiper (as its struct net)
 *
 * Where fault-injection is set, a faulty net stands between the gossiper and both
 * (io/faulty_net.h).
 *
 * The owner has the loop: a node's gossip thread, or an agent. */
#pragma once
#include "io/faulty_net.h"
#include "member/gossiper.h"
#include "process/seeds.h"
#include "rpc/catch_up_ask.h"
#include "rpc/stream_try.h"
#include "seal/seal.h"
#include <uv.h>

enum {
    /* One byte more than is allowed, so that what is too long is seen to be. */
    GOSSIP_PLANE_ROOM_BYTES = NET_DATAGRAM_MAXIMUM + 1,
    GOSSIP_PLANE_COMPLAINT_US = 60 * 1000 * 1000 /* between two lines about who is refused */
};

struct gossip_plane {
    struct net door; /* datagrams only; what the gossiper sends by */
    struct seal *seal;
    struct clock *clock;
    const struct log *log;
    uv_udp_t socket;
    struct seeds seeds;
    struct grpc_asks asks;
    struct stream_tries tries;
    struct catch_up_asks catch_ups;
    struct gossiper *gossiper;
    struct faulty_net *faults; /* owned; NULL unless fault-injection is set */
    struct metric_cell *refused_by_seal, *refused_by_length, *unsent, *resident_memory;
    uint64_t complaint_us; /* not before this */
    uint64_t refused;      /* by the seal, since the last line about it */
    uint8_t room[GOSSIP_PLANE_ROOM_BYTES];
};

/* Takes the datagram socket. `options` are the gossiper's, but for `net`, which is the plane; their
 * clock, log and config outlive it. `seal` may be NULL. ERR_IO with a sentence in `problem`. */
int gossip_plane_open(struct gossip_plane *plane, uv_loop_t *loop, int datagram_socket,
                      struct seal *seal, const struct gossiper_options *options,
                      struct buffer *problem) MUST_CHECK;
/* At the end of each turn of the loop: what is due is done. When the next is due, in microseconds
 * of the monotonic clock. */
uint64_t gossip_plane_end_turn(struct gossip_plane *plane);
/* Before its metrics are shown: what is looked at only then. */
void gossip_plane_measure(struct gossip_plane *plane);
/* Closes its handles; then the loop has to run, and then gossip_plane_release(). */
void gossip_plane_close(struct gossip_plane *plane);
void gossip_plane_release(struct gossip_plane *plane);
