/* What every message brings, by a datagram or by a stream, whatever its kind. */
#pragma once
#include "gossip/instance/instance.h"

/* Did it come before? Where datagrams are sealed. */
enum replay_verdict message_judge(struct gossip *gossip, const struct codec_message *message);
/* Its news is heard, and that its sender lives. False: it is of an earlier life. */
bool message_hear(struct gossip *gossip, const struct codec_message *message);
