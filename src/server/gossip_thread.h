/* The gossip thread: the node's gossip plane and the admin port. It has its own loop, so that a
 * busy shard never makes the node look dead. */
#pragma once
#include "server/threads.h"

struct gossip_thread *
gossip_thread_new(struct server *server, int datagram_socket, int admin_socket,
                  struct buffer *problem); /* NULL with a sentence in `problem` */
void gossip_thread_start(struct gossip_thread *thread);
void gossip_thread_stop(struct gossip_thread *thread); /* orders it */
bool gossip_thread_has_ended(const struct gossip_thread *thread);
/* As gossiper_later_generation(); once it has ended. */
uint64_t gossip_thread_later_generation(const struct gossip_thread *thread);
void gossip_thread_free(struct gossip_thread *thread); /* joins */
struct mailbox *gossip_thread_mailbox(struct gossip_thread *thread);
