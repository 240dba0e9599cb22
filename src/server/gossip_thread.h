/* The gossip thread: the node's gossiper on the peer port's UDP socket, and the admin port. It has
 * its own loop, so that a busy shard never makes the node look dead. Datagrams are sealed where a
 * cluster key is set; what does not open is counted and dropped. */
#pragma once
#include "server/threads.h"

struct gossip_thread *
gossip_thread_new(struct server *server, int datagram_socket, int admin_socket,
                  struct buffer *problem); /* NULL with a sentence in `problem` */
void gossip_thread_start(struct gossip_thread *thread);
void gossip_thread_stop(struct gossip_thread *thread); /* orders it */
bool gossip_thread_has_ended(const struct gossip_thread *thread);
void gossip_thread_free(struct gossip_thread *thread); /* joins */
struct mailbox *gossip_thread_mailbox(struct gossip_thread *thread);
