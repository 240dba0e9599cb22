/* What people are shown for a state and for a kind of news. Static storage. */
#pragma once
#include "gossip/terms/member.h"
#include "gossip/terms/news.h"

/* "alive", "suspect", "dead", "left", "joining". */
const char *gossip_state_text(enum gossip_member_state state);
/* "join", "suspicion"... */
const char *gossip_news_text(enum gossip_news_type type);
