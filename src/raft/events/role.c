#include "raft/events/role.h"

#include "base/check.h"

const char *raft_role_text(enum raft_role role) {
    switch (role) {
    case RAFT_FOLLOWER:
        return "follower";
    case RAFT_PRE_CANDIDATE:
        return "pre-candidate";
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_LEADER:
        return "leader";
    }
    UNREACHABLE();
}
