/* What a replica is, and how gladly its node would lead. */
#pragma once

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };
/* "follower", "pre-candidate", "candidate", "leader". Static storage. */
const char *raft_role_text(enum raft_role role);

/* How gladly a node would lead, as its owner sees it. A hint: it orders those who may lead, and
 * keeps nobody from leading whom the others need. */
enum raft_standing {
    RAFT_WILLING,
    RAFT_RELUCTANT, /* rather another: its disk is slow, say */
    RAFT_UNFIT,     /* it cannot take what it would lead for: its disk is full. It does not wait */
    RAFT_LEAVING    /* about to stop: never chosen while anybody else is there */
};
