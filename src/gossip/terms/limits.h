/* How long, and how many: what the owner of an instance and others on the wire can rely on. */
#pragma once

enum {
    GOSSIP_UUID_BYTES = 16,
    GOSSIP_HOST_MAXIMUM = 64,
    GOSSIP_DATAGRAM_MAXIMUM = 1160, /* sealed it stays within 1,200 bytes */
    GOSSIP_KEY_MAXIMUM = 64,
    GOSSIP_VALUE_MAXIMUM = 800,
    GOSSIP_KEYS_PER_MEMBER_MAXIMUM = 128,
    GOSSIP_MEMBER_MAXIMUM = 16384,
    GOSSIP_LATER_MAXIMUM = 1 << 20, /* generations: nobody is started so often, so who is said to
                                       have been is not believed */
    GOSSIP_STREAM_TRY_MAXIMUM = 8,  /* in the actions of one step */
    GOSSIP_STREAM_MESSAGE_MAXIMUM = 60 << 10, /* of a stream (struct gossip_stream_action) */
    GOSSIP_WIRE_MAXIMUM = 1                   /* 1: news carries the time at which it was made */
};
