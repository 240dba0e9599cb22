#include "gossip/terms/text.h"
#include "base/check.h"

const char *gossip_state_text(enum gossip_member_state state) {
    switch (state) {
    case GOSSIP_ALIVE:
        return "alive";
    case GOSSIP_SUSPECT:
        return "suspect";
    case GOSSIP_DEAD:
        return "dead";
    case GOSSIP_LEFT:
        return "left";
    case GOSSIP_JOINING:
        return "joining";
    }
    UNREACHABLE();
}

const char *gossip_news_text(enum gossip_news_type type) {
    switch (type) {
    case GOSSIP_NEWS_JOIN:
        return "join";
    case GOSSIP_NEWS_SUSPICION:
        return "suspicion";
    case GOSSIP_NEWS_REFUTATION:
        return "refutation";
    case GOSSIP_NEWS_DEATH:
        return "death";
    case GOSSIP_NEWS_LEAVE:
        return "leave";
    case GOSSIP_NEWS_CLUSTER:
        return "cluster";
    case GOSSIP_NEWS_STATE:
        return "state";
    case GOSSIP_NEWS_REST:
        return "rest";
    case GOSSIP_NEWS_MENDED:
        return "mended";
    }
    return "unknown";
}
