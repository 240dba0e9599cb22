/* A fault of the network, as a line of text:
 *
 *     cut [WAY PEERS]                   nothing passes
 *     loss 20% [WAY PEERS]              that share of the datagrams is lost
 *     duplicate 1% [WAY PEERS]          that share arrives twice
 *     delay 5ms..30ms [WAY PEERS]       each waits for a time by lot, so later ones overtake
 *
 * WAY is "to", "from" or "with" (both, and what holds where none is given). PEERS is "*" for
 * everybody, or addresses by commas, each with a port or a range of ports: "127.0.0.1:17001",
 * "127.0.0.1:17001-17025,[::1]:7". */
#pragma once
#include "io/net.h"

enum {
    FAULT_RULE_MAXIMUM = 64,        /* at one node */
    FAULT_RANGE_MAXIMUM = 512,      /* peers of one rule */
    FAULT_TEXT_MAXIMUM = 16 * 1024, /* of one rule */
    FAULT_PROBLEM_BYTES = 160
};

enum fault_rule_kind { FAULT_CUT, FAULT_LOSS, FAULT_DUPLICATE, FAULT_DELAY };
enum fault_way { FAULT_TO = 1, FAULT_FROM = 2, FAULT_WITH = FAULT_TO | FAULT_FROM };

struct fault_range {
    char host[NET_HOST_MAXIMUM];
    uint16_t first_port, last_port;
};

struct fault_rule {
    enum fault_rule_kind kind;
    enum fault_way way;
    double share;                     /* of loss and duplicate */
    uint64_t shortest_us, longest_us; /* of delay */
    struct fault_range *ranges;       /* owned; none: everybody */
    size_t range_count;
    char *text; /* owned: as it was written */
};

/* ERR_INVALID with what is wrong and what to write in `problem` (FAULT_PROBLEM_BYTES), and nothing
 * made; else fault_rule_release() when done. */
int fault_rule_parse(struct fault_rule *rule, struct bytes text, char *problem) MUST_CHECK;
void fault_rule_release(struct fault_rule *rule);
/* One of FAULT_TO and FAULT_FROM: does the rule concern what goes that way, to or from `peer`? */
bool fault_rule_concerns(const struct fault_rule *rule, enum fault_way way,
                         const struct net_address *peer);
