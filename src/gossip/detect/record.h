/* Records: who is in, and what follows when something newer is heard of a member.
 *
 *     JOINING
 *        |  joining_end(): it has its copy
 *        v
 *      ALIVE ------- judging_accuse() -------> SUSPECT -------- judging_run() -------> DEAD
 *        ^              a probe failed            |             its time is up            |
 *        |                                        |                                       |
 *        +------- suspicion_hear_of_self() -------+---------------------------------------+
 *                   by the member itself: a higher incarnation
 *
 *     any but LEFT -- gossip_leave(), by the member itself --> LEFT, final for its generation
 *     any -- gossip_new() with a higher generation --> JOINING: the next life
 *
 * What one node decides, the others hear: record_hear() takes each of these arrows for them, if the
 * record is newer. The dead and the left are graves: kept for a day or as set, so that no old news
 * can bring them back, and then forgotten (forgetting.h). A death of somebody unknown is no news.
 */
#pragma once
#include "gossip/instance/instance.h"

/* Hears a record of the member, or of a stranger (NULL); passes it on if it is news and
 * `is_told_on`. */
void record_hear(struct gossip *gossip, struct member *member, const struct codec_record *record,
                 bool is_told_on);
/* This node itself says now that another one is a suspect, or dead; and hears it as all others do.
 */
void record_declare(struct gossip *gossip, struct member *member, enum gossip_member_state state);
void record_set_state(struct gossip *gossip, struct member *member, enum gossip_member_state state);
